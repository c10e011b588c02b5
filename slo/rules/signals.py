"""Series as they are while an alert is tried: what each does in health, and what under the fault.

promtool's tests and the alert drill play the same signals, so an expectation stands once.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True, kw_only=True)
class Level:
    """A gauge that stays at `value`."""

    value: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """A counter that grows by `per_s`."""

    per_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Ago:
    """A Unix timestamp that is always `seconds` old; below zero it lies ahead."""

    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Absent:
    """No sample at all."""


Course = Level | Rate | Ago | Absent


@dataclass(frozen=True, slots=True, kw_only=True)
class Signal:
    """One series, `metric{labels}`, without the label `environment`, which whoever plays it adds."""

    metric: str
    labels: tuple[tuple[str, str], ...] = ()
    healthy: Course
    faulty: Course


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One way in which an alert comes true: the fault begins, lasts `fault_s`, and ends.

    By arithmetic the alert fires `fires_after_s` after the fault's begin, its `for` included, and is gone
    `clears_after_s` after the fault's end. Before the fault everything is healthy for `healthy_s`. `labels` are those
    that tell this firing alert from another of the same rule. `alone` holds where no other alert of its name fires
    with it.
    """

    name: str
    signals: tuple[Signal, ...]
    fires_after_s: float
    clears_after_s: float
    fault_s: float
    healthy_s: float = 600.0
    labels: tuple[tuple[str, str], ...] = ()
    alone: bool = True

    def near(self, name: str, faulty: Mapping[str, Course], *, fires: bool) -> "Boundary":
        """Return the same fault with other courses of some metrics: close to a threshold, on one side of it."""
        signals = tuple(replace(one, faulty=faulty.get(one.metric, one.faulty)) for one in self.signals)
        return Boundary(
            name=f"{self.name}-{name}",
            signals=signals,
            fires=fires,
            healthy_s=self.healthy_s,
            fault_s=self.fault_s,
            labels=self.labels,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Boundary:
    """Series close to one threshold of an alert, on the side where it fires or on the other one.

    It is looked at when the fault has lasted `fault_s`. promtool's tests alone play it: a threshold that is changed
    shows here, where a case may lie far beyond it.
    """

    name: str
    signals: tuple[Signal, ...]
    fires: bool
    fault_s: float
    healthy_s: float = 600.0
    labels: tuple[tuple[str, str], ...] = ()
