"""The forecast and the anomaly are arithmetic on days that are known; a few days say nothing."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from math import sqrt

import pytest

from exporters.subjects.cost.anomaly import THRESHOLD, unusual
from exporters.subjects.cost.bill import Amounts, Period, PeriodTotals
from exporters.subjects.cost.forecast import forecast

NOVEMBER = Period(start=datetime(2026, 11, 1, tzinfo=UTC), end=datetime(2026, 12, 1, tzinfo=UTC))
FIRST = date(2026, 11, 1)


def run_of(costs: Sequence[float], first: date = FIRST) -> dict[date, Decimal]:
    return {first + timedelta(days=n): Decimal(str(cost)) for n, cost in enumerate(costs)}


def month(by_day: dict[date, Decimal], fixed: str = "0") -> PeriodTotals:
    own = {day: amount for day, amount in by_day.items() if day >= FIRST}
    billed = sum(own.values(), Decimal(fixed))
    return PeriodTotals(
        services={"Compute": Amounts(billed=billed)}, categories={}, corrections=Decimal(0), by_day=own, of_days={},
        idle={}, tagged_hours={},
    )  # fmt: skip


def test_days_that_never_differ_are_forecast_exactly() -> None:
    days = run_of([10] * 14)
    found = forecast(month(days, "25"), NOVEMBER, days, list(days))
    assert found is not None
    assert (found.expected, found.lower, found.upper) == (325, 325, 325)


def test_the_interval_is_students_for_the_days_to_come() -> None:
    days = run_of([9, 11] * 7)
    found = forecast(month(days), NOVEMBER, days, list(days))
    assert found is not None
    deviation, to_come, t_13 = sqrt(14 / 13), 16, 1.770933
    assert found.expected == 300
    assert found.upper - 300 == pytest.approx(t_13 * deviation * sqrt(to_come + to_come**2 / 14), rel=1e-6)
    assert 300 - found.lower == pytest.approx(found.upper - 300)


def test_a_day_that_has_not_come_in_is_forecast_whatever_is_billed_of_it_already() -> None:
    days = run_of([10] * 14)
    late = {**days, date(2026, 11, 15): Decimal(2)}
    found = forecast(month(late), NOVEMBER, late, list(days))
    assert found is not None
    assert found.expected == 300


def test_only_whole_weeks_of_the_last_four_count() -> None:
    days = run_of([1000] * 5 + [10] * 30, date(2026, 10, 11))
    found = forecast(month(days), NOVEMBER, days, list(days))
    assert found is not None
    assert found.expected == 300


def test_fewer_than_seven_days_forecast_nothing() -> None:
    days = run_of([10] * 6)
    assert forecast(month(days), NOVEMBER, days, list(days)) is None


def weeks(*costs: float) -> dict[date, Decimal]:
    """Return the days of so many weeks, in which the last weekday cost this and every other 5."""
    days = run_of([5] * 7 * len(costs), date(2026, 9, 7))
    for number, cost in enumerate(costs):
        days[date(2026, 9, 13) + timedelta(weeks=number)] = Decimal(str(cost))
    return days


def test_a_day_is_compared_with_the_same_weekday() -> None:
    days = weeks(100, 102, 98, 101, 99, 100)
    found = unusual(days, list(days))
    assert found is not None
    assert (found.cost, found.typical, found.score) == (100, 100, 0)


def test_the_score_is_the_modified_z_score() -> None:
    days = weeks(100, 102, 98, 104, 96, 112)
    found = unusual(days, list(days))
    assert found is not None
    assert found.score == pytest.approx(0.6745 * 12 / 2)
    assert THRESHOLD < 0.6745 * 12 / 2


def test_one_past_outlier_hides_no_new_one() -> None:
    days = weeks(100, 102, 5000, 98, 101, 99, 130)
    found = unusual(days, list(days))
    assert found is not None
    assert found.typical == 100.5
    assert found.score is not None
    assert found.score > THRESHOLD


def test_a_cost_that_never_moved_is_not_unusual_by_a_hair() -> None:
    days = weeks(100, 100, 100, 100, 100.01)
    found = unusual(days, list(days))
    assert found is not None
    assert found.score == pytest.approx(0.006745)


def test_what_never_cost_anything_has_no_score() -> None:
    days = weeks(0, 0, 0, 0, 7)
    found = unusual(days, list(days))
    assert found is not None
    assert (found.cost, found.typical, found.score) == (7, 0, None)


def test_three_weeks_judge_nothing() -> None:
    days = weeks(100, 100, 100, 900)
    assert unusual(days, list(days)) is None
    assert unusual(days, []) is None
