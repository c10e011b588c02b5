"""A release against earlier days: the day is the unit."""

import math
from collections.abc import Sequence
from dataclasses import replace

import pytest

from slo.outcomes import Outcome
from slo.regression.days import DayValue, MeasuredDays, compare_days
from slo.regression.days_document import verdict_of_days
from slo.regression.limits import error_measure, latency_measure
from slo.regression.measures import Measure, Value
from slo.regression.settings import ComparisonSettings
from slo.regression.verdict_document import ComparisonVerdict
from tests.slo.regression.verdicts import about

SETTINGS = ComparisonSettings()
LATENCY = latency_measure("checkout-latency", ("checkout",), SETTINGS)
ERRORS = error_measure("checkout-availability", ("checkout",), 0.01, SETTINGS)
DAYS = (0.02, -0.02, 0.01, -0.01, 0.015, -0.015, 0.005, -0.005, 0.01, -0.01)


def value(one: float, events: int = 100_000) -> Value:
    return Value(value=one, events=events)


def earlier(values: Sequence[float], events: int = 100_000) -> tuple[DayValue, ...]:
    return tuple(DayValue(day=f"2026-11-{day:02}", value=value(one, events)) for day, one in enumerate(values, start=1))


def latencies(spread: float, now: float, days: int = 10) -> MeasuredDays:
    values = [0.4 * math.exp(spread * one) for one in DAYS[:days]]
    return MeasuredDays(measure=LATENCY, earlier=earlier(values), now=value(now))


def ratios(measure: Measure, before: float, now: float, events: int = 100_000) -> MeasuredDays:
    return MeasuredDays(measure=measure, earlier=earlier([before] * 10, events), now=value(now, events))


def test_a_release_as_fast_as_on_quiet_days_passes() -> None:
    found = compare_days([latencies(1, 0.4)], SETTINGS)
    assert (found.outcome, found.is_advisory, found.days) == (Outcome.PASS, False, 10)


def test_a_release_slower_than_days_differ_fails() -> None:
    assert compare_days([latencies(1, 0.5)], SETTINGS).outcome is Outcome.FAIL


def test_days_that_differ_much_hide_what_a_quiet_one_would_show_and_make_it_advice() -> None:
    found = compare_days([latencies(8, 0.46)], SETTINGS)
    assert (found.outcome, found.is_advisory) == (Outcome.INCONCLUSIVE, True)


def test_seven_days_show_nothing() -> None:
    found = compare_days([latencies(1, 0.9, days=7)], SETTINGS)
    assert (found.outcome, found.needs) == (Outcome.INCONCLUSIVE, "runs of 1 more day")


def test_ten_runs_of_one_day_are_one_day() -> None:
    runs = tuple(DayValue(day="2026-11-01", value=value(0.4)) for _ in range(10))
    found = compare_days([MeasuredDays(measure=LATENCY, earlier=runs, now=value(0.9))], SETTINGS)
    assert (found.outcome, found.days) == (Outcome.INCONCLUSIVE, 1)


def test_runs_of_one_day_count_as_their_mean() -> None:
    days = [(f"2026-11-{day:02}", one) for day in range(1, 11) for one in (0.3, 0.5)]
    runs = tuple(DayValue(day=day, value=value(one)) for day, one in days)
    found = compare_days([MeasuredDays(measure=LATENCY, earlier=runs, now=value(0.4))], SETTINGS)
    assert (found.outcome, found.days) == (Outcome.PASS, 10)
    assert found.results[0].value_a == pytest.approx(0.4)


def test_a_release_whose_value_is_not_known_never_passes() -> None:
    one = MeasuredDays(measure=LATENCY, earlier=earlier([0.4] * 10), now=Value(value=None, events=0))
    assert compare_days([one], SETTINGS).outcome is Outcome.INCONCLUSIVE


def test_errors_are_bounded_by_the_counts_of_the_new_run_alone() -> None:
    assert compare_days([ratios(ERRORS, 0.0, 0.0)], SETTINGS).outcome is Outcome.PASS
    assert compare_days([ratios(ERRORS, 0.0, 0.0, events=300)], SETTINGS).outcome is Outcome.INCONCLUSIVE
    assert compare_days([ratios(ERRORS, 0.0, 0.02)], SETTINGS).outcome is Outcome.FAIL


def test_an_earlier_day_that_is_not_known_keeps_nothing_from_passing_while_eight_are() -> None:
    gone = DayValue(day="2026-10-01", value=Value(value=None, events=0))
    for measured in (latencies(1, 0.4), ratios(ERRORS, 0.0, 0.0)):
        found = compare_days([replace(measured, earlier=(gone, *measured.earlier))], SETTINGS)
        assert (found.outcome, found.days) == (Outcome.PASS, 10)
        few = compare_days([replace(measured, earlier=(gone, *measured.earlier[:7]))], SETTINGS)
        assert (few.outcome, few.days) == (Outcome.INCONCLUSIVE, 7)


def test_the_days_that_count_are_those_that_are_known_of_every_measure() -> None:
    found = compare_days([latencies(1, 0.4), latencies(1, 0.4, days=8)], SETTINGS)
    assert (found.days, found.because) == (8, "the release is shown not to be worse, against 8 earlier days")


def test_with_eight_days_it_is_not_more_days_that_would_settle_it() -> None:
    found = compare_days([latencies(8, 0.46, days=8)], SETTINGS)
    assert found.outcome is Outcome.INCONCLUSIVE
    assert (found.needs or "").startswith("the old release, played again as A in one job with the new one")


def test_what_is_left_when_one_measure_fails_is_looked_at_as_if_it_were_alone() -> None:
    """Holm (1979): with one of two rejected, the other is tested at the whole level."""
    calm = latencies(1, 0.42)
    alone = compare_days([calm], SETTINGS).results[0]
    failing, beside = compare_days([ratios(ERRORS, 0.0, 0.02), calm], SETTINGS).results
    assert (failing.outcome, beside.low) == (Outcome.FAIL, alone.low)
    strict = SETTINGS.model_copy(update={"alpha": 0.10})
    one, two, three = (compare_days([calm] * number, strict).results[0].low for number in (1, 2, 3))
    assert one is not None
    assert two is not None
    assert three is not None
    assert one > two > three, "0.10 shared by all that are open"
    beside_a_fail = compare_days([ratios(ERRORS, 0.0, 0.02), calm], strict).results[1].low
    assert beside_a_fail == one


def test_nothing_to_compare_is_no_pass() -> None:
    found = compare_days([], SETTINGS)
    assert (found.outcome, found.days, found.needs) == (Outcome.INCONCLUSIVE, 0, "runs of 8 more days")


def test_a_fail_of_a_measure_that_finds_enough_blocks_whatever_is_advice_beside_it() -> None:
    wild = latencies(8, 1.5)
    wild = replace(wild, measure=replace(wild.measure, name="wild"))
    assert compare_days([wild], SETTINGS).is_advisory
    both = compare_days([latencies(1, 0.5), wild], SETTINGS)
    assert [one.outcome for one in both.results] == [Outcome.FAIL, Outcome.FAIL]
    assert (both.outcome, both.advisory, both.is_advisory) == (Outcome.FAIL, ("wild",), False)


def document(*measured: MeasuredDays) -> ComparisonVerdict:
    return verdict_of_days(compare_days(measured, SETTINGS), measured, about())


def test_the_document_has_a_day_in_the_place_of_a_pair_and_no_blocks() -> None:
    found = document(latencies(1, 0.5))
    assert (found.how, found.outcome, found.looks, found.pairs, found.pairs_played) == ("days", "FAIL", (10,), 10, 10)
    assert (found.block_s, found.skip_s) == (0.0, 0.0)
    assert found.because.startswith("the release is worse against 10 earlier days: checkout-latency")


def test_advice_is_inconclusive_in_the_document_and_says_what_it_would_be() -> None:
    found = document(latencies(8, 1.5))
    assert found.outcome == "INCONCLUSIVE"
    assert found.because.startswith(
        "advice alone, FAIL: only a change of over 20 % would be found of checkout-latency; "
    )
    undecided = document(latencies(8, 0.46))
    assert (undecided.outcome, undecided.because.startswith("not shown against")) == ("INCONCLUSIVE", True)
