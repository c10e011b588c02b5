"""Statistical bounds: whether a count of bad events shows an objective met, missed, or neither.

The bound is Clopper and Pearson's (1934), one-sided, on *effective* counts: both the events and the bad ones are
divided by the design effect, as Korn and Graubard (1998) do for clustered samples, because requests that fail
together in an error burst are not independent observations.

The design effect is measured over 20 equal blocks of the judged window: the variance of the bad counts' residuals
about each step's own mean, over the binomial variance. It is the mean size of an error burst, weighed by size. Three
corrections:

- Korn and Graubard's (t / z)² for the 19 degrees of freedom it rests on;
- the excess over 1 times 1 + 2 / k, with k = bad events / design effect, the number of bursts seen: were bursts'
  sizes exponential, k of them would hide 1 / k of the sizes' own variance, and know their mean no better than to
  1 / k. It fades as bursts are seen;
- below 20 bad (or good) events a small residual proves nothing, and the plan's prior is the least that counts;
  with fewer than 20 blocks of 3 s, the prior alone, unless more was measured.

In simulation (the model of `tests/slo/test_statistics.py` in steps of 0.25 s; 1,500 runs, 10 a second) a shop exactly
at a budget of 5 % is passed, falsely, in 3.6 % of runs when bad events are independent, in 4.8 to 5.1 % when they
come in bursts of 0.5 to 3 s within 15 minutes, in 4.3 to 5.4 % for bursts up to 1 s within 90 s. Without the second
correction those are 5.1 to 5.7 % and 7 to 8 %. Scaling the excess by budget / ratio instead, as if worse meant larger
bursts, gives 1 to 4 %, but passes a shop at a fifth of its budget in 26 % of runs of 90 s with bursts of 1 s, here in
56 %.

What no statistic can repair: a run that holds only a handful of error bursts (3 s bursts in 90 s: 10 % false PASS).
A run must be long compared with the bursts it is to find.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import bdtr, betainc, betaincinv, ndtri, stdtrit

ALPHA = 0.05
BLOCKS = 20
MIN_BLOCK_S = 3.0
MIN_BAD_MEASURED = 20
LIKELY = 0.9
"""The chance with which as many events as are asked for show what they are to show."""
_SEARCH_LIMIT = 1 << 40
_UNSEEN = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class StepCounts:
    """One step's events and bad events in each block of the judged window, in order."""

    step: str
    events: tuple[int, ...]
    bad: tuple[int, ...]

    def __post_init__(self) -> None:
        """Refuse impossible counts."""
        if len(self.events) != len(self.bad):
            raise ValueError(f"{len(self.events)} blocks of events but {len(self.bad)} of bad events")
        if any(not 0 <= bad <= events for events, bad in zip(self.events, self.bad, strict=True)):
            raise ValueError(f"bad events of {self.step} must lie between 0 and the block's events")


@dataclass(frozen=True, slots=True, kw_only=True)
class DesignEffect:
    """How many clustered events weigh as much as one independent one, at least 1, and where that is known from."""

    value: float
    known_from: str


def blocks_of(duration_s: float) -> int:
    """Return how many blocks a window of `duration_s` is cut into: 20, or fewer of 3 s, at least 1."""
    return max(1, min(BLOCKS, int(duration_s / MIN_BLOCK_S)))


def upper_bad_ratio(bad: float, events: float, design_effect: float = 1.0, alpha: float = ALPHA) -> float:
    """Return the bad ratio that the true one exceeds with probability `alpha` at most (1 without events)."""
    bad, events = bad / design_effect, events / design_effect
    return 1.0 if bad >= events else float(betaincinv(bad + 1, events - bad, 1 - alpha))


def lower_bad_ratio(bad: float, events: float, design_effect: float = 1.0, alpha: float = ALPHA) -> float:
    """Return the bad ratio that the true one falls below with probability `alpha` at most (0 without bad events)."""
    bad, events = bad / design_effect, events / design_effect
    return 0.0 if bad <= 0 else float(betaincinv(bad, events - bad + 1, alpha))


def p_value_of_miss(bad: float, events: float, budget: float, design_effect: float = 1.0) -> float:
    """Return the probability of at least `bad` bad events if the true bad ratio were exactly the `budget`."""
    bad, events = bad / design_effect, events / design_effect
    return 1.0 if bad <= 0 else float(betainc(bad, events - bad + 1, budget))


def design_effect(counts: Sequence[StepCounts], prior: float) -> DesignEffect:
    """Measure the design effect from blocks; where that isn't possible, return the plan's `prior`."""
    blocks = min((len(step.events) for step in counts), default=0)
    bad = sum(sum(step.bad) for step in counts)
    events = sum(sum(step.events) for step in counts)
    measured = _measured(counts, blocks) if blocks >= BLOCKS and 0 < bad < events else 1.0
    if blocks >= BLOCKS and min(bad, events - bad) >= MIN_BAD_MEASURED:
        return DesignEffect(value=measured, known_from=f"measured over {blocks} blocks")
    if measured > max(1.0, prior):
        return DesignEffect(value=measured, known_from=f"measured over {blocks} blocks, on {bad} bad events")
    return DesignEffect(value=max(1.0, prior), known_from="the plan's prior")


def _measured(counts: Sequence[StepCounts], blocks: int) -> float:
    """Residuals about each step's mean, summed over the steps: steps that fail together are one cluster."""
    residuals, binomial, bad_total = np.zeros(blocks), 0.0, 0.0
    for step in counts:
        events, bad = np.array(step.events, dtype=float), np.array(step.bad, dtype=float)
        total = float(events.sum())
        mean = float(bad.sum()) / total if total else 0.0
        residuals += bad - mean * events
        binomial += total * mean * (1 - mean)
        bad_total += float(bad.sum())
    if binomial <= 0:
        return 1.0
    freedom = blocks - 1
    raw = blocks / freedom * float((residuals**2).sum()) / binomial
    adjusted = raw * float((stdtrit(freedom, 1 - ALPHA) / ndtri(1 - ALPHA)) ** 2)
    bursts = max(1.0, bad_total / max(1.0, adjusted))
    return 1.0 + max(0.0, adjusted - 1.0) * (1.0 + _UNSEEN / bursts)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tested:
    """The result of one objective's test for a miss, and the level at which it was tested."""

    alpha: float
    rejected: bool


def holm(p_values: Mapping[str, float], alpha: float = ALPHA) -> dict[str, Tested]:
    """Test all objectives for a miss so that *any* false alarm happens in at most `alpha` of good releases.

    Ten objectives at 5 % each would stop up to 40 % of good releases. Holm's step-down procedure (1979) tests the
    smallest p-value at alpha / m, the next at alpha / (m - 1), until one holds. A PASS needs no such care: it
    claims that *every* objective is met, and requiring each at `alpha` is the intersection-union test, whose own
    level is `alpha` (Berger 1982, Technometrics 24).
    """
    tested: dict[str, Tested] = {}
    level, stopped = alpha, False
    for done, name in enumerate(sorted(p_values, key=lambda name: (p_values[name], name))):
        level = level if stopped else alpha / (len(p_values) - done)
        stopped = stopped or p_values[name] >= level
        tested[name] = Tested(alpha=level, rejected=not stopped)
    return tested


def events_needed(budget: float, bad: int = 0, alpha: float = ALPHA) -> int:
    """Return the fewest independent events that show a bad ratio below `budget` when `bad` of them are bad."""
    return _least(bad + 1, lambda events: upper_bad_ratio(bad, events, 1.0, alpha) <= budget)


def events_needed_at(
    ratio: float, budget: float, design_effect: float = 1.0, alpha: float = ALPHA, chance: float = LIKELY
) -> int | None:
    """Return about how many events would show it met with a `chance` if the bad `ratio` stayed; None when none would.

    As many as would show it met were exactly that ratio seen again do so every other time only.
    """
    if ratio >= budget:
        return None
    return _least(1, lambda events: chance_of_proof(events, design_effect, budget, ratio, alpha) >= chance)


def events_to_miss_at(
    ratio: float, budget: float, design_effect: float, alpha: float, chance: float = LIKELY
) -> int | None:
    """Return about how many events would show it missed with a `chance` if the bad `ratio` stayed; None without."""
    if ratio <= budget:
        return None
    return _least(1, lambda events: _chance_of_miss(events, design_effect, budget, ratio, alpha) >= chance)


def _chance_of_miss(events: float, design_effect: float, budget: float, ratio: float, alpha: float) -> float:
    effective = int(events / design_effect)
    if p_value_of_miss(effective, effective, budget) >= alpha:
        return 0.0
    enough = _least(0, lambda bad: p_value_of_miss(bad, effective, budget) < alpha)
    return 1.0 - float(bdtr(enough - 1, effective, ratio))


def chance_of_proof(
    planned_events: float, design_effect: float, budget: float, assumed_bad_ratio: float, alpha: float = ALPHA
) -> float:
    """Return the chance that `planned_events` show the objective met if the true bad ratio is the assumed one."""
    events = int(planned_events / design_effect)
    if events < events_needed(budget, 0, alpha):
        return 0.0
    allowed = _least(0, lambda bad: upper_bad_ratio(bad, events, 1.0, alpha) > budget) - 1
    return float(bdtr(allowed, events, assumed_bad_ratio))


def breach_is_certain(bad: int, planned_total: float, target: float, deff_prior: float, alpha_fail: float) -> bool:
    """Whether the final judgement is missed even if every remaining planned event is good.

    Cheap enough to ask once a second. `alpha_fail` is the whole gate's alpha over the number of objectives (the
    strictest level of `holm`). Stopping on it costs no false alarms: the answer at the end would be the same.
    """
    budget = round(1.0 - target, 12)
    if bad <= planned_total * budget:
        return False
    return p_value_of_miss(bad, max(planned_total, bad), budget, max(1.0, deff_prior)) < alpha_fail


def _least(start: int, holds: Callable[[int], bool]) -> int:
    """Return the least n >= start for which a monotone condition holds, by doubling and halving."""
    low, step = start, 1
    if holds(low):
        return low
    while not holds(low + step):
        low, step = low + step, step * 2
        if step > _SEARCH_LIMIT:
            raise ValueError("no number of events is enough")
    high = low + step
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if holds(middle) else (middle, high)
    return high
