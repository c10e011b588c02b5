"""Storing Prometheus' answers: the run directory holds every series that a verdict or a page needs later."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pyarrow as pa

from dashboards.grafana.build import build
from dashboards.grafana.queries import queries
from loadtests.results.run_directory import RunDirectory, write_table
from loadtests.results.schemas import ANSWERS
from scripts.local_stack.prometheus import Prometheus, Series
from slo.objectives.objective import Objective

_BEFORE_NS = 30_000_000_000


def keep_answers(
    prometheus: Prometheus,
    directory: RunDirectory,
    objectives: Iterable[Objective],
    judged: tuple[int, int],
    span: tuple[int, int],
) -> None:
    """Store what a verdict over `judged` and the pages over `span` (both ns) need; raises EnvironmentLacks."""
    if judged[1] > judged[0]:
        selectors = [selector for objective in objectives for selector in objective.indicator.selectors()]
        keep_raw(prometheus, selectors, judged, directory.metrics / "objectives.parquet")
    drawn = [query for dashboard in build().values() for query in queries(dashboard)]
    keep_range(prometheus, drawn, span, directory.metrics / "dashboards.parquet")


def keep_raw(prometheus: Prometheus, selectors: Iterable[str], judged: tuple[int, int], path: Path) -> int:
    """Store the samples of each selector over the judged time (ns) and a little before; return how many series."""
    start, end = judged[0] - _BEFORE_NS, judged[1]
    rows = [
        row
        for selector in dict.fromkeys(selectors)
        for row in _rows(selector, "raw", start, end, prometheus.raw(selector, start, end))
    ]
    write_table(path, pa.Table.from_pylist(rows, schema=ANSWERS))
    return sum(bool(row["at"]) for row in rows)


def keep_range(prometheus: Prometheus, queries: Iterable[str], span: tuple[int, int], path: Path) -> dict[str, int]:
    """Store the answer to each query over `span` (ns); return `{query: series with data}`."""
    rows = [
        row for query in dict.fromkeys(queries) for row in _rows(query, "range", *span, prometheus.range(query, *span))
    ]
    write_table(path, pa.Table.from_pylist(rows, schema=ANSWERS))
    counts: dict[str, int] = {}
    for row in rows:
        counts[row["query"]] = counts.get(row["query"], 0) + bool(row["at"])
    return counts


def _rows(query: str, kind: str, start: int, end: int, series: tuple[Series, ...]) -> list[dict[str, Any]]:
    common = {"query": query, "kind": kind, "asked_from": start, "asked_to": end}
    if not series:
        return [{**common, "labels": "{}", "at": [], "value": []}]
    return [
        {**common, "labels": json.dumps(dict(one.labels), sort_keys=True), "at": list(one.at), "value": list(one.value)}
        for one in series
    ]
