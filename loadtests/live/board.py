"""The live figures: each worker's changes once a second, merged exactly, and the one snapshot all live views read.

Histograms are merged as sums of buckets; every change carries a sequence number, so a lost one is seen.
"""

from collections import Counter, deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from loadtests.demand.curve import Floats
from loadtests.demand.visits import ASSET_STEPS
from loadtests.live.buckets import bounds_with, bucket_of, counted, limits_of
from loadtests.live.criteria import Followed
from loadtests.live.histogram import Histogram
from loadtests.live.rates import FollowedRate
from loadtests.live.so_far import Judged, SoFar
from loadtests.live.worker_figures import UNREACHED, Gauges, Watch, _unpacked
from loadtests.results.live_document import (
    Achieved,
    Errors,
    Exemplar,
    Lag,
    LatencyHistogram,
    LatencyQuantiles,
    LiveDocument,
    Objective,
    Orders,
    Planned,
    Step,
)

RECENT_S = 10
BLOCKED_RATIO = 0.01
BLOCKED_IN_A_ROW = 20
_LEAST_BLOCKED = 5


def why_blocked(replies: int, blocked: int, in_a_row: int, at_proxy: int = 0) -> str | None:
    """Return why the replies of a firewall, or the failures of a proxy, end the run; None while they don't.

    `replies` and `blocked` are those of the last 10 s, `at_proxy` those among the blocked that failed at the proxy. A
    handful is too few to be a share, and doesn't end it.
    """
    if in_a_row >= BLOCKED_IN_A_ROW:
        seen = f"{in_a_row} replies in a row"
    elif blocked >= _LEAST_BLOCKED and blocked > BLOCKED_RATIO * replies:
        seen = f"{blocked} of {replies} replies in the last {RECENT_S} s"
    else:
        return None
    if at_proxy > blocked / 2:
        check = "check in its log that it admits this machine and reaches the shop"
        return f"failed at the proxy before the shop: {seen}; {check}"
    return f"blocked by a firewall or rate limit before the shop: {seen}; let the generator's address through"


@dataclass(frozen=True, slots=True, kw_only=True)
class Timetable:
    """What is planned when: phase names with their ends, the arrivals' times and the rate, in s from the start."""

    run: str
    phases: tuple[tuple[str, float], ...]
    arrivals_s: Floats
    rate: Callable[[float], float]


class Board:
    """All workers' figures merged; makes `live.json` (docs/contracts.md)."""

    def __init__(
        self, timetable: Timetable, watches: Sequence[Watch], started_at: int, rates: Iterable[FollowedRate] = ()
    ) -> None:
        self._timetable, self._watches, self._started_at = timetable, watches, started_at
        self._rates = tuple(rates)
        self._latency: dict[str, Histogram] = {}
        self._errors: Counter[tuple[str, str]] = Counter()
        limits = limits_of((watch.limit_s, watch.steps) for watch in watches if watch.criterion is None)
        self._followed = {one.name: Followed(criterion=one.criterion) for one in watches if one.criterion is not None}
        self._within: dict[str, dict[float, int]] = {}
        for limit_s, steps in limits.items():
            for step in steps:
                self._within.setdefault(step, {})[limit_s] = 0
        self._exemplars: dict[str, dict[str, Exemplar]] = {}
        self._error_exemplars: dict[str, dict[str, Exemplar]] = {}
        self._judged: dict[str, Judged] = {}
        self._judged_seconds: dict[str, list[Judged]] = {}
        self._overdue: dict[str, dict[str, int]] = {}
        self._gauges: dict[str, Gauges] = {}
        self._expected: dict[str, int] = {}
        self._recent: deque[_Second] = deque(maxlen=RECENT_S)
        self._now = _Second()
        self._sequence = 0
        self._revised = False
        self.gaps = 0

    def revise(self, arrivals_s: Floats, rate: Callable[[float], float]) -> None:
        """Use the revised plan from now on. Early stops are disabled: how many events are still to come isn't known."""
        self._timetable, self._revised = replace(self._timetable, arrivals_s=arrivals_s, rate=rate), True

    def merge(self, worker: str, change: Mapping[str, Any], gauges: Gauges) -> None:
        """Add one worker's change; a sequence number that was jumped over is a gap."""
        self.gaps += change["sequence"] - self._expected.get(worker, 1)
        self._expected[worker] = change["sequence"] + 1
        for step, packed in change["latency"].items():
            histogram = _unpacked(packed)
            self._latency.setdefault(step, Histogram()).merge(histogram)
            self._now.replies += histogram.count
            if step not in ASSET_STEPS:  # many and quick, they would hide what a shopper waits for
                self._now.latency.merge(histogram)
        for step, error, count in change["errors"]:
            self._errors[step, error] += count
            self._now.errors += count
            self._now.blocked += count if error in UNREACHED else 0
            self._now.at_proxy += count if error == "proxy" else 0
        for name, (bad, total, bad_squares) in change["judged"].items():
            judged = Judged(bad=bad, total=total, bad_squares=bad_squares)
            self._judged[name] = self._judged.get(name, Judged()) + judged
        self._merge_buckets(change)
        self._now.lag.merge(_unpacked(change["lag"]))
        self._now.blocked_in_a_row = max(self._now.blocked_in_a_row, change["blocked_in_a_row"])
        self._overdue[worker] = dict(change["overdue"])
        self._gauges[worker] = gauges

    def _merge_buckets(self, change: Mapping[str, Any]) -> None:
        for step, limit_s, count in change["within"]:
            of_step = self._within.setdefault(step, {})
            of_step[limit_s] = of_step.get(limit_s, 0) + count
        for step, *facts in change["traced"]:
            exemplar = _exemplar(*facts)
            bucket = bucket_of(exemplar.value, bounds_with(self._within.get(step, ())))
            self._exemplars.setdefault(step, {})[bucket] = exemplar
        for step, error, *facts in change["traced_errors"]:
            self._error_exemplars.setdefault(step, {})[error] = _exemplar(*facts)

    def certain_breach(self) -> str | None:
        """Return the name of an objective that will be missed whatever comes, None while there is none."""
        return next((watch.name for watch in self._watches if self._is_missed(watch)), None)

    def blocked(self) -> str | None:
        """Return why the run must stop because the shop isn't reached any more, None while it is."""
        seconds = (*self._recent, self._now)[-RECENT_S:]
        return why_blocked(
            sum(second.replies for second in seconds),
            sum(second.blocked for second in seconds),
            max(second.blocked_in_a_row for second in seconds),
            sum(second.at_proxy for second in seconds),
        )

    def snapshot(self, now: int, state: str) -> LiveDocument:
        """Close the current second and return the live snapshot. `now` in ns."""
        elapsed_s = max(0.0, (now - self._started_at) / 1e9)
        before, last = self._close_second(elapsed_s)
        span_s = max(1e-9, last.elapsed_s - before.elapsed_s) if len(self._recent) > 1 else max(1.0, last.elapsed_s)
        self._sequence += 1
        timetable = self._timetable
        cpu = [g.cpu for g in self._gauges.values() if g.cpu is not None]
        return LiveDocument(
            sequence=self._sequence,
            gaps=self.gaps,
            at=now,
            run=timetable.run,
            started_at=self._started_at,
            phase=next((name for name, end in timetable.phases if elapsed_s < end), timetable.phases[-1][0]),
            state=state,
            elapsed_s=round(elapsed_s, 3),
            left_s=round(max(0.0, timetable.phases[-1][1] - elapsed_s), 3),
            planned=self._planned(elapsed_s),
            achieved=self._achieved(before, last, span_s),
            latency_s=self._latency_quantiles(),
            errors=self._all_errors(span_s),
            orders=self._orders(before, last, span_s),
            steps={step: self._step(step) for step in sorted(self._latency)},
            lag_s=Lag(p99=_merged(second.lag for second in self._recent).quantile(0.99)),
            generator_cpu=max(cpu) if cpu else None,
            dropped_total=sum(g.dropped_total for g in self._gauges.values()),
            workers=len(self._gauges),
            objectives=[self._objective(watch) for watch in self._watches if watch.criterion is None],
            criteria=[
                *(one.entry for one in self._followed.values()),
                *(one.entry for one in self._rates),
            ],
        )

    def _close_second(self, elapsed_s: float) -> tuple["_Second", "_Second"]:
        """Begin a new second; return the oldest of the recent ones before this, and the one that has ended."""
        last = self._now
        last.started_total = sum(g.started_total for g in self._gauges.values())
        last.orders_total = sum(g.orders.get("accepted", 0) for g in self._gauges.values())
        last.elapsed_s = elapsed_s
        before = self._recent[0] if self._recent else _Second()
        self._recent.append(last)
        self._now = _Second()
        for name, one in self._followed.items():
            if (judged := self._counts(name)).total:
                one.close_second(judged)
        for rate in self._rates:
            done = last.orders_total if rate.steps is None else self._good(rate.steps)
            rate.close_second(elapsed_s, done, self._timetable.rate(elapsed_s))
        for watch in self._watches:
            if watch.criterion is None and (judged := self._counts(watch.name)).total:
                self._judged_seconds.setdefault(watch.name, []).append(judged)
        return before, self._recent[-1]

    def _good(self, steps: Sequence[str]) -> int:
        """Return the good replies of some steps until now, of all where none is named."""
        all_replies = sum(one.count for step, one in self._latency.items() if not steps or step in steps)
        return all_replies - sum(n for (step, _), n in self._errors.items() if not steps or step in steps)

    def _counted(self) -> list["_Second"]:
        """Return the seconds whose counts make up the recent rates."""
        return list(self._recent)[1:] if len(self._recent) > 1 else list(self._recent)

    def _planned(self, elapsed_s: float) -> Planned:
        return Planned(
            sessions_per_s=round(float(self._timetable.rate(elapsed_s)), 3),
            sessions_total=int(np.searchsorted(self._timetable.arrivals_s, elapsed_s, side="right")),
        )

    def _achieved(self, before: "_Second", last: "_Second", span_s: float) -> Achieved:
        return Achieved(
            sessions_per_s=round((last.started_total - before.started_total) / span_s, 3),
            requests_per_s=round(sum(second.replies for second in self._counted()) / span_s, 3),
            sessions_total=last.started_total,
            requests_total=sum(histogram.count for histogram in self._latency.values()),
            open_sessions=sum(g.open_sessions for g in self._gauges.values()),
        )

    def _latency_quantiles(self) -> LatencyQuantiles:
        latency = _merged(second.latency for second in self._recent)
        return LatencyQuantiles(p50=latency.quantile(0.5), p95=latency.quantile(0.95), p99=latency.quantile(0.99))

    def _all_errors(self, span_s: float) -> Errors:
        return Errors(
            total=self._errors.total(),
            per_s=round(sum(second.errors for second in self._counted()) / span_s, 3),
            by_step=self._errors_by_step(),
            exemplars={step: dict(of_step) for step, of_step in sorted(self._error_exemplars.items())},
        )

    def _orders(self, before: "_Second", last: "_Second", span_s: float) -> Orders:
        attempts = Counter[str]()
        for gauges in self._gauges.values():
            attempts.update(gauges.orders)
        return Orders(
            attempted_total=attempts["attempted"],
            accepted_total=attempts["accepted"],
            refused_total=attempts["refused"],
            unknown_total=attempts["unknown"],
            per_minute=round(60 * (last.orders_total - before.orders_total) / span_s, 1),
        )

    def _objective(self, watch: Watch) -> Objective:
        judged = self._counts(watch.name)
        return Objective(name=watch.name, bad=judged.bad, total=judged.total, certain_breach=self._is_missed(watch))

    def _step(self, step: str) -> Step:
        histogram = self._latency[step]
        return Step(
            requests_total=histogram.count,
            errors_total=sum(n for (name, _), n in self._errors.items() if name == step),
            latency=LatencyHistogram(
                buckets=counted(histogram, self._within.get(step, {})),
                sum=histogram.sum_s,
                count=histogram.count,
                exemplars=dict(self._exemplars.get(step, {})),
            ),
        )

    def _errors_by_step(self) -> dict[str, dict[str, int]]:
        out: dict[str, dict[str, int]] = {}
        for (step, error), count in sorted(self._errors.items()):
            out.setdefault(step, {})[error] = count
        return out

    def _is_missed(self, watch: Watch) -> bool:
        """Whether a miss is certain; never after a revision, for such a run is INCONCLUSIVE anyway."""
        if self._revised:
            return False
        return watch.is_certain(SoFar(now=self._counts(watch.name), seconds=self._judged_seconds.get(watch.name, ())))

    def _counts(self, name: str) -> Judged:
        overdue = sum(worker.get(name, 0) for worker in self._overdue.values())
        return self._judged.get(name, Judged()) + Judged(bad=overdue, total=overdue, bad_squares=overdue)


@dataclass(slots=True)
class _Second:
    """What came in during one second, and the totals at its end."""

    latency: Histogram = field(default_factory=Histogram)
    lag: Histogram = field(default_factory=Histogram)
    replies: int = 0
    errors: int = 0
    blocked: int = 0
    at_proxy: int = 0
    blocked_in_a_row: int = 0
    started_total: int = 0
    orders_total: int = 0
    elapsed_s: float = 0.0


def _exemplar(trace_id: str, value: float, at: int) -> Exemplar:
    return Exemplar(trace_id=trace_id, value=round(value, 6), at=at)


def _merged(histograms: Iterable[Histogram]) -> Histogram:
    out = Histogram()
    for histogram in histograms:
        out.merge(histogram)
    return out
