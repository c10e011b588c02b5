"""Counting latencies in log-linear buckets: under 0.8 % wide, exact to merge.

Values are whole microseconds. Below 256 each has a bucket of its own; above, each power of two is cut into
128 parts: with k = bit_length(v) - 8, bucket(v) = 128·k + (v >> k).
"""

import math
from bisect import bisect_right
from collections.abc import Iterable, Mapping
from itertools import accumulate

import numpy as np
from numpy.typing import NDArray

_EXACT = 256
_SUB_BITS = 7
_US_PER_S = 1_000_000
_US_NS, _HALF_US_NS = 1000, 500
_GROUP_BITS = 16  # there are fewer buckets than that counts: 128 for each of 53 powers of two
_BUCKETS = (1 << _GROUP_BITS) - 1
# The boundaries that OpenTelemetry's HTTP conventions advise for durations, in seconds, refined where
# shops' objectives lie.
PROMETHEUS_BOUNDS_S = (
    *(0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.25, 0.3, 0.4, 0.5),
    *(0.75, 1.0, 1.5, 2.5, 5.0, 7.5, 10.0, 30.0),
)


def bucket(value_us: int) -> int:
    """Return the index of the bucket that holds `value_us` (µs, not negative)."""
    if value_us < _EXACT:
        return value_us
    k = value_us.bit_length() - 8
    return (k << _SUB_BITS) + (value_us >> k)


def buckets(values_us: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return `bucket` of each value (µs, not negative, below 2**53)."""
    k = np.maximum(np.frexp(values_us.astype(np.float64))[1] - (_SUB_BITS + 1), 0).astype(np.int64)
    found: NDArray[np.int64] = (k << _SUB_BITS) + (values_us >> k)
    return found


def upper_bound_us(index: int) -> int:
    """Return the largest value that bucket `index` holds, so that what is read from it is never too good."""
    if index < _EXACT:
        return index
    k = (index >> _SUB_BITS) - 1
    return ((index - (k << _SUB_BITS) + 1) << k) - 1


def _whole_us(values_ns: NDArray[np.int64]) -> NDArray[np.int64]:
    whole: NDArray[np.int64] = (np.maximum(values_ns, 0) + _HALF_US_NS) // _US_NS
    return whole


class Histogram:
    """Counts of latencies; merging two is adding their buckets."""

    __slots__ = ("buckets", "sum_us")

    def __init__(self, buckets: Mapping[int, int] | None = None, sum_us: int = 0) -> None:
        self.buckets: dict[int, int] = dict(buckets or {})
        self.sum_us = sum_us

    def add(self, value_s: float) -> None:
        """Count one latency of `value_s` seconds; a negative one counts as zero."""
        value_us = max(0, math.floor(value_s * _US_PER_S + 0.5))  # halves up, as in `add_all`
        index = bucket(value_us)
        self.buckets[index] = self.buckets.get(index, 0) + 1
        self.sum_us += value_us

    def add_all(self, values_ns: NDArray[np.int64]) -> None:
        """Count latencies of whole nanoseconds, each to the nearest microsecond; a negative one counts as zero."""
        values_us = _whole_us(values_ns)
        found, counts = np.unique(buckets(values_us), return_counts=True)
        held = self.buckets
        for index, count in zip(found.tolist(), counts.tolist(), strict=True):
            held[index] = held.get(index, 0) + count
        self.sum_us += int(values_us.sum())

    def merge(self, other: "Histogram") -> None:
        """Add the counts of `other`."""
        for index, count in other.buckets.items():
            self.buckets[index] = self.buckets.get(index, 0) + count
        self.sum_us += other.sum_us

    @property
    def count(self) -> int:
        """How many latencies were counted."""
        return sum(self.buckets.values())

    @property
    def sum_s(self) -> float:
        """Their sum in seconds."""
        return self.sum_us / _US_PER_S

    def quantile(self, q: float) -> float | None:
        """Return the `q`-quantile in seconds, rounded up to its bucket's end; None when nothing was counted."""
        rank = max(1, math.ceil(q * self.count))
        seen = 0
        for index in sorted(self.buckets):
            seen += self.buckets[index]
            if seen >= rank:
                return upper_bound_us(index) / _US_PER_S
        return None

    def cumulative(self, bounds_s: Iterable[float] = PROMETHEUS_BOUNDS_S) -> dict[str, int]:
        """Return `{upper bound in s: count of latencies surely not over it}`, with `+Inf`, as Prometheus wants it."""
        held = sorted(self.buckets)
        tops = [upper_bound_us(index) for index in held]
        below = [0, *accumulate(self.buckets[index] for index in held)]
        out = {str(bound): below[bisect_right(tops, round(bound * _US_PER_S))] for bound in bounds_s}
        out["+Inf"] = self.count
        return out


def by_group(values_ns: NDArray[np.int64], groups: NDArray[np.int64], size: int) -> list[Histogram]:
    """Return what `add_all` counts of each of `size` groups; `groups` holds the group of each value.

    One sorting for all groups takes half the time of one for each. A group's sum must be below 2**53 µs.
    """
    values_us = _whole_us(values_ns)
    keys, counts = np.unique(groups << _GROUP_BITS | buckets(values_us), return_counts=True)
    found = [Histogram(sum_us=int(total)) for total in np.bincount(groups, values_us, size)]
    for key, count in zip(keys.tolist(), counts.tolist(), strict=True):
        found[key >> _GROUP_BITS].buckets[key & _BUCKETS] = count
    return found
