"""Alerts on what the cloud costs: the budget, a day that isn't like others, and a bill that says nothing any more."""

from exporters.alerts import health
from exporters.names import cost as names
from exporters.names.family import SOURCE
from exporters.subjects.cost.anomaly import THRESHOLD
from exporters.subjects.cost.config import COUNTS, RUNS, CostConfig
from slo.rules.model import Alert
from slo.rules.scope import Scope
from slo.rules.signals import Ago, Case, Course, Level, Signal

# A day's excess matters when, repeated through a month, it would take this share of the budget.
MATERIAL_RATIO, DAYS_A_MONTH = 0.1, 30
_SUBJECT, _HOUR_S = "cost", 3600
_SERVICE = "Compute"


def alerts(config: CostConfig, scope: Scope) -> tuple[Alert, ...]:
    """Return the alerts on bills; those on a budget only where a bill has one."""
    for_s, bills = round(2 * config.every_s), list(config.bills)
    sources = [*bills, *([COUNTS] if config.counts else []), *([RUNS] if config.runs else [])]
    budgeted = next(((name, one.budget) for name, one in config.bills.items() if one.budget is not None), None)
    found = [_too_old(config.max_age_h, bills[0], for_s, scope)]
    if budgeted is not None and budgeted[1] is not None:
        labels = ((SOURCE, budgeted[0]), (names.CURRENCY, budgeted[1].currency))
        found += [
            _exceeded(for_s, labels, scope),
            _will_be_exceeded(for_s, labels, scope),
            _anomaly(for_s, labels, scope),
        ]
    return (*found, *health.alerts(_SUBJECT, tuple(sources), scope))


Labels = tuple[tuple[str, str], ...]


def _signal(metric: str, labels: Labels, healthy: Course, faulty: Course) -> Signal:
    return Signal(metric=metric, labels=labels, healthy=healthy, faulty=faulty)


def _case(name: str, for_s: int, labels: Labels, *signals: Signal) -> Case:
    return Case(name=name, signals=signals, fires_after_s=for_s, clears_after_s=0, fault_s=for_s + 600, labels=labels)


def _twice(every: str) -> str:
    return f"{every} Two readings of the bill (every_s): a file that is read a moment too early passes."


def _exceeded(for_s: int, labels: Labels, scope: Scope) -> Alert:
    billed, budget = names.BILLED.name, names.BUDGET.name
    return Alert(
        name="CostBudgetExceeded",
        expr=f"{scope.selector(billed)} > {scope.selector(budget)}",
        for_s=for_s,
        severity="ticket",
        summary="The bill {{ $labels.source }} is over its budget of this billing period.",
        description='{{ $value | printf "%.2f" }} {{ $labels.currency }} are billed already.',
        reason=_twice("The budget of the configuration."),
        runbook="cost-budget-exceeded",
        exporter=_SUBJECT,
        cases=(
            _case(
                "cost-budget-exceeded", for_s, labels,
                _signal(billed, labels, Level(value=900), Level(value=1001)),
                _signal(budget, labels, Level(value=1000), Level(value=1000)),
            ),
        ),
    )  # fmt: skip


def _will_be_exceeded(for_s: int, labels: Labels, scope: Scope) -> Alert:
    lower, billed, budget = names.FORECAST_LOWER.name, names.BILLED.name, names.BUDGET.name
    over = f"{scope.selector(lower)} > {scope.selector(budget)}"
    return Alert(
        name="CostBudgetWillBeExceeded",
        expr=f"({over}) unless {scope.selector(billed)} > {scope.selector(budget)}",
        for_s=for_s,
        severity="ticket",
        summary="The bill {{ $labels.source }} will be over its budget of this billing period.",
        description='It is expected to be more than {{ $value | printf "%.2f" }} {{ $labels.currency }}, with 95 %.',
        reason=_twice("The lower end of the forecast: were nothing to change, at most 5 of 100 such alerts are wrong."),
        runbook="cost-budget-forecast",
        exporter=_SUBJECT,
        cases=(
            _case(
                "cost-budget-will-be-exceeded", for_s, labels,
                _signal(lower, labels, Level(value=950), Level(value=1050)),
                _signal(billed, labels, Level(value=400), Level(value=400)),
                _signal(budget, labels, Level(value=1000), Level(value=1000)),
            ),
        ),
    )  # fmt: skip


def _anomaly(for_s: int, labels: Labels, scope: Scope) -> Alert:
    score, day, typical, budget = (
        family.name for family in (names.DAY_SCORE, names.DAY_EFFECTIVE, names.DAY_TYPICAL, names.BUDGET)
    )
    service = (*labels, (names.SERVICE, _SERVICE))
    case = _case(
        "cost-anomaly", for_s, service,
        _signal(day, service, Level(value=20), Level(value=30)),
        _signal(typical, service, Level(value=20), Level(value=20)),
        _signal(score, service, Level(value=0), Level(value=6.7)),
        _signal(budget, labels, Level(value=1000), Level(value=1000)),
    )  # fmt: skip
    least = MATERIAL_RATIO * 1000 / DAYS_A_MONTH
    excess = f"({scope.selector(day)} - {scope.selector(typical)})"
    material = f"{MATERIAL_RATIO} * {scope.selector(budget)} / {DAYS_A_MONTH}"
    return Alert(
        name="CostAnomaly",
        expr=(
            f"{excess} > ignoring ({names.SERVICE}) group_left () ({material})"
            f" and {scope.selector(score)} > {THRESHOLD}"
        ),
        for_s=for_s,
        severity="ticket",
        summary="{{ $labels.service_name }} cost unusually much on the last day of the bill {{ $labels.source }}.",
        description='{{ $value | printf "%.2f" }} {{ $labels.currency }} above the same weekday of the 8 weeks before.',
        reason=_twice(
            f"A modified z-score above {THRESHOLD} (Iglewicz and Hoaglin, 1993), and an excess that would take"
            f" {MATERIAL_RATIO:.0%} of the budget if every day of a month had it: less isn't worth a ticket."
        ),
        runbook="cost-anomaly",
        exporter=_SUBJECT,
        cases=(case,),
        boundaries=(
            case.near("immaterial", {day: Level(value=20 + 0.9 * least)}, fires=False),
            case.near("material", {day: Level(value=20 + 1.1 * least)}, fires=True),
            case.near("as-usual", {score: Level(value=0.95 * THRESHOLD)}, fires=False),
            case.near("unusual", {score: Level(value=1.05 * THRESHOLD)}, fires=True),
        ),
    )


def _too_old(max_age_h: float, bill: str, for_s: int, scope: Scope) -> Alert:
    newest, most_s, labels = names.NEWEST_CHARGE.name, round(max_age_h * _HOUR_S), ((SOURCE, bill),)
    signal = _signal(newest, labels, Ago(seconds=3 * _HOUR_S), Ago(seconds=most_s + _HOUR_S))
    case = _case("cost-bill-too-old", for_s, labels, signal)
    return Alert(
        name="CostBillTooOld",
        expr=f"time() - {scope.selector(newest)} > {most_s}",
        for_s=for_s,
        severity="ticket",
        summary="The bill {{ $labels.source }} has had no new charges for too long.",
        description="Its newest usage ended {{ $value | humanizeDuration }} ago: its other figures are that old.",
        reason=_twice(
            f"max_age_h: {max_age_h:g}. Providers export at least once a day and charges come in within another, so 48"
            " hours are the least that isn't normal."
        ),
        runbook="cost-bill-old",
        exporter=_SUBJECT,
        cases=(case,),
        boundaries=(case.near("not-yet", {newest: Ago(seconds=0.95 * most_s)}, fires=False),),
    )
