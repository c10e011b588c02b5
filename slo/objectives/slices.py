"""Time slices: an objective whose budget is of time, by slices of the judged window that are good or bad, or a ratio.

Slices begin with the judged window; what is left of it behind the last whole one isn't judged. A slice without an
event has no ratio: it is left out, and at most half of the budget may be. A slice's own ratio is taken as it was seen.

*Timeslices*: a slice is an event, bad where its ratio of good events is below the slice's target. Slices are clustered
as requests are: an error burst of b seconds spoils 1 + b / length of them, and more show as scatter over 20 groups.

*RatioTimeslices*: the mean of the slices' ratios. Each slice weighs the same whatever it counted, so its requests do
not: the counts are scaled to the mean slice's, and their design effect is multiplied by Kish's (1965) for unequal
weights, n sum(w^2) / sum(w)^2.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from slo.design_effect import BLOCKS, StepCounts
from slo.objectives.counters import NoData
from slo.objectives.indicators import Evidence, Window

_NS = 1_000_000_000
_WHOLE = 1e-9
Method = Literal["Timeslices", "RatioTimeslices"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Slices:
    """How an objective's budget is cut into slices; `target` is what a good slice has at least, of Timeslices only."""

    method: Method
    length_s: int
    target: float | None = None

    def __post_init__(self) -> None:
        """Refuse a target that is missing or has no meaning."""
        if (self.target is None) == (self.method == "Timeslices"):
            raise ValueError("a slice has a target under Timeslices, and only there")

    @property
    def are_events(self) -> bool:
        """Whether slices are the events, and not the requests in them."""
        return self.method == "Timeslices"

    @property
    def noun(self) -> str:
        """What its events are, in words."""
        return f"slices of {self.length_s} s"

    def windows(self, window: Window) -> tuple[Window, ...]:
        """Return the whole slices of a window."""
        length = self.length_s * _NS
        number = (window.ends_at - window.starts_at) // length
        starts = (window.starts_at + length * place for place in range(number))
        return tuple(Window(starts_at=start, ends_at=start + length) for start in starts)

    def edges(self, window: Window) -> tuple[int, ...]:
        """Return where its whole slices begin and end; raises NoData where there is none."""
        windows = self.windows(window)
        if not windows:
            has = f"the judged window of {window.duration_s:.0f} s"
            raise NoData(f"{has} holds no whole slice of {self.length_s} s")
        return (window.starts_at, *(one.ends_at for one in windows))


@dataclass(frozen=True, slots=True, kw_only=True)
class Slice:
    """One slice's events and bad events: parts of one where they were evaluated."""

    events: float
    bad: float


def sliced(slices: Slices, found: Sequence[Slice], budget: float) -> Evidence:
    """Return the evidence of slices in the order of time; raises NoData where too many of them hold no event."""
    held = [one for one in found if one.events > 0]
    left_out = len(found) - len(held)
    check_left_out(left_out, len(found), budget, "slices hold no event")
    if slices.target is not None:
        target = slices.target
        bad = [float(1 - one.bad / one.events < target - _WHOLE) for one in held]
        return Evidence(counts=(grouped([1.0] * len(held), bad),), left_out=left_out, events_are=slices.noun)
    return _mean_of_ratios(held, left_out)


def check_left_out(left_out: int, number: int, budget: float, why: str) -> None:
    """Raise NoData where more than half of the budget isn't known."""
    if left_out == number or left_out > budget / 2 * number:
        raise NoData(f"{left_out} of {number} {why}, and at most half of the budget may be missing")


def grouped(events: Sequence[float], bad: Sequence[float]) -> StepCounts:
    """Return counts of neighbours as those of at most 20 groups, whose scatter tells how they cluster."""
    groups = min(BLOCKS, len(events))
    sums = [[0.0, 0.0] for _ in range(groups)]
    for place, (one, one_bad) in enumerate(zip(events, bad, strict=True)):
        group = sums[place * groups // len(events)]
        group[0] += one
        group[1] += min(one, one_bad)
    return StepCounts(step="", events=tuple(one for one, _ in sums), bad=tuple(one for _, one in sums))


def kish(weights: Sequence[float]) -> float:
    """Return the design effect of unequal weights, at least 1."""
    total = math.fsum(weights)
    return max(1.0, len(weights) * math.fsum(one * one for one in weights) / total**2)


def _mean_of_ratios(held: Sequence[Slice], left_out: int) -> Evidence:
    mean = math.fsum(one.events for one in held) / len(held)
    counts = grouped([mean] * len(held), [mean * one.bad / one.events for one in held])
    # A request of a slice that counted few weighs more: mean / events of that slice, for each of its events.
    total = math.fsum(one.events for one in held)
    squares = math.fsum(mean * mean / one.events for one in held)
    return Evidence(counts=(counts,), left_out=left_out, weighting=max(1.0, squares / total))
