"""Numbers are told in the unit that suits them, and rounding never flatters."""

import pytest

from dashboards import formatting as words


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (None, "–"),
        (0.0, "0 ms"),
        (0.00042, "0.42 ms"),
        (0.0635, "63.5 ms"),
        (0.09996, "100 ms"),
        (0.3204, "320 ms"),
        (0.99951, "1 s"),
        (2.4149, "2.41 s"),
        (75.04, "75 s"),
        (1234.5, "1,234.5 s"),
        (-0.25, "-250 ms"),
    ],
)
def test_a_duration_has_three_digits_and_its_unit(value: float | None, said: str) -> None:
    assert words.seconds(value) == said


@pytest.mark.parametrize(
    ("ratio", "said"),
    [
        (None, "–"),
        (0.0, "0 %"),
        (1.0, "100 %"),
        (0.95, "95 %"),
        (0.999, "99.9 %"),
        (0.9995, "99.95 %"),
        (0.99999, "99.999 %"),
        (0.999999999, "> 99.9999 %"),
        (0.000000001, "< 0.0001 %"),
        (0.123, "12.3 %"),
        (0.00123, "0.12 %"),
        (2.4, "240 %"),
        (12.345, "1,234.5 %"),
    ],
)
def test_a_ratio_is_never_rounded_to_none_or_all(ratio: float | None, said: str) -> None:
    assert words.percent(ratio) == said


@pytest.mark.parametrize(
    ("number", "said"), [(None, "–"), (0, "0"), (12345, "12,345"), (0.25, "0.25"), (11.11, "11.1"), (2.0, "2")]
)
def test_a_count_has_thousands_separators(number: float | None, said: str) -> None:
    assert words.count(number) == said


@pytest.mark.parametrize(
    ("value", "said"), [(75, "75 s"), (131, "2 min 11 s"), (600, "10 min"), (3900, "1 h 5 min"), (7200, "2 h")]
)
def test_a_long_time_is_told_in_hours_and_minutes(value: float, said: str) -> None:
    assert words.length(value) == said


def test_a_moment_is_in_utc() -> None:
    assert words.moment(1_795_780_800_000_000_000) == "2026-11-27 12:00:00 UTC"
    assert words.clock(1_795_780_800_000_000_000) == "12:00:00"
    assert (words.elapsed(65), words.elapsed(3_725)) == ("1:05", "1:02:05")
