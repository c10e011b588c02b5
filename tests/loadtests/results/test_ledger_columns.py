"""Columns of a ledger hold what its rows do, whichever way they are read."""

import json
from pathlib import Path
from typing import Any

import pytest

from loadtests.results import ledger_columns
from loadtests.results.ledger import read_ledgers
from loadtests.results.ledger_columns import attempt_columns, read_ledger_columns
from slo.documents import BadInput
from tests.loadtests.results.test_ledger import OUTCOME, REFUSED, ROW, written

REFUSAL = {**OUTCOME, "outcome": "refused", "status": 409, "order_id": None, "reason": "declined", "total_cents": None}


def rows(number: int, *outcomes: dict[str, Any]) -> list[dict[str, Any]]:
    return [{**row, "key": f"k{number}"} for row in (ROW, *outcomes)]


LEDGERS: dict[str, list[object]] = {
    "each kind of outcome": [*rows(1, OUTCOME), *rows(2, REFUSAL), *rows(3), *rows(4, {**OUTCOME, "total_cents": 1})],
    "outcomes in another order": [ROW, {**ROW, "key": "k2"}, {**REFUSAL, "key": "k2"}, OUTCOME],
    "a cart beside it": [{"event": "created", "at": 1, "session": 4, "kind": "cart", "id": "c1"}, ROW, OUTCOME],
    "nothing": [],
    "lines of nothing": [{**ROW, "lines": []}, OUTCOME],
    "a name beyond ASCII": [{**ROW, "lines": [{"sku": "tëe\u2028", "quantity": 1, "location": "läger"}]}, OUTCOME],
}
BY_ROW: dict[str, list[object]] = {
    "a key used again": [ROW, REFUSAL, ROW, OUTCOME],
    "numbers as text": [{**ROW, "amount_cents": "4500"}, OUTCOME],
    "more than is known": [{**ROW, "note": 1}, OUTCOME],
    "half a character": [{**ROW, "key": "k\ud800"}],
    "a truth for a time": [ROW, {**OUTCOME, "at": False}],
}


@pytest.mark.parametrize("ledger", LEDGERS.values(), ids=list(LEDGERS))
def test_a_plain_ledger_is_read_in_columns(
    ledger: list[object], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = written(tmp_path, *ledger)
    expected = attempt_columns(read_ledgers([path]))
    if ledger:
        monkeypatch.setattr(ledger_columns, "read_ledgers", None)
    assert read_ledger_columns([path]).to_pylist() == expected.to_pylist()


@pytest.mark.parametrize("ledger", BY_ROW.values(), ids=list(BY_ROW))
def test_any_other_ledger_is_read_row_by_row(ledger: list[object], tmp_path: Path) -> None:
    path = written(tmp_path, *ledger)
    assert read_ledger_columns([path]).to_pylist() == attempt_columns(read_ledgers([path])).to_pylist()


def test_a_last_line_cut_short_by_a_kill_is_no_row(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ledger_columns, "_BLOCK", 64)
    path = written(tmp_path, ROW)
    path.write_bytes(path.read_bytes() + json.dumps(OUTCOME).encode()[:-1])
    assert read_ledger_columns([path]).column("outcome").to_pylist() == ["unknown"]


@pytest.mark.parametrize(("row", "message"), REFUSED)
def test_a_malformed_row_is_refused_with_its_place(tmp_path: Path, row: object, message: str) -> None:
    path = written(tmp_path, {**ROW, "key": "k0"}, row)
    with pytest.raises(BadInput) as refusal:
        read_ledger_columns([path])
    assert str(refusal.value) == f"{path}: line 2: {message}"


@pytest.mark.parametrize(
    "most", [{"amount_cents": 1 << 70}, {"lines": [{"sku": "a", "quantity": 1 << 63, "location": ""}]}]
)
def test_a_number_that_no_column_holds_is_refused(tmp_path: Path, most: dict[str, Any]) -> None:
    path = written(tmp_path, {**ROW, **most})
    with pytest.raises(BadInput, match=r"line 1: not a ledger row: ValueError\('a number beyond 2\*\*62'\)"):
        read_ledger_columns([path])
