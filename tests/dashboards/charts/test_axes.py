"""An axis has few ticks, at values that are round in the unit that is shown."""

import pytest

from dashboards.charts.axes import clock_ticks, value_ticks

SECOND = 1_000_000_000
NOON = 1_795_003_200 * SECOND


@pytest.mark.parametrize(
    ("low", "high", "unit", "expected"),
    [
        (0, 1, "short", [0, 0.25, 0.5, 0.75, 1.0]),
        (0, 47, "reqps", [0, 20, 40]),
        (0, 300, "s", [0, 120, 240]),
        (0, 42.3, "s", [0, 15, 30]),
        (0, 30 * 86_400, "s", [0, 12_096_00.0, 24_192_00.0]),
        (0, 5000, "ms", [0, 2000, 4000]),
        (0, 600_000, "ms", [0, 300_000, 600_000]),
        (0, 4096, "bytes", [0, 1024, 2048, 3072, 4096]),
        (-1, 1, "percentunit", [-1, -0.5, 0, 0.5, 1]),
    ],
)
def test_values_are_round_in_their_unit(low: float, high: float, unit: str, expected: list[float]) -> None:
    assert value_ticks(low, high, unit) == pytest.approx(expected)


def test_times_are_round_on_the_clock() -> None:
    assert [label for _, label in clock_ticks(NOON + 7 * SECOND, NOON + 130 * SECOND)] == [
        "12:00:30",
        "12:01:00",
        "12:01:30",
        "12:02:00",
    ]
    assert [label for _, label in clock_ticks(NOON, NOON + 3600 * SECOND)] == [
        "12:00", "12:15", "12:30", "12:45", "13:00",
    ]  # fmt: skip


def test_days_are_told_by_their_date() -> None:
    assert clock_ticks(NOON, NOON + 20 * 86_400 * SECOND)[0][1] == "11-19"
