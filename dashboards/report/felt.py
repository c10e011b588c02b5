"""What the shopper felt: the waiting for each step, minute by minute."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from dashboards.report.records_query import Span, Store, Stretch
from dashboards.report.run_files import Reading

MAX_STEPS = 40
# In a busy minute a single error says little.
NOTICED_ERROR_RATIO = 0.01
_MINUTE_S = 60
_FEWEST, _MOST = 14, 120
_LADDER_S = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1800, 3600)


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """What an objective allows a step: `target` of its requests within `threshold_s`."""

    threshold_s: float
    target: float


@dataclass(frozen=True, slots=True, kw_only=True)
class StepOverTime:
    """One step in each stretch of the run's time that had a request of it, oldest first."""

    step: str
    limit: Limit | None
    stretches: Sequence[Stretch]

    def is_over(self, stretch: Stretch) -> bool:
        """Whether more requests of `stretch` than are allowed were over the limit."""
        # Rounded: 1 - 0.9 is a little below a tenth, and one of ten would be more than is allowed.
        return self.limit is not None and stretch.over > round((1 - self.limit.target) * stretch.requests, 6)

    @staticmethod
    def has_errors(stretch: Stretch) -> bool:
        """Whether so many requests of `stretch` ended in error that shoppers noticed."""
        return stretch.errors >= NOTICED_ERROR_RATIO * stretch.requests and stretch.errors > 0

    @property
    def worst(self) -> Stretch | None:
        """The stretch with the highest 95th percentile; None when nothing was answered."""
        known = [(one.quantiles_s[1], one) for one in self.stretches if one.quantiles_s]
        return max(known, key=lambda pair: pair[0])[1] if known else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Felt:
    """Every step over the run's time, busiest first, cut into the stretches of `time`."""

    time: Span
    steps: Sequence[StepOverTime]
    left_out: int


def felt(reading: Reading, store: Store, length_s: float | None = None, rows: Sequence[str] = ()) -> Felt:
    """Return what shoppers waited by step and minute; shorter stretches in a run under ten minutes.

    The stretches are those of a run of `length_s`, and the steps of `rows` come first in their order, where it is to be
    laid beside another run.
    """
    time = replace(store.time, bin_s=stretch_s(length_s or store.time.length_s))
    limits = limits_of(reading)
    found = store.stretches(time, {step: limit.threshold_s for step, limit in limits.items()})
    first = [step for step in rows if step in found]
    busiest = sorted(found.keys() - {*first}, key=lambda step: (-sum(one.requests for one in found[step]), step))
    ordered = [*first, *busiest]
    shown = [StepOverTime(step=step, limit=limits.get(step), stretches=found[step]) for step in ordered[:MAX_STEPS]]
    return Felt(time=time, steps=shown, left_out=len(ordered) - len(shown))


def limits_of(reading: Reading) -> Mapping[str, Limit]:
    """Return the strictest limit that an objective from the shopper's side sets each step."""
    limits: dict[str, Limit] = {}
    for one in (reading.verdict and reading.verdict.objectives) or ():
        if one.indicator != "latency" or one.source == "prometheus" or not one.threshold_s or one.target is None:
            continue
        for step in one.steps or ():
            known = limits.get(step)
            if known is None or one.threshold_s < known.threshold_s:
                limits[step] = Limit(threshold_s=one.threshold_s, target=one.target)
    return limits


def stretch_s(length_s: float) -> int:
    """Return the stretch that a run of `length_s` is shown by: a minute, where that makes 10 to 120 of them."""
    if length_s < 10 * _MINUTE_S:
        return next(step for step in _LADDER_S if step * _FEWEST >= length_s)
    return next((step for step in _LADDER_S[6:] if step * _MOST >= length_s), int(length_s / _MOST) + 1)
