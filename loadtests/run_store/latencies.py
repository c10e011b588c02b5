"""Latencies of a run's judged window, by groups of steps and by minute: one reading of the records a group."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from loadtests.results.parts_database import PartsDatabase
from loadtests.results.request_tallies import during, texts, time_requests
from loadtests.results.run_directory import RunDirectory
from loadtests.results.schemas import REQUESTS
from loadtests.run_store.aggregates import Latency, MinuteAggregate, StepAggregate
from slo.objectives.indicators import NEVER_JUDGED, Window

_NS = 1_000_000_000
_MINUTE_NS = 60 * _NS
_MAY_BE_NULL = frozenset({"error"})
# A request without a good reply is slower than every reply: no 64-bit duration is this long.
_NEVER = (1 << 63) - 1
_FIGURES = f"""
    count(*) AS requests, count(error) AS bad,
    quantile_disc(CASE WHEN error IS NULL THEN response ELSE {_NEVER} END, [0.5, 0.95, 0.99]) AS waits
"""
Steps = tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Latencies:
    """The latencies of every step, and of each group of steps that was asked for: over all, and by minute."""

    by_step: tuple[StepAggregate, ...]
    by_group: Mapping[Steps, Latency]
    by_minute: Mapping[Steps, tuple[MinuteAggregate, ...]]


def read_latencies(directory: RunDirectory, window: Window, groups: Iterable[Steps]) -> Latencies:
    """Read the records of a run; raises BadInput naming parts that can't be read. Requests never judged are left out.

    `groups` are the steps of each objective.
    """
    asked = sorted(set(groups))
    with PartsDatabase(directory, {"requests": REQUESTS}) as database:
        database.check("requests", _MAY_BE_NULL)
        time_requests(database)
        steps = database.rows("requests", f"SELECT step, {_of(window)} GROUP BY step ORDER BY step")
        totals = {group: database.rows("requests", f"SELECT {_of(window, group)}") for group in asked}
        minutes = {group: database.rows("requests", _by_minute(window, group)) for group in asked}
    return Latencies(
        by_step=tuple(
            StepAggregate(step=step, bad=bad, latency=_latency(total, waits)) for step, total, bad, waits in steps
        ),
        by_group={group: _latency(rows[0][0], rows[0][2]) for group, rows in totals.items()},
        by_minute={
            group: tuple(
                MinuteAggregate(minute=minute, bad=bad, latency=_latency(total, waits))
                for minute, total, bad, waits in rows
            )
            for group, rows in minutes.items()
        },
    )


def _of(window: Window, steps: Steps | None = None) -> str:
    among = "" if steps is None else f"AND step IN ({texts(steps)})"
    never = f"coalesce(error, '') NOT IN ({texts(NEVER_JUDGED)})"
    return f"{_FIGURES} FROM timed_requests WHERE {during(window)} AND {never} {among}"


def _by_minute(window: Window, steps: Steps) -> str:
    minute = f"(scheduled_at - {window.starts_at}) // {_MINUTE_NS} AS minute"
    return f"SELECT {minute}, {_of(window, steps)} GROUP BY minute ORDER BY minute"


def _latency(requests: int, waits: Sequence[int] | None) -> Latency:
    p50, p95, p99 = (None if one >= _NEVER else one / _NS for one in waits or (_NEVER,) * 3)
    return Latency(requests=requests, p50_s=p50, p95_s=p95, p99_s=p99)
