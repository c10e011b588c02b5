"""A case as scenes: most of its time lies before the start, so that what it is played for is due a minute after it.

A scene is played in an environment of its own, so that scenes neither feed nor silence each other and one Prometheus
holds them all. The first shows how long the fault takes to be seen, the second the end of the rule's `for` where that
is too long to be waited for, the last how long the alert stays after the fault's end.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from scripts.drilling.series import Fault
from slo.rules.model import Alert
from slo.rules.signals import Case

Key = tuple[str, tuple[int, int]]
Kind = Literal["detection", "for", "clearing", "routing", "inhibition"]
# What takes no longer is played as it happens, so that nothing of it rests on a history that was written.
LIVE_S, LIVE_FOR_S = 60.0, 240.0
# Evaluations until then. Prometheus restores since when an alert has been pending at a rule's second one, and writes
# the series ALERTS from the third on: faults begin after that, and what is due from before comes so late that it would
# be too early, were it there from the start.
_BEGIN, _DUE = 3.5, 5.5
# No drill lasts so long.
_LONGEST_S = 1800.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """One alert's case in an environment of its own; moments are seconds since the start of the live part.

    `position` is the alert's group and its place there, `interval_s` how often the group is evaluated.
    `pending_s`, `fires_s` and `clears_s` are when the arithmetic says that it is pending, fires and is gone, None where
    the scene doesn't show it. `active_since_s` is given where `for` began before the start: since when the condition
    has held, `healthy_s` where health lasted longer than the case says.
    """

    kind: Kind
    alert: Alert
    case: Case
    environment: str
    interval_s: float
    position: tuple[int, int]
    begins_s: float
    ends_s: float
    pending_s: float | None = None
    fires_s: float | None = None
    clears_s: float | None = None
    active_since_s: float | None = None
    healthy_s: float | None = None

    @property
    def key(self) -> Key:
        """Its environment and its alert: a scene of inhibition shares its environment with another alert's."""
        return self.environment, self.position

    @property
    def is_over_s(self) -> float:
        """When the last of what it shows is due."""
        due = [at for at in (self.pending_s, self.fires_s, self.clears_s) if at is not None]
        return max(due, default=_DUE * self.interval_s)

    def fault(self, start_s: float) -> Fault:
        """Return when its fault begins and ends, for a live part that starts at `start_s`."""
        begins = start_s + self.begins_s
        healthy_s = self.case.healthy_s if self.healthy_s is None else self.healthy_s
        return Fault(healthy_from_s=begins - healthy_s, begins_s=begins, ends_s=start_s + self.ends_s)


def detection_s(alert: Alert, case: Case) -> float:
    """Return how long, by the arithmetic, the fault lasts until the alert's condition holds."""
    return max(0.0, case.fires_after_s - alert.for_s)


def scenes(
    alert: Alert, case: Case, interval_s: float, position: tuple[int, int], names: Iterator[str]
) -> Iterator[Scene]:
    """Yield the scenes that show when a case's alert fires and when it is gone, each in the next environment.

    `interval_s` is how often the alert's rule is evaluated.
    """
    seen_s = detection_s(alert, case)
    begins_s = _BEGIN * interval_s if seen_s <= LIVE_S else _DUE * interval_s - seen_s
    is_live = alert.for_s <= LIVE_FOR_S
    yield Scene(
        kind="detection",
        alert=alert,
        case=case,
        environment=next(names),
        interval_s=interval_s,
        position=position,
        begins_s=begins_s,
        ends_s=begins_s + _lasting(case, seen_s),
        pending_s=begins_s + seen_s,
        fires_s=begins_s + case.fires_after_s if is_live else None,
    )
    if not is_live:
        begins_s = _DUE * interval_s - case.fires_after_s
        yield Scene(
            kind="for",
            alert=alert,
            case=case,
            environment=next(names),
            interval_s=interval_s,
            position=position,
            begins_s=begins_s,
            ends_s=begins_s + _lasting(case, case.fires_after_s),
            fires_s=begins_s + case.fires_after_s,
            active_since_s=begins_s + seen_s,
        )
    yield _clearing(alert, case, interval_s, position, next(names))


def _lasting(case: Case, shown_after_s: float) -> float:
    """Return how long a fault lasts that is still there when all that is shown was measured."""
    return max(case.fault_s, shown_after_s + _LONGEST_S)


def _clearing(alert: Alert, case: Case, interval_s: float, position: tuple[int, int], environment: str) -> Scene:
    due_s = _DUE * interval_s
    is_live = case.clears_after_s <= LIVE_S
    ends_s = due_s - (0 if is_live else case.clears_after_s)
    # Where the fault ends live the alert must have fired before; how long such a fault lasted changes nothing.
    begins_s = ends_s - (max(case.fault_s, case.fires_after_s + due_s) if is_live else case.fault_s)
    return Scene(
        kind="clearing",
        alert=alert,
        case=case,
        environment=environment,
        interval_s=interval_s,
        position=position,
        begins_s=begins_s,
        ends_s=ends_s,
        clears_s=ends_s + case.clears_after_s,
        active_since_s=begins_s + detection_s(alert, case) if alert.for_s else None,
    )
