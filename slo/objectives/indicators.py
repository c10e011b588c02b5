"""Service level indicators: one class for each kind, read from request records or from Prometheus counters.

Judged are the requests *scheduled* in the window, whenever they ended. A failed request is bad for latency as well
as for availability: a fast error is not a good experience. A request under way when the run ended (`cut_off`) is
left out and counted, unless it had already waited longer than the latency allowed, which no reply could make good. One
that had waited for 10 s since it was sent is bad for availability, too: that is a shop that hangs.
A `blocked` request never reached the shop, nor did one that failed at a `proxy`: they are left out, counted, and
decide on the run's validity.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, Protocol, Self

import pyarrow as pa

from slo.design_effect import StepCounts, blocks_of
from slo.objectives.counted import counted
from slo.objectives.counters import NoData
from slo.objectives.promql import plain_selector
from slo.objectives.sources import Clock, Counters, CounterSums, Readings, Records, Source

_NS = 1_000_000_000
HANGS_S = 10.0
LATE_S = 1.0
"""How late a session may start and still be on time."""
NEVER_JUDGED = ("blocked", "proxy", "no_descriptor", "no_port")


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

    def overlap(self, other: Self) -> "Window | None":
        """Return the time that is in both, None without any."""
        starts_at, ends_at = max(self.starts_at, other.starts_at), min(self.ends_at, other.ends_at)
        return Window(starts_at=starts_at, ends_at=ends_at) if starts_at < ends_at else None

    def edges(self) -> tuple[int, ...]:
        """Return the edges of its equal blocks."""
        blocks = blocks_of(self.duration_s)
        length = self.ends_at - self.starts_at
        return tuple(self.starts_at + length * block // blocks for block in range(blocks + 1))


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """The counts of one objective in the judged window, or in `no_data` the reason why there are none.

    Of those `left_out`, the `unreached` never came to the shop. In `quantile_s` a request that was cut off counts as
    infinite, in `quantile_at_least_s` with what it had waited. `session_scatter` is the variance of the sessions' bad
    counts about what their steps' means give, over the binomial one; None where sessions aren't known. `weighting` is
    the design effect of events that don't weigh the same (Kish 1965); `events_are` what they are where they are neither
    requests nor sessions.
    """

    counts: tuple[StepCounts, ...] = ()
    left_out: int = 0
    unreached: int = 0
    failed: int = 0
    quantile_s: float | None = None
    quantile_at_least_s: float | None = None
    service_quantile_s: float | None = None
    session_scatter: float | None = None
    no_data: str | None = None
    weighting: float = 1.0
    events_are: str | None = None

    @property
    def events(self) -> int:
        """Return how many events were judged."""
        return round(sum(sum(step.events) for step in self.counts))

    @property
    def bad(self) -> float:
        """Return how many of them were bad: a part of one where an event is a ratio."""
        return sum(sum(step.bad) for step in self.counts)


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What one objective asks of the request records: how many of these steps' requests were bad.

    `threshold_s` is None for availability, `quantile` where none is to be reported.
    """

    steps: tuple[str, ...]
    clock: Clock = "scheduled"
    threshold_s: float | None = None
    quantile: float | None = None

    @property
    def threshold_ns(self) -> int | None:
        """The latency allowed, in ns."""
        return None if self.threshold_s is None else round(self.threshold_s * _NS)

    @property
    def longest(self) -> tuple[Clock, int]:
        """The clock and the ns beyond which a request that is under way is bad whatever may yet come."""
        return ("sent", round(HANGS_S * _NS) - 1) if self.threshold_ns is None else (self.clock, self.threshold_ns)

    def bad(self, error: str | None, *, longer: bool) -> bool | None:
        """Whether a request that took `longer` than that is bad; None when it is left out."""
        if error in NEVER_JUDGED:
            return None
        if error == "cut_off":
            return True if longer else None
        return error is not None or (longer and self.threshold_s is not None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """How a session ended: what its record says, and whether the run's end cut off a request of its that hung."""

    journey: str
    outcome: str
    reason: str | None
    started: bool
    on_time: bool
    hangs: bool


class TracedRequests(Protocol):
    """The recorded requests of one run whose traces are asked for."""

    def traced(self, steps: Iterable[str], window: Window) -> pa.Table:
        """Return `trace_id` and `scheduled_at` of the requests of `steps` in `window` whose trace may be recorded."""


class RequestRecords(TracedRequests, Protocol):
    """The recorded requests and sessions of one run, however many: asked for counts, never for their rows."""

    def evidence(self, asked: Sequence[Asked], window: Window) -> tuple[Evidence, ...]:
        """Return the evidence of all that is asked, in its order, of the requests scheduled in `window`."""

    def evidence_of_part(self, asked: Asked, part: Window) -> Evidence:
        """Return the counts of what is asked, of the requests scheduled in a `part` of the judged window."""

    def counts(self, window: Window | None = None) -> Mapping[tuple[str, str | None], int]:
        """Return the number of requests by step and error, of those scheduled in `window` or of all."""

    def hung(self, window: Window) -> Mapping[str, int]:
        """Return by step those scheduled in `window` that the run's end cut off after they had waited for 10 s."""

    def session_rows(self) -> int:
        """Return the number of session records."""

    def endings(self, window: Window) -> Mapping[tuple[Ending, int], int]:
        """Return the number of sessions scheduled in `window` by how they ended and by the window's block."""

    def made_by(self, window: Window) -> Mapping[tuple[Ending, str], int]:
        """Return the number of requests, whenever made, of those sessions by how these ended and by step.

        Of steps that no objective names there may be none.
        """


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

    def asked(self, quantile: float) -> Asked | None:
        """Return what it asks of the request records, None where it is read elsewhere."""

    def read(self, requests: RequestRecords, answers: pa.Table, window: Window, quantile: float) -> Evidence:
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

    def asked(self, quantile: float) -> Asked | None:  # noqa: ARG002 - availability has no quantile
        """Return what it asks of the request records, None where it is read from counters."""
        return Asked(steps=self.source.steps) if isinstance(self.source, Records) else None

    def read(self, requests: RequestRecords, answers: pa.Table, window: Window, quantile: float) -> Evidence:
        """Read the evidence of `window`."""
        return _read(self, requests, answers, window, quantile)


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

    def asked(self, quantile: float) -> Asked | None:
        """Return what it asks of the request records, None where it is read from counters."""
        if not isinstance(self.source, Records):
            return None
        return Asked(steps=self.source.steps, clock=self.source.clock, threshold_s=self.threshold_s, quantile=quantile)

    def read(self, requests: RequestRecords, answers: pa.Table, window: Window, quantile: float) -> Evidence:
        """Read the evidence of `window`; `quantile` (the target) is the one reported on both clocks."""
        return _read(self, requests, answers, window, quantile)


@dataclass(frozen=True, slots=True, kw_only=True)
class Threshold:
    """An event is a value of a query, good where the comparison with the limit holds (OpenSLO's `thresholdMetric`)."""

    source: Readings
    threshold_s: None = None
    kind: ClassVar[str] = "threshold"

    def bad(self, *, error: str | None, scheduled_at: int, sent_at: int, finished_at: int) -> bool | None:
        """Return None: no request is one of its events."""

    def selectors(self) -> tuple[str, ...]:
        """Return the query where it is a selector, whose samples are the values."""
        return (self.source.query,) if plain_selector(self.source.query) is not None else ()

    def asked(self, quantile: float) -> Asked | None:
        """Return None: it asks nothing of the request records."""

    def read(self, requests: RequestRecords, answers: pa.Table, window: Window, quantile: float) -> Evidence:  # noqa: ARG002 - one signature for all kinds
        """Raise TypeError: it is read by slo.objectives.evidence."""
        raise TypeError("readings are read by slo.objectives.evidence")


def _read(
    indicator: Indicator, requests: RequestRecords, answers: pa.Table, window: Window, quantile: float
) -> Evidence:
    asked = indicator.asked(quantile)
    return _read_counters(indicator.source, answers, window) if asked is None else requests.evidence([asked], window)[0]


def _selectors(source: Source) -> tuple[str, ...]:
    if isinstance(source, Counters):
        return source.good.text, source.total.text
    if isinstance(source, CounterSums):
        return tuple(one.text for one in (*source.part, *source.total))
    return ()


def _read_counters(source: Source, answers: pa.Table, window: Window) -> Evidence:
    if not isinstance(source, Counters | CounterSums):
        raise TypeError(f"a source of {source.kind} is read by slo.objectives.evidence")
    try:
        found = counted(source, answers, (window.starts_at, window.ends_at), window.edges())
    except NoData as reason:
        return Evidence(no_data=str(reason))
    counts = StepCounts(step="", events=tuple(found.events.tolist()), bad=tuple(found.bad.tolist()))
    return Evidence(counts=(counts,))
