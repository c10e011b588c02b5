"""Courses of series over time, and what rules must say at given moments of it: the tests of promtool as values."""

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from slo.objectives.selectors import quoted
from slo.rules.model import Alert, Group
from slo.rules.promql import number
from slo.rules.scope import Scope
from slo.rules.signals import Absent, Ago, Boundary, Case, Course, Level, Rate, Signal
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


def near(at_s: int, selector: str, value: float, within: float | None = None) -> Check:
    """Return that a recorded value is within 2 % of what arithmetic has: rates are extrapolated."""
    margin = number(within if within is not None else max(0.02 * value, 1e-9))
    return Check(at_s=at_s, expr=f"count(abs({selector} - {number(value)}) <= {margin})", value=1)


def _of_case(case: Case, alert: Alert, group: Group, scope: Scope, every_s: int) -> Scenario:
    fires_s = case.healthy_s + case.fires_after_s
    late_s = TOLERANCE * every_s
    fault_s = max(case.fault_s, case.fires_after_s + late_s + every_s)  # it is still there when it is looked at
    ends_s = case.healthy_s + fault_s
    gone_s = ends_s + case.clears_after_s
    fired_at = at_or_before(fires_s + late_s, every_s)
    expr = firing(named(alert, scope, case.labels))
    checks = [
        Check(at_s=max(0, _not_yet(fires_s, alert.for_s, every_s)), expr=expr, value=None),
        Check(at_s=fired_at, expr=expr, value=1),
        Check(at_s=max(fired_at, at_or_before(gone_s - late_s, every_s)), expr=expr, value=1),
        Check(at_s=at_or_before(gone_s + late_s, every_s), expr=expr, value=None),
    ]
    if case.alone and sum(other.name == alert.name for other in group.alerts) > 1:
        alone = firing((("alertname", alert.name), *scope.labels.items()))
        checks.append(Check(at_s=fired_at, expr=alone, value=1))
    after_s = case.clears_after_s + 2 * late_s
    series = (
        *played(case.signals, scope, case.healthy_s, fault_s, after_s),
        *_elsewhere(case.signals, alert, scope, case.healthy_s + fault_s + after_s),
    )
    return Scenario(name=case.name, series=series, checks=tuple(checks))


def _not_yet(fires_s: float, for_s: int, every_s: int) -> int:
    """Return an evaluation at which it can't fire yet, and would without its `for`.

    Where that is no longer than an interval, it is the first one at which the condition holds: it is pending then.
    """
    if 0 < for_s <= every_s:
        return math.ceil((fires_s - for_s) / every_s) * every_s
    return at_or_before(fires_s - every_s, every_s)


def _of_boundary(boundary: Boundary, alert: Alert, scope: Scope, every_s: int) -> Scenario:
    at_s = at_or_before(boundary.healthy_s + boundary.fault_s, every_s)
    expr = firing(named(alert, scope, boundary.labels))
    lasts_s = boundary.fault_s + every_s
    series = (
        *played(boundary.signals, scope, boundary.healthy_s, lasts_s, 0),
        *_elsewhere(boundary.signals, alert, scope, boundary.healthy_s + lasts_s),
    )
    return Scenario(
        name=boundary.name, series=series, checks=(Check(at_s=at_s, expr=expr, value=1 if boundary.fires else None),)
    )


def _elsewhere(signals: Iterable[Signal], alert: Alert, scope: Scope, lasts_s: float) -> tuple[Series, ...]:
    """Return other environments, one ill and one well all the time: none is this one's business.

    Beside the alerts of an exporter there are two more, in which all is ten times as large, or a tenth: a rule that
    takes one of its series from elsewhere is far off then.
    """
    if scope.matcher is not None:
        return ()
    courses: dict[str, Callable[[Signal], Course]] = {"ill": lambda one: one.faulty, "well": lambda one: one.healthy}
    if alert.exporter is not None:
        courses |= {"larger": lambda one: _times(10, one.faulty), "smaller": lambda one: _times(0.1, one.faulty)}
    return tuple(
        Series(
            metric=signal.metric,
            labels=(*signal.labels, *Scope(environment=f"{name}-{scope.environment}").example_labels),
            stretches=(Stretch(course=course, seconds=lasts_s),),
        )
        for name, course_of in courses.items()
        for signal in signals
        if not isinstance(course := course_of(signal), Absent)
    )


def _times(factor: float, course: Course) -> Course:
    match course:
        case Level(value=value):
            return Level(value=factor * value)
        case Rate(per_s=per_s):
            return Rate(per_s=factor * per_s)
        case Ago(seconds=seconds):
            return Ago(seconds=factor * seconds)
        case Absent():
            return course
