"""Durations are written as Prometheus writes them."""

import pytest

from exporters.sources.durations import seconds_of, shown


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("90s", 90), ("15m", 900), ("24h", 86_400), ("1h30m", 5_400), ("30d", 2_592_000), ("1w", 604_800)],
)
def test_a_duration_is_the_sum_of_its_parts(text: str, seconds: int) -> None:
    assert seconds_of(text) == seconds


@pytest.mark.parametrize("text", ["", "24", 24, "1.5h", "h", "-1h", "30m1h", "1h ", "٣h", None, True])
def test_what_is_no_duration_is_refused(text: object) -> None:
    with pytest.raises(ValueError, match="expected a duration such as 90s, 15m, 24h, 30d or 1h30m"):
        seconds_of(text)


@pytest.mark.parametrize("text", ["0s", "0h", "3661d"])
def test_a_duration_is_longer_than_nothing_and_no_longer_than_ten_years(text: str) -> None:
    with pytest.raises(ValueError, match="expected a duration of at least 1s and at most ten years"):
        seconds_of(text)


def test_a_duration_is_shown_in_the_largest_unit_in_which_it_is_whole() -> None:
    assert [shown(seconds) for seconds in (90, 900, 86_400, 5_400, 604_800, 0)] == [
        "90s",
        "15m",
        "1d",
        "90m",
        "7d",
        "0s",
    ]
