"""The buckets of a step as Prometheus sees them: the usual bounds, and the limits of its objectives exactly."""

from bisect import bisect_left
from collections.abc import Collection, Iterable, Mapping, Sequence

import numpy as np

from loadtests.live.histogram import PROMETHEUS_BOUNDS_S, Histogram

BOUNDS_NS = np.array([round(bound * 1e9) for bound in PROMETHEUS_BOUNDS_S], np.int64)


def limits_of(watched: Iterable[tuple[float | None, Collection[str]]]) -> dict[float, frozenset[str]]:
    """Return the steps of each limit (s), of pairs of a limit, None for no latency, and its steps."""
    limits: dict[float, frozenset[str]] = {}
    for limit_s, steps in watched:
        if limit_s is not None:
            limits[float(limit_s)] = limits.get(float(limit_s), frozenset()) | frozenset(steps)
    return limits


def bounds_with(limits_s: Iterable[float]) -> tuple[float, ...]:
    """Return the usual bounds with the limits of a step among them, in order."""
    return tuple(sorted({*PROMETHEUS_BOUNDS_S, *limits_s}))


def counted(histogram: Histogram, exact: Mapping[float, int]) -> dict[str, int]:
    """Return the cumulative counts of `histogram`, with the `exact` ones at their bounds (s).

    A histogram counts at a bound what is surely not over it; beside an exact count, never less than that.
    """
    bounds = bounds_with(exact)
    counts = histogram.cumulative(bounds)
    at_least = 0
    for bound in bounds:
        at_least = counts[str(bound)] = max(at_least, exact.get(bound, counts[str(bound)]))
    return counts


def bucket_of(value_s: float, bounds_s: Sequence[float]) -> str:
    """Return the upper bound of the bucket that a value falls into."""
    place = bisect_left(bounds_s, value_s)
    return str(bounds_s[place]) if place < len(bounds_s) else "+Inf"
