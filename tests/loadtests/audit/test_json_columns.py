"""Rows in JSON are read into the same columns, whichever way they are read, and never into others."""

import json
from collections.abc import Callable
from typing import Any

import pyarrow as pa
import pytest
from pydantic import TypeAdapter

from loadtests.audit.batches import order_batches, payment_batches
from loadtests.audit.json_columns import columns_of_list
from loadtests.audit.shop_records import Order, Payment
from tests.loadtests.audit.test_checks import order, payment

ORDER, PAYMENT = order(1).model_dump(mode="json"), payment(1).model_dump(mode="json")
UNNAMED = {name: value for name, value in ORDER.items() if name != "run"}
PLAIN: dict[str, tuple[str, list[dict[str, Any]]]] = {
    "orders": ("orders", [ORDER, {**ORDER, "key": None, "note": {"more": 1}}, {**ORDER, "lines": []}]),
    "a customer's among them": ("orders", [ORDER, {**ORDER, "run": None}]),
    "none says whose it is": ("orders", [UNNAMED, UNNAMED]),
    "payments": ("payments", [PAYMENT, {**PAYMENT, "amount_cents": -5}]),
    "none": ("payments", []),
}
ODD: dict[str, tuple[str, dict[str, Any]]] = {
    "a text for a number": ("orders", {**ORDER, "total_cents": "100"}),
    "no id": ("payments", {**PAYMENT, "payment_id": None}),
    "no status": ("orders", {name: value for name, value in ORDER.items() if name != "status"}),
    "beyond its bounds": ("orders", {**ORDER, "total_cents": 1 << 62 | 1}),
    "a word that nobody knows": ("payments", {**PAYMENT, "status": "unknown", "status_word": "'weird'"}),
    "half of them say whose they are": ("orders", UNNAMED),
    "paid before it was there": ("orders", {**ORDER, "created_at": 1 << 60, "paid_at": 1}),
    "a line without a place": ("orders", {**ORDER, "lines": [{"sku": "tee", "quantity": 1}]}),
    "no object": ("orders", None),  # type: ignore[dict-item]
}


def as_rows(kind: str, rows: bytes) -> pa.Table:
    made: Callable[[bytes], Any] = TypeAdapter(list[Order] if kind == "orders" else list[Payment]).validate_json
    batches = order_batches(made(rows)) if kind == "orders" else payment_batches(made(rows))
    return pa.Table.from_batches(batches).to_pylist() if rows != b"[]" else []


@pytest.mark.parametrize(("kind", "rows"), PLAIN.values(), ids=list(PLAIN))
def test_plain_rows_are_the_same_in_columns(kind: str, rows: list[dict[str, Any]]) -> None:
    text = json.dumps(rows, separators=(",", ":")).encode()
    batch = columns_of_list(kind, text)
    assert batch is not None
    assert batch.to_pylist() == as_rows(kind, text)


@pytest.mark.parametrize(("kind", "row"), ODD.values(), ids=list(ODD))
def test_a_row_that_is_not_plain_is_left_to_who_reads_row_by_row(kind: str, row: dict[str, Any]) -> None:
    plain = {**ORDER, "run": None} if kind == "orders" else PAYMENT
    assert columns_of_list(kind, json.dumps([plain, row], separators=(",", ":")).encode()) is None
