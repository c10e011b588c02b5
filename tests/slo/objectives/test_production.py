"""What a peak would spend in production follows from the volume declared, and isn't known without it."""

import math

import pytest

from slo.formatting import percent
from slo.objectives.production import NOT_DECLARED, events_per_day, spend


def test_the_share_is_of_the_whole_windows_allowed_bad_events() -> None:
    share, said = spend(bad=70, compression=1, per_day=10_000, budget=0.01, window="28d")
    assert share == pytest.approx(70 / 2_800)
    assert (
        said == f"a peak like this would spend {percent(0.025)} of the 28d budget in production, at 10,000 events a day"
    )


def test_a_run_that_compresses_time_stands_for_as_many_times_more() -> None:
    assert spend(70, 6, 10_000, 0.01, "28d")[0] == pytest.approx(6 * 70 / 2_800)
    assert spend(70, 1, 10_000, 0.01, "1w")[0] == pytest.approx(4 * 70 / 2_800)


def test_no_bad_event_spends_nothing_and_no_volume_is_not_nothing() -> None:
    assert spend(0, 6, 10_000, 0.01, "28d")[0] == 0
    share, said = spend(0, 6, None, 0.01, "28d")
    assert math.isnan(share)
    assert said == NOT_DECLARED


@pytest.mark.parametrize("text", ["0", "-1", "nan", "inf", "1e15", "many", ""])
def test_a_volume_that_is_no_number_above_zero_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="production_events_per_day: expected a number above 0"):
        events_per_day({"production_events_per_day": text})


def test_a_volume_is_read_and_none_where_it_is_not_declared() -> None:
    assert events_per_day({"production_events_per_day": "250_000"}) == 250_000
    assert events_per_day({}) is None
    assert events_per_day(None) is None
