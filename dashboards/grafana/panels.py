"""What a dashboard of ours is made of: panels with everything a reader needs, laid out in rows.

A panel can't be made without a title, a description, a unit and at least one query.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from string import ascii_uppercase

import grafanalib.core as grafana

COLUMNS = 24
ROW_HEIGHT = 1
PANEL_HEIGHT = 8


class Look(Enum):
    """How a panel shows its queries: over time, or the last value of each series as a bar or a number."""

    LINES = "lines"
    BARS = "bars"
    NUMBER = "number"


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """One PromQL expression with Grafana's variables in it, and how its series are called."""

    expr: str
    legend: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """One panel. `unit` is an id of Grafana's; `height` is in grid cells."""

    title: str
    description: str
    unit: str
    queries: Sequence[Query]
    look: Look = Look.LINES
    maximum: float | None = None
    height: int = PANEL_HEIGHT


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """Panels side by side under one heading, sharing the width equally."""

    title: str
    panels: Sequence[Panel]


def lay_out(rows: Sequence[Row]) -> list[grafana.Panel]:
    """Return every row's heading and panels as grafanalib's, placed top down on the 24 columns."""
    placed: list[grafana.Panel] = []
    y = 0
    for row in rows:
        placed.append(grafana.RowPanel(title=row.title, gridPos=_place(0, y, COLUMNS, ROW_HEIGHT)))
        width = COLUMNS // len(row.panels)
        height = max(panel.height for panel in row.panels)
        y += ROW_HEIGHT
        placed += [_built(p, _place(i * width, y, width, height)) for i, p in enumerate(row.panels)]
        y += height
    return placed


def _place(x: int, y: int, width: int, height: int) -> grafana.GridPos:
    return grafana.GridPos(h=height, w=width, x=x, y=y)


def _built(panel: Panel, place: grafana.GridPos) -> grafana.Panel:
    common = {
        "title": panel.title,
        "description": panel.description,
        "gridPos": place,
        "targets": _targets(panel),
    }
    match panel.look:
        case Look.LINES:
            return grafana.TimeSeries(**common, unit=panel.unit, valueMin=0, showPoints="never", valueMax=panel.maximum)
        case Look.BARS:
            return grafana.BarGauge(**common, format=panel.unit, min=0, max=panel.maximum)
        case Look.NUMBER:
            return grafana.Stat(**common, format=panel.unit)


def _targets(panel: Panel) -> list[grafana.Target]:
    return [
        grafana.Target(expr=query.expr, legendFormat=query.legend, refId=letter, instant=panel.look is Look.BARS)
        for letter, query in zip(ascii_uppercase, panel.queries, strict=False)
    ]
