"""The requests of a run, counted in one reading: by step, error, stretch of time, and how long they took.

They are told apart by the limits that objectives set, and by cuts that enclose a quantile closely: a second reading
then takes the few values between those.
"""

import bisect
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from loadtests.results.parts_database import PartsDatabase, text
from slo.documents import BadInput
from slo.objectives.indicators import HANGS_S, Asked, Window
from slo.objectives.sources import Clock
from slo.policy.criteria import Criterion

_NS = 1_000_000_000
_LATEST = 1 << 62
HANGS: tuple[Clock, int] = ("sent", round(HANGS_S * _NS) - 1)
COLUMNS: Mapping[Clock, str] = {"scheduled": "response", "sent": "service"}
"""What `timed_requests` calls how long a request took, by each clock."""
BACKWARDS = "service < 0 OR response < service"
"""The condition that the times of a request run backwards: it was sent before it was due, or ended before that."""
Slow = frozenset[tuple[Clock, int]]
Cuts = Mapping[Clock, Sequence[int]]
"""By clock the durations in ns, in order, that requests are told apart by."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Questions:
    """All that is to be known of a run's requests: what objectives ask of the judged window, and other windows.

    `steps` are those of which each session's requests are to be known, `criteria` what is to be counted by second.
    """

    asked: tuple[Asked, ...] = ()
    window: Window | None = None
    windows: tuple[Window, ...] = ()
    steps: tuple[str, ...] = ()
    criteria: tuple[Criterion, ...] = ()

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

    Cell 0 lies before the first edge, cell n from the nth edge on. `longer` has by clock how many cuts they are beyond.
    `backwards` is whether the times of one of them run backwards, `statuses` their least and their highest.
    """

    step: str
    error: str | None
    cell: int
    slow: Slow
    longer: Mapping[Clock, int]
    requests: int
    backwards: bool = False
    statuses: tuple[int, int] = (0, 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tallies:
    """What one reading found."""

    questions: Questions
    cuts: Cuts
    tallies: tuple[Tally, ...]

    def judged(self, window: Window) -> Iterator[Tally]:
        """Return those of a window; none when its ends are no edges."""
        cells = self.cells(window) or range(0)
        return (one for one in self.tallies if one.cell in cells)

    def cells(self, window: Window) -> range | None:
        """Return the cells that make up a window, None when its ends are no edges."""
        edges = self.questions.edges
        first, last = bisect.bisect_left(edges, window.starts_at), bisect.bisect_left(edges, window.ends_at)
        known = last < len(edges) and edges[first] == window.starts_at and edges[last] == window.ends_at
        return range(first + 1, last + 1) if known else None


def time_requests(database: PartsDatabase, view: str = "requests") -> str:
    """Add a view of requests with their `response` and `service` time, and return its name: `timed_requests`."""
    ranges = database.footers["requests"].ranges
    times = [ranges.get(name, (0, 0)) for name in ("scheduled_at", "sent_at", "finished_at")]
    sane = all(least >= 0 and most <= _LATEST for least, most in times)
    # A duration that no 64 bits hold comes of a clock that is wrong: as long as can be, so never good.
    response, service = (
        f"finished_at - {since}" if sane else f"coalesce(TRY(finished_at - {since}), 9223372036854775807)"
        for since in ("scheduled_at", "sent_at")
    )
    timed = f"SELECT *, {response} AS response, {service} AS service FROM {view}"  # noqa: S608 - columns
    database.rows("requests", f"CREATE VIEW timed_{view} AS {timed}")
    return f"timed_{view}"


def tally(database: PartsDatabase, questions: Questions, cuts: Cuts) -> Tallies:
    """Read all requests once, told apart by the questions' limits and by `cuts`; raises BadInput."""
    limits = questions.limits
    every: Cuts = {
        clock: sorted({*cuts.get(clock, ()), *(ns for of, ns in limits if of == clock)}) for clock in COLUMNS
    }
    limit_places = {(clock, ns): every[clock].index(ns) for clock, ns in limits}
    tallies = []
    for step, error, cell, response, service, number, backwards, *statuses in database.rows(
        "requests", _query(questions, every)
    ):
        if None in (step, *statuses):
            raise BadInput("requests-*.parquet: a step or a status is null, which the part's footer denies")
        longer: Mapping[Clock, int] = {"scheduled": response, "sent": service}
        slow = frozenset(limit for limit, at in limit_places.items() if longer[limit[0]] > at)
        tallies.append(
            Tally(
                step=step,
                error=error,
                cell=cell,
                slow=slow,
                longer=longer,
                requests=number,
                backwards=backwards,
                statuses=(statuses[0], statuses[1]),
            )
        )
    return Tallies(questions=questions, cuts=every, tallies=tuple(tallies))


def _query(questions: Questions, cuts: Cuts) -> str:
    response, service = (longer_than(COLUMNS[clock], cuts[clock]) for clock in COLUMNS)
    return f"""
        SELECT step, error, {cell(questions.edges)} AS cell, {response} AS longer, {service} AS served, count(*),
               bool_or({BACKWARDS}), min(status), max(status)
        FROM timed_requests GROUP BY ALL
    """  # noqa: S608 - numbers


def texts(values: Iterable[str]) -> str:
    """Return a list of texts as SQL writes it."""
    return ", ".join(map(text, values))


def during(window: Window | None) -> str:
    """Return the condition that a request was scheduled in the window."""
    if window is None:
        return "false"
    return f"(scheduled_at >= {window.starts_at} AND scheduled_at < {window.ends_at})"


def cell(edges: Sequence[int]) -> str:
    """Return the number of edges at or before `scheduled_at`."""
    return longer_than("scheduled_at", [edge - 1 for edge in edges])


def longer_than(column: str, cuts: Sequence[int]) -> str:
    """Return how many of the cuts, which are in order, a whole number is beyond: by halving."""

    def among(first: int, last: int) -> str:
        if first == last:
            return str(first)
        middle = (first + last) // 2
        return f"CASE WHEN {column} <= {cuts[middle]} THEN {among(first, middle)} ELSE {among(middle + 1, last)} END"

    return among(0, len(cuts))
