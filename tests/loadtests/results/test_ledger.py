"""The ledger knows of an order before the shop does, and forgets none."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

from loadtests.results.ledger import (
    Attempt,
    CreatedRow,
    Ledger,
    Line,
    OrderReply,
    count_rows,
    read_created,
    read_ledgers,
)
from slo.documents import BadInput

LINES = (Line(sku="tee-s-red", quantity=2, location="warehouse"), Line(sku="tee-m-red", quantity=1, location="store"))
ATTEMPT = Attempt(session=4, key="k1", lines=LINES, amount_cents=4500)
ROW: dict[str, Any] = {
    "event": "attempt",
    "at": 5,
    "session": 4,
    "key": "k1",
    "lines": [
        {"sku": "tee-s-red", "quantity": 2, "location": "warehouse"},
        {"sku": "tee-m-red", "quantity": 1, "location": "store"},
    ],
    "amount_cents": 4500,
}
OUTCOME: dict[str, Any] = {
    "event": "outcome",
    "at": 6,
    "key": "k1",
    "outcome": "accepted",
    "status": 201,
    "order_id": "o1",
    "reason": None,
    "total_cents": 4500,
}


def written(folder: Path, *rows: object) -> Path:
    path = folder / "ledger-w0.jsonl"
    path.write_text("".join(f"{row if isinstance(row, str) else json.dumps(row)}\n" for row in rows))
    return path


def test_an_attempt_is_on_disk_before_its_outcome(tmp_path: Path) -> None:
    path = tmp_path / "ledger-w0.jsonl"
    ledger = Ledger(path)
    ledger.attempt(ATTEMPT, 5)
    assert [json.loads(line) for line in path.read_text().splitlines()] == [ROW]
    assert read_ledgers([path]) == (ATTEMPT,)
    ledger.outcome("k1", "accepted", 6, OrderReply(status=201, order_id="o1", total_cents=4500))
    assert [json.loads(line) for line in path.read_text().splitlines()] == [ROW, OUTCOME]
    ledger.close()


def test_an_outcome_is_joined_to_its_attempt(tmp_path: Path) -> None:
    told = read_ledgers([written(tmp_path, ROW, OUTCOME)])
    assert told == (Attempt(session=4, key="k1", lines=LINES, amount_cents=4500, outcome="accepted", order_id="o1"),)


def test_the_amount_is_the_shop_s_word_once_it_gave_it(tmp_path: Path) -> None:
    (attempt,) = read_ledgers([written(tmp_path, ROW, {**OUTCOME, "total_cents": 4400})])
    assert attempt.amount_cents == 4400


def test_a_refusal_without_a_total_leaves_the_amount(tmp_path: Path) -> None:
    refusal = {**OUTCOME, "outcome": "refused", "status": 409, "order_id": None, "total_cents": None}
    (attempt,) = read_ledgers([written(tmp_path, ROW, refusal)])
    assert (attempt.outcome, attempt.order_id, attempt.amount_cents) == ("refused", None, 4500)


def test_an_attempt_without_an_outcome_is_unknown(tmp_path: Path) -> None:
    (attempt,) = read_ledgers([written(tmp_path, ROW)])
    assert (attempt.outcome, attempt.order_id) == ("unknown", None)


@pytest.mark.parametrize("kept", range(1, 60, 7))
def test_a_last_line_cut_short_by_a_kill_is_no_row(tmp_path: Path, kept: int) -> None:
    path = written(tmp_path, ROW)
    path.write_bytes(path.read_bytes() + json.dumps(OUTCOME).encode()[:kept])
    (attempt,) = read_ledgers([path])
    assert attempt.outcome == "unknown"


def test_an_empty_ledger_holds_no_attempt(tmp_path: Path) -> None:
    path = written(tmp_path)
    assert read_ledgers([path]) == ()


def test_all_workers_ledgers_are_one(tmp_path: Path) -> None:
    first = written(tmp_path, ROW).rename(tmp_path / "ledger-w1.jsonl")
    second = written(tmp_path, {**ROW, "key": "k2", "session": 5})
    assert [attempt.key for attempt in read_ledgers([first, second])] == ["k1", "k2"]


def test_a_row_is_one_write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    writes: list[bytes] = []
    real = os.write

    def write(fd: int, data: bytes) -> int:
        writes.append(data)
        return real(fd, data)

    ledger = Ledger(tmp_path / "ledger-w0.jsonl")
    monkeypatch.setattr(os, "write", write)
    ledger.attempt(ATTEMPT, 5)
    ledger.outcome("k1", "accepted", 6, OrderReply(status=201, order_id="o1", total_cents=4500))
    assert [data.count(b"\n") for data in writes] == [1, 1]
    assert b"".join(writes) == (tmp_path / "ledger-w0.jsonl").read_bytes()
    ledger.close()


def test_a_line_break_in_a_value_does_not_end_a_row(tmp_path: Path) -> None:
    path = tmp_path / "ledger-w0.jsonl"
    ledger = Ledger(path)
    ledger.attempt(Attempt(session=1, key="a\nb\u2028c", lines=(), amount_cents=1), 5)
    ledger.close()
    assert [attempt.key for attempt in read_ledgers([path])] == ["a\nb\u2028c"]


def test_a_ledger_that_is_opened_again_is_added_to(tmp_path: Path) -> None:
    path = written(tmp_path, ROW)
    ledger = Ledger(path)
    ledger.attempt(Attempt(session=5, key="k2", lines=(), amount_cents=1), 7)
    ledger.close()
    assert [attempt.key for attempt in read_ledgers([path])] == ["k1", "k2"]


def test_attempts_and_outcomes_are_counted(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "ledger-w0.jsonl")
    for number, outcome in enumerate(("accepted", "refused", "unknown", "accepted")):
        ledger.attempt(Attempt(session=number, key=str(number), lines=(), amount_cents=1), 5)
        ledger.outcome(str(number), outcome, 6, OrderReply(status=0))  # type: ignore[arg-type]
    assert ledger.counts == {"attempted": 4, "accepted": 2, "refused": 1, "unknown": 1}
    ledger.close()


REFUSED: list[tuple[object, str]] = [
    ("{", "not JSON: Expecting property name enclosed in double quotes: line 1 column 2 (char 1)"),
    ([1], "expected an object, found list"),
    ({"event": "attempt"}, "not a ledger row: KeyError('key')"),
    ({**ROW, "session": "x"}, "not a ledger row: ValueError(\"invalid literal for int() with base 10: 'x'\")"),
    (
        {**ROW, "amount_cents": float("inf")},
        "not a ledger row: OverflowError('cannot convert float infinity to integer')",
    ),
    ({**ROW, "lines": 3}, "not a ledger row: TypeError(\"'int' object is not iterable\")"),
    (
        {**ROW, "lines": [{"sku": "a", "quantity": "two", "location": "b"}]},
        "not a ledger row: ValueError(\"invalid literal for int() with base 10: 'two'\")",
    ),
    (
        {**ROW, "lines": [{"sku": "a", "quantity": 1}]},
        "not a ledger row: TypeError(\"_line() missing 1 required keyword-only argument: 'location'\")",
    ),
    (OUTCOME, "not a ledger row: KeyError('k1')"),
    (
        {"event": "refund", "key": "k1"},
        "not a ledger row: ValueError(\"unknown event or outcome in {'event': 'refund', 'key': 'k1'}\")",
    ),
]


@pytest.mark.parametrize(("row", "message"), REFUSED)
def test_a_malformed_row_is_refused_with_its_place(tmp_path: Path, row: object, message: str) -> None:
    path = written(tmp_path, {**ROW, "key": "k0"}, row)
    with pytest.raises(BadInput) as refusal:
        read_ledgers([path])
    assert str(refusal.value) == f"{path}: line 2: {message}"


def test_a_row_nested_without_end_is_refused(tmp_path: Path) -> None:
    path = written(tmp_path, ROW, "[" * 100_000)
    with pytest.raises(BadInput, match=r"ledger-w0\.jsonl: line 2: not JSON: maximum recursion depth exceeded"):
        read_ledgers([path])


def test_an_outcome_of_an_unknown_kind_is_refused(tmp_path: Path) -> None:
    path = written(tmp_path, ROW, {**OUTCOME, "outcome": "maybe"})
    with pytest.raises(BadInput, match=r"line 2: not a ledger row: ValueError\(.unknown event or outcome in "):
        read_ledgers([path])


def test_bytes_that_are_no_text_are_refused_and_not_skipped(tmp_path: Path) -> None:
    path = written(tmp_path, ROW)
    path.write_bytes(path.read_bytes() + b"\xff\xfe\n")
    with pytest.raises(BadInput) as refusal:
        read_ledgers([path])
    assert str(refusal.value) == f"{path}: line 2: not JSON: Expecting value: line 1 column 1 (char 0)"


def test_whole_rows_are_counted_and_one_that_was_cut_short_is_not(tmp_path: Path) -> None:
    path = written(tmp_path, ROW, OUTCOME)
    with path.open("ab") as file:
        file.write(b'{"event":"att')
    assert count_rows(path) == 2
    assert count_rows(tmp_path / "never-written.jsonl") == 0


def test_an_attempt_with_a_key_that_was_used_before_is_an_attempt_of_its_own(tmp_path: Path) -> None:
    refusal = {**OUTCOME, "outcome": "refused", "order_id": None, "total_cents": None}
    told = read_ledgers([written(tmp_path, ROW, refusal, ROW, OUTCOME)])
    assert [attempt.outcome for attempt in told] == ["refused", "accepted"]
    assert told[0].lines is told[1].lines


CREATED: dict[str, Any] = {"event": "created", "at": 5, "session": 4, "kind": "cart", "id": "c1"}


def test_what_was_created_beside_orders_stands_in_the_ledger_and_is_no_order(tmp_path: Path) -> None:
    path = tmp_path / "ledger-w0.jsonl"
    ledger = Ledger(path)
    cart, account = CreatedRow(session=4, kind="cart", id="c1"), CreatedRow(session=4, kind="account")
    for row in (cart, account, cart):
        ledger.created(row, 5)
    ledger.attempt(ATTEMPT, 5)
    ledger.close()
    assert json.loads(path.read_text().splitlines()[0]) == CREATED
    assert read_created([path]) == (cart, account)
    assert read_ledgers([path]) == (ATTEMPT,)
    assert sum(ledger.counts.values()) == count_rows(path) == 4


def test_a_row_of_what_was_created_that_lacks_something_is_refused_with_its_line(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"ledger-w0\.jsonl: line 1: not a ledger row: KeyError\('id'\)"):
        read_created([written(tmp_path, {"event": "created", "session": 4, "kind": "cart"})])
