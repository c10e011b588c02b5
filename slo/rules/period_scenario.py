"""The budget's own window, played through: a period and a quarter, which the other scenarios are too short for.

Recorded events are played in place of counters, one sample for each step that coverage asks for, and the rules are
evaluated five times in all: a month takes promtool no longer than an hour does.
"""

from slo.burn_rates import DAY_S
from slo.rules import names
from slo.rules.build import ObjectiveRules
from slo.rules.recordings import LONG_STEP_S, RAW_UP_TO_S
from slo.rules.scenarios import Scenario, Series, Stretch, at_or_before, near
from slo.rules.signals import Absent, Level

_RATE = 20.0
_MOST_S = 7 * DAY_S // 2  # four bursts of it: promtool's tests read no query of more than 10,000 samples


def quarter_s(rules: ObjectiveRules) -> int:
    """Return how often the scenario's rules are evaluated: five times until its end."""
    return at_or_before(rules.about.period_s / 4, LONG_STEP_S)


def whole_period(rules: ObjectiveRules) -> tuple[Scenario, ...]:
    """Return a burst of events before the window begins, one soon after, and at its middle two with errors.

    A longer window counts the first burst too, one that is a sixth shorter lacks the second: each has another error
    ratio, and another share of it was counted. Periods of up to 6 h have no such scenario: they are read from counters.
    """
    if rules.about.period_s <= RAW_UP_TO_S:
        return ()
    period_s, budget, record = rules.about.period_s, rules.objective.budget, rules.recorder.recorded
    at_s, burst_s, error_ratio = 5 * quarter_s(rules), _burst_s(rules), min(1.0, 2 * budget)
    spent = error_ratio / budget * 2 * burst_s / period_s
    checks = (
        near(at_s, record(names.coverage(period_s)), 3 * burst_s / period_s),
        near(at_s, record(names.error_ratio(period_s)), error_ratio * 2 / 3),
        near(at_s, record(names.burn_rate(period_s)), spent),
        near(at_s, record(names.REMAINING), 1 - spent, within=0.02 * spent),
    )
    base_s = rules.recorder.base_s
    rates = ((names.events(base_s), _RATE), (names.good_events(base_s), _RATE * (1 - error_ratio)))
    series = tuple(_played(rules, name, faulty) for name, faulty in rates)
    return (Scenario(name=f"{rules.objective.name}-whole-period", series=series, checks=checks),)


def _burst_s(rules: ObjectiveRules) -> int:
    return at_or_before(min(rules.about.period_s / 8, _MOST_S), LONG_STEP_S)


def _played(rules: ObjectiveRules, name: str, faulty: float) -> Series:
    quarter, burst_s = quarter_s(rules), _burst_s(rules)
    within_s = quarter + LONG_STEP_S  # no version of Prometheus counts its first sample as before the window
    stretches = (
        Stretch(course=Level(value=_RATE), seconds=burst_s),
        Stretch(course=Absent(), seconds=within_s - burst_s),
        Stretch(course=Level(value=_RATE), seconds=burst_s),
        Stretch(course=Absent(), seconds=2 * quarter - within_s - burst_s),
        Stretch(course=Level(value=faulty), seconds=2 * burst_s),
        Stretch(course=Absent(), seconds=3 * quarter - 2 * burst_s),
    )
    return Series(metric=name, labels=tuple(rules.recorder.labels.items()), stretches=stretches)
