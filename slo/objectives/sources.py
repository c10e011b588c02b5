"""Where the events of an objective are read: the load generator's own records, or what Prometheus holds."""

from dataclasses import dataclass
from typing import ClassVar, Literal

from slo.objectives.selectors import Selector

Clock = Literal["scheduled", "sent"]
Counts = Literal["good", "bad"]
"""Which events the counter beside that of all events counts."""
Comparison = Literal["lt", "lte", "gt", "gte"]


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


@dataclass(frozen=True, slots=True, kw_only=True)
class CounterSums:
    """Sums of counters in Prometheus: those that count good or bad events, as `part_is` says, and those that count all.

    Read as exactly as `Counters`, but too wide for rules whose alerts a test could prove.
    """

    part: tuple[Selector, ...]
    part_is: Counts
    total: tuple[Selector, ...]
    steps: tuple[str, ...] = ()
    kind: ClassVar[str] = "prometheus"


WINDOW = "{window}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Queries:
    """Good or bad events and all events as PromQL that no counters say, which Prometheus evaluates over the window.

    `{window}` stands where the range is to be chosen. `total` is None where `part` is a ratio already. Events are not
    known one by one: each answer is one, good in part (slo/objectives/evaluated.py). No rules are made of it, because
    no series is known to prove them on.
    """

    part: str
    part_is: Counts
    total: str | None
    steps: tuple[str, ...] = ()
    kind: ClassVar[str] = "promql"


@dataclass(frozen=True, slots=True, kw_only=True)
class Readings:
    """The values of one query in Prometheus, each of which is held against a limit."""

    query: str
    op: Comparison
    value: float
    steps: tuple[str, ...] = ()
    kind: ClassVar[str] = "promql"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sessions:
    """The load generator's own sessions of some journeys: whether each came to its end (slo/objectives/journeys.py)."""

    journeys: tuple[str, ...]
    steps: ClassVar[tuple[str, ...]] = ()
    kind: ClassVar[str] = "sessions"


Source = Records | Counters | CounterSums | Queries | Readings | Sessions
