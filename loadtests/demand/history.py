"""The order history: orders, and where known sessions, per hour: a CSV file `hour,orders[,sessions]`, read once."""

import csv
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import pairwise
from pathlib import Path

from slo.documents import BadInput, read_text

MAX_BYTES = 64 << 20
MAX_GAP = timedelta(days=31)
_COLUMNS = ("hour", "orders")
_OPTIONAL = "sessions"
_MAX_TOLD = 10
_MAX_SHOWN = 40
_HOUR = re.compile(r"[12][0-9]{3}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:00(:00)?")
_COUNT = re.compile(r"[0-9]{1,9}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Hour:
    """The orders taken in the hour that begins `at`, in the shop's local time, and its sessions where counted."""

    at: datetime
    orders: int
    sessions: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """Hours with orders in the order of time, each once; an hour left out had none. Never empty, never all zero."""

    source: str
    hours: tuple[Hour, ...]

    def __post_init__(self) -> None:
        if not any(hour.orders for hour in self.hours):
            raise ValueError("a history needs an hour with orders")
        if any(after.at <= before.at for before, after in pairwise(self.hours)):
            raise ValueError("a history's hours must be in the order of time, each once")
        if any(hour.sessions is not None and hour.sessions < hour.orders for hour in self.hours):
            raise ValueError("an hour's sessions must be at least its orders")

    @property
    def first_day(self) -> date:
        """The first day with a row."""
        return self.hours[0].at.date()

    @property
    def last_day(self) -> date:
        """The last day with a row; it may be cut short."""
        return self.hours[-1].at.date()

    def between(self, first: date, last: date) -> tuple[Hour, ...]:
        """Return the hours of the days `first` to `last`, both included."""
        return tuple(hour for hour in self.hours if first <= hour.at.date() <= last)

    def before(self, day: date) -> "History":
        """Return what was known on the morning of `day`; raises ValueError when that is nothing."""
        return History(source=self.source, hours=tuple(hour for hour in self.hours if hour.at.date() < day))


def read_history(path: Path) -> History:
    """Read the CSV file at `path`: columns `hour` (ISO, local time), `orders`, perhaps `sessions`; others are ignored.

    `sessions` may be empty in hours that weren't counted. Raises BadInput giving the first errors with their lines when
    the file is missing, over 64 MiB, has another header, no orders, hours twice or out of order, a wrong value, fewer
    sessions than orders in an hour, or more than 31 days without a row.
    """
    rows = _rows(path, read_text(path, MAX_BYTES).removeprefix("\ufeff"))
    line, header = next(rows, (1, []))
    columns = _columns(f"{path}:{line}", header)
    hours: list[Hour] = []
    errors: list[str] = []
    for line, row in rows:
        try:
            hours.append(_hour(f"{path}:{line}", row, columns, hours[-1] if hours else None))
        except BadInput as error:
            errors.append(str(error))
            if len(errors) == _MAX_TOLD:
                errors.append(f"{path}: not read further after {_MAX_TOLD} errors")
                break
    if errors:
        raise BadInput("\n".join(errors))
    if not any(hour.orders for hour in hours):
        raise BadInput(f"{path}: no orders in {len(hours)} rows; a forecast needs some")
    return History(source=path.name, hours=tuple(hours))


def _rows(path: Path, text: str) -> Iterator[tuple[int, list[str]]]:
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        for row in reader:
            if row:
                yield reader.line_num, row
    except csv.Error as error:
        raise BadInput(f"{path}:{reader.line_num}: not CSV: {error}") from error


@dataclass(frozen=True, slots=True, kw_only=True)
class _Columns:
    """Where the columns stand, and how wide a row is; `sessions` is None in a file without them."""

    hour: int
    orders: int
    sessions: int | None
    width: int


def _columns(place: str, header: list[str]) -> _Columns:
    for name in (*_COLUMNS, _OPTIONAL):
        if header.count(name) > 1 or (name in _COLUMNS and name not in header):
            problem = "is missing" if name not in header else "is there twice"
            raise BadInput(
                f"{place}: column {name} {problem}; expected a header like hour,orders[,sessions],"
                f" found {_show(header)}"
            )
    return _Columns(
        hour=header.index("hour"),
        orders=header.index("orders"),
        sessions=header.index(_OPTIONAL) if _OPTIONAL in header else None,
        width=len(header),
    )


def _hour(place: str, row: list[str], columns: _Columns, before: Hour | None) -> Hour:
    if len(row) != columns.width:
        raise BadInput(f"{place}: expected {columns.width} values like the header, found {len(row)}")
    at, orders = _at(place, row[columns.hour]), _count(place, "orders", row[columns.orders])
    sessions = None if columns.sessions is None else _sessions(place, row[columns.sessions], orders)
    if before is not None:
        _check_follows(place, at, before.at)
    return Hour(at=at, orders=orders, sessions=sessions)


def _at(place: str, text: str) -> datetime:
    try:
        if _HOUR.fullmatch(text):
            return datetime.fromisoformat(text)
    except ValueError:
        pass  # a day or an hour that no calendar has: refused below
    raise BadInput(f"{place}: hour must be a full local hour like 2025-11-28T19:00, found {_show(text)}")


def _count(place: str, name: str, text: str) -> int:
    if not _COUNT.fullmatch(text):
        raise BadInput(f"{place}: {name} must be a whole number from 0 to 999999999, found {_show(text)}")
    return int(text)


def _sessions(place: str, text: str, orders: int) -> int | None:
    if not text:
        return None
    sessions = _count(place, _OPTIONAL, text)
    if sessions < orders:
        raise BadInput(
            f"{place}: sessions must be at least the hour's orders = {orders}, found {sessions};"
            " leave the value empty where not every session was counted"
        )
    return sessions


def _check_follows(place: str, at: datetime, before: datetime) -> None:
    if at == before:
        raise BadInput(f"{place}: hour {at:%Y-%m-%dT%H:%M} is there twice; allowed is one row an hour")
    if at < before:
        raise BadInput(f"{place}: hour {at:%Y-%m-%dT%H:%M} comes after {before:%Y-%m-%dT%H:%M}; rows must be by time")
    if at - before > MAX_GAP:
        raise BadInput(
            f"{place}: {(at - before).days} days without a row before {at:%Y-%m-%dT%H:%M};"
            f" at most {MAX_GAP.days} are allowed, as more looks like lost data"
        )


def _show(value: object) -> str:
    shown = repr(value)
    return shown if len(shown) <= _MAX_SHOWN else shown[:_MAX_SHOWN] + "…"
