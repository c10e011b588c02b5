"""Courses of series over time, and what rules must say at given moments of it: the tests of promtool as values."""

import math
from collections.abc import Iterable
from dataclasses import dataclass

from slo.objectives.selectors import quoted
from slo.rules.model import Alert, Group
from slo.rules.scope import Scope
from slo.rules.signals import Absent, Boundary, Case, Course, Signal
from slo.rules.write import alert_labels

TOLERANCE = 2
"""How many evaluations an alert may fire, or be gone, after the arithmetic has it: what is scraped is seen at the next
evaluation, and only then does `for` begin."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stretch:
    """A course that a series takes for `seconds`."""

    course: Course
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """One series, with all of its labels, through its stretches."""

    metric: str
    labels: tuple[tuple[str, str], ...]
    stretches: tuple[Stretch, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """What an expression without labels must be at a moment; None where it must have no value."""

    at_s: int
    expr: str
    value: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """Series over time, and what must hold."""

    name: str
    series: tuple[Series, ...]
    checks: tuple[Check, ...]


def of_cases(group: Group, scope: Scope, every_s: int) -> tuple[Scenario, ...]:
    """Return a scenario for each case of each alert of a group, where rules are evaluated every `every_s`."""
    cases = (_of_case(case, alert, group, scope, every_s) for alert in group.alerts for case in alert.cases)
    return (*cases, *(_of_boundary(one, alert, scope, every_s) for alert in group.alerts for one in alert.boundaries))


def firing(labels: Iterable[tuple[str, str]]) -> str:
    """Return how many alerts with these labels fire."""
    inside = ",".join(f"{name}={quoted(value)}" for name, value in (("alertstate", "firing"), *labels))
    return f"count(ALERTS{{{inside}}})"


def named(alert: Alert, scope: Scope, extra: Iterable[tuple[str, str]] = ()) -> tuple[tuple[str, str], ...]:
    """Return the labels that a firing alert has."""
    return (("alertname", alert.name), *alert_labels(alert, scope).items(), *extra)


def played(
    signals: Iterable[Signal], scope: Scope, healthy_s: float, fault_s: float, after_s: float
) -> tuple[Series, ...]:
    """Return signals as series of an environment: in health, under the fault, and in health again."""
    return tuple(
        Series(
            metric=signal.metric,
            labels=(*signal.labels, *scope.example_labels),
            stretches=(
                Stretch(course=signal.healthy, seconds=healthy_s),
                Stretch(course=signal.faulty, seconds=fault_s),
                Stretch(course=signal.healthy, seconds=after_s),
            ),
        )
        for signal in signals
    )


def at_or_before(moment_s: float, every_s: int) -> int:
    """Return the last evaluation that isn't after a moment."""
    return math.floor(moment_s / every_s) * every_s


def _of_case(case: Case, alert: Alert, group: Group, scope: Scope, every_s: int) -> Scenario:
    fires_s = case.healthy_s + case.fires_after_s
    late_s = TOLERANCE * every_s
    fault_s = max(case.fault_s, case.fires_after_s + late_s + every_s)  # it is still there when it is looked at
    ends_s = case.healthy_s + fault_s
    gone_s = ends_s + case.clears_after_s
    fired_at = at_or_before(fires_s + late_s, every_s)
    expr = firing(named(alert, scope, case.labels))
    checks = [
        Check(at_s=max(0, at_or_before(fires_s - every_s, every_s)), expr=expr, value=None),
        Check(at_s=fired_at, expr=expr, value=1),
        Check(at_s=max(fired_at, at_or_before(gone_s - late_s, every_s)), expr=expr, value=1),
        Check(at_s=at_or_before(gone_s + late_s, every_s), expr=expr, value=None),
    ]
    if sum(other.name == alert.name for other in group.alerts) > 1:
        alone = firing((("alertname", alert.name), *scope.labels.items()))
        checks.append(Check(at_s=fired_at, expr=alone, value=1))
    after_s = case.clears_after_s + 2 * late_s
    series = (
        *played(case.signals, scope, case.healthy_s, fault_s, after_s),
        *_elsewhere(case.signals, scope, case.healthy_s + fault_s + after_s),
    )
    return Scenario(name=case.name, series=series, checks=tuple(checks))


def _of_boundary(boundary: Boundary, alert: Alert, scope: Scope, every_s: int) -> Scenario:
    at_s = at_or_before(boundary.healthy_s + boundary.fault_s, every_s)
    expr = firing(named(alert, scope, boundary.labels))
    lasts_s = boundary.fault_s + every_s
    series = (
        *played(boundary.signals, scope, boundary.healthy_s, lasts_s, 0),
        *_elsewhere(boundary.signals, scope, boundary.healthy_s + lasts_s),
    )
    return Scenario(
        name=boundary.name, series=series, checks=(Check(at_s=at_s, expr=expr, value=1 if boundary.fires else None),)
    )


def _elsewhere(signals: Iterable[Signal], scope: Scope, lasts_s: float) -> tuple[Series, ...]:
    """Return two other environments, one ill and one well all the time: neither is this one's business."""
    if scope.matcher is not None:
        return ()
    courses = ((f"ill-{scope.environment}", False), (f"well-{scope.environment}", True))
    return tuple(
        Series(
            metric=signal.metric,
            labels=(*signal.labels, *Scope(environment=name).example_labels),
            stretches=(Stretch(course=course, seconds=lasts_s),),
        )
        for name, well in courses
        for signal in signals
        if not isinstance(course := signal.healthy if well else signal.faulty, Absent)
    )
