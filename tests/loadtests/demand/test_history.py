"""An order history is read whole or refused with its lines."""

from datetime import date, datetime
from pathlib import Path

import pytest

from loadtests.demand import history
from loadtests.demand.history import History, Hour, read_history
from slo.documents import BadInput

WITH_SESSIONS = "hour,orders,sessions\n2025-11-28T18:00,41,1900\n"
GOOD = "hour,orders\n2025-11-28T18:00,41\n2025-11-28T19:00,43\n"

HOUR = "hour must be a full local hour like 2025-11-28T19:00"
ORDERS = "orders must be a whole number from 0 to 999999999"
SESSIONS = "sessions must be a whole number from 0 to 999999999"
HEADER = "expected a header like hour,orders[,sessions]"
BAD = {
    "empty": ("", f":1: column hour is missing; {HEADER}, found []"),
    "wrong header": ("time,orders\n", f":1: column hour is missing; {HEADER}, found ['time', 'orders']"),
    "no orders": ("hour,units\n", f":1: column orders is missing; {HEADER}, found ['hour', 'units']"),
    "column twice": (
        "hour,orders,orders\n",
        f":1: column orders is there twice; {HEADER}, found ['hour', 'orders', 'orders']",
    ),
    "no rows": ("hour,orders\n", ": no orders in 0 rows; a forecast needs some"),
    "only zeros": ("hour,orders\n2025-11-28T18:00,0\n", ": no orders in 1 rows; a forecast needs some"),
    "half hour": ("hour,orders\n2025-11-28T18:30,1\n", f":2: {HOUR}, found '2025-11-28T18:30'"),
    "a day": ("hour,orders\n2025-11-28,1\n", f":2: {HOUR}, found '2025-11-28'"),
    "an offset": ("hour,orders\n2025-11-28T18:00Z,1\n", f":2: {HOUR}, found '2025-11-28T18:00Z'"),
    "30 February": ("hour,orders\n2025-02-30T18:00,1\n", f":2: {HOUR}, found '2025-02-30T18:00'"),
    "hour 25": ("hour,orders\n2025-02-03T25:00,1\n", f":2: {HOUR}, found '2025-02-03T25:00'"),
    "year 0": ("hour,orders\n0000-02-03T05:00,1\n", f":2: {HOUR}, found '0000-02-03T05:00'"),
    "negative": ("hour,orders\n2025-11-28T18:00,-1\n", f":2: {ORDERS}, found '-1'"),
    "NaN": ("hour,orders\n2025-11-28T18:00,NaN\n", f":2: {ORDERS}, found 'NaN'"),
    "infinite": ("hour,orders\n2025-11-28T18:00,inf\n", f":2: {ORDERS}, found 'inf'"),
    "nothing": ("hour,orders\n2025-11-28T18:00,\n", f":2: {ORDERS}, found ''"),
    "a fraction": ("hour,orders\n2025-11-28T18:00,1.5\n", f":2: {ORDERS}, found '1.5'"),
    "too many": ("hour,orders\n2025-11-28T18:00,1000000000\n", f":2: {ORDERS}, found '1000000000'"),
    "other digits": ("hour,orders\n2025-11-28T18:00,\u0661\n", f":2: {ORDERS}, found '\u0661'"),
    "long": (f"hour,orders\n{'x' * 60},1\n", f":2: {HOUR}, found '{'x' * 39}…"),
    "short row": ("hour,orders\n2025-11-28T18:00\n", ":2: expected 2 values like the header, found 1"),
    "long row": ("hour,orders\n2025-11-28T18:00,1,2\n", ":2: expected 2 values like the header, found 3"),
    "twice": (GOOD + "2025-11-28T19:00,1\n", ":4: hour 2025-11-28T19:00 is there twice; allowed is one row an hour"),
    "unsorted": (
        GOOD + "2025-11-28T17:00,1\n",
        ":4: hour 2025-11-28T17:00 comes after 2025-11-28T19:00; rows must be by time",
    ),
    "gap": (
        GOOD + "2025-12-30T19:00,1\n",
        ":4: 32 days without a row before 2025-12-30T19:00; at most 31 are allowed, as more looks like lost data",
    ),
    "sessions twice": (
        "hour,orders,sessions,sessions\n",
        f":1: column sessions is there twice; {HEADER}, found ['hour', 'orders', 'sessions', 'sessions…",
    ),
    "negative sessions": (WITH_SESSIONS + "2025-11-28T19:00,43,-1\n", f":3: {SESSIONS}, found '-1'"),
    "a fraction of sessions": (WITH_SESSIONS + "2025-11-28T19:00,43,1e3\n", f":3: {SESSIONS}, found '1e3'"),
    "too many sessions": (WITH_SESSIONS + "2025-11-28T19:00,43,1000000000\n", f":3: {SESSIONS}, found '1000000000'"),
    "fewer sessions than orders": (
        WITH_SESSIONS + "2025-11-28T19:00,43,42\n",
        (
            ":3: sessions must be at least the hour's orders = 43, found 42;"
            " leave the value empty where not every session was counted"
        ),
    ),
    "no value for sessions": (
        WITH_SESSIONS + "2025-11-28T19:00,43\n",
        ":3: expected 3 values like the header, found 2",
    ),
    "open quote": ('hour,orders\n"2025-11-28T18:00,1\n', ":2: not CSV: unexpected end of data"),
}


@pytest.mark.parametrize(("text", "message"), BAD.values(), ids=BAD)
def test_a_history_that_can_not_be_trusted_is_refused_with_its_line(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "orders.csv"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(BadInput) as refused:
        read_history(path)
    assert str(refused.value) == f"{path}{message}"


def test_a_missing_a_binary_and_a_huge_file_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "orders.csv"
    with pytest.raises(BadInput) as refused:
        read_history(path)
    assert str(refused.value) == f"{path}: can't be read: No such file or directory"
    path.write_bytes(b"hour,orders\n\xff")
    with pytest.raises(BadInput) as refused:
        read_history(path)
    assert str(refused.value) == f"{path}: not UTF-8 at byte 12"
    assert history.MAX_BYTES == 64 * 1024 * 1024
    monkeypatch.setattr(history, "MAX_BYTES", 20)
    path.write_text(GOOD)
    with pytest.raises(BadInput) as refused:
        read_history(path)
    assert str(refused.value) == f"{path}: larger than the 20 bytes allowed"


def test_ten_errors_are_told_and_no_more(tmp_path: Path) -> None:
    path = tmp_path / "orders.csv"
    path.write_text("hour,orders\n" + "2025-11-28T18:00,x\n" * 50)
    with pytest.raises(BadInput) as refused:
        read_history(path)
    assert str(refused.value).splitlines() == [
        *(f"{path}:{line}: {ORDERS}, found 'x'" for line in range(2, 12)),
        f"{path}: not read further after 10 errors",
    ]


@pytest.mark.parametrize(
    "text",
    [
        GOOD,
        GOOD.replace("\n", "\r\n"),
        "\ufeff" + GOOD,
        GOOD + "\n",
        "orders,lines,hour\n41,9,2025-11-28 18:00\n43,,2025-11-28 19:00:00\n",
    ],
)
def test_the_forms_that_spreadsheets_write_are_the_same_history(tmp_path: Path, text: str) -> None:
    path = tmp_path / "orders.csv"
    path.write_bytes(text.encode())
    read = read_history(path)
    assert read.source == "orders.csv"
    assert read.hours == (
        Hour(at=datetime(2025, 11, 28, 18), orders=41),  # noqa: DTZ001 - a shop's local time
        Hour(at=datetime(2025, 11, 28, 19), orders=43),  # noqa: DTZ001 - the same
    )


def test_the_real_shop_s_file_is_read_whole(real_history: Path) -> None:
    read = read_history(real_history)
    assert (len(read.hours), read.first_day, read.last_day) == (5812, date(2009, 12, 1), date(2011, 12, 9))
    assert read.before(date(2010, 1, 1)).last_day == date(2009, 12, 23)


def test_sessions_are_read_where_they_were_counted_and_an_empty_value_is_unknown(tmp_path: Path) -> None:
    path = tmp_path / "orders.csv"
    path.write_text(WITH_SESSIONS + "2025-11-28T19:00,43,\n2025-11-28T20:00,0,0\n2025-11-28T21:00,9,9\n")
    assert [hour.sessions for hour in read_history(path).hours] == [1900, None, 0, 9]


def test_a_history_with_fewer_sessions_than_orders_can_not_be_made() -> None:
    hour = Hour(at=datetime(2025, 11, 28, 18), orders=41, sessions=40)  # noqa: DTZ001 - a shop's local time
    with pytest.raises(ValueError, match="sessions must be at least its orders"):
        History(source="orders.csv", hours=(hour,))
