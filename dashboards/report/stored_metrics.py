"""The stored answers of Prometheus, matched with the dashboard's panels whose queries they answer."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from dashboards.grafana.archive import answers
from dashboards.grafana.build import build_one
from dashboards.grafana.queries import panels
from dashboards.grafana.upgrade import Json
from dashboards.report.records_query import SECOND_NS, Span
from dashboards.report.run_files import Gap, Reading
from dashboards.stored_answers import labels_of, legend, stored_rows
from slo.documents import BadInput

MAX_SERIES = 5
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
    drawn = (_stored(panel, ranges, time) for panel in panels(build_one("peak-run")) if panel["title"] in SHOWN)
    return Answers(
        panels=[panel for panel in drawn if panel.series],
        queries=len({row["query"] for row in rows}),
        empty=sorted({row["query"] for row in rows} - answered),
    )


def _rows(reading: Reading, name: str) -> list[Json]:
    path = reading.directory.metrics / name
    try:
        return stored_rows(path)
    except BadInput as error:
        reading.gaps.append(Gap(file=f"metrics/{name}", why=str(error), is_there=path.exists()))
        return []


def _stored(panel: Json, rows: Sequence[Json], time: Span) -> StoredPanel:
    series = [
        Series(name=legend(target["legendFormat"], labels_of(row)), points=_points(row, time))
        for target in panel["targets"]
        for row in answers(target, rows)
    ]
    highest = sorted((one for one in series if one.points), key=lambda one: -max(value for _, value in one.points))
    return StoredPanel(
        title=panel["title"],
        description=panel["description"],
        unit=panel["fieldConfig"]["defaults"]["unit"],
        series=highest[:MAX_SERIES],
        total=len(highest),
    )


def _points(row: Mapping[str, Any], time: Span) -> list[tuple[float, float]]:
    """Return the highest value of each bin, where there is one."""
    highest: dict[int, float] = {}
    for at, value in zip(row["at"], row["value"] or [], strict=False):
        index = (at - time.starts_at) // (time.bin_s * SECOND_NS)
        if 0 <= index < time.bins and value is not None and math.isfinite(value):
            highest[index] = max(value, highest.get(index, value))
    return [(float(index * time.bin_s), value) for index, value in sorted(highest.items())]
