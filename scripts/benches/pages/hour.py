"""Made-up answers kept by a run of an hour: of every query of every board, with as many series as a shop has."""

import itertools
import json
import random
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa

from dashboards.grafana.archive import Ask, asks
from dashboards.grafana.queries import Timing, expressions
from dashboards.grafana.upgrade import Json
from loadtests.results.run_directory import write_table
from loadtests.results.schemas import ANSWERS
from scripts.local_stack.prometheus import MOST_SERIES

START_NS = 1_795_000_000_000_000_000
LENGTH_S = 3600
_NS = 1_000_000_000
# How many values a label has in a shop; any other label has 3.
_VALUES = {
    "http_route": 10,
    "http_response_status_code": 6,
    "span_name": 25,
    "service_name": 4,
    "step": 8,
    "reason": 6,
    "location": 6,
    "sku": 50,
    "job": 8,
    "instance": 8,
    "objective": 8,
    "alertname": 5,
    "exporter": 10,
    "subject": 10,
    "outcome": 4,
    "provider": 2,
    "queue": 3,
    "service": 4,
    "host": 4,
    "severity": 2,
    "environment": 1,
    "kind": 2,
}
_OTHER = 3
_BY = re.compile(r"\bby\s*\(([^)]*)\)")
_IN_LEGEND = re.compile(r"\{\{\s*(\w+)\s*\}\}")


def write_hour(path: Path, dashboards: Iterable[Json]) -> int:
    """Write the answers to every query of `dashboards` to `path`; return how many series they have."""
    known = list(dashboards)
    timing = Timing.over(START_NS, START_NS + LENGTH_S * _NS)
    labels = _labels_by_query(known)
    dice = random.Random(7)  # noqa: S311 - made-up figures
    rows = [row for ask in asks(known, timing) for row in _rows(ask, labels.get(ask.expr, ()), timing, dice)]
    write_table(path, pa.Table.from_pylist(rows, schema=ANSWERS))
    return len(rows)


def _labels_by_query(dashboards: Iterable[Json]) -> dict[str, list[str]]:
    """Return the labels of each query's series: what it is summed by, what its legend names, its table's columns."""
    found: dict[str, list[str]] = {}
    for panel, target in (pair for dashboard in dashboards for pair in expressions(dashboard)):
        by = [name.strip() for listed in _BY.findall(target["expr"]) for name in listed.split(",")]
        names = [*by, *_IN_LEGEND.findall(target["legendFormat"]), *_columns(panel)]
        found[target["expr"]] = sorted({name for name in names if name and name not in ("le", "__name__")})
    return found


def _columns(panel: Json) -> list[str]:
    for one in panel.get("transformations", ()):
        if one["id"] == "filterFieldsByName":
            return [name for name in one["options"]["include"]["names"] if not name.startswith(("Value", "Time"))]
    return []


def _rows(ask: Ask, labels: Iterable[str], timing: Timing, dice: random.Random) -> Iterator[Mapping[str, Any]]:
    common = {"query": ask.query, "expr": ask.expr, "kind": ask.kind, "left_out": 0, "error": None,
              "asked_from": START_NS, "asked_to": START_NS + LENGTH_S * _NS}  # fmt: skip
    values = [[(name, f"{name}-{place}") for place in range(_VALUES.get(name, _OTHER))] for name in labels]
    for chosen in itertools.islice(itertools.product(*values), MOST_SERIES):
        steps = 0 if ask.kind == "instant" else LENGTH_S // timing.step_s
        at = [START_NS + (LENGTH_S - (steps - place) * timing.step_s) * _NS for place in range(steps + 1)]
        yield {**common, "labels": json.dumps(dict(chosen)), "at": at, "value": _walk(len(at), dice)}


def _walk(points: int, dice: random.Random) -> list[float]:
    """Return figures that wander and flicker, as rates do: none is level, which is the largest they can be drawn."""
    level, scale = 1.0, 10 ** dice.uniform(-2, 2)
    values = []
    for _ in range(points):
        level = max(0.2, level + dice.gauss(0, 0.05))
        values.append(scale * level * (1 + 0.2 * dice.random()))
    return values
