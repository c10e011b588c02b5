"""Rows of any shape become ours, by declared names and units, and what doesn't fit is named by row and field."""

from datetime import datetime
from decimal import Decimal
from typing import Any

import pytest

from loadtests.audit.record_shape import Shape
from loadtests.environment.record_targets import OrdersSource, PaymentsSource, RecordSource, StockSource
from slo.documents import BadInput

SQL = {"url": "sqlite:///x", "query": "select 1"}
NOON = 1_795_867_200_000_000_000
LINE = {"sku": "tee", "quantity": 1}
ORDER: dict[str, Any] = {"order_id": "o1", "created_at": NOON, "total_cents": 900, "lines": [LINE]}
PAYMENT: dict[str, Any] = {
    "payment_id": "p",
    "reference": "o1",
    "amount_cents": 900,
    "status": "paid",
    "created_at": NOON,
}


def orders(*rows: object, columns: list[str] | None = None, **declared: Any) -> list[dict[str, Any]]:
    source = OrdersSource.model_validate({"sql": SQL, **declared})
    return list(Shape("orders", source, columns).rows(rows))


def payment(row: dict[str, Any], **declared: Any) -> dict[str, Any]:
    (found,) = Shape("payments", PaymentsSource.model_validate({"sql": SQL, **declared})).rows([row])
    return found


def refusal(kind: str, source: RecordSource, *rows: object) -> str:
    with pytest.raises(BadInput) as refused:
        list(Shape(kind, source).rows(rows))
    return str(refused.value)


def test_fields_are_found_by_paths_and_the_rest_is_passed_over() -> None:
    row = {
        "number": 17,
        "meta": {"run": "r1"},
        "placed": "2026-11-28T12:00:00Z",
        "money": [{"gross": "9.00"}],
        "items": [{"variant": {"code": "tee"}, "qty": "2.0000", "more": 1}],
    }
    fields = {
        "order_id": "number", "run": "meta.run", "created_at": "placed", "total_cents": "money.0.gross",
        "lines": "items",
    }  # fmt: skip
    line = {"sku": "variant.code", "quantity": "qty"}
    (found,) = orders(row, fields=fields, line=line, money="decimal", location="London")
    assert found == {
        "order_id": "17",
        "run": "r1",
        "created_at": NOON,
        "total_cents": 900,
        "status": "accepted",
        "lines": [{"sku": "tee", "quantity": 2, "location": "London"}],
    }


def test_rows_of_lines_become_orders_and_one_without_lines_has_none() -> None:
    columns = ["order_id", "created_at", "total_cents", "code", "quantity"]
    rows: list[dict[str, Any]] = [
        {"order_id": 1, "created_at": NOON, "total_cents": 5, "code": "tee", "quantity": 1},
        {"order_id": 1, "created_at": NOON, "total_cents": 5, "code": "mug", "quantity": 2},
        {"order_id": 2, "created_at": NOON, "total_cents": 0, "code": None, "quantity": None},
    ]
    found = orders(*rows, columns=columns, one_row_per="line", line={"sku": "code"})
    assert [[line["sku"] for line in one["lines"]] for one in found] == [["tee", "mug"], []]
    source = OrdersSource.model_validate({"sql": SQL, "one_row_per": "line", "line": {"sku": "code"}})
    again = "row 4: order 1 again: the rows of an order must follow each other: ORDER BY its number"
    assert refusal("orders", source, *rows, rows[0]) == again
    other = "row 2: total_cents: 6, and 5 in row 1 of the same order"
    assert refusal("orders", source, rows[0], {**rows[1], "total_cents": 6}) == other


@pytest.mark.parametrize(
    ("value", "cents"), [("12.34", 1234), (12.34, 1234), (Decimal("12.340"), 1234), (12, 1200), (0.1 + 0.2, 30)]
)
def test_an_amount_in_decimals_is_taken_exactly(value: object, cents: int) -> None:
    assert payment({**PAYMENT, "amount_cents": value}, money="decimal")["amount_cents"] == cents


@pytest.mark.parametrize(
    ("value", "declared"),
    [
        ("2026-11-28T12:00:00+00:00", {}),
        ("2026-11-28 13:00:00", {"zone": "Europe/Paris"}),
        (datetime(2026, 11, 28, 12), {"zone": "UTC"}),  # noqa: DTZ001 - as MySQL has it
        (NOON, {}),
        (NOON, {"times": "ns"}),
        (NOON // 10**6, {"times": "ms"}),
        (str(NOON // 10**9), {"times": "s"}),
        (float(NOON // 10**9), {"times": "s"}),
    ],
)
def test_a_time_is_taken_in_the_unit_and_zone_that_are_declared(value: object, declared: dict[str, str]) -> None:
    assert payment({**PAYMENT, "created_at": value}, **declared)["created_at"] == NOON


REFUSED: list[tuple[dict[str, object], dict[str, str], str]] = [
    ({"amount_cents": None}, {}, "amount_cents: is NULL"),
    (
        {"amount_cents": "12.345"},
        {"money": "decimal"},
        "amount_cents: must be an amount of at most two decimals, found",
    ),
    ({"amount_cents": "many"}, {"money": "decimal"}, "amount_cents: must be an amount such as 12.34, found 'many'"),
    ({"amount_cents": "1e9999999"}, {}, "amount_cents: must be a whole number, found '1e9999999'"),
    (
        {"amount_cents": "1e9999999"},
        {"money": "decimal"},
        "amount_cents: must be an amount such as 12.34, found '1e9999999'",
    ),
    (
        {"created_at": "1e9999999"},
        {"times": "s"},
        "created_at: must be a number of the unit that times says, found '1e9999999'",
    ),
    ({"amount_cents": float("nan")}, {"money": "decimal"}, "amount_cents: must be an amount such as 12.34, found nan"),
    ({"amount_cents": "9.5"}, {}, "amount_cents: must be a whole number, found Decimal('9.5')"),
    ({"created_at": "2026-11-28 12:00"}, {}, "created_at: says no time zone: name it, as in zone: UTC, found '2026-"),
    ({"created_at": NOON // 10**9}, {}, "created_at: must be a time in ISO 8601, or say times: s, ms or ns, found 17"),
    ({"created_at": NOON}, {"times": "iso"}, "created_at: must be a time in ISO 8601, found 1795867200000000000"),
    ({"created_at": NOON // 10**6}, {"times": "s"}, "created_at: Input should be less than or equal to"),
    ({"created_at": "noon"}, {"times": "s"}, "created_at: must be a number of the unit that times says, found 'noon'"),
    ({"reference": 1.5}, {}, "reference: must be a text, a whole number or a UUID, found 1.5"),
]


@pytest.mark.parametrize(("change", "declared", "message"), REFUSED)
def test_what_does_not_fit_is_named_by_row_field_and_value(
    change: dict[str, object], declared: dict[str, str], message: str
) -> None:
    source = PaymentsSource.model_validate({"sql": SQL, **declared})
    assert refusal("payments", source, {**PAYMENT, **change}).startswith(f"row 1: {message}")


def test_what_is_required_is_required_of_every_row() -> None:
    source = PaymentsSource.model_validate({"http": {"url": "http://127.0.0.1/x"}})
    rest = {name: value for name, value in PAYMENT.items() if name != "status"}
    assert refusal("payments", source, PAYMENT, rest) == "row 2: status: required and missing"
    assert refusal("payments", source, ["p1"]).startswith("row 1: expected an object with payment_id, reference")
    lines = OrdersSource.model_validate({"sql": SQL})
    assert refusal("orders", lines, {**ORDER, "lines": "{"}) == "row 1: lines: must be a list in JSON, found '{'"
    amount = {**ORDER, "lines": [{"sku": "tee", "quantity": "two"}]}
    assert refusal("orders", lines, amount) == "row 1: lines: quantity: must be a whole number, found 'two'"


def test_a_column_that_is_missing_is_named_with_those_there_are() -> None:
    source = OrdersSource.model_validate({"sql": SQL, "fields": {"key": "cart", "total_cents": "total"}})
    with pytest.raises(BadInput) as refused:
        Shape("orders", source, ["order_id", "created_at", "lines"])
    assert str(refused.value) == (
        "no column for key (cart), total_cents (total); its columns: order_id, created_at, lines; name them with AS,"
        " or in fields"
    )
    with pytest.raises(BadInput, match=r"^two columns are called sku: name each with AS$"):
        Shape("stock", StockSource.model_validate({"sql": SQL}), ["sku", "sku", "quantity"])


def test_words_are_ours_a_providers_or_declared_and_any_other_is_unknown() -> None:
    words = {"paid": "captured", "Requires_Capture": "authorised", "SentForSettle": "captured", "booked": "captured"}
    declared = {"captured": ["Booked"]}
    for word, ours in words.items():
        assert payment({**PAYMENT, "status": word}, status=declared)["status"] == ours
    strange: tuple[object, ...] = ("created", "", None, "chargeback", 7)
    for one in strange:
        found = payment({**PAYMENT, "status": one}, status=declared)
        assert (found["status"], found["status_word"]) == ("unknown", repr(one))
    assert payment({**PAYMENT, "status": 7}, status={"failed": ["7"]})["status"] == "failed"
    assert payment({**PAYMENT, "status": "paid"}, status={"pending": ["paid"]})["status"] == "pending"
    (gone,) = orders({**ORDER, "state": None}, fields={"status": "state"})
    assert gone["status"] == "unknown"
