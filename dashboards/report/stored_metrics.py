"""The stored answers of Prometheus, matched with the dashboard's panels whose queries they answer."""

import json
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from dashboards.grafana.build import build
from dashboards.grafana.queries import fill, panels, variables_of
from dashboards.grafana.upgrade import Json
from dashboards.report.records_query import SECOND_NS, Span
from dashboards.report.run_files import Gap, Reading
from loadtests.results.schemas import ANSWERS

MAX_SERIES = 5
MAX_BYTES = 256 << 20
SHOWN = (
    "Requests of the shop",
    "Server errors of the shop",
    "Latency p95 of the shop",
    "Latency p95 of the payment provider",
    "Calls of the ten busiest spans",
    "p95 of the ten slowest spans",
    "Shopper's p95 against the server's",
    "SKUs out of stock",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """One series by its legend; `points` are (seconds since the start, value)."""

    name: str
    points: Sequence[tuple[float, float]]


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredPanel:
    """One panel of the dashboard with the series stored for it; `total` counts those not drawn too."""

    title: str
    description: str
    unit: str
    series: Sequence[Series]
    total: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    """What was stored: the panels shown, and how many queries had data."""

    panels: Sequence[StoredPanel]
    queries: int
    empty: Sequence[str]


def read_answers(reading: Reading, time: Span) -> Answers:
    """Return the stored answers; what can't be read becomes a gap."""
    rows = [row for name in ("dashboards", "objectives") for row in _rows(reading, f"{name}.parquet")]
    ranges = [row for row in rows if row["kind"] == "range"]
    answered = {row["query"] for row in rows if row["at"]}
    drawn = (_stored(panel, ranges, time) for panel in panels(build()["peak-run"]) if panel["title"] in SHOWN)
    return Answers(
        panels=[panel for panel in drawn if panel.series],
        queries=len({row["query"] for row in rows}),
        empty=sorted({row["query"] for row in rows} - answered),
    )


def _rows(reading: Reading, name: str) -> list[Json]:
    path: Path = reading.directory.metrics / name
    if not path.exists():
        reading.gaps.append(Gap(file=f"metrics/{name}", why="is not there"))
        return []
    if path.stat().st_size > MAX_BYTES:
        reading.gaps.append(Gap(file=f"metrics/{name}", why=f"left out: larger than the {MAX_BYTES} bytes allowed"))
        return []
    try:
        return [
            row for row in pq.read_table(path, schema=ANSWERS).to_pylist() if row["query"] and row["at"] is not None
        ]
    except (pa.ArrowException, OSError, ValueError) as error:
        reading.gaps.append(Gap(file=f"metrics/{name}", why=f"can't be read: {str(error).splitlines()[0]}"))
        return []


def _stored(panel: Json, rows: Sequence[Json], time: Span) -> StoredPanel:
    series = [
        Series(name=_legend(target["legendFormat"], row["labels"]), points=_points(row, time))
        for target in panel["targets"]
        for row in rows
        if _asks(target["expr"]).fullmatch(row["query"])
    ]
    highest = sorted((one for one in series if one.points), key=lambda one: -max(value for _, value in one.points))
    return StoredPanel(
        title=panel["title"],
        description=panel["description"],
        unit=panel["fieldConfig"]["defaults"]["unit"],
        series=highest[:MAX_SERIES],
        total=len(highest),
    )


def _asks(expr: str) -> re.Pattern[str]:
    """Return the pattern of `expr` with anything in the place of its variables."""
    marked = fill(expr, dict.fromkeys(variables_of(expr), "\x00"))
    return re.compile(re.escape(marked).replace("\x00", r"\w+"))


def _legend(pattern: str, labels: str) -> str:
    try:
        known = json.loads(labels)
    except (ValueError, RecursionError):
        known = {}
    values = known if isinstance(known, dict) else {}
    return re.sub(r"\{\{(\w+)\}\}", lambda match: str(values.get(match[1], "")), pattern).strip() or "all"


def _points(row: Json, time: Span) -> list[tuple[float, float]]:
    """Return the highest value of each bin, where there is one."""
    highest: dict[int, float] = {}
    for at, value in zip(row["at"], row["value"] or [], strict=False):
        index = (at - time.starts_at) // (time.bin_s * SECOND_NS)
        if 0 <= index < time.bins and value is not None and math.isfinite(value):
            highest[index] = max(value, highest.get(index, value))
    return [(float(index * time.bin_s), value) for index, value in sorted(highest.items())]
