"""Storing Prometheus' answers: the run directory holds every series that a verdict or a page needs later."""

import json
import re
import time
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from dashboards.grafana.archive import Ask, asks
from dashboards.grafana.build import build
from dashboards.grafana.queries import Timing
from loadtests.evidence.other_documents import samples_of
from loadtests.results.recorded_run import objective_answers
from loadtests.results.run_directory import RunDirectory, write_table
from loadtests.results.schemas import ANSWERS
from scripts.local_stack.prometheus import Prometheus, Series, topmost
from slo.objectives.counters import CREATED, MARGIN_S, PROCESS_START
from slo.objectives.evaluated import Asked, evaluations
from slo.objectives.indicators import Window
from slo.objectives.objective import Objective
from slo.objectives.selectors import quoted
from slo.outcomes import EnvironmentLacks

DEADLINE_S = 30.0
_BEFORE_NS = 30_000_000_000
_AFTER_NS = round(MARGIN_S * 1e9)
_COUNTED = re.compile(r"_(?:bucket|count|sum|total)$")
_AT_ONCE = 4
_TOO_LATE = "not asked: the time for the dashboards' queries was over"


@dataclass(frozen=True, slots=True, kw_only=True)
class Moments:
    """When the dashboards' queries are asked for: each `step_s` of `span` (ns), or `at` a moment while the load is on.

    A rate over the last seconds of a run would say of every route that nobody asks for it.
    """

    span: tuple[int, int]
    step_s: int
    at: int

    @property
    def first(self) -> int:
        """The first moment of a range, counted from its end: the last point is the end's."""
        start, end = self.span
        step = self.step_s * 1_000_000_000
        return end - (end - start) // step * step


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """How many queries of the dashboards were asked, and why those that failed did."""

    asked: int
    errors: tuple[str, ...]

    @property
    def note(self) -> str | None:
        """What failed, in a sentence; None where nothing did."""
        if not self.errors:
            return None
        return f"{len(self.errors)} of the dashboards' {self.asked} queries have no answer, such as: {self.errors[0]}"


def keep_answers(
    prometheus: Prometheus,
    directory: RunDirectory,
    objectives: Iterable[Objective],
    judged: tuple[int, int],
    span: tuple[int, int],
) -> str | None:
    """Store what a verdict over `judged` and the pages over `span` (both ns) need; return what failed of the pages'.

    Raises EnvironmentLacks when what the verdict needs has no answer.
    """
    if judged[1] > judged[0]:
        keep_objectives(prometheus, tuple(objectives), judged, directory.metrics / "objectives.parquet")
    timing = Timing.over(*span, scrape_interval_s=prometheus.scrape_interval_s())
    asked = asks(build().values(), timing)
    moments = Moments(span=span, step_s=timing.step_s, at=judged[1] if judged[1] > judged[0] else span[1])
    return keep_dashboards(prometheus, asked, moments, directory.metrics / "dashboards.parquet").note


def samples_kept(directory: RunDirectory) -> int:
    """Return how many samples the raw answers hold that were stored for the verdict."""
    return samples_of(objective_answers(directory))


def keep_objectives(
    prometheus: Prometheus, objectives: Iterable[Objective], judged: tuple[int, int], path: Path
) -> int:
    """Store what objectives need over the judged time (ns): raw samples, and what Prometheus evaluates for them."""
    objectives = tuple(objectives)
    selectors = [selector for objective in objectives for selector in objective.indicator.selectors()]
    window = Window(starts_at=judged[0], ends_at=judged[1])
    asked = (evaluations(one.indicator.source, one.slices, window) for one in objectives)
    return keep_raw(prometheus, selectors, judged, path, [one for some in asked for one in some])


def keep_raw(
    prometheus: Prometheus,
    selectors: Iterable[str],
    judged: tuple[int, int],
    path: Path,
    evaluated: Iterable[Asked] = (),
) -> int:
    """Store the samples of each selector over the judged time (ns), a little before and after; return how many series.

    When the processes behind them started is asked, too: a target that is seen late may have been there before. Of what
    is to be `evaluated` the answers are stored, and of one that Prometheus refuses the reason.
    """
    span = judged[0] - _BEFORE_NS, judged[1] + _AFTER_NS
    rows = [row for selector in dict.fromkeys(selectors) for row in _raw(prometheus, selector, span)]
    rows += [row for selector in _starts(rows) for row in _raw(prometheus, selector, span)]
    rows += [row for one in dict.fromkeys(evaluated) if one.tiles.number for row in _evaluated(prometheus, one)]
    write_table(path, pa.Table.from_pylist(rows, schema=ANSWERS))
    return sum(bool(row["at"]) for row in rows)


def _evaluated(prometheus: Prometheus, asked: Asked) -> list[dict[str, Any]]:
    """Return the rows of one evaluated query; two objectives may ask it over tiles of their own."""
    tiles = asked.tiles
    common = _common(asked.query, "range", (tiles.first, tiles.last))
    try:
        return _rows(common, prometheus.range(asked.query, tiles.first, tiles.last, tiles.length_s))
    except EnvironmentLacks as error:
        return _rows({**common, "error": str(error)}, ())


def _raw(prometheus: Prometheus, selector: str, span: tuple[int, int]) -> list[dict[str, Any]]:
    return _rows(_common(selector, "raw", span), prometheus.raw(selector, *span))


def _starts(rows: Iterable[dict[str, Any]]) -> list[str]:
    """Return the selectors of when the processes and the counters of stored series started."""
    known = [json.loads(row["labels"]) for row in rows if row["at"]]
    jobs = "|".join(sorted({re.escape(labels["job"]) for labels in known if labels.get("job")}))
    if not jobs:
        return []
    created = sorted({f"{_COUNTED.sub('', labels['__name__'])}{CREATED}" for labels in known if "__name__" in labels})
    return [f"{name}{{job=~{quoted(jobs)}}}" for name in (PROCESS_START, *created)]


def keep_dashboards(
    prometheus: Prometheus, asked: Sequence[Ask], moments: Moments, path: Path, within_s: float = DEADLINE_S
) -> Kept:
    """Store the answer to each query, some at once; one that fails or comes too late is noted.

    Of many series the topmost are kept, and the number of the others.
    """
    ends_at = time.monotonic() + within_s
    asking = _Asking(prometheus=prometheus, moments=moments, ends_at=ends_at)
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        rows = [row for answered in pool.map(asking.rows, asked) for row in answered]
    write_table(path, pa.Table.from_pylist(rows, schema=ANSWERS))
    return Kept(asked=len(asked), errors=tuple(row["error"] for row in rows if row["error"]))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asking:
    """One archive under way, until `ends_at` of the monotonic clock."""

    prometheus: Prometheus
    moments: Moments
    ends_at: float

    def rows(self, ask: Ask) -> list[dict[str, Any]]:
        """Return the rows of one query's answer."""
        common = {**_common(ask.query, ask.kind, self._asked(ask)), "expr": ask.expr, "left_out": 0, "error": None}
        left_s = self.ends_at - time.monotonic()
        if left_s <= 0:
            return _rows({**common, "error": _TOO_LATE}, ())
        try:
            series = self._series(ask, left_s)
        except EnvironmentLacks as error:
            return _rows({**common, "error": str(error)}, ())
        shown = topmost(series)
        return _rows({**common, "left_out": len(series) - len(shown)}, shown)

    def _asked(self, ask: Ask) -> tuple[int, int]:
        return (self.moments.at, self.moments.at) if ask.kind == "instant" else self.moments.span

    def _series(self, ask: Ask, left_s: float) -> tuple[Series, ...]:
        if ask.kind == "instant":
            return self.prometheus.instant(ask.query, self.moments.at, within_s=left_s)
        first, last, step_s = self.moments.first, self.moments.span[1], self.moments.step_s
        return self.prometheus.range(ask.query, first, last, step_s, within_s=left_s)


def _common(query: str, kind: str, span: tuple[int, int]) -> dict[str, Any]:
    return {"query": query, "kind": kind, "asked_from": span[0], "asked_to": span[1]}


def _rows(common: dict[str, Any], series: Sequence[Series]) -> list[dict[str, Any]]:
    if not series:
        return [{**common, "labels": "{}", "at": [], "value": []}]
    return [
        {**common, "labels": json.dumps(dict(one.labels), sort_keys=True), "at": list(one.at), "value": list(one.value)}
        for one in series
    ]
