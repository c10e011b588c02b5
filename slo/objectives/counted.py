"""Events of counters between given moments, and what has to be there for a count to be one.

A label or a metric that no longer exists would make every event good, or bad, in silence: that is no data, and so is a
counter of bad events of which nobody knows whether it is 0 or isn't there.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from slo.objectives.counters import (
    MARGIN_S,
    Birth,
    NoData,
    Series,
    births,
    check_scraped,
    from_birth,
    increases,
    series_of,
)
from slo.objectives.selectors import Selector
from slo.objectives.sources import Counters, CounterSums

_NS = 1_000_000_000
_FALLS = 2
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Counted:
    """Events and bad events between each two neighbouring edges."""

    events: Ints
    bad: Ints


def counted(source: Counters | CounterSums, answers: pa.Table, span: tuple[int, int], edges: Sequence[int]) -> Counted:
    """Return what counters say between the `edges` inside of the judged `span` (ns); raises NoData."""
    if isinstance(source, Counters):
        return _of_two(source, answers, span, edges)
    return _of_sums(source, answers, span, edges)


def _of_two(source: Counters, answers: pa.Table, span: tuple[int, int], edges: Sequence[int]) -> Counted:
    """No good series is 0 good events only when the total is there."""
    total = series_of(answers, source.total.text, *span)
    good = series_of(answers, source.good.text, *span)
    check_scraped(total, source.total.text, *span, births(answers))
    _check_labels(source, total, good)
    for selector, series in ((source.total, total), (source.good, good)):
        _check_rises(selector, series)
    seen = (*total, *good)
    all_events, good_events = (increases(from_birth(some, seen), edges) for some in (total, good))
    return _checked(all_events, all_events - good_events, _named((source.good,)), _named((source.total,)))


def _of_sums(source: CounterSums, answers: pa.Table, span: tuple[int, int], edges: Sequence[int]) -> Counted:
    born = births(answers)
    totals = {one: series_of(answers, one.text, *span) for one in source.total}
    for selector, series in totals.items():
        check_scraped(series, selector.text, *span, born)
    parts = {one: series_of(answers, one.text, *span) for one in source.part}
    for selector, series in parts.items():
        _check_part(selector, series, totals, span, born)
    for selector, series in (*totals.items(), *parts.items()):
        _check_rises(selector, series)
    seen = tuple(one for some in (*totals.values(), *parts.values()) for one in some)
    all_events, part = (
        sum((increases(from_birth(some, seen), edges) for some in of.values()), np.zeros(len(edges) - 1))
        for of in (totals, parts)
    )
    bad = all_events - part if source.part_is == "good" else part
    return _checked(all_events, bad, _named(source.part), _named(source.total))


def _checked(
    all_events: npt.NDArray[np.float64], bad_events: npt.NDArray[np.float64], part: str, total: str
) -> Counted:
    events, bad = np.rint(all_events).astype(np.int64), np.rint(bad_events).astype(np.int64)
    if not events.sum():
        raise NoData(f"{total} counted nothing in the judged window")
    if (bad < 0).any():
        raise NoData(f"{part} grew more than {total}: good is not a part of total")
    if (bad > events).any():
        raise NoData(f"{part} grew more than {total}: bad is not a part of total")
    return Counted(events=events, bad=bad)


def _named(selectors: Sequence[Selector]) -> str:
    return " + ".join(one.text for one in selectors)


def _check_labels(source: Counters, total: tuple[Series, ...], good: tuple[Series, ...]) -> None:
    for matcher in source.good.matchers:
        carriers = good if matcher.label == "le" else total
        if not carriers or any(matcher.label not in one.labels for one in carriers):
            what = f'no bucket le="{matcher.value}"' if matcher.label == "le" else f"no label {matcher.label}"
            raise NoData(f"{source.good.metric} has {what}: renamed, or never exported")


def _check_part(
    selector: Selector,
    series: tuple[Series, ...],
    totals: Mapping[Selector, tuple[Series, ...]],
    span: tuple[int, int],
    born: Mapping[tuple[str, str], Sequence[Birth]],
) -> None:
    """Raise NoData where a part may be missing and not 0: a label of the total tells, another metric must be there."""
    whole = next((found for one, found in totals.items() if one.metric == selector.metric), None)
    if whole is not None:
        missing = [one.label for one in selector.matchers if any(one.label not in found.labels for found in whole)]
        if missing:
            raise NoData(f"{selector.metric} has no label {missing[0]}: renamed, or never exported")
        return
    if not series:
        raise NoData(f"{selector.text} has no samples: nothing to count yet, or renamed; that is not known to be 0")
    counting = {one.target for found in totals.values() for one in found}
    here = {one.target for one in series}
    if here & counting and counting - here:
        silent = min(counting - here)
        raise NoData(f"{selector.text} has no samples of {silent[1] or 'one target'}, which counts in the total")
    if not here & counting:
        check_scraped(series, selector.text, *span, born)
    gone = [target for target in sorted(here) if _ends(series, target) < span[1] - MARGIN_S * _NS]
    if gone and any(_ends(found, gone[0]) >= span[1] - MARGIN_S * _NS for found in totals.values()):
        raise NoData(f"{selector.text} of {gone[0][1] or 'its target'} ends before the judged window does: stale")


def _ends(series: Sequence[Series], target: tuple[str, str]) -> int:
    return max((int(one.at[-1]) for one in series if one.target == target), default=0)


def _check_rises(selector: Selector, series: Sequence[Series]) -> None:
    """Raise NoData where a metric whose name doesn't say that it is a counter falls as a gauge does."""
    falls = max((one.falls for one in series), default=0)
    if not selector.is_named_a_counter and falls >= _FALLS:
        raise NoData(f"{selector.text} falls {falls} times: a gauge, and no counter of events")
