"""What one worker counts between two messages to its master."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from loadtests.live.buckets import BOUNDS_NS, limits_of
from loadtests.live.histogram import Histogram, by_group
from loadtests.live.so_far import Judged, SoFar
from loadtests.results.records import Ints, SessionRecord, StepBatch, StepRecord
from slo.policy.criteria import Criterion

BLOCKED = "blocked"
UNREACHED = frozenset({BLOCKED, "proxy"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Watch:
    """An objective followed while the run goes on, from the records alone.

    `limit_s` is None for availability; `bad` is None for a request that is left out of judging, and is called only
    for those that failed or took longer than the limit, counted from the scheduled moment: any other is good;
    `is_certain` is whether the objective will be missed whatever comes, by the counts so far. `criterion` is set where
    it is no objective but a criterion over windows, which nothing is certain of.
    """

    name: str
    steps: frozenset[str]
    limit_s: float | None
    bad: Callable[[StepRecord], bool | None]
    is_certain: Callable[[SoFar], bool]
    criterion: Criterion | None = None


@dataclass(slots=True)
class Change:
    """What one worker saw since its last change.

    `within` counts, by step and limit of an objective, what took no longer; `traced` are the latest requests whose
    trace is kept, by step and bucket, `traced_errors` those that failed, by step and error.
    """

    latency: dict[str, Histogram] = field(default_factory=dict)
    bytes: Counter[str] = field(default_factory=Counter)
    errors: Counter[tuple[str, str]] = field(default_factory=Counter)
    sessions: Counter[str] = field(default_factory=Counter)
    judged: dict[str, Judged] = field(default_factory=dict)
    within: Counter[tuple[str, float]] = field(default_factory=Counter)
    traced: dict[tuple[str, int], StepRecord] = field(default_factory=dict)
    traced_errors: dict[tuple[str, str], StepRecord] = field(default_factory=dict)
    lag: Histogram = field(default_factory=Histogram)
    blocked_in_a_row: int = 0


InFlight = Callable[[], Iterable[tuple[str, int]]]


class WorkerFigures:
    """Counts on one worker; a listener of its hooks.

    `judged` is the (start, end) of judging in ns; `in_flight` returns the step and scheduled moment of each request
    under way.
    """

    def __init__(self, watches: Sequence[Watch], judged: tuple[int, int], in_flight: InFlight = tuple) -> None:
        self._watches, self._judged, self._in_flight = watches, judged, in_flight
        self._limits = limits_of((watch.limit_s, watch.steps) for watch in watches if watch.criterion is None)
        self._sequence = 0
        self._change = Change()
        self._blocked_in_a_row = 0
        self._bad_of_session = Counter[tuple[str, int]]()
        self._ended: list[int] = []
        self._ended_before: list[int] = []

    def steps_ended(self, batch: StepBatch) -> None:
        """Count requests."""
        change = self._change
        change.lag.add_all(batch.lag())
        steps, codes = batch.steps()
        took_ns = batch.finished_at - batch.scheduled_at
        latency = by_group(took_ns, codes, len(steps))
        total = np.bincount(codes, batch.bytes, len(steps))
        for code, step in enumerate(steps):
            change.latency.setdefault(step, Histogram()).merge(latency[code])
            change.bytes[step] += int(total[code])
        failed = [place for place, error in enumerate(batch.error) if error is not None]
        change.errors.update((batch.step[place], str(batch.error[place])) for place in failed)
        self._count_within(steps, codes, took_ns)
        self._keep_traced(batch, steps, codes, took_ns)
        change.traced_errors.update(
            ((batch.step[place], str(batch.error[place])), batch.rows[place])
            for place in failed
            if batch.rows[place].sampled
        )
        self._count_blocked(batch)
        judged = (self._judged[0] <= batch.scheduled_at) & (batch.scheduled_at < self._judged[1])
        for watch in self._watches:
            watched = np.array([step in watch.steps for step in steps])
            self._judge(watch, batch, np.flatnonzero(judged & watched[codes]))

    def session_ended(self, record: SessionRecord) -> None:
        """Count one session."""
        self._change.sessions[record.outcome] += 1
        self._ended.append(record.session)

    def take(self, now: int) -> dict[str, Any]:
        """Return what changed since the last call, ready to be sent, and start anew. `now` in ns."""
        change, self._change = self._change, Change()
        self._sequence += 1
        self._forget_sessions()
        in_flight = tuple(self._in_flight())
        return {
            "sequence": self._sequence,
            "latency": {step: _packed(histogram) for step, histogram in change.latency.items()},
            "bytes": dict(change.bytes),
            "errors": [[step, error, count] for (step, error), count in change.errors.items()],
            "sessions": dict(change.sessions),
            "judged": {name: [one.bad, one.total, one.bad_squares] for name, one in change.judged.items()},
            "overdue": {watch.name: self._overdue(watch, in_flight, now) for watch in self._watches},
            "within": [[step, limit_s, count] for (step, limit_s), count in change.within.items()],
            "traced": [[step, *_exemplar(record)] for (step, _), record in change.traced.items()],
            "traced_errors": [[*key, *_exemplar(record)] for key, record in change.traced_errors.items()],
            "lag": _packed(change.lag),
            "blocked_in_a_row": change.blocked_in_a_row,
        }

    def _count_within(self, steps: Sequence[str], codes: Ints, took_ns: Ints) -> None:
        for limit_s, of_limit in self._limits.items():
            counts = np.bincount(codes[took_ns <= round(limit_s * 1e9)], minlength=len(steps))
            for step, count in zip(steps, counts.tolist(), strict=True):
                if count and step in of_limit:
                    self._change.within[step, limit_s] += count

    def _keep_traced(self, batch: StepBatch, steps: Sequence[str], codes: Ints, took_ns: Ints) -> None:
        """Keep the latest request of each step and bucket, of those that are traced."""
        traced = batch.traced()
        size = len(BOUNDS_NS) + 1
        latest = np.full(len(steps) * size, -1)
        latest[codes[traced] * size + np.searchsorted(BOUNDS_NS, took_ns[traced])] = traced  # of equal places the last
        keys = np.flatnonzero(latest >= 0)
        for key, place in zip(keys.tolist(), latest[keys].tolist(), strict=True):
            self._change.traced[steps[key // size], key % size] = batch.rows[place]

    def _count_blocked(self, batch: StepBatch) -> None:
        if UNREACHED.isdisjoint(batch.error):
            self._blocked_in_a_row = 0
            return
        for error in batch.error:
            self._blocked_in_a_row = self._blocked_in_a_row + 1 if error in UNREACHED else 0
            self._change.blocked_in_a_row = max(self._change.blocked_in_a_row, self._blocked_in_a_row)

    def _judge(self, watch: Watch, batch: StepBatch, places: Ints) -> None:
        """Count the requests at `places`; those that failed or took long are put to the watch, the rest is good."""
        limit_ns = np.iinfo(np.int64).max if watch.limit_s is None else round(watch.limit_s * 1e9)
        slow = batch.finished_at[places] - batch.scheduled_at[places] > limit_ns
        suspects = [place for place, late in zip(places.tolist(), slow, strict=True) if late or batch.error[place]]
        answers = [watch.bad(batch.rows[place]) for place in suspects]
        bad = [place for place, answer in zip(suspects, answers, strict=True) if answer]
        total = len(places) - answers.count(None)
        if total:
            squares = sum(self._square(watch.name, batch.rows[place].session) for place in bad)
            change = Judged(bad=len(bad), total=total, bad_squares=squares)
            self._change.judged[watch.name] = self._change.judged.get(watch.name, Judged()) + change

    def _square(self, watch: str, session: int) -> int:
        """Count one more bad request of a session; return by how much the square of their number grew."""
        self._bad_of_session[watch, session] += 1
        return 2 * self._bad_of_session[watch, session] - 1

    def _forget_sessions(self) -> None:
        """Forget the bad requests of sessions that ended before the last change; later their last may still come."""
        for session in self._ended_before:
            for watch in self._watches:
                self._bad_of_session.pop((watch.name, session), None)
        self._ended_before, self._ended = self._ended, []

    def _overdue(self, watch: Watch, in_flight: Iterable[tuple[str, int]], now: int) -> int:
        """Count the requests under way that are already over the limit: bad whenever they end."""
        if watch.limit_s is None:
            return 0
        latest = now - round(watch.limit_s * 1e9)
        start, end = self._judged
        return sum(step in watch.steps and start <= due_at < min(end, latest) for step, due_at in in_flight)


@dataclass(frozen=True, slots=True, kw_only=True)
class Gauges:
    """A worker's state at one moment, and its totals that only ever grow."""

    open_sessions: int
    started_total: int
    dropped_total: int
    orders: Mapping[str, int]
    cpu: float | None


def _exemplar(record: StepRecord) -> tuple[str, float, int]:
    return record.trace_id, max(0.0, record.response_s), record.finished_at


def _packed(histogram: Histogram) -> list[Any]:
    return [histogram.sum_us, [list(pair) for pair in histogram.buckets.items()]]


def _unpacked(packed: Sequence[Any]) -> Histogram:
    return Histogram(dict(packed[1]), packed[0])
