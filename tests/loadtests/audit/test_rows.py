"""A row of a user's shop records is read as what a driver gives, and refused by field, value and what is allowed."""

from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from loadtests.audit.own_records import FunnelRecord, OrderRecord, PaymentRecord, StockRecord
from loadtests.audit.rows import row_of
from loadtests.results.ledger import Line
from slo.documents import BadInput

NOON = 1_795_780_800_000_000_000  # 2026-11-27 12:00:00 UTC
TEE = Line(sku="tee", quantity=1, location="here")
LINE = {"sku": "tee", "quantity": 1, "location": "here"}
ORDER: dict[str, Any] = {"order_id": "o1", "created_at": NOON, "total_cents": 900, "lines": [LINE]}


def read(row: object, kind: str = "orders") -> dict[str, Any]:
    return row_of(kind, row, "here", "row 3")


def refused(row: object, kind: str = "orders") -> str:
    with pytest.raises(BadInput) as refusal:
        read(row, kind)
    return str(refusal.value)


def test_a_row_has_what_was_said_and_what_goes_without_saying() -> None:
    assert read(ORDER) == {**ORDER, "status": "accepted"}
    assert read({"payment_id": 1, "reference": 2, "amount_cents": 3, "created_at": NOON}, "payments") == {
        "payment_id": "1",
        "reference": "2",
        "amount_cents": 3,
        "created_at": NOON,
        "status": "captured",
    }
    assert read({"sku": "tee", "quantity": -2}, "stock") == {"sku": "tee", "quantity": -2, "location": "here"}


def test_that_an_order_is_no_run_s_is_something_else_than_not_saying_so() -> None:
    assert read({**ORDER, "run": None})["run"] is None
    assert "run" not in read(ORDER)


def test_the_records_of_that_name_are_rows_too() -> None:
    assert read(OrderRecord("o1", NOON, 900, [TEE])) == read({**ORDER, "key": None}) | dict.fromkeys(
        ("paid_at", "printed_at", "shipped_at", "due_at", "decline")
    )
    assert read(PaymentRecord("p1", "o1", 900, NOON), "payments")["status"] == "captured"
    assert read(StockRecord("tee", 5), "stock") == {"sku": "tee", "quantity": 5, "location": "here", "reserved": 0}
    assert read(FunnelRecord("cart", 7), "funnel") == {"step": "cart", "sessions": 7}


@pytest.mark.parametrize(
    "at",
    [
        datetime(2026, 11, 27, 12, tzinfo=UTC),
        datetime(2026, 11, 27, 14, tzinfo=timezone(timedelta(hours=2))),
        "2026-11-27T12:00:00Z",
        "2026-11-27 12:00:00.000000+00:00",
        NOON,
        Decimal(NOON),
    ],
)
def test_a_time_is_what_a_driver_gives_as_long_as_it_says_its_zone(at: object) -> None:
    assert read({**ORDER, "created_at": at})["created_at"] == NOON


@pytest.mark.parametrize("lines", [[TEE], [LINE], (("tee", 1),), [["tee", 1, "here"]], '[["tee", 1]]'])
def test_a_line_may_be_a_dict_a_tuple_or_a_line_or_all_of_them_json(lines: object) -> None:
    assert read({**ORDER, "lines": lines})["lines"] == [LINE]


def test_lines_that_name_no_location_are_at_that_of_their_order() -> None:
    row = {**ORDER, "location": "York", "lines": [("tee", 1), {**LINE, "unit_cents": 900}]}
    assert read(row)["lines"] == [{**LINE, "location": "York"}, LINE]


@pytest.mark.parametrize(
    ("field", "value", "kept"),
    [
        ("order_id", UUID(int=7), "00000000-0000-0000-0000-000000000007"),
        ("order_id", 12, "12"),
        ("total_cents", Decimal("900.00"), 900),
        ("total_cents", 900.0, 900),
        ("status", "canceled", "cancelled"),
    ],
)
def test_a_value_that_can_mean_one_thing_only_is_taken(field: str, value: object, kept: object) -> None:
    assert read({**ORDER, field: value})[field] == kept


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"total_cents": 9.5}, "total_cents: must be a whole number, found 9.5"),
        ({"total_cents": float("nan")}, "total_cents: must be a whole number, found nan"),
        ({"total_cents": Decimal("Infinity")}, "total_cents: must be a whole number, found Decimal('Infinity')"),
        ({"total_cents": True}, "total_cents: must be a whole number, found True"),
        ({"total_cents": "900"}, "total_cents: must be a whole number, found '900'"),
        ({"total_cents": 1 << 70}, f"total_cents: Input should be less than or equal to {1 << 62}, found {1 << 70}"),
        ({"order_id": None}, "order_id: must be a text, a whole number or a UUID, found None"),
        ({"order_id": ""}, "order_id: String should have at least 1 character, found ''"),
        (
            {"created_at": datetime(2026, 11, 27, 12)},  # noqa: DTZ001 - what is refused
            (
                "created_at: must say its time zone: append +00:00 to a time in UTC,"
                " found datetime.datetime(2026, 11, 27, 12, 0)"
            ),
        ),
        (
            {"created_at": 1_795_780_800},
            "created_at: must be a time with its zone, or ns since the epoch, found 1795780800",
        ),
        (
            {"created_at": "yesterday"},
            "created_at: must be a time with its zone, such as 2026-11-27T12:00:00+00:00, found 'yesterday'",
        ),
        (
            {"status": "shipped"},
            (
                "status: Input should be 'accepted', 'invoiced', 'pending', 'declined', 'failed', 'cancelled',"
                " 'returned' or 'refunded', found 'shipped'"
            ),
        ),
        ({"lines": "tee"}, "lines: must be a list, or one in JSON, found 'tee'"),
        ({"lines": {"tee": 1}}, "lines: must be a list of {sku, quantity, location}, found {'tee': 1}"),
        ({"lines": [("tee",)]}, "lines.0.quantity: required and missing"),
        ({"lines": [("tee", -1)]}, "lines.0.quantity: Input should be greater than or equal to 0, found -1"),
        (
            {"shiped_at": NOON},
            (
                "shiped_at: unknown; there are order_id, key, run, status, created_at, total_cents, lines, location,"
                " paid_at, printed_at, shipped_at, due_at, decline"
            ),
        ),
    ],
)
def test_a_field_is_refused_with_its_value_and_what_is_allowed(change: dict[str, object], message: str) -> None:
    assert refused({**ORDER, **change}) == f"row 3: {message}"


def test_what_is_no_row_is_refused() -> None:
    assert refused(("o1", 900)) == (
        "row 3: expected a dict with order_id, key, run, status, created_at, total_cents, lines, location, paid_at,"
        " printed_at, shipped_at, due_at, decline, found tuple"
    )
    assert refused({"quantity": 1}, "stock") == "row 3: sku: required and missing"
    assert refused({"sku": "a", "quantity": 1, "reserved": -1}, "stock") == (
        "row 3: reserved: Input should be greater than or equal to 0, found -1"
    )
