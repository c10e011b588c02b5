"""A case's series are functions of the time: history and page go on as one, and a counter never falls."""

import itertools

import pytest

from scripts.drilling.series import Fault, line, moments, number, value
from slo.rules.signals import Absent, Ago, Course, Level, Rate, Signal

FAULT = Fault(healthy_from_s=1000, begins_s=2000, ends_s=3000)


def signal(healthy: Course, faulty: Course, *labels: tuple[str, str]) -> Signal:
    return Signal(metric="m", labels=labels, healthy=healthy, faulty=faulty)


@pytest.mark.parametrize(
    ("healthy", "faulty", "expected"),
    [
        (Level(value=1), Level(value=0), [1, 0, 0, 1]),
        (Ago(seconds=60), Ago(seconds=500), [1939, 1500, 2499, 2940]),
        (Level(value=1), Absent(), [1, None, None, 1]),
        (Absent(), Level(value=1), [None, 1, 1, None]),
        (Rate(per_s=2), Rate(per_s=0), [1998, 2000, 2000, 2000]),
        (Rate(per_s=0), Rate(per_s=3), [0, 0, 2997, 3000]),
        (Absent(), Rate(per_s=3), [None, 0, 2997, None]),
    ],
)
def test_a_fault_begins_and_ends_at_its_moment(healthy: Course, faulty: Course, expected: list[float | None]) -> None:
    assert [value(signal(healthy, faulty), FAULT, at) for at in (1999, 2000, 2999, 3000)] == expected


def test_a_counter_never_falls_whatever_the_rates_are() -> None:
    counted = [value(signal(Rate(per_s=2), Rate(per_s=0.5)), FAULT, at) for at in range(1000, 4000, 7)]
    assert all(before <= after for before, after in itertools.pairwise(x for x in counted if x is not None))
    assert len(counted) == 429


def test_a_counter_grows_again_when_the_fault_is_over() -> None:
    assert value(signal(Rate(per_s=2), Rate(per_s=0)), FAULT, 3100) == 2200


def test_the_history_has_a_sample_where_the_fault_begins_and_ends_and_none_from_its_end_on() -> None:
    at = list(moments(Fault(healthy_from_s=1000, begins_s=2002, ends_s=3003), 4000))
    assert {2002, 3003} <= set(at)
    assert at == sorted(at)
    assert (at[0], at[-1]) == (1000, 3995)


def test_a_long_history_is_sparse_far_back_and_dense_at_both_ends() -> None:
    at = list(moments(Fault(healthy_from_s=0, begins_s=50_000, ends_s=10**9), 86_400))
    steps = [after - before for before, after in itertools.pairwise(at)]
    assert (steps[0], max(steps), steps[-1]) == (5, 60, 15)
    assert len(at) < 2100


def test_a_label_is_escaped_and_a_scrape_adds_no_label_of_its_target() -> None:
    odd = signal(Level(value=1), Level(value=0), ("path", 'a"b\\c\n'), ("job", "shop"))
    assert line(odd, "drill-1", of_target=False) == 'm{path="a\\"b\\\\c\\n",job="shop",environment="drill-1"}'
    assert line(odd, "drill-1", of_target=True) == (
        'm{path="a\\"b\\\\c\\n",job="shop",environment="drill-1",instance=""}'
    )


def test_numbers_are_those_of_the_text_format() -> None:
    assert [number(one) for one in (1, 0.1, float("inf"), float("-inf"), float("nan"))] == [
        "1.0", "0.1", "+Inf", "-Inf", "NaN"
    ]  # fmt: skip
