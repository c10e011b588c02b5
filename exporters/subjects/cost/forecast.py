"""What a billing period will cost, from the days that are known: pure arithmetic.

Days that are complete count as they are, and so does what isn't charged by the day. Each other day is expected to cost
the mean of the last 7, 14, 21 or 28 complete days: whole weeks, so that weekdays weigh alike. The interval is
Student's for the sum of R further draws beside the mean of n: t(n-1) · s · √(R + R²/n), 95 % on each side. It takes
days for independent and the shop for what it was in those weeks: a change that is still to come isn't in it, nor are
taxes and fees that are charged at the period's end.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from exporters.subjects.cost.bill import ZERO, Period, PeriodTotals
from slo.special_functions import special

CONFIDENCE = 0.95
_WEEK, _MOST = 7, 28


@dataclass(frozen=True, slots=True, kw_only=True)
class Forecast:
    """The expected BilledCost of the whole period, and what it is above and below with 95 % confidence each."""

    expected: float
    lower: float
    upper: float


def forecast(
    month: PeriodTotals, period: Period, by_day: Mapping[date, Decimal], complete: Sequence[date]
) -> Forecast | None:
    """Return the forecast, None with fewer than 7 complete days in a row; `complete` is oldest first."""
    count = min(len(complete), _MOST) // _WEEK * _WEEK
    if not count:
        return None
    past = [float(by_day.get(day, ZERO)) for day in complete[-count:]]
    mean = math.fsum(past) / count
    deviation = math.sqrt(math.fsum((cost - mean) ** 2 for cost in past) / (count - 1))
    known = set(complete).intersection(period.days)
    to_come = len(period.days) - len(known)
    spent = float(month.fixed + sum((month.by_day.get(day, ZERO) for day in known), ZERO))
    expected = spent + to_come * mean
    half = float(special().stdtrit(count - 1, CONFIDENCE)) * deviation * math.sqrt(to_come + to_come**2 / count)
    return Forecast(expected=expected, lower=expected - half, upper=expected + half)
