"""The order history: orders per hour as a CSV file `hour,orders`, read once into a frozen `History`."""

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
_MAX_TOLD = 10
_MAX_SHOWN = 40
_HOUR = re.compile(r"[12][0-9]{3}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:00(:00)?")
_ORDERS = re.compile(r"[0-9]{1,9}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Hour:
    """The orders taken in the hour that begins `at`, in the shop's local time."""

    at: datetime
    orders: int


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
    """Read the CSV file at `path`: columns `hour` (ISO, local time) and `orders`, others ignored; by time.

    Raises BadInput telling the first errors with their lines when the file is missing, over 64 MiB, has another
    header, no orders, hours twice or out of order, a wrong value, or more than 31 days without a row.
    """
    rows = _rows(path, read_text(path, MAX_BYTES).removeprefix("\ufeff"))
    line, header = next(rows, (1, []))
    places = _places(f"{path}:{line}", header)
    hours: list[Hour] = []
    errors: list[str] = []
    for line, row in rows:
        try:
            hours.append(_hour(f"{path}:{line}", row, places, hours[-1] if hours else None))
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


def _places(place: str, header: list[str]) -> tuple[int, int, int]:
    """Return where `hour` and `orders` stand, and how wide a row is."""
    for name in _COLUMNS:
        if header.count(name) != 1:
            problem = "is missing" if name not in header else "is there twice"
            raise BadInput(
                f"{place}: column {name} {problem}; expected a header like hour,orders, found {_show(header)}"
            )
    return header.index("hour"), header.index("orders"), len(header)


def _hour(place: str, row: list[str], places: tuple[int, int, int], before: Hour | None) -> Hour:
    hour_at, orders_at, width = places
    if len(row) != width:
        raise BadInput(f"{place}: expected {width} values like the header, found {len(row)}")
    hour = Hour(at=_at(place, row[hour_at]), orders=_orders(place, row[orders_at]))
    if before is not None:
        _check_follows(place, hour.at, before.at)
    return hour


def _at(place: str, text: str) -> datetime:
    try:
        if _HOUR.fullmatch(text):
            return datetime.fromisoformat(text)
    except ValueError:
        pass  # a day or an hour that no calendar has: told below
    raise BadInput(f"{place}: hour must be a full local hour like 2025-11-28T19:00, found {_show(text)}")


def _orders(place: str, text: str) -> int:
    if not _ORDERS.fullmatch(text):
        raise BadInput(f"{place}: orders must be a whole number from 0 to 999999999, found {_show(text)}")
    return int(text)


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
