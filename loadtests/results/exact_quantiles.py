"""Exact quantiles of waits that are never held whole.

A sample encloses each between two cuts, one reading of all counts what lies below and between them, and a second
reading takes those between: which of them has the rank. Where a sample has misled, the rank is outside of its cuts, and
the range it is in is narrowed by further readings: slower, and as exact.
"""

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Any

import numpy as np

from loadtests.results.judged_requests import CUT_OFF, GOOD, UNJUDGED, Ints, Requests, requests_of
from loadtests.results.parts_database import PartsDatabase
from loadtests.results.request_tallies import COLUMNS, Cuts, Questions, Tallies, Tally, during, texts, time_requests
from slo.objectives.indicators import Asked, Window
from slo.objectives.sources import Clock

_NS = 1_000_000_000
_FEW = 500_000
_PARTS = 1_024
WAITS: tuple[tuple[Clock, bool], ...] = (("scheduled", False), ("scheduled", True), ("sent", False))
"""By which clock a quantile is known, and whether with what requests that were cut off had waited."""
_LEAST, _MOST = -(1 << 63), (1 << 63) - 1
_SAMPLED = 200_000
_SAMPLED_AT_MOST = 1_000_000
_DEVIATIONS = 12
"""How far the cuts lie from a quantile of the sample, in its standard deviations: waits close in time are alike."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sought:
    """The value of one rank among the waits, by one clock, of some steps' requests.

    Those that had a reply count with what they waited; where `at_least`, so do those cut off that are bad all the same.
    """

    asked: Asked
    clock: Clock
    at_least: bool

    def counts(self, tally: Tally) -> bool:
        """Whether requests are among them."""
        if tally.step not in self.asked.steps:
            return False
        return tally.error is None or (self.at_least and tally.error == "cut_off" and self.asked.longest in tally.slow)

    def among(self, requests: Requests, steps: Sequence[str]) -> Any:  # noqa: ANN401 - an array of truths
        """Return which requests are among them; `steps` has the names of the requests' steps."""
        good = requests.kind == GOOD
        if self.at_least:
            good |= _hung(self.asked, requests)
        return _of_steps(self.asked, requests, steps) & good


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
        asked, column = self.sought.asked, COLUMNS[self.sought.clock]
        cut_off = (
            f"OR (error = 'cut_off' AND {COLUMNS[asked.longest[0]]} > {asked.longest[1]})"
            if self.sought.at_least
            else ""
        )
        among = f"step IN ({texts(asked.steps)}) AND (error IS NULL {cut_off})"
        return f"({among} AND {column} BETWEEN {self.least} AND {self.most})"

    @property
    def place(self) -> str:
        """The part that a request of the range is in."""
        return f"(({COLUMNS[self.sought.clock]}::HUGEINT - {self.least}) // {self.width})::BIGINT"


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
            values.append(waited[near][one.sought.among(requests.at(near), self._steps)])

    def quantiles(self) -> dict[Sought, float]:
        """Return the wait in seconds at each quantile that was asked; none where that is infinite."""
        return {one.sought: _value(one, values) / _NS for one, values in self._found}


def cuts(database: PartsDatabase, questions: Questions) -> Cuts:
    """Return the durations between which every quantile lies, by a sample; none where all are few. Raises BadInput."""
    if questions.window is None or not questions.timed_steps or database.footers["requests"].rows <= _FEW:
        return {}
    sample = _sample(database, questions.window, questions.timed_steps)
    found: dict[Clock, set[int]] = {clock: set() for clock in COLUMNS}
    for asked in questions.asked:
        if asked.quantile is None:
            continue
        for clock, at_least in WAITS:
            sought = Sought(asked=asked, clock=clock, at_least=at_least)
            found[clock].update(_enclosing(sought, asked.quantile, sample, questions.timed_steps))
    return {clock: sorted(edges) for clock, edges in found.items()}


def _sample(database: PartsDatabase, window: Window, steps: Sequence[str]) -> Requests:
    view = time_requests(database, database.sample("requests", _SAMPLED))
    taken, number = [], 0
    with closing(requests_of(database, window, steps, view=view)) as sample:
        for requests in sample:
            taken.append(requests)
            number += len(requests.kind)
            if number >= _SAMPLED_AT_MOST:
                break
    return Requests.of(taken)


def _enclosing(sought: Sought, quantile: float, sample: Requests, steps: Sequence[str]) -> Iterable[int]:
    asked = sought.asked
    counted = _of_steps(asked, sample, steps) & (sample.kind != UNJUDGED)
    counted &= (sample.kind != CUT_OFF) | _hung(asked, sample)
    waits = np.sort(sample.waited(sought.clock)[sought.among(sample, steps)])
    events = int(np.count_nonzero(counted))
    if not events:
        return
    away = _DEVIATIONS * math.sqrt(quantile * (1 - quantile) * events) + 1
    first, last = math.floor(quantile * events - away), math.ceil(quantile * events + away)
    if 0 <= first < len(waits) and waits[first] > _LEAST:
        yield int(waits[first]) - 1
    if last < len(waits):
        yield int(waits[last])


def _of_steps(asked: Asked, requests: Requests, steps: Sequence[str]) -> Any:  # noqa: ANN401 - an array of truths
    is_asked = np.array([step in asked.steps for step in steps])
    return is_asked[requests.step]


def _hung(asked: Asked, requests: Requests) -> Any:  # noqa: ANN401 - an array of truths
    clock, longest = asked.longest
    return (requests.kind == CUT_OFF) & (requests.waited(clock) > longest)


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
            yield _at_rank(sought, rank, _between_cuts(sought, tallies))


def _between_cuts(sought: Sought, tallies: Tallies) -> dict[tuple[int, int], int]:
    """Return the number of those sought from each least to each largest wait, in order."""
    edges, window = tallies.cuts[sought.clock], tallies.questions.window
    waits: Counter[int] = Counter()
    for tally in tallies.judged(window) if window else ():
        if sought.counts(tally):
            waits[tally.longer[sought.clock]] += tally.requests
    bounds = list(zip([_LEAST, *(edge + 1 for edge in edges)], [*edges, _MOST], strict=True))
    return {bounds[place]: number for place, number in sorted(waits.items())}


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
