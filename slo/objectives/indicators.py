"""Service level indicators: one class for each kind, read from request records or from Prometheus counters.

Judged are the requests *scheduled* in the window, whenever they ended. A failed request is bad for latency as well
as for availability: a fast error is not a good experience. A request under way when the run ended (`cut_off`) is
left out and counted, unless it had already waited longer than the latency allowed, which no reply could make good. One
that had waited for 10 s since it was sent is bad for availability, too: that is a shop that hangs.
A `blocked` request never reached the shop, nor did one that failed at a `proxy`: they are left out, counted, and
decide on the run's validity.
"""

from dataclasses import dataclass
from typing import Any, ClassVar, Literal, Protocol

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from slo.objectives.counters import NoData, Series, births, check_scraped, from_birth, increases, series_of
from slo.objectives.selectors import Selector
from slo.statistics import StepCounts, blocks_of

_NS = 1_000_000_000
HANGS_S = 10.0
NEVER_JUDGED = ("blocked", "proxy", "no_descriptor", "no_port")
Clock = Literal["scheduled", "sent"]
Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """The judged time, `starts_at` included and `ends_at` not, in ns since the epoch."""

    starts_at: int
    ends_at: int

    def __post_init__(self) -> None:
        """Refuse a window that holds no time."""
        if self.ends_at <= self.starts_at:
            raise ValueError(f"a window must end after it starts, found {self.starts_at} to {self.ends_at}")

    @property
    def duration_s(self) -> float:
        """Its length."""
        return (self.ends_at - self.starts_at) / _NS

    def edges(self) -> tuple[int, ...]:
        """Return the edges of its equal blocks."""
        blocks = blocks_of(self.duration_s)
        length = self.ends_at - self.starts_at
        return tuple(self.starts_at + length * block // blocks for block in range(blocks + 1))


@dataclass(frozen=True, slots=True, kw_only=True)
class Records:
    """The load generator's own records of some steps, timed from when the shopper wanted them or from the send."""

    steps: tuple[str, ...]
    clock: Clock = "scheduled"
    kind: ClassVar[str] = "records"


@dataclass(frozen=True, slots=True, kw_only=True)
class Counters:
    """Two counters in Prometheus; `steps` says which requests of the plan move them, if that is known."""

    good: Selector
    total: Selector
    steps: tuple[str, ...] = ()
    kind: ClassVar[str] = "prometheus"


WINDOW = "{window}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Queries:
    """Bad events and all events as PromQL that no two selectors can say, with `{window}` where the range stands.

    `total` is None where `errors` is their ratio already. A run can't be judged by it, because only plain counters can
    be read at two given moments; nor are rules made of it, because no series is known to prove them on.
    """

    errors: str
    total: str | None
    steps: tuple[str, ...] = ()
    kind: ClassVar[str] = "promql"


Source = Records | Counters | Queries
NOT_COUNTERS = "it is written as PromQL that no two counters say: name a good and a total counter instead"


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """The counts of one objective in the judged window, or in `no_data` the reason why there are none.

    Of those `left_out`, the `unreached` never came to the shop. In `quantile_s` a request that was cut off counts as
    infinite, in `quantile_at_least_s` with what it had waited.
    """

    counts: tuple[StepCounts, ...] = ()
    left_out: int = 0
    unreached: int = 0
    failed: int = 0
    quantile_s: float | None = None
    quantile_at_least_s: float | None = None
    service_quantile_s: float | None = None
    no_data: str | None = None

    @property
    def events(self) -> int:
        """Return how many events were judged."""
        return sum(sum(step.events) for step in self.counts)

    @property
    def bad(self) -> int:
        """Return how many of them were bad."""
        return sum(sum(step.bad) for step in self.counts)


class Indicator(Protocol):
    """The interface of both kinds."""

    @property
    def source(self) -> Source:
        """Where its events are read."""

    @property
    def threshold_s(self) -> float | None:
        """The latency allowed, None for availability."""

    @property
    def kind(self) -> str:
        """`availability` or `latency`."""

    def bad(self, *, error: str | None, scheduled_at: int, sent_at: int, finished_at: int) -> bool | None:
        """Whether one request is bad; None when it is left out."""

    def selectors(self) -> tuple[str, ...]:
        """Return the PromQL selectors whose raw samples it is read from, none when it is read from records."""

    def read(self, requests: pa.Table, answers: pa.Table, window: Window, quantile: float) -> Evidence:
        """Read the evidence of `window`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Availability:
    """An event is good when it has the reply it should have: `error` is null, or the good counter counts it."""

    source: Source
    threshold_s: None = None
    kind: ClassVar[str] = "availability"

    def bad(self, *, error: str | None, scheduled_at: int, sent_at: int, finished_at: int) -> bool | None:  # noqa: ARG002 - one signature for both kinds
        """Whether one request is bad; None when it was blocked, or cut off before it had hung."""
        if error == "cut_off":
            return True if finished_at - sent_at >= HANGS_S * _NS else None
        return None if error in NEVER_JUDGED else error is not None

    def selectors(self) -> tuple[str, ...]:
        """Return the good and the total counter's selectors."""
        return _selectors(self.source)

    def read(self, requests: pa.Table, answers: pa.Table, window: Window, quantile: float) -> Evidence:  # noqa: ARG002 - availability has no quantile
        """Read the evidence of `window`."""
        if not isinstance(self.source, Records):
            return _read_counters(self.source, answers, window)
        columns = _Columns.of(requests, self.source.steps, window)
        return columns.evidence(window, bad=columns.failed, left_out=columns.cut_off & ~columns.hung)


@dataclass(frozen=True, slots=True, kw_only=True)
class Latency:
    """An event is good when it has the reply it should have within `threshold_s`, itself included."""

    source: Source
    threshold_s: float
    kind: ClassVar[str] = "latency"

    def bad(self, *, error: str | None, scheduled_at: int, sent_at: int, finished_at: int) -> bool | None:
        """Whether one request is bad; None when it was blocked, or cut off before the threshold."""
        if error in NEVER_JUDGED:
            return None
        since = sent_at if isinstance(self.source, Records) and self.source.clock == "sent" else scheduled_at
        slow = finished_at - since > round(self.threshold_s * _NS)
        if error == "cut_off":
            return True if slow else None
        return error is not None or slow

    def selectors(self) -> tuple[str, ...]:
        """Return the good and the total counter's selectors."""
        return _selectors(self.source)

    def read(self, requests: pa.Table, answers: pa.Table, window: Window, quantile: float) -> Evidence:
        """Read the evidence of `window`; `quantile` (the target) is the one reported on both clocks."""
        if not isinstance(self.source, Records):
            return _read_counters(self.source, answers, window)
        columns = _Columns.of(requests, self.source.steps, window)
        slow = columns.waited(self.source.clock) > round(self.threshold_s * _NS)
        return columns.evidence(window, bad=slow | columns.failed, left_out=columns.cut_off & ~slow, quantile=quantile)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Columns:
    """The judged requests of some steps as arrays, those that never count already gone."""

    steps: tuple[str, ...]
    step: npt.NDArray[np.int64]
    scheduled_at: npt.NDArray[np.int64]
    sent_at: npt.NDArray[np.int64]
    finished_at: npt.NDArray[np.int64]
    failed: Bools
    cut_off: Bools
    blocked: int

    @classmethod
    def of(cls, requests: pa.Table, steps: tuple[str, ...], window: Window) -> "_Columns":
        at = requests["scheduled_at"]
        inside = pc.and_(pc.greater_equal(at, window.starts_at), pc.less(at, window.ends_at))
        table = requests.filter(pc.and_(inside, pc.is_in(requests["step"], pa.array(steps, pa.string()))))
        error = pc.fill_null(table["error"], "")
        never = pc.is_in(error, pa.array(NEVER_JUDGED, pa.string()))
        blocked = int(pc.sum(never).as_py() or 0)
        table, error = table.filter(pc.invert(never)), error.filter(pc.invert(never))
        cut_off = _array(pc.equal(error, "cut_off"), np.bool_)
        return cls(
            steps=steps,
            step=_array(pc.index_in(table["step"], pa.array(steps, pa.string())), np.int64),
            scheduled_at=_array(table["scheduled_at"], np.int64),
            sent_at=_array(table["sent_at"], np.int64),
            finished_at=_array(table["finished_at"], np.int64),
            failed=_array(pc.not_equal(error, ""), np.bool_),
            cut_off=cut_off,
            blocked=blocked,
        )

    @property
    def hung(self) -> Bools:
        """Which had waited for `HANGS_S` since they were sent."""
        hung: Bools = self.finished_at - self.sent_at >= round(HANGS_S * _NS)
        return hung

    def waited(self, clock: Clock) -> npt.NDArray[np.int64]:
        """Nanoseconds from the clock's start to the end."""
        return self.finished_at - (self.scheduled_at if clock == "scheduled" else self.sent_at)

    def evidence(self, window: Window, *, bad: Bools, left_out: Bools, quantile: float | None = None) -> Evidence:
        """Count by step and block what is not left out."""
        kept = ~left_out
        gone = int(left_out.sum()) + self.blocked
        if not kept.any():
            why = f"no judged request of {', '.join(self.steps)} in the window"
            return Evidence(left_out=gone, unreached=self.blocked, no_data=f"{why} ({gone} left out)" if gone else why)
        edges = window.edges()
        block = np.searchsorted(np.array(edges), self.scheduled_at[kept], side="right") - 1
        cell = self.step[kept] * (len(edges) - 1) + block
        shape = (len(self.steps), len(edges) - 1)
        size = shape[0] * shape[1]
        events = np.bincount(cell, minlength=size).reshape(shape)
        bads = np.bincount(cell, weights=bad[kept], minlength=size).astype(np.int64).reshape(shape)
        counts = (
            StepCounts(step=name, events=tuple(events[row].tolist()), bad=tuple(bads[row].tolist()))
            for row, name in enumerate(self.steps)
        )
        return Evidence(
            counts=tuple(step for step in counts if sum(step.events)),
            left_out=gone,
            unreached=self.blocked,
            failed=int((self.failed & kept & ~self.cut_off).sum()),
            quantile_s=self._quantile(kept, self.failed, "scheduled", quantile),
            quantile_at_least_s=self._quantile(kept, self.failed & ~self.cut_off, "scheduled", quantile),
            service_quantile_s=self._quantile(kept, self.failed, "sent", quantile),
        )

    def _quantile(self, kept: Bools, without_end: Bools, clock: Clock, quantile: float | None) -> float | None:
        """Return the latency at `quantile`, where a request `without_end` counts as infinite; None for infinite."""
        if quantile is None:
            return None
        waited = np.where(without_end, np.inf, self.waited(clock).astype(np.float64))[kept]
        rank = max(0, int(np.ceil(round(quantile * waited.size, 9))) - 1)
        value = float(np.partition(waited, rank)[rank])
        return value / _NS if np.isfinite(value) else None


def _array(column: Any, kind: Any) -> Any:  # noqa: ANN401 - pyarrow ships no types
    return column.combine_chunks().to_numpy(zero_copy_only=False).astype(kind)


def _selectors(source: Source) -> tuple[str, ...]:
    return (source.good.text, source.total.text) if isinstance(source, Counters) else ()


def _read_counters(source: Counters | Queries, answers: pa.Table, window: Window) -> Evidence:
    if isinstance(source, Queries):
        return Evidence(no_data=NOT_COUNTERS)
    try:
        return Evidence(counts=(_counted(source, answers, window),))
    except NoData as reason:
        return Evidence(no_data=str(reason))


def _counted(source: Counters, answers: pa.Table, window: Window) -> StepCounts:
    """Good and total at every block's edge; no good series is 0 good events only when the total is there."""
    asked = (window.starts_at, window.ends_at)
    total = series_of(answers, source.total.text, *asked)
    good = series_of(answers, source.good.text, *asked)
    check_scraped(total, source.total.text, *asked, births(answers))
    _check_labels(source, total, good)
    edges = window.edges()
    seen = (*total, *good)
    all_events, good_events = (increases(from_birth(some, seen), edges) for some in (total, good))
    events = np.rint(all_events).astype(np.int64)
    bad = np.rint(all_events - good_events).astype(np.int64)
    if not events.sum():
        raise NoData(f"{source.total.text} counted nothing in the judged window")
    if (bad < 0).any():
        raise NoData(f"{source.good.text} grew more than {source.total.text}: good is not a part of total")
    return StepCounts(step="", events=tuple(events.tolist()), bad=tuple(bad.tolist()))


def _check_labels(source: Counters, total: tuple[Series, ...], good: tuple[Series, ...]) -> None:
    """Refuse a label that no longer exists, which would make every event good, or bad, in silence."""
    for matcher in source.good.matchers:
        carriers = good if matcher.label == "le" else total
        if not carriers or any(matcher.label not in one.labels for one in carriers):
            what = f'no bucket le="{matcher.value}"' if matcher.label == "le" else f"no label {matcher.label}"
            raise NoData(f"{source.good.metric} has {what}: renamed, or never exported")
