"""Validity of what sessions asked for: a session that breaks off at the cart never asks for the checkout.

No record of a request says that, and an objective about checkouts would be met by those that are left. So each judged
step is held against what the sessions that started imply: sessions times the visits of the step that the plan counts
on. A whole number of visits is the same in every session; a fraction is the mean of a few tries, so there the mean of
the sessions that came to their end counts where it is less, give or take the sampling error. A miss stands beside this
finding: the shop was missed by less load than planned.
"""

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from slo.findings import Finding
from slo.formatting import count, percent
from slo.validity.context import Given, invalid, note, unknown
from slo.validity.delivery import JourneyRequests

_SAMPLING = 2.0
"""How many standard errors a random number of visits may be off: of both means, 5 % each."""
_REASONS = 3
_ENDS = {"cut_off": "a request without a reply at the run's end"}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Implied:
    """How many requests of a step are implied, how many were made, and where sessions that lack some ended."""

    expected: float
    error: float
    made: int
    ended: Mapping[str, int]

    @property
    def missing_ratio(self) -> float:
        return 1 - self.made / self.expected

    def is_short(self, ratio: float) -> bool:
        return self.made < (1 - ratio) * self.expected - self.error


def steps(given: Given) -> Iterator[Finding]:
    """Find judged steps that were asked for over 10 % less often than the sessions that started imply."""
    journeys = given.records.journeys
    if journeys is None:
        yield unknown("steps", "what the sessions that started asked for")
        return
    judged = sorted({step for objective in given.judged_by.objectives for step in objective.steps})
    planned = {step for visits in given.judged_by.visits.values() for step in visits}
    implied = {step: _implied(step, journeys, given.judged_by.visits) for step in judged if step in planned}
    short = {step: one for step, one in implied.items() if one.is_short(given.limits.missing_ratio)}
    if short:
        yield _finding(short)
    yield from _not_counted(judged, sorted(journeys.keys() - given.judged_by.visits.keys()), planned)


def _implied(step: str, journeys: Mapping[str, JourneyRequests], visits: Mapping[str, Mapping[str, float]]) -> _Implied:
    expected, variance, made, ended = 0.0, 0.0, 0, Counter[str]()
    for name, journey in journeys.items():
        planned = float(visits.get(name, {}).get(step, 0.0))
        if planned <= 0:
            continue
        each = _each(step, journey, planned)
        expected += each * journey.sessions
        variance += 0.0 if planned.is_integer() else each * journey.sessions
        made += journey.requests.get(step, 0)
        ended.update({reason: times for reason, times in journey.broken_off.items() if not _is_at(step, reason)})
    return _Implied(expected=expected, error=_SAMPLING * math.sqrt(variance), made=made, ended=ended)


def _each(step: str, journey: JourneyRequests, planned: float) -> float:
    """Return how often a session that comes to its end makes a step."""
    if planned.is_integer() or not journey.completed:
        return planned
    return min(planned, journey.requests_of_completed.get(step, 0) / journey.completed)


def _is_at(step: str, reason: str) -> bool:
    """Whether a session ended at the step, and so had asked for it."""
    return reason.startswith(f"{step}: ")


def _finding(short: Mapping[str, _Implied]) -> Finding:
    """Tell of the step that lacks most, and name the others."""
    step, implied = max(short.items(), key=lambda one: one[1].missing_ratio)
    others = ", ".join(name for name in short if name != step)
    of = f"{count(implied.made)} of the {count(round(implied.expected))} that the sessions which started imply"
    told = f"{step} was asked for {of}, {percent(implied.missing_ratio)} fewer{_where(implied.ended)}"
    message = f"{told}; too few also of {others}" if others else told
    change = "mend what ends these visits before; if none was ended, count the plan's visits again: peakproof try"
    return invalid("steps", message, change, step=step, expected=round(implied.expected, 1), made=implied.made)


def _where(ended: Mapping[str, int]) -> str:
    most = sorted(ended.items(), key=lambda one: (-one[1], one[0]))[:_REASONS]
    if not most:
        return ""
    rest = sum(ended.values()) - sum(times for _, times in most)
    told = ", ".join(f"{_ENDS.get(reason, reason)} ({count(times)})" for reason, times in most)
    return f"; visits ended at {told}" + (f" and elsewhere ({count(rest)})" if rest else "")


def _not_counted(judged: Sequence[str], uncounted: Sequence[str], planned: set[str]) -> Iterator[Finding]:
    """Say of which steps and journeys nothing is implied."""
    open_steps = [step for step in judged if step not in planned]
    if open_steps:
        steps_told = ", ".join(open_steps)
        yield note("steps", f"how often sessions should ask for {steps_told} isn't planned: not checked that they did")
    if judged and uncounted:
        told = ", ".join(uncounted)
        yield note("steps", f"the plan doesn't count the visits of {told}: not checked what its sessions asked for")
