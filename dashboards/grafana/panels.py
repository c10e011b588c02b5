"""What a dashboard of ours is made of: panels with everything a reader needs, laid out in rows.

A panel can't be made without a title, a description, a unit and at least one query.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from string import ascii_uppercase
from typing import Any

import grafanalib.core as grafana

from dashboards.grafana.links import Link
from dashboards.grafana.style import NO_LIMIT, SERIES, Thresholds

COLUMNS = 24
ROW_HEIGHT = 1
PANEL_HEIGHT = 8
_EMPTY_CELL = "–"
# A cell's edges, a letter of a heading, and what a figure with its unit and a short word need in Grafana's font.
_CELL_PX, _HEADING_LETTER_PX, _FIGURE_PX, _WORD_PX = 17, 8.2, 86, 80


class Look(Enum):
    """How a panel shows its queries: over time, or the value of each series at the end as a bar, a number or a row.

    At the end, and not the last one of the time shown: a figure that is gone is no figure of now.
    """

    LINES = "lines"
    BARS = "bars"
    NUMBER = "number"
    TABLE = "table"


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """One PromQL expression with Grafana's variables in it, and how its series are called."""

    expr: str
    legend: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """A column of a table: `source` is a label, or a query's value: `Value`, of several queries `Value #A`, `Value #B`.

    `unit` is empty for text; `mappings` are words for values. `width_px` is 0 for an equal share of what is left, which
    is at least `least_px`, and no less than the heading and a figure need.
    """

    source: str
    heading: str
    unit: str = ""
    thresholds: Thresholds | None = None
    mappings: Mapping[float, str] = field(default_factory=dict)
    links: Sequence[Link] = ()
    width_px: int = 0
    least_px: int = 0

    @property
    def wide_px(self) -> int:
        """How wide it is at least."""
        longest = max(map(len, [self.heading, *self.mappings.values()]))
        kind = _FIGURE_PX if self.unit or self.mappings else _WORD_PX
        return self.width_px or max(round(longest * _HEADING_LETTER_PX) + _CELL_PX, self.least_px, kind)


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """One panel. `unit` is an id of Grafana's; `height` and `width` are in grid cells, a width of 0 is an equal share.

    `nothing` is what an empty panel means where it is empty while all is well; without it a panel always has data.
    `mappings` are words for values. `columns` are a table's, which is `sorted_by` one, the greatest first.
    """

    title: str
    description: str
    unit: str
    queries: Sequence[Query]
    look: Look = Look.LINES
    thresholds: Thresholds = NO_LIMIT
    minimum: float | None = 0
    maximum: float | None = None
    decimals: int | None = None
    height: int = PANEL_HEIGHT
    width: int = 0
    nothing: str = ""
    mappings: Mapping[float, str] = field(default_factory=dict)
    links: Sequence[Link] = ()
    columns: Sequence[Column] = ()
    sorted_by: str = ""
    least_first: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """Panels side by side, sharing what width none of them claims, under a heading; under none with an empty title."""

    title: str
    panels: Sequence[Panel]


def lay_out(rows: Sequence[Row]) -> list[grafana.Panel]:
    """Return every row's heading and panels as grafanalib's, placed top down on the 24 columns."""
    placed: list[grafana.Panel] = []
    y = 0
    for row in rows:
        if row.title:
            placed.append(grafana.RowPanel(title=row.title, gridPos=_place(0, y, COLUMNS, ROW_HEIGHT)))
            y += ROW_HEIGHT
        height = max(panel.height for panel in row.panels)
        x = 0
        for panel, width in zip(row.panels, _widths(row), strict=True):
            placed.append(_built(panel, _place(x, y, width, height)))
            x += width
        y += height
    return placed


def _widths(row: Row) -> list[int]:
    """Return each panel's width; of columns that can't be shared evenly the first panels have one more."""
    sharing = sum(not panel.width for panel in row.panels)
    each, more = divmod(COLUMNS - sum(panel.width for panel in row.panels), sharing or 1)
    shared = iter([each + (place < more) for place in range(sharing)])
    return [panel.width or next(shared) for panel in row.panels]


def _place(x: int, y: int, width: int, height: int) -> grafana.GridPos:
    return grafana.GridPos(h=height, w=width, x=x, y=y)


def _built(panel: Panel, place: grafana.GridPos) -> grafana.Panel:
    common = {
        "title": panel.title,
        "description": panel.description,
        "gridPos": place,
        "targets": _targets(panel),
        "extraJson": {"fieldConfig": {"defaults": _defaults(panel)}},
    }
    match panel.look:
        case Look.LINES:
            return grafana.TimeSeries(**common, showPoints="never", overrides=list(_colours(panel)))
        case Look.BARS:
            return grafana.BarGauge(**common)
        case Look.NUMBER:
            return grafana.Stat(**common)
        case Look.TABLE:
            return grafana.Table(
                **common,
                overrides=[override for column in panel.columns for override in _overrides(column, panel.nothing)],
                transformations=_transformations(panel),
                sortBy=_sort(panel),
            )


def _colours(panel: Panel) -> Iterator[dict[str, Any]]:
    """Yield a colour for each query that has one series."""
    for query, letter, colour in zip(panel.queries, ascii_uppercase, SERIES, strict=False):
        if "{{" not in query.legend:
            fixed = {"id": "color", "value": {"mode": "fixed", "fixedColor": colour}}
            yield {"matcher": {"id": "byFrameRefID", "options": letter}, "properties": [fixed]}


def _sort(panel: Panel) -> list[grafana.TableSortByField]:
    by = panel.sorted_by
    return [grafana.TableSortByField(displayName=by, desc=not panel.least_first)] if by else []


def _targets(panel: Panel) -> list[grafana.Target]:
    is_table = panel.look is Look.TABLE
    return [
        grafana.Target(
            expr=query.expr,
            legendFormat=query.legend,
            refId=letter,
            instant=panel.look is not Look.LINES,
            format="table" if is_table else "time_series",
        )
        for letter, query in zip(ascii_uppercase, panel.queries, strict=False)
    ]


def _defaults(panel: Panel) -> dict[str, Any]:
    given: dict[str, Any] = {
        "unit": panel.unit,
        "min": panel.minimum,
        "max": panel.maximum,
        "decimals": panel.decimals,
        "noValue": panel.nothing or None,
        "mappings": _mappings(panel.mappings),
        "links": _links(panel.links, of_row=False),
        **_thresholds(panel.thresholds),
    }
    drawn = {"thresholdsStyle": {"mode": "dashed" if panel.thresholds.drawn else "off"}, **_reach(panel)}
    return given | ({"custom": drawn} if panel.look is Look.LINES else {})


def _reach(panel: Panel) -> dict[str, float]:
    """Return up to where a share's axis reaches at least: its first limit. Grafana's own of 0 is 10,000 %."""
    limits = [step.value for step in panel.thresholds.steps if step.value]
    is_open = panel.unit == "percentunit" and panel.maximum is None
    return {"axisSoftMax": limits[0]} if is_open and limits and panel.thresholds.drawn else {}


def _thresholds(thresholds: Thresholds) -> dict[str, Any]:
    steps = [{"color": step.colour, "value": step.value} for step in thresholds.steps]
    return {"thresholds": {"mode": "absolute", "steps": steps}}


def _mappings(words: Mapping[float, str]) -> list[dict[str, Any]]:
    options = {f"{value:.15g}": {"index": place, "text": text} for place, (value, text) in enumerate(words.items())}
    return [{"type": "value", "options": options}] if options else []


def _links(links: Sequence[Link], *, of_row: bool) -> list[dict[str, Any]]:
    return [{"title": link.title, "url": link.url(of_row=of_row), "targetBlank": False} for link in links]


def _overrides(column: Column, nothing: str) -> list[dict[str, Any]]:
    """Return what a column has of its own; what an empty panel says isn't what an empty cell of it says."""
    properties: list[dict[str, Any]] = [{"id": "noValue", "value": _EMPTY_CELL}] if nothing else []
    if column.unit:
        properties.append({"id": "unit", "value": column.unit})
    if column.width_px:
        properties.append({"id": "custom.width", "value": column.width_px})
    else:
        properties.append({"id": "custom.minWidth", "value": column.wide_px})
    if column.mappings:
        properties.append({"id": "mappings", "value": _mappings(column.mappings)})
    if column.links:
        properties.append({"id": "links", "value": _links(column.links, of_row=True)})
    if column.thresholds is not None:
        properties.append({"id": "thresholds", "value": _thresholds(column.thresholds)["thresholds"]})
        properties.append({"id": "custom.cellOptions", "value": {"type": "color-text"}})
    return [{"matcher": {"id": "byName", "options": column.heading}, "properties": properties}]


def _transformations(panel: Panel) -> list[dict[str, Any]]:
    """Return what makes one row a label set of several queries' tables, with the columns wanted, in their order."""
    names = [column.source for column in panel.columns]
    return [
        {"id": "merge", "options": {}},
        {"id": "filterFieldsByName", "options": {"include": {"names": names}}},
        {
            "id": "organize",
            "options": {
                "excludeByName": {},
                "indexByName": {name: place for place, name in enumerate(names)},
                "renameByName": {column.source: column.heading for column in panel.columns},
            },
        },
    ]
