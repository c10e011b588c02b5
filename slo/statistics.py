"""Statistical bounds: whether a count of bad events shows an objective met, missed, or neither.

The bound is Clopper and Pearson's (1934), one-sided, on *effective* counts: both the events and the bad ones are
divided by the design effect, as Korn and Graubard (1998) do for clustered samples, because requests that fail
together in an error burst are not independent observations.

`slo/design_effect.py` says what the design effect is and how it is measured; docs/trust.md what comes of it, measured
against shops of known truth.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from slo.special_functions import special

ALPHA = 0.05
LIKELY = 0.9
"""The chance with which as many events as are asked for show what they are to show."""
_SEARCH_LIMIT = 1 << 40


def upper_bad_ratio(bad: float, events: float, design_effect: float = 1.0, alpha: float = ALPHA) -> float:
    """Return the bad ratio that the true one exceeds with probability `alpha` at most (1 without events)."""
    bad, events = bad / design_effect, events / design_effect
    return 1.0 if bad >= events else float(special().betaincinv(bad + 1, events - bad, 1 - alpha))


def lower_bad_ratio(bad: float, events: float, design_effect: float = 1.0, alpha: float = ALPHA) -> float:
    """Return the bad ratio that the true one falls below with probability `alpha` at most (0 without bad events)."""
    bad, events = bad / design_effect, events / design_effect
    return 0.0 if bad <= 0 else float(special().betaincinv(bad, events - bad + 1, alpha))


def p_value_of_miss(bad: float, events: float, budget: float, design_effect: float = 1.0) -> float:
    """Return the probability of at least `bad` bad events if the true bad ratio were exactly the `budget`."""
    bad, events = bad / design_effect, events / design_effect
    return float(special().betainc(bad, events - bad + 1, budget))


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
    return _least_of_any(1, lambda events: chance_of_proof(events, design_effect, budget, ratio, alpha) >= chance)


def events_to_miss_at(
    ratio: float, budget: float, design_effect: float, alpha: float, chance: float = LIKELY
) -> int | None:
    """Return about how many events would show it missed with a `chance` if the bad `ratio` stayed; None without."""
    if ratio <= budget:
        return None
    return _least_of_any(1, lambda events: _chance_of_miss(events, design_effect, budget, ratio, alpha) >= chance)


def _chance_of_miss(events: float, design_effect: float, budget: float, ratio: float, alpha: float) -> float:
    effective = int(events / design_effect)
    most = _most_bad(effective, budget, 1 - alpha) + 1  # with one more, that many or more come by chance below alpha
    return 1.0 - _at_most(most, effective, ratio)


def chance_of_proof(
    planned_events: float, design_effect: float, budget: float, assumed_bad_ratio: float, alpha: float = ALPHA
) -> float:
    """Return the chance that `planned_events` show the objective met if the true bad ratio is the assumed one.

    Bad events come in bursts as large as the design effect says.
    """
    events = int(planned_events / design_effect)
    return _at_most(_most_bad(events, budget, alpha), events, assumed_bad_ratio)


def chance_of_proof_alone(
    planned_events: float, design_effect: float, budget: float, assumed_bad_ratio: float, alpha: float = ALPHA
) -> float:
    """Return the same where each event is bad by itself, though the design effect is held against it."""
    events = int(planned_events)
    allowed = _least(0, lambda bad: upper_bad_ratio(bad, events, design_effect, alpha) > budget) - 1
    return _at_most(allowed, events, assumed_bad_ratio)


def miss_is_certain(bad: int, planned: float, budget: float, design_effect: float, alpha: float) -> bool:
    """Whether an objective is missed even if every event still `planned` is good.

    `design_effect` is that of the events so far, and `alpha` the whole gate's over the number of objectives (the
    strictest level of `holm`). What is judged then is `bad` of the planned total, not of what came before the stop:
    a stop is made when the shop looks worst.
    """
    return p_value_of_miss(bad, max(planned, bad), budget, design_effect) < alpha


def _at_most(bad: int, events: int, ratio: float) -> float:
    """Return the chance of so many bad events or fewer; scipy's `bdtr` goes wrong from 2^31 events on."""
    if bad < 0:
        return 0.0
    return 1.0 if bad >= events else float(special().betainc(events - bad, bad + 1, 1 - ratio))


def _most_bad(events: int, ratio: float, chance: float) -> int:
    """Return the most bad events that so many or fewer come with a `chance` at most, -1 when not even none do."""
    return _least(0, lambda bad: _at_most(bad, events, ratio) > chance) - 1


def _least_of_any(start: int, holds: Callable[[int], bool]) -> int | None:
    """Return the least n as `_least` does, None when no number that a run could have is enough."""
    try:
        return _least(start, holds)
    except ValueError:
        return None


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
