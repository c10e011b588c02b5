"""Bills, counts and runs as metric families; what isn't known is absent, never zero."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal

from prometheus_client.metrics_core import GaugeMetricFamily, Metric

from exporters.names import cost as names
from exporters.names.family import Family, new_gauge
from exporters.subjects.cost.anomaly import unusual
from exporters.subjects.cost.bill import ZERO, Bill, Ledger, Period, PeriodTotals
from exporters.subjects.cost.config import COUNTS, RUNS, BillConfig, CostConfig
from exporters.subjects.cost.counts import DailyCounts
from exporters.subjects.cost.forecast import forecast
from exporters.subjects.cost.run_windows import RunWindow, run_cost

Value = Bill | DailyCounts | tuple[RunWindow, ...]
_WEEK, _RANKED_DAYS = 7, 28


class _Gauges:
    """Families in the order of their first sample; one without a sample isn't exposed."""

    def __init__(self) -> None:
        self._gauges: dict[str, GaugeMetricFamily] = {}

    def add(self, family: Family, labels: Sequence[str], value: Decimal | float | None) -> None:
        if value is not None:
            self._gauges.setdefault(family.name, new_gauge(family)).add_metric(labels, float(value))

    def families(self) -> tuple[Metric, ...]:
        return tuple(self._gauges.values())


def families_of(config: CostConfig) -> Callable[[Mapping[str, Value]], Iterable[Metric]]:
    """Return what turns the values of the sources into families."""

    def families(values: Mapping[str, Value]) -> Iterable[Metric]:
        gauges = _Gauges()
        counts, runs = values.get(COUNTS), values.get(RUNS)
        for source, bill_config in config.bills.items():
            _budget(gauges, source, bill_config)
            bill = values.get(source)
            if isinstance(bill, Bill):
                complete = bill.complete_days(config.late_h)
                _bill(gauges, source, bill, complete, config.top)
                for currency, ledger in bill.ledgers.items():
                    if isinstance(counts, DailyCounts):
                        _each_order(gauges, (source, currency), ledger, counts, complete)
                    if isinstance(runs, tuple):
                        _runs(gauges, (source, currency), ledger, runs, complete)
        return gauges.families()

    return families


def _budget(gauges: _Gauges, source: str, config: BillConfig) -> None:
    if config.budget is not None:
        gauges.add(names.BUDGET, (source, config.budget.currency), config.budget.amount)


def _bill(gauges: _Gauges, source: str, bill: Bill, complete: Sequence[date], top: int) -> None:
    gauges.add(names.NEWEST_CHARGE, (source,), bill.newest.timestamp())
    if complete:
        gauges.add(names.DAY_START, (source,), _midnight(complete[-1]).timestamp())
    for currency, ledger in bill.ledgers.items():
        labels = (source, currency)
        if bill.period is not None and ledger.month is not None:
            _month(gauges, labels, ledger.month, top)
            _forecast(gauges, labels, ledger, bill.period, complete)
        _days(gauges, labels, ledger, complete, top)


def _month(gauges: _Gauges, labels: tuple[str, str], month: PeriodTotals, top: int) -> None:
    gauges.add(names.BILLED, labels, month.billed)
    gauges.add(names.EFFECTIVE, labels, sum((one.effective for one in month.services.values()), ZERO))
    shown = top_of({name: amounts.billed for name, amounts in month.services.items()}, top)
    for family, of in (
        (names.SERVICE_BILLED, {name: one.billed for name, one in month.services.items()}),
        (names.SERVICE_EFFECTIVE, {name: one.effective for name, one in month.services.items()}),
    ):
        for name, amount in with_other(of, shown).items():
            gauges.add(family, (*labels, name), amount)
    gauges.add(names.SERVICES_IN_OTHER, labels, len(month.services) - len(shown))
    for category, amount in sorted(month.categories.items()):
        gauges.add(names.CATEGORY_BILLED, (*labels, category), amount)
    gauges.add(names.CORRECTIONS, labels, month.corrections)
    for reason, amount in month.idle.items():
        gauges.add(names.IDLE, (*labels, reason), amount)


def _forecast(
    gauges: _Gauges, labels: tuple[str, str], ledger: Ledger, period: Period, complete: Sequence[date]
) -> None:
    if ledger.month is None:
        return
    found = forecast(ledger.month, period, ledger.by_day, complete)
    if found is not None:
        gauges.add(names.FORECAST, labels, found.expected)
        gauges.add(names.FORECAST_LOWER, labels, found.lower)
        gauges.add(names.FORECAST_UPPER, labels, found.upper)


def _days(gauges: _Gauges, labels: tuple[str, str], ledger: Ledger, complete: Sequence[date], top: int) -> None:
    """Add the last complete day by service: those that cost the most over the last four weeks, and the others' sum."""
    if not complete:
        return
    ranked = set(complete[-_RANKED_DAYS:])
    costs = {
        name: sum((amount for day, amount in days.items() if day in ranked), ZERO)
        for name, days in ledger.of_days.items()
    }
    shown = top_of(costs, top)
    for name, days in with_other_days(ledger.of_days, shown).items():
        gauges.add(names.DAY_EFFECTIVE, (*labels, name), days.get(complete[-1], ZERO))
        judged = unusual(days, complete)
        if judged is not None:
            gauges.add(names.DAY_TYPICAL, (*labels, name), judged.typical)
            gauges.add(names.DAY_SCORE, (*labels, name), judged.score)


def _each_order(
    gauges: _Gauges, labels: tuple[str, str], ledger: Ledger, counts: DailyCounts, complete: Sequence[date]
) -> None:
    """Add the cost of an order and of 1,000 requests, over the last 7 days that came in."""
    if len(complete) < _WEEK:
        return
    week, totals = complete[-_WEEK:], ledger.day_totals
    cost = float(sum((totals.get(day, ZERO) for day in week), ZERO))
    gauges.add(names.PER_ORDER, labels, _each(cost, counts.orders, week))
    gauges.add(names.PER_1000_REQUESTS, labels, _each(1000 * cost, counts.requests, week))


def _runs(
    gauges: _Gauges, labels: tuple[str, str], ledger: Ledger, runs: Sequence[RunWindow], complete: Sequence[date]
) -> None:
    for run in runs:
        found = run_cost(run, ledger.tagged_hours, complete)
        if found is not None:
            family = names.RUN_EFFECTIVE if found.is_billed else names.RUN_ESTIMATED
            gauges.add(family, (*labels, run.run), found.cost)


def _each(cost: float, counts: Mapping[date, float], days: Sequence[date]) -> float | None:
    """Return the cost of each, None unless every day's count is known and there was one at all."""
    if any(day not in counts for day in days):
        return None
    count = sum(counts[day] for day in days)
    return cost / count if count else None


def top_of(amounts: Mapping[str, Decimal], top: int) -> frozenset[str]:
    """Return the `top` names with the largest amounts, credits by their size; ties go by name."""
    ranked = sorted(amounts, key=lambda name: (-abs(amounts[name]), name))
    return frozenset(name for name in ranked[:top] if name != names.OTHER)


def with_other(amounts: Mapping[str, Decimal], shown: frozenset[str]) -> dict[str, Decimal]:
    """Return the shown amounts and the sum of the others, so that they add up; no other where none is left."""
    found = {name: amounts[name] for name in sorted(shown)}
    left = [amount for name, amount in amounts.items() if name not in shown]
    return {**found, names.OTHER: sum(left, ZERO)} if left else found


def with_other_days(
    of_days: Mapping[str, Mapping[date, Decimal]], shown: frozenset[str]
) -> dict[str, Mapping[date, Decimal]]:
    """Return the same of amounts by day."""
    found: dict[str, Mapping[date, Decimal]] = {name: of_days[name] for name in sorted(shown)}
    other: dict[date, Decimal] = {}
    for name, days in of_days.items():
        if name not in shown:
            for day, amount in days.items():
                other[day] = other.get(day, ZERO) + amount
    return {**found, names.OTHER: other} if other else found


def _midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC)
