"""Which rows of a source can be true: what each column must hold, and what becomes of a source where it doesn't.

A quantity is a whole number of at most a thousand million units; below zero is oversold, a fact. Reserved units are
never below zero. A time is no more than five minutes ahead. A row that breaks this is left out and its SKU is unclear:
nothing is said of it. Above `max_bad_rows` such rows the source counts as unreadable, so that no sum is quietly short.
"""

import math
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import TypeGuard
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from exporters.serving.source import Unreadable
from exporters.subjects.inventory.skus import UNKNOWN

MAX_UNITS = 1_000_000_000
_AHEAD_S = 300
_MAX_SHOWN = 60
_WHOLE = re.compile(r"[+-]?\d{1,10}(\.0{1,6})?")
_A_THOUSAND_TO_SOME = re.compile(r"[+-]?[1-9]\d{0,2}\.000")
SKU, QUANTITY, RESERVED, TIME = "sku", "quantity", "reserved", "time"
DUPLICATE, UNKNOWN_SKU, UNKNOWN_LOCATION = "duplicate", "unknown_sku", "unknown_location"
EXPECTED = {
    SKU: "expected a SKU of 1 to 128 printable characters",
    QUANTITY: f"expected a whole number of units up to {MAX_UNITS}",
    RESERVED: f"expected a whole number of units from 0 to {MAX_UNITS}",
    TIME: "expected a time that isn't ahead",
    DUPLICATE: "expected each SKU once",
    UNKNOWN_SKU: "expected a code that is in the file of codes",
    UNKNOWN_LOCATION: "expected a location of the configuration",
}


@dataclass(slots=True, kw_only=True)
class Flaws:
    """The rows of one read that are left out, by reason.

    `first` is the first that can't be true, `example` that one or else the first that is left out for another reason.
    """

    shown: str
    max_bad_rows: int
    rows: int
    left_out: set[int] = field(default_factory=set)
    counts: Counter[str] = field(default_factory=Counter)
    bad: set[int] = field(default_factory=set)
    first: str = ""
    example: str = ""

    def add(self, number: int, reason: str, value: object, column: str) -> None:
        """Leave a row out; a row that is out already isn't counted again."""
        if number in self.left_out:
            return
        self.left_out.add(number)
        self.counts[reason] += 1
        known_rule = reason in (UNKNOWN_SKU, UNKNOWN_LOCATION)
        if not known_rule:
            self.bad.add(number)
        if not (self.first or known_rule) or not self.example:
            shown = repr(value)
            shown = shown if len(shown) <= _MAX_SHOWN else shown[:_MAX_SHOWN] + "…"
            self.example = f"row {number + 1}: {column}: {EXPECTED[reason]}, found {shown}"
            self.first = self.first if known_rule else self.example

    def check(self) -> None:
        """Raise Unreadable when more rows than allowed can't be true, or none is left."""
        if len(self.bad) > self.max_bad_rows:
            allowed = f"{len(self.bad)} bad rows of {self.rows}, allowed are {self.max_bad_rows}"
            raise Unreadable(f"{self.shown}: {self.first} ({allowed})")
        if self.rows and len(self.left_out) == self.rows:
            counted = ", ".join(f"{reason}: {count}" for reason, count in self.counts.items())
            raise Unreadable(f"{self.shown}: no row is left of {self.rows} ({counted})")


def check_rows(rows: int, min_rows: int, shown: str) -> None:
    """Raise Unreadable for a source that answers with fewer rows than it ever has: half-loaded, or cleared."""
    if rows < min_rows:
        raise Unreadable(f"{shown}: {rows} rows, expected at least {min_rows}")


def checked_skus(skus: Sequence[object], column: Sequence[object], name: str, flaws: Flaws) -> None:
    """Leave out the rows without a SKU."""
    if None not in skus and UNKNOWN not in skus:
        return
    for number, sku in enumerate(skus):
        if sku is None:
            flaws.add(number, SKU, column[number], name)
        elif sku is UNKNOWN:
            flaws.add(number, UNKNOWN_SKU, column[number], name)


def units(column: Sequence[object], name: str, reason: str, flaws: Flaws) -> NDArray[np.int64]:
    """Return whole numbers of units; a row that has none is left out and holds 0."""
    low = 0 if reason == RESERVED else -MAX_UNITS
    found = _as_integers(column)
    if found is None:
        each = [_or_zero(number, value, low, (name, reason), flaws) for number, value in enumerate(column)]
        return np.array(each, dtype=np.int64)
    for number in np.flatnonzero((found < low) | (found > MAX_UNITS)).tolist():
        flaws.add(number, reason, column[number], name)
        found[number] = 0
    return found


def _as_integers(column: Sequence[object]) -> NDArray[np.int64] | None:
    if set(map(type, column)) != {int}:
        return None
    try:
        return np.fromiter(column, dtype=np.int64, count=len(column))
    except OverflowError:
        return None


def _or_zero(number: int, value: object, low: int, named: tuple[str, str], flaws: Flaws) -> int:
    found = whole(value)
    if found is not None and low <= found <= MAX_UNITS:
        return found
    flaws.add(number, named[1], value, named[0])
    return 0


def whole(value: object) -> int | None:
    """Return a whole number, written as whatever databases and files write it; None for anything else."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return value
    if isinstance(value, float | Decimal):
        finite = value.is_finite() if isinstance(value, Decimal) else math.isfinite(value)  # a signalling NaN raises
        fits = finite and -MAX_UNITS <= value <= MAX_UNITS and value == int(value)
        return int(value) if fits else None
    if isinstance(value, str) and _WHOLE.fullmatch(text := value.strip()):
        return None if _A_THOUSAND_TO_SOME.fullmatch(text) else int(text.partition(".")[0])
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Times:
    """How a source writes its times: `zone` is meant where none is written, `written` is strptime's format."""

    zone: ZoneInfo
    written: str | None
    now_s: float

    def seconds(self, column: Sequence[object], name: str, flaws: Flaws) -> NDArray[np.float64]:
        """Return Unix seconds, NaN where there is no time; a row whose time can't be read or lies ahead is left out."""
        if _are_moments(column):
            found = np.fromiter(map(datetime.timestamp, column), dtype=np.float64, count=len(column))
            for number in np.flatnonzero(found > self.now_s + _AHEAD_S).tolist():
                flaws.add(number, TIME, column[number], name)
                found[number] = np.nan
            return found
        found = np.full(len(column), np.nan)
        for number, value in enumerate(column):
            if value is None or value == "":
                continue
            at = self._at(value)
            if at is None or at > self.now_s + _AHEAD_S:
                flaws.add(number, TIME, value, name)
            else:
                found[number] = at
        return found

    def _at(self, value: object) -> float | None:
        try:
            moment = self._moment(value)
            return None if moment is None else moment.timestamp()
        except (ValueError, OverflowError):
            return None

    def _moment(self, value: object) -> datetime | None:
        if isinstance(value, str):
            text = value.strip()
            value = datetime.strptime(text, self.written) if self.written else datetime.fromisoformat(text)  # noqa: DTZ007 - its zone is put on below
        elif isinstance(value, date) and not isinstance(value, datetime):
            value = datetime(value.year, value.month, value.day)  # noqa: DTZ001 - the same
        if not isinstance(value, datetime):
            return None
        return value if value.tzinfo is not None else value.replace(tzinfo=self.zone)


def _are_moments(column: Sequence[object]) -> TypeGuard[Sequence[datetime]]:
    """Whether each is a time with a zone, as a driver gives a timestamptz."""
    return set(map(type, column)) == {datetime} and all(getattr(value, "tzinfo", None) is not None for value in column)


def duplicates(skus: Sequence[object], numbers: Iterable[int]) -> set[object]:
    """Return the SKUs that stand in more than one of the rows `numbers`."""
    seen: set[object] = set()
    twice: set[object] = set()
    for number in numbers:
        (twice if skus[number] in seen else seen).add(skus[number])
    return twice
