"""Exact quantiles of waits that are never held whole: buckets tell where a rank lies, a second reading which it is."""

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from loadtests.results.judged_requests import CUT_OFF, GOOD, Ints, Requests
from loadtests.results.parts_database import PartsDatabase
from loadtests.results.request_tallies import (
    Questions,
    Tallies,
    Waits,
    bounds,
    during,
    slow,
    texts,
)
from slo.objectives.indicators import Asked, Clock

_NS = 1_000_000_000
_FEW = 500_000
_PARTS = 1_024
WAITS: tuple[tuple[Clock, bool], ...] = (("scheduled", False), ("scheduled", True), ("sent", False))
"""By which clock a quantile is known, and whether with what requests that were cut off had waited."""
_COLUMNS: Mapping[Clock, str] = {"scheduled": "response", "sent": "service"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Sought:
    """The value of one rank among the waits, by one clock, of some steps' requests.

    Those that had a reply count with what they waited; where `at_least`, so do those cut off that are bad all the same.
    """

    asked: Asked
    clock: Clock
    at_least: bool

    def counts(self, wait: Waits) -> bool:
        """Whether requests are among them."""
        if wait.step not in self.asked.steps or wait.clock != self.clock:
            return False
        return wait.slow is None or (self.at_least and self.asked.longest in wait.slow)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Range:
    """A range of waits, from `least` to `most`, which holds the value: the `rank`th (from 0) of `requests`."""

    sought: Sought
    least: int
    most: int
    rank: int
    requests: int

    @property
    def width(self) -> int:
        """How wide the parts are that the next reading tells apart."""
        return -(-(self.most - self.least + 1) // _PARTS)

    def part(self, place: int) -> tuple[int, int]:
        """Return the least and the largest wait of a part."""
        least = self.least + place * self.width
        return least, min(least + self.width - 1, self.most)

    @property
    def condition(self) -> str:
        """That a request is among those of the range."""
        asked, column = self.sought.asked, _COLUMNS[self.sought.clock]
        cut_off = f"OR (error = 'cut_off' AND {slow([asked.longest])} = 1)" if self.sought.at_least else ""
        among = f"step IN ({texts(asked.steps)}) AND (error IS NULL {cut_off})"
        return f"({among} AND {column} BETWEEN {self.least} AND {self.most})"

    @property
    def place(self) -> str:
        """The part that a request of the range is in."""
        return f"(({_COLUMNS[self.sought.clock]}::HUGEINT - {self.least}) // {self.width})::BIGINT"


class Values:
    """The waits in some ranges, taken from the requests that another reading passes by; the rest is narrowed first."""

    def __init__(self, database: PartsDatabase, tallies: Tallies, kept: Mapping[Asked, int]) -> None:
        ranges = [one for one in _ranges(tallies, kept) if one is not None]
        while any(one.requests > _FEW and one.least < one.most for one in ranges):
            ranges = _narrowed(database, tallies.questions, ranges)
        self._steps = tallies.questions.steps
        self._found: list[tuple[_Range, list[Ints]]] = [(one, []) for one in ranges]

    def add(self, requests: Requests) -> None:
        """Take the waits that lie in a range."""
        for one, values in self._found:
            if one.least == one.most:
                continue
            waited = requests.waited(one.sought.clock)
            near = np.flatnonzero((waited >= one.least) & (waited <= one.most))
            values.append(waited[near][self._are_sought(one, requests.at(near))])

    def quantiles(self) -> dict[Sought, float]:
        """Return the wait in seconds at each quantile that was asked; none where that is infinite."""
        return {one.sought: _value(one, values) / _NS for one, values in self._found}

    def _are_sought(self, one: _Range, requests: Requests) -> Any:  # noqa: ANN401 - an array of truths
        asked = one.sought.asked
        of_steps = np.isin(requests.step, [self._steps.index(step) for step in asked.steps])
        good = requests.kind == GOOD
        if one.sought.at_least:
            clock, longest = asked.longest
            good |= (requests.kind == CUT_OFF) & (requests.waited(clock) > longest)
        return of_steps & good


def _value(one: _Range, values: Sequence[Ints]) -> int:
    if one.least == one.most:
        return one.least
    return int(np.partition(np.concatenate(values), one.rank)[one.rank])


def _ranges(tallies: Tallies, kept: Mapping[Asked, int]) -> Iterable[_Range | None]:
    for asked, requests in kept.items():
        if asked.quantile is None or not requests:
            continue
        rank = max(0, math.ceil(round(asked.quantile * requests, 9)) - 1)
        for clock, at_least in WAITS:
            sought = Sought(asked=asked, clock=clock, at_least=at_least)
            waits: Counter[int] = Counter()
            for wait in tallies.waits:
                if sought.counts(wait):
                    waits[wait.bucket] += wait.requests
            yield _at_rank(sought, rank, {bounds(place): number for place, number in sorted(waits.items())})


def _at_rank(sought: Sought, rank: int, ranges: Mapping[tuple[int, int], int]) -> _Range | None:
    """Return the range that holds the rank; None when there are fewer."""
    for (least, most), requests in ranges.items():
        if rank < requests:
            return _Range(sought=sought, least=least, most=most, rank=rank, requests=requests)
        rank -= requests
    return None


def _narrowed(database: PartsDatabase, questions: Questions, ranges: Sequence[_Range]) -> list[_Range]:
    """Return the part of each range that holds its rank, by one reading for all."""
    places = ", ".join(f"CASE WHEN {one.condition} THEN {one.place} END AS place_{i}" for i, one in enumerate(ranges))
    names = [f"place_{i}" for i in range(len(ranges))]
    found: list[dict[int, int]] = [{} for _ in ranges]
    query = f"""
        WITH timed AS (
            SELECT step, error, response, service FROM timed_requests
            WHERE {during(questions.window)} AND (error IS NULL OR error = 'cut_off')
        ), placed AS (
            SELECT {places} FROM timed WHERE {" OR ".join(one.condition for one in ranges)}
        )
        SELECT {", ".join(names)}, count(*) FROM placed
        GROUP BY GROUPING SETS ({", ".join(f"({name})" for name in names)})
    """  # noqa: S608 - quoted by texts(), and numbers
    for *row, number in database.rows("requests", query):
        for here, place in zip(found, row, strict=True):
            if place is not None:
                here[place] = number
    narrowed = (
        _at_rank(one.sought, one.rank, {one.part(place): number for place, number in sorted(here.items())})
        for one, here in zip(ranges, found, strict=True)
    )
    return [one for one in narrowed if one is not None]
