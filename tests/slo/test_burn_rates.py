"""Windows, factors and times of burn-rate alerts, against the published figures and the arithmetic done by hand."""

import math

import pytest

from slo.burn_rates import DAY_S, HOUR_S, NoPair, Pair, detection_s, pairs, period_s, reset_s


def factors(period: str, budget: float = 0.001) -> list[float]:
    return [round(one.factor, 3) for one in pairs(period_s(period), budget, 15) if isinstance(one, Pair)]


@pytest.mark.parametrize(
    ("period", "expected"),
    [
        ("30d", [14.4, 6, 3, 1]),
        ("4w", [13.44, 5.6, 2.8, 1]),
        ("28d", [13.44, 5.6, 2.8, 1]),
        ("Q", []),
        ("1Q", [43.2, 18, 9, 3]),
        ("7d", [3.36, 1.4, 1, 1]),
    ],
)
def test_factors_follow_from_the_period_and_never_go_below_one(period: str, expected: list[float]) -> None:
    if not expected:
        with pytest.raises(
            ValueError, match="expected a whole number and one of m h d w M Q Y, such as 28d, found 'Q'"
        ):
            period_s(period)
        return
    assert factors(period) == expected


def test_a_pair_that_could_never_fire_is_no_pair() -> None:
    fast, slow, *tickets = pairs(28 * DAY_S, 0.1, 15)
    assert fast == NoPair(long_s=HOUR_S, reason="it can never fire: its error ratio would have to exceed 1.34")
    assert isinstance(slow, Pair)
    assert all(isinstance(one, Pair) for one in tickets)


def test_a_window_as_long_as_the_period_is_no_pair() -> None:
    *_, last = pairs(3 * DAY_S, 0.01, 15)
    assert last == NoPair(long_s=3 * DAY_S, reason="its window is as long as the objective's period")


def test_the_short_window_holds_at_least_four_scrapes() -> None:
    first, *_ = pairs(28 * DAY_S, 0.01, 120)
    assert isinstance(first, Pair)
    assert first.short_s == 480


def test_scrapes_as_rare_as_the_window_make_no_pair() -> None:
    first, *_ = pairs(28 * DAY_S, 0.01, 900)
    assert first == NoPair(long_s=HOUR_S, reason="4 scrapes take as long as its window")


def test_ten_bad_events_are_the_threshold_of_a_window_that_may_alert() -> None:
    first, *_ = pairs(30 * DAY_S, 0.001, 15)
    assert isinstance(first, Pair)
    assert first.min_events * first.threshold == pytest.approx(10)
    assert round(first.min_events) == 694


@pytest.mark.parametrize(("error_ratio", "expected"), [(1.0, 51.84), (0.1, 518.4), (0.02, 2592), (0.0144, math.inf)])
def test_time_to_detect_is_the_threshold_times_the_window_by_the_errors(error_ratio: float, expected: float) -> None:
    assert detection_s(0.0144, HOUR_S, error_ratio) == pytest.approx(expected)


@pytest.mark.parametrize("error_ratio", [0.02, 0.1, 0.5, 1.0])
def test_time_to_detect_of_smoothed_rates_is_that_of_their_mean(error_ratio: float) -> None:
    smoothing_s, window_s, threshold = 300.0, 3600.0, 0.0144
    at = detection_s(threshold, window_s, error_ratio, smoothing_s)
    ramp = [error_ratio * min(1.0, (second + 0.5) / smoothing_s) for second in range(round(at))]
    assert sum(ramp) / window_s == pytest.approx(threshold, rel=0.02)


def test_an_alert_is_gone_when_errors_of_the_threshold_are_left_in_the_short_window() -> None:
    assert reset_s(0.0144, 300, 0.1) == pytest.approx(256.8)
    assert reset_s(0.0144, 300, 0.01) == 0
