"""How many series a subject may have: the largest with an "other" that adds up, and a ceiling that says what it cut."""

import heapq
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from prometheus_client.metrics_core import Metric

from exporters.serving.columns import ColumnFamily

Labels = tuple[str, ...]
OTHER = "other"
MAX_SERIES = 100_000
_WITHIN = ("le", "quantile")  # labels that divide one series: it is kept or cut whole


def top(values: Mapping[Labels, float], most: int, other: Labels) -> dict[Labels, float]:
    """Return the `most` largest of `values`, and the rest added up under `other`, so that the sum stays what it was.

    Equal values go by their labels. A value that is already called `other` is added to the rest. Without a rest there
    is no `other`. Raises ValueError for a value that isn't finite, which no sum can hold, and for `most` below zero.
    """
    if most < 0:
        raise ValueError(f"most: expected 0 or more, found {most}")
    wrong = next((labels for labels, value in values.items() if not math.isfinite(value)), None)
    if wrong is not None:
        raise ValueError(f"{', '.join(wrong)}: expected a finite value, found {values[wrong]}")
    named = ((labels, value) for labels, value in values.items() if labels != other)
    kept = dict(heapq.nsmallest(most, named, key=lambda row: (-row[1], row[0])))
    rest = [value for labels, value in values.items() if labels not in kept]
    return {**kept, other: math.fsum(rest)} if rest else kept


@dataclass(frozen=True, slots=True, kw_only=True)
class Cut:
    """Families within a ceiling, and how many series of which family were left out."""

    families: tuple[Metric, ...]
    dropped: Mapping[str, int]


def within(families: Sequence[Metric], most: int) -> Cut:
    """Return `families` with at most `most` samples in all.

    Small families stay whole and the room that is left is shared evenly among the larger ones: one that explodes takes
    no other with it. Of a family the series whose labels come first in order are kept, so that it is the same ones in
    every scrape; a histogram's series is kept or left out whole.
    """
    sizes = [_size(family) for family in families]
    if sum(sizes) <= most:
        return Cut(families=tuple(families), dropped={})
    shares = _shares(sizes, most)
    kept = tuple(
        family if size <= share else _first(family, share)
        for family, size, share in zip(families, sizes, shares, strict=True)
    )
    lost = ((family.name, size - _size(left)) for family, size, left in zip(families, sizes, kept, strict=True))
    return Cut(families=kept, dropped={name: count for name, count in lost if count})


def _size(family: Metric) -> int:
    return len(family.values) if isinstance(family, ColumnFamily) else len(family.samples)


def _shares(sizes: Sequence[int], most: int) -> list[int]:
    """Return what each may have: the smallest first, each at most an even part of what is left."""
    shares = [0] * len(sizes)
    left = most
    for nth, index in enumerate(sorted(range(len(sizes)), key=lambda index: (sizes[index], index))):
        shares[index] = min(sizes[index], left // (len(sizes) - nth))
        left -= shares[index]
    return shares


def _first(family: Metric, most: int) -> Metric:
    if isinstance(family, ColumnFamily):
        return family.first(most)
    series: dict[Labels, list[int]] = {}
    for index, sample in enumerate(family.samples):
        labels = tuple(f"{name}={value}" for name, value in sorted(sample.labels.items()) if name not in _WITHIN)
        series.setdefault(labels, []).append(index)
    kept: list[int] = []
    for labels in sorted(series):
        if len(kept) + len(series[labels]) > most:
            break
        kept += series[labels]
    left = Metric(family.name, family.documentation, family.type)
    left.unit = family.unit
    left.samples = [family.samples[index] for index in sorted(kept)]
    return left
