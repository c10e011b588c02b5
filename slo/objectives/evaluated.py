"""What Prometheus evaluated: queries that are no counters, and values that are held against a limit.

A query is asked at the end of equal tiles of the judged window, as long as the longest range it is written over, so
that no sample is in two answers. Each answer is one event and no more: how many requests are behind it isn't known.
A ratio is good in part; of good (or bad) and total, tiles weigh as their totals do, and Kish's design effect (1965) is
taken. A plain selector under a limit is read from its samples. A tile without a finite answer is left out, and at most
half of the budget may be: nothing that is missing counts as good.
"""

import math
import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from types import MappingProxyType
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from slo.objectives.counters import MARGIN_S, NoData
from slo.objectives.indicators import Evidence, Threshold, Window
from slo.objectives.promql import longest_range_s, plain_selector
from slo.objectives.slices import Slice, Slices, check_left_out, grouped, kish, sliced
from slo.objectives.sources import WINDOW, Comparison, Queries, Readings

_NS = 1_000_000_000
SHORTEST_S = 15.0
"""The shortest tile: a scrape interval that is usual, shorter ones would read one sample twice."""
_TILES = 20
_LONGEST_S = 300.0
_ROUNDING = 1e-6
_COMPARE: Mapping[Comparison, Callable[[float, float], bool]] = MappingProxyType(
    {"lt": operator.lt, "lte": operator.le, "gt": operator.gt, "gte": operator.ge}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tiles:
    """The moments at which a query is evaluated: the ends of `number` tiles of `length` ns from `starts_at` on."""

    starts_at: int
    length: int
    number: int

    @property
    def first(self) -> int:
        """The first moment."""
        return self.starts_at + self.length

    @property
    def last(self) -> int:
        """The last moment."""
        return self.starts_at + self.length * self.number

    @property
    def length_s(self) -> float:
        """A tile's length."""
        return self.length / _NS

    def place(self, at: int) -> int:
        """Return the place of the tile that ends nearest to a moment."""
        return round((at - self.first) / self.length)


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A query to evaluate at the ends of tiles, written out."""

    query: str
    tiles: Tiles


def queries_of(source: object) -> tuple[str, ...]:
    """Return the queries of a source that Prometheus evaluates, none of any other."""
    if isinstance(source, Queries):
        return (source.part,) if source.total is None else (source.part, source.total)
    if isinstance(source, Readings) and plain_selector(source.query) is None:
        return (source.query,)
    return ()


def evaluations(source: object, slices: Slices | None, window: Window) -> tuple[Asked, ...]:
    """Return what Prometheus is to evaluate for an objective."""
    queries = queries_of(source)
    if not queries:
        return ()
    tiles = tiles_of(queries, slices, window)
    return tuple(Asked(query=_written(one, tiles), tiles=tiles) for one in queries)


def tiles_of(queries: Sequence[str], slices: Slices | None, window: Window) -> Tiles:
    """Return the tiles of a window, none where it is shorter than the longest range; of slices whole parts."""
    longest_s = max(SHORTEST_S, *(longest_range_s(one) for one in queries))
    if any(WINDOW in one for one in queries):
        longest_s = max(longest_s, min(_LONGEST_S, window.duration_s / _TILES))
    if slices is not None:
        longest_s = slices.length_s / max(1, math.floor(slices.length_s / longest_s))
    length = round(longest_s * _NS)
    return Tiles(starts_at=window.starts_at, length=length, number=(window.ends_at - window.starts_at) // length)


def read_evaluated(
    source: Queries, slices: Slices | None, budget: float, answers: pa.Table, window: Window
) -> Evidence:
    """Read the evidence of queries that Prometheus evaluated; raises NoData."""
    tiles = tiles_of(queries_of(source), slices, window)
    part = _values(answers, source.part, tiles)
    total = None if source.total is None else _values(answers, source.total, tiles)
    found = [
        _ratio(source, part.get(one), None if total is None else total.get(one, math.nan))
        for one in range(tiles.number)
    ]
    return _evidence(found, tiles, slices, budget, window)


def read_threshold(
    indicator: Threshold, slices: Slices | None, budget: float, answers: pa.Table, window: Window
) -> Evidence:
    """Read the evidence of values that are held against a limit; raises NoData."""
    source = indicator.source
    is_good = _COMPARE[source.op]
    if plain_selector(source.query) is not None:
        return _of_samples(source, slices, budget, answers, window)
    tiles = tiles_of((source.query,), slices, window)
    values = _values(answers, source.query, tiles)
    found = [
        Slice(events=1.0, bad=float(not is_good(values[one], source.value))) if one in values else None
        for one in range(tiles.number)
    ]
    return _evidence(found, tiles, slices, budget, window)


def _written(query: str, tiles: Tiles) -> str:
    return query.replace(WINDOW, f"{max(1, round(tiles.length_s))}s")


def _values(answers: pa.Table, query: str, tiles: Tiles) -> dict[int, float]:
    """Return the finite values by tile of the one series that answers a query; raises NoData."""
    written = _written(query, tiles)
    if not tiles.number:
        raise NoData(f"the judged window is shorter than the {tiles.length_s:g} s that {written} reads")
    rows = _rows(answers, written, "range")
    if any(row["asked_from"] > tiles.first or row["asked_to"] < tiles.last for row in rows):
        raise NoData(f"the stored answer to {written} does not cover the judged window")
    series = [row for row in rows if row["at"]]
    if not series:
        raise NoData(f"Prometheus answered {written} with no series: no traffic, the scrape down, or a metric renamed")
    if len(series) > 1:
        raise NoData(f"Prometheus answered {written} with {len(series)} series, one is needed: put sum() around it")
    pairs = ((tiles.place(at), value) for at, value in zip(series[0]["at"], series[0]["value"], strict=True))
    return {place: value for place, value in pairs if math.isfinite(value)}


def _rows(answers: pa.Table, query: str, kind: str) -> list[dict[str, Any]]:
    if not answers.num_columns:
        raise NoData(f"the run stored no answer to {query}")
    mask = pc.and_(pc.equal(answers["query"], query), pc.equal(answers["kind"], kind))
    rows: list[dict[str, Any]] = answers.filter(mask).to_pylist()
    if not rows:
        raise NoData(f"the run stored no answer to {query}")
    refused = next((row["error"] for row in rows if row.get("error")), None)
    if refused is not None:
        raise NoData(str(refused))
    return rows


def _ratio(source: Queries, part: float | None, total: float | None) -> Slice | None:
    """Return one tile's events, weighed by its total where that is known; None where it has no answer."""
    if part is None or (total is not None and not math.isfinite(total)):
        return None
    whole = 1.0 if total is None else total
    if part < -_ROUNDING or whole < 0 or part > whole * (1 + _ROUNDING):
        said = f"{part:g}" if total is None else f"{part:g} of {whole:g}"
        raise NoData(f"Prometheus answered {source.part} with {said}, which is no ratio from 0 to 1")
    part = min(max(part, 0.0), whole)
    return Slice(events=whole, bad=whole - part if source.part_is == "good" else part)


def _evidence(
    found: Sequence[Slice | None], tiles: Tiles, slices: Slices | None, budget: float, window: Window
) -> Evidence:
    if slices is not None:
        return sliced(slices, _per_slice(found, tiles, slices, window), budget)
    held = [one for one in found if one is not None and one.events > 0]
    left_out = len(found) - len(held)
    check_left_out(left_out, len(found), budget, f"answers over {tiles.length_s:g} s are missing or count nothing")
    mean = math.fsum(one.events for one in held) / len(held)
    counts = grouped([one.events / mean for one in held], [one.bad / mean for one in held])
    return Evidence(
        counts=(counts,),
        left_out=left_out,
        weighting=kish([one.events for one in held]),
        events_are=f"answers over {tiles.length_s:g} s",
    )


def _per_slice(found: Sequence[Slice | None], tiles: Tiles, slices: Slices, window: Window) -> list[Slice]:
    """Return the sums of each slice's tiles; a slice that lacks one holds no event."""
    windows = slices.windows(window)
    if not windows:
        slices.edges(window)
    per = max(1, round(slices.length_s * _NS / tiles.length))
    out = []
    for place in range(len(windows)):
        inside = found[place * per : (place + 1) * per]
        known = [one for one in inside if one is not None]
        whole = known if len(known) == len(inside) == per else []
        out.append(Slice(events=math.fsum(one.events for one in whole), bad=math.fsum(one.bad for one in whole)))
    return out


def _of_samples(source: Readings, slices: Slices | None, budget: float, answers: pa.Table, window: Window) -> Evidence:
    """Hold each sample of a gauge in the window against the limit; a gap of over 15 s, NaN among it, is no data."""
    rows = [row for row in _rows(answers, source.query, "raw") if row["at"]]
    if not rows:
        raise NoData(f"{source.query} has no samples: no traffic, the scrape down, or the metric renamed")
    if len(rows) > 1:
        raise NoData(f"{source.query} selects {len(rows)} series, one is needed: put max() or sum() around it")
    pairs = zip(rows[0]["at"], rows[0]["value"], strict=True)
    samples = [(at, value) for at, value in pairs if window.starts_at <= at < window.ends_at and math.isfinite(value)]
    _check_gaps(source.query, [at for at, _ in samples], window)
    is_good = _COMPARE[source.op]
    bad = [float(not is_good(value, source.value)) for _, value in samples]
    if slices is None:
        return Evidence(counts=(grouped([1.0] * len(bad), bad),), events_are="samples")
    edges = slices.edges(window)
    held = [[0.0, 0.0] for _ in edges[1:]]
    for (at, _), one in zip(samples, bad, strict=True):
        place = (at - window.starts_at) // (slices.length_s * _NS)
        if place < len(held):
            held[place][0] += 1
            held[place][1] += one
    return sliced(slices, [Slice(events=events, bad=one) for events, one in held], budget)


def _check_gaps(query: str, at: Sequence[int], window: Window) -> None:
    moments = [window.starts_at, *at, window.ends_at]
    longest_s = max((after - before) / _NS for before, after in pairwise(moments))
    if longest_s > MARGIN_S:
        raise NoData(f"{query} has no sample in {longest_s:.0f} s of the judged window: a scrape gap, NaN, or stale")
