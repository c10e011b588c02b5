"""The series of a case at any moment: healthy, then the fault from `begins` to `ends`, then healthy again.

Values are functions of the time alone, so that history written beforehand and a page scraped later go on as one.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass

from slo.objectives.selectors import quoted
from slo.rules.scope import ENVIRONMENT
from slo.rules.signals import Absent, Ago, Course, Level, Rate, Signal

# Labels that Prometheus would add of its own; an empty one keeps it from doing so.
_TARGET_LABELS = ("instance", "job")
_SHORT_S, _NEAR_S, _DENSE_S = 3 * 3600, 2 * 3600, 600
_STEP_S, _NEAR_STEP_S, _FAR_STEP_S = 5, 15, 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """When, in seconds since 1970, healthy history begins, and the fault begins and ends."""

    healthy_from_s: float
    begins_s: float
    ends_s: float


def value(signal: Signal, fault: Fault, at_s: float) -> float | None:
    """Return the series' value at a moment, None where it has no sample."""
    during = fault.begins_s <= at_s < fault.ends_s
    course: Course = signal.faulty if during else signal.healthy
    match course:
        case Level(value=level):
            return level
        case Ago(seconds=seconds):
            return at_s - seconds
        case Absent():
            return None
        case Rate():
            return _counted(signal, fault, at_s)


def _counted(signal: Signal, fault: Fault, at_s: float) -> float:
    """Return what a counter has come to: it grows in each part at that part's rate."""
    healthy_s = max(0.0, min(at_s, fault.begins_s) - fault.healthy_from_s) + max(0.0, at_s - fault.ends_s)
    faulty_s = max(0.0, min(at_s, fault.ends_s) - fault.begins_s)
    return healthy_s * _per_s(signal.healthy) + faulty_s * _per_s(signal.faulty)


def _per_s(course: Course) -> float:
    return course.per_s if isinstance(course, Rate) else 0.0


def moments(fault: Fault, until_s: float) -> Iterator[float]:
    """Yield when the history has samples, up to `until_s`: each few seconds, far back in a long one each minute.

    It is dense too where something changes, at its begin and where the fault begins and ends: a rate would see it late.
    """
    is_long = until_s - fault.healthy_from_s > _SHORT_S
    changes = [at for at in (fault.healthy_from_s, fault.begins_s, fault.ends_s) if at < until_s]
    at = fault.healthy_from_s
    while at < until_s:
        yield at
        is_dense = not is_long or any(-_FAR_STEP_S <= at - change < _DENSE_S for change in changes)
        step = _STEP_S if is_dense else _NEAR_STEP_S if until_s - at <= _NEAR_S else _FAR_STEP_S
        following = at + step
        yield from (change for change in changes if at < change < following)
        at = following


def line(signal: Signal, environment: str, *, of_target: bool) -> str:
    """Return a series as the text format names it; `of_target` keeps a scrape from adding its target's labels."""
    labels = {**dict(signal.labels), ENVIRONMENT: environment}
    own = {name: "" for name in _TARGET_LABELS if of_target and name not in labels}
    return f"{signal.metric}{{{','.join(f'{name}={quoted(text)}' for name, text in (labels | own).items())}}}"


def number(sample: float) -> str:
    """Return a sample as the text format has it."""
    if math.isfinite(sample):
        return repr(float(sample))
    return "NaN" if math.isnan(sample) else "+Inf" if sample > 0 else "-Inf"
