"""The requests of a run, counted in one reading: by step, error, stretch of time, and the limits they took longer than.

The same reading counts waiting times in buckets of about 1 %; from those the few values around a quantile are known,
which a second reading then takes exactly.
"""

import bisect
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise

from loadtests.results.parts_database import PartsDatabase, text
from slo.objectives.indicators import HANGS_S, Asked, Clock, Window

_NS = 1_000_000_000
_LATEST = 1 << 62
HANGS: tuple[Clock, int] = ("sent", round(HANGS_S * _NS) - 1)
# Up to each of these (ns) buckets are as wide as 2 to the power of the number beside it: 1024 buckets a rung.
_LADDER = ((1 << 23, 13), (1 << 27, 17), (1 << 31, 21), (1 << 36, 26), (1 << 48, 38), (1 << 62, 52))
Bucket = int
Slow = frozenset[tuple[Clock, int]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Questions:
    """All that is to be known of a run's requests: what objectives ask of the judged window, and other windows.

    `steps` are those of which each session's requests are to be known.
    """

    asked: tuple[Asked, ...] = ()
    window: Window | None = None
    windows: tuple[Window, ...] = ()
    steps: tuple[str, ...] = ()

    @property
    def limits(self) -> tuple[tuple[Clock, int], ...]:
        """The clocks and ns that requests are held against."""
        return tuple(dict.fromkeys([HANGS, *(one.longest for one in self.asked)]))

    @property
    def edges(self) -> tuple[int, ...]:
        """All moments at which a block or a window begins or ends."""
        judged = self.window.edges() if self.window else ()
        return tuple(sorted({*judged, *(edge for one in self.windows for edge in (one.starts_at, one.ends_at))}))

    @property
    def timed_steps(self) -> tuple[str, ...]:
        """The steps of which a quantile is asked."""
        return tuple(sorted({step for one in self.asked if one.quantile is not None for step in one.steps}))


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """So many requests of one step with one error, scheduled in one cell between edges, that took longer than `slow`.

    Cell 0 lies before the first edge, cell n from the nth edge on.
    """

    step: str
    error: str | None
    cell: int
    slow: Slow
    requests: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Waits:
    """So many requests of one step in one bucket of waiting; of those cut off by the run's end with their `slow`."""

    step: str
    clock: Clock
    slow: Slow | None
    bucket: Bucket
    requests: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Tallies:
    """What one reading found."""

    questions: Questions
    tallies: tuple[Tally, ...]
    waits: tuple[Waits, ...]

    def cells(self, window: Window) -> range | None:
        """Return the cells that make up a window, None when its ends are no edges."""
        edges = self.questions.edges
        first, last = bisect.bisect_left(edges, window.starts_at), bisect.bisect_left(edges, window.ends_at)
        known = last < len(edges) and edges[first] == window.starts_at and edges[last] == window.ends_at
        return range(first + 1, last + 1) if known else None


def time_requests(database: PartsDatabase) -> None:
    """Give the database the view `timed_requests`: requests with their `response` and `service` time."""
    ranges = database.footers["requests"].ranges
    times = [ranges.get(name, (0, 0)) for name in ("scheduled_at", "sent_at", "finished_at")]
    sane = all(least >= 0 and most <= _LATEST for least, most in times)
    # A duration that no 64 bits hold comes of a clock that is wrong: as long as can be, so never good.
    response, service = (
        f"finished_at - {since}" if sane else f"coalesce(TRY(finished_at - {since}), 9223372036854775807)"
        for since in ("scheduled_at", "sent_at")
    )
    database.rows(
        "requests",
        f"CREATE VIEW timed_requests AS SELECT *, {response} AS response, {service} AS service FROM requests",  # noqa: S608 - columns
    )


def tally(database: PartsDatabase, questions: Questions) -> Tallies:
    """Read all requests once; raises BadInput."""
    tallies: list[Tally] = []
    waits: list[Waits] = []
    limits = questions.limits
    for which, step, error, cell, slow, response, service, number in database.rows("requests", _query(questions)):
        longer = None if slow is None else frozenset(one for bit, one in enumerate(limits) if slow >> bit & 1)
        if which == _TALLIES:
            tallies.append(Tally(step=step, error=error, cell=cell, slow=longer or frozenset(), requests=number))
        elif response is not None:
            cut_off = longer if error == "cut_off" else None
            waits.append(Waits(step=step, clock="scheduled", slow=cut_off, bucket=response, requests=number))
        elif service is not None:
            waits.append(Waits(step=step, clock="sent", slow=None, bucket=service, requests=number))
    return Tallies(questions=questions, tallies=tuple(tallies), waits=tuple(waits))


# GROUPING() sets a bit for each of (cell, response, service) that a row is not grouped by.
_TALLIES = 0b011


def _query(questions: Questions) -> str:
    timed = f"judged AND error IS NULL AND step IN ({texts(questions.timed_steps)})"
    waiting = f"judged AND coalesce(error, 'cut_off') = 'cut_off' AND step IN ({texts(questions.timed_steps)})"
    if not questions.timed_steps:
        timed = waiting = "false"
    return f"""
        WITH marked_by_window AS (
            SELECT step, error, scheduled_at, {during(questions.window)} AS judged, response, service
            FROM timed_requests
        ), marked AS (
            SELECT step, error, {cell(questions.edges)} AS cell, {slow(questions.limits)} AS slow,
                   CASE WHEN {waiting} THEN {bucket("response")} END AS waited,
                   CASE WHEN {timed} THEN {bucket("service")} END AS served
            FROM marked_by_window
        )
        SELECT grouping(cell, waited, served), step, error, cell, slow, waited, served, count(*)
        FROM marked
        GROUP BY GROUPING SETS ((step, error, cell, slow), (step, error, slow, waited), (step, served))
    """  # noqa: S608 - quoted by text(), and numbers


def texts(values: Iterable[str]) -> str:
    """Return a list of texts as SQL writes it."""
    return ", ".join(map(text, values))


def during(window: Window | None) -> str:
    """Return the condition that a request was scheduled in the window."""
    if window is None:
        return "false"
    return f"(scheduled_at >= {window.starts_at} AND scheduled_at < {window.ends_at})"


def slow(limits: Sequence[tuple[Clock, int]]) -> str:
    """Return the sum of 1 << n over the limits that `response` or `service` is beyond."""
    columns: Mapping[Clock, str] = {"scheduled": "response", "sent": "service"}
    return " + ".join(f"({columns[clock]} > {ns})::INTEGER * {1 << bit}" for bit, (clock, ns) in enumerate(limits))


def cell(edges: Sequence[int]) -> str:
    """Return the number of edges at or before `scheduled_at`, by halving."""

    def among(first: int, last: int) -> str:
        if first == last:
            return str(first)
        middle = (first + last) // 2
        return (
            f"CASE WHEN scheduled_at < {edges[middle]} THEN {among(first, middle)} ELSE {among(middle + 1, last)} END"
        )

    return among(0, len(edges))


def bucket(column: str) -> str:
    """Return the bucket of a duration; all below 0 share one, and so do all beyond 146 years."""
    starts = _starts()
    rungs = " ".join(
        f"WHEN {column} < {below} THEN {start} + (({column} - {least}) >> {bits})"
        for start, least, below, bits in starts
    )
    return f"CASE WHEN {column} < 0 THEN -1 {rungs} ELSE {_last()} END"


def bounds(place: Bucket) -> tuple[int, int]:
    """Return the least and the largest duration of a bucket."""
    if place < 0:
        return -(1 << 63), -1
    for start, least, below, bits in reversed(_starts()):
        if place >= _last():
            return below, (1 << 63) - 1
        if place >= start:
            low = least + (place - start << bits)
            return low, min(low + (1 << bits), below) - 1
    raise ValueError(f"no bucket {place}")


@cache
def _starts() -> tuple[tuple[int, int, int, int], ...]:
    """Return each rung's first bucket, its least duration, the one it ends before, and the bits of a bucket."""
    rungs, start = [], 0
    for (least, _), (below, bits) in pairwise([(0, 0), *_LADDER]):
        rungs.append((start, least, below, bits))
        start += (below - least >> bits) + 1
    return tuple(rungs)


def _last() -> Bucket:
    start, least, below, bits = _starts()[-1]
    return start + (below - least >> bits) + 1
