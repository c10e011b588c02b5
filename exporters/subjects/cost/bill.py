"""A bill as typed values: sums of charges by billing period and currency, and how several periods make one bill.

BilledCost is what is invoiced; EffectiveCost spreads what was paid in advance over what used it. FOCUS 1.2, columns
BilledCost and EffectiveCost. Credits and refunds are negative and count like any other charge.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

DAY = timedelta(days=1)
ZERO = Decimal(0)


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Period:
    """A billing period, its end excluded; UTC."""

    start: datetime
    end: datetime

    def holds(self, at: datetime) -> bool:
        """Whether a moment lies in it."""
        return self.start <= at < self.end

    @property
    def days(self) -> tuple[date, ...]:
        """Its days."""
        return tuple((self.start + n * DAY).date() for n in range((self.end - self.start).days))


@dataclass(frozen=True, slots=True, kw_only=True)
class Amounts:
    """One sum of charges, as billed and as effective."""

    billed: Decimal = ZERO
    effective: Decimal = ZERO


@dataclass(frozen=True, slots=True, kw_only=True)
class PeriodTotals:
    """The charges of one billing period in one currency, summed.

    `by_day` holds usage that is charged by the day or finer, as billed: what goes on until the period's end. `of_days`
    is the effective cost of every charge, one for longer than a day spread evenly over its days, without corrections of
    earlier periods. `idle` has a reason only where the bill has the columns that tell. `tagged_hours` is the effective
    cost of the tagged resources by the hour.
    """

    services: Mapping[str, Amounts]
    categories: Mapping[str, Decimal]
    corrections: Decimal
    by_day: Mapping[date, Decimal]
    of_days: Mapping[tuple[str, date], Decimal]
    idle: Mapping[str, Decimal]
    tagged_hours: Mapping[datetime, float]

    @property
    def billed(self) -> Decimal:
        """The whole of it."""
        return sum((one.billed for one in self.services.values()), ZERO)

    @property
    def fixed(self) -> Decimal:
        """What isn't charged by the day: purchases, taxes, credits, adjustments, corrections, monthly fees."""
        return self.billed - sum(self.by_day.values(), ZERO)


@dataclass(frozen=True, slots=True, kw_only=True)
class Charges:
    """What one export holds: totals by billing period and currency, and the newest end of a charge of each period."""

    totals: Mapping[tuple[Period, str], PeriodTotals]
    newest: Mapping[Period, datetime]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ledger:
    """A bill in one currency: its current billing period, and the days of all that were read."""

    month: PeriodTotals | None
    by_day: Mapping[date, Decimal]
    of_days: Mapping[str, Mapping[date, Decimal]]
    tagged_hours: Mapping[datetime, float]

    @property
    def day_totals(self) -> Mapping[date, Decimal]:
        """The effective cost of each day, all services together."""
        totals: dict[date, Decimal] = defaultdict(Decimal)
        for days in self.of_days.values():
            for day, amount in days.items():
                totals[day] += amount
        return totals


@dataclass(frozen=True, slots=True, kw_only=True)
class Bill:
    """A bill: `newest` is the newest end of a charge, `period` the billing period of now, None while it isn't there."""

    newest: datetime
    period: Period | None
    ledgers: Mapping[str, Ledger] = field(default_factory=dict)

    def complete_days(self, late_h: float) -> tuple[date, ...]:
        """Return the last days in a row, oldest first, whose charges have come in: `late_h` before `newest`.

        A day that the bill has no charge of is a gap, not a day that cost nothing: the days before it don't count.
        """
        known = {day for ledger in self.ledgers.values() for day in ledger.by_day}
        day = (self.newest - timedelta(hours=late_h)).date() - DAY
        days: list[date] = []
        while day in known:
            days.append(day)
            day -= DAY
        return tuple(reversed(days))


def bill_of(chosen: Iterable[tuple[Period, Charges]], now: datetime) -> Bill:
    """Return the bill that the newest charges of each billing period make; at least one."""
    parts = list(chosen)
    period = next((one for one, _ in parts if one.holds(now)), None)
    by_currency: dict[str, list[tuple[Period, PeriodTotals]]] = defaultdict(list)
    for one, charges in parts:
        for (of, currency), totals in charges.totals.items():
            if of == one:
                by_currency[currency].append((of, totals))
    return Bill(
        newest=max(charges.newest[one] for one, charges in parts),
        period=period,
        ledgers={currency: _ledger(totals, period) for currency, totals in sorted(by_currency.items())},
    )


def _ledger(parts: Iterable[tuple[Period, PeriodTotals]], period: Period | None) -> Ledger:
    month: PeriodTotals | None = None
    by_day: dict[date, Decimal] = defaultdict(Decimal)
    of_days: dict[str, dict[date, Decimal]] = defaultdict(lambda: defaultdict(Decimal))
    hours: dict[datetime, float] = defaultdict(float)
    for of, totals in parts:
        month = totals if of == period else month
        for day, amount in totals.by_day.items():
            by_day[day] += amount
        for (service, day), amount in totals.of_days.items():
            of_days[service][day] += amount
        for hour, cost in totals.tagged_hours.items():
            hours[hour] += cost
    return Ledger(month=month, by_day=by_day, of_days=of_days, tagged_hours=hours)


def utc(at: datetime) -> datetime:
    """Return a time without a zone, as a bill has it, as the UTC that FOCUS demands."""
    return at.replace(tzinfo=UTC)
