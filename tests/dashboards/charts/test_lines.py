"""Lines are drawn where their values are, broken where there is none, and never outside of their place."""

import math
import re
from collections.abc import Sequence
from itertools import pairwise

import pytest

from dashboards.charts.lines import HEIGHT, WIDTH, Axis, Limit, Plot, Point, TimeRange, styles_of
from dashboards.charts.lines import plot as styled_plot

SECOND = 1_000_000_000
SPAN = TimeRange(start_ns=0, end_ns=100 * SECOND)
AXIS = Axis(unit="short", minimum=0, maximum=10)


def plot(lines: Sequence[Sequence[Point]], span: TimeRange, axis: Axis, limits: Sequence[Limit] = ()) -> Plot:
    return styled_plot([("k1", line) for line in lines], span, axis, limits)


def line(*values: float, step_s: int = 10) -> list[Point]:
    return [(place * step_s * SECOND, value) for place, value in enumerate(values)]


def drawn(made: Plot) -> list[str]:
    return re.findall(r'<path class="k\d[^"]*" d="([^"]*)"', str(made.svg))


def corners(path: str) -> list[tuple[int, int]]:
    x = y = 0
    found = []
    for letter, numbers in re.findall(r"([Mlh])([^Mlh]*)", path):
        given = [int(number) for number in re.findall(r"-?\d+", numbers)]
        x, y = (given[0], given[1]) if letter == "M" else (x + given[0], y + (given[1] if letter == "l" else 0))
        found.append((x, y))
    return found


def test_a_value_stands_at_its_time_and_height() -> None:
    assert corners(drawn(plot([line(0, 10, 5)], SPAN, AXIS))[0])[-2:] == [
        (WIDTH // 10, 0),
        (WIDTH // 5, HEIGHT // 2),
    ]


def test_what_lies_level_is_one_stroke() -> None:
    assert drawn(plot([line(*[3] * 11)], SPAN, AXIS)) == [f"M0 {HEIGHT * 7 // 10}h0h{WIDTH}"]


@pytest.mark.parametrize("values", [[1, math.nan, 1, 1], [1, math.inf, 1, 1]])
def test_a_value_that_is_no_number_breaks_the_line(values: list[float]) -> None:
    assert drawn(plot([line(*values)], SPAN, AXIS))[0].count("M") == 2


def test_a_step_that_is_missing_breaks_the_line() -> None:
    points = line(*[1] * 11)
    assert drawn(plot([[*points[:4], *points[6:]]], SPAN, AXIS))[0].count("M") == 2
    assert drawn(plot([points], SPAN, AXIS))[0].count("M") == 1


def test_a_value_beyond_the_ends_that_are_set_stays_inside() -> None:
    assert {y for _, y in corners(drawn(plot([line(-5, 40)], SPAN, AXIS))[0])} == {0, HEIGHT}


def test_without_ends_that_are_set_the_highest_value_has_room_above() -> None:
    made = plot([line(0, 47)], SPAN, Axis(unit="reqps", minimum=0, maximum=None))
    assert [tick.label for tick in made.values] == ["0 req/s", "20 req/s", "40 req/s"]
    assert 0 < min(y for _, y in corners(drawn(made)[0])) < HEIGHT // 10


def test_values_below_nothing_are_shown_where_no_end_is_set() -> None:
    made = plot([line(-1, 1)], SPAN, Axis(unit="short", minimum=None, maximum=None))
    assert made.values[0].label == "-1"


def test_a_limit_in_sight_is_drawn_and_one_far_off_is_told() -> None:
    near, far = Limit(value=3, tone="warn"), Limit(value=100, tone="bad")
    made = plot([line(1, 2)], SPAN, Axis(unit="s", minimum=0, maximum=None), [near, far])
    assert [(tick.label, tick.tone) for tick in made.limits] == [("3 s", "warn")]
    assert list(made.unseen) == [far]
    assert str(made.svg).count('class="limit') == 1


def test_where_all_is_nothing_the_first_limit_gives_the_scale() -> None:
    limits = [Limit(value=0.01, tone="warn"), Limit(value=0.05, tone="bad")]
    made = plot([line(0, 0)], SPAN, Axis(unit="percentunit", minimum=0, maximum=None), limits)
    assert [tick.label for tick in made.limits] == ["1%"]
    assert made.values[-1].label == "1%"


def test_labels_of_limits_never_cover_one_another() -> None:
    close = [Limit(value=5, tone="warn"), Limit(value=5.1, tone="bad"), Limit(value=9.9, tone="bad")]
    places = [tick.at for tick in plot([line(10)], SPAN, AXIS, close).limits]
    assert min(after - before for before, after in pairwise(places)) >= 8


def test_no_two_of_many_series_look_alike() -> None:
    assert len(set(styles_of([None] * 24))) == 24


def test_a_series_has_the_colour_that_it_is_given_and_a_dash_where_another_has_it() -> None:
    assert styles_of([2, None, 0]) == ["k3", "k1", "k1 d1"]


def test_nothing_at_all_is_still_a_chart() -> None:
    made = plot([[]], SPAN, Axis(unit="s", minimum=0, maximum=None))
    assert drawn(made) == []
    assert made.values[0].label == "0 s"


def test_a_drawing_holds_no_script_and_no_address() -> None:
    assert set(re.findall(r"<(\w+)", str(plot([line(1, 2)], SPAN, AXIS).svg))) == {"svg", "path"}
