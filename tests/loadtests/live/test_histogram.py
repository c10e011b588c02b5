"""What is read from a histogram is never too good, and never 0.8 % too bad."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadtests.live.histogram import PROMETHEUS_BOUNDS_S, Histogram, bucket, buckets, by_group, upper_bound_us

MICROSECONDS = st.integers(min_value=0, max_value=10**12)
LATENCIES_US = st.lists(st.integers(min_value=0, max_value=10**8), min_size=1, max_size=60)


def histogram_of(values_us: list[int]) -> Histogram:
    histogram = Histogram()
    for value in values_us:
        histogram.add(value / 1e6)
    return histogram


@given(MICROSECONDS)
def test_a_value_lies_in_its_bucket_and_no_other(value: int) -> None:
    index = bucket(value)
    assert value <= upper_bound_us(index)
    assert index == 0 or upper_bound_us(index - 1) < value


@given(st.lists(MICROSECONDS | st.sampled_from([255, 256, 511, 512, 2**40 - 1, 2**40, 2**52 - 1]), max_size=60))
def test_many_values_have_the_buckets_they_have_one_by_one(values: list[int]) -> None:
    assert buckets(np.array(values, np.int64)).tolist() == [bucket(value) for value in values]


@given(LATENCIES_US)
def test_counting_many_is_counting_each(values: list[int]) -> None:
    together = Histogram()
    together.add_all(np.array([-5_000, *(1000 * value for value in values)], np.int64))
    one_by_one = histogram_of([0, *values])
    assert (together.buckets, together.sum_us) == (one_by_one.buckets, one_by_one.sum_us)


@pytest.mark.parametrize(("ns", "us"), [(0, 0), (499, 0), (500, 1), (1_499, 1), (1_500, 2)])
def test_nanoseconds_are_rounded_to_the_nearest_microsecond(ns: int, us: int) -> None:
    histogram = Histogram()
    histogram.add_all(np.array([ns], np.int64))
    assert (histogram.buckets, histogram.sum_us) == ({us: 1}, us)


@given(MICROSECONDS)
def test_a_bucket_s_upper_bound_is_its_own_largest_value(value: int) -> None:
    index = bucket(value)
    assert bucket(upper_bound_us(index)) == index
    assert bucket(upper_bound_us(index) + 1) == index + 1


@given(MICROSECONDS, MICROSECONDS)
def test_a_larger_value_is_never_in_a_lower_bucket(one: int, other: int) -> None:
    assert bucket(min(one, other)) <= bucket(max(one, other))


@given(st.integers(min_value=256, max_value=10**12))
def test_a_bucket_is_under_0_8_percent_wide(value: int) -> None:
    index = bucket(value)
    low = upper_bound_us(index - 1) + 1
    assert (upper_bound_us(index) + 1 - low) / low < 0.008


@given(st.integers(min_value=0, max_value=255))
def test_below_256_microseconds_every_value_has_a_bucket_of_its_own(value: int) -> None:
    assert (bucket(value), upper_bound_us(value)) == (value, value)


@given(LATENCIES_US, LATENCIES_US)
def test_merging_two_is_counting_everything_in_one(left: list[int], right: list[int]) -> None:
    merged = histogram_of(left)
    merged.merge(histogram_of(right))
    together = histogram_of(left + right)
    assert (merged.buckets, merged.sum_us, merged.count) == (together.buckets, together.sum_us, len(left + right))


def test_a_copy_does_not_share_its_buckets() -> None:
    told = {5: 1}
    histogram = Histogram(told)
    histogram.add(5e-6)
    assert told == {5: 1}
    assert histogram.buckets == {5: 2}


@given(LATENCIES_US, st.sampled_from([0.0, 0.5, 0.95, 0.99, 1.0]))
def test_a_quantile_is_never_under_the_exact_one_and_under_0_8_percent_over(values: list[int], q: float) -> None:
    exact = sorted(values)[max(1, math.ceil(q * len(values))) - 1]
    told = histogram_of(values).quantile(q)
    assert told is not None
    assert exact <= round(told * 1e6) <= exact * 1.008


def test_nothing_counted_has_no_quantile() -> None:
    assert Histogram().quantile(0.99) is None


@given(LATENCIES_US)
def test_a_cumulative_count_holds_only_what_is_surely_not_over_its_bound(values: list[int]) -> None:
    counts = histogram_of(values).cumulative()
    assert list(counts) == [*map(str, PROMETHEUS_BOUNDS_S), "+Inf"]
    assert counts["+Inf"] == len(values)
    assert list(counts.values()) == sorted(counts.values())
    for bound in PROMETHEUS_BOUNDS_S:
        assert counts[str(bound)] <= sum(value <= bound * 1e6 for value in values)
        assert counts[str(bound)] >= sum(value * 1.008 <= bound * 1e6 for value in values)


def test_a_negative_latency_counts_as_zero() -> None:
    histogram = Histogram()
    histogram.add(-1.0)
    assert (histogram.buckets, histogram.sum_s) == ({0: 1}, 0.0)


def test_the_sum_is_that_of_the_values_and_not_of_the_buckets() -> None:
    assert histogram_of([1_000_001, 2_000_002]).sum_s == pytest.approx(3.000003, abs=1e-9)


def test_a_bucket_that_ends_at_a_bound_is_below_it() -> None:
    assert Histogram({255: 2, 256: 1}).cumulative((0.000255,)) == {"0.000255": 2, "+Inf": 3}


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(-(10**6), 10**13))))
def test_counting_by_group_is_counting_each_group(values: list[tuple[int, int]]) -> None:
    groups, times = (np.array([value[place] for value in values], np.int64) for place in (0, 1))
    for group, found in enumerate(by_group(times, groups, 4)):
        expected = Histogram()
        expected.add_all(times[groups == group])
        assert (found.buckets, found.sum_us) == (expected.buckets, expected.sum_us)
