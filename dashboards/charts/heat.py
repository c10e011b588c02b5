"""A grid of durations as a Vega-Lite spec: a row for each step, a column for each stretch of time.

Shades stand for fixed times, the same in every run, so that two grids can be laid side by side. Their edges are half
decades around the three limits of response times (J. Nielsen, "Response Times: The 3 Important Limits", 1993: 0.1 s
feels instant, 1 s keeps the train of thought, 10 s the attention; https://www.nngroup.com/articles/response-times-3-important-limits/).
"""

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass

from dashboards.charts.svg import Spec
from dashboards.charts.vega_specs import HALO, NARROW, framed, time_axis
from dashboards.formatting import plain

EDGES_S = (0.1, 0.3, 1.0, 3.0, 10.0)
SHADES = (0.06, 0.17, 0.32, 0.5, 0.68, 0.88)
OVER, ERRORS = "▲", "×"
_ROW_PX = 26
_LABEL_PX = {True: 140, False: 84}
_PX_A_LETTER = 6.2


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One step in one stretch of time, which begins `start_s` after the start; `label` and `marks` stand in it."""

    row: str
    start_s: float
    value_s: float | None
    label: str
    marks: str
    hint: str


@dataclass(frozen=True, slots=True, kw_only=True)
class HeatGrid:
    """A grid over the run: its rows from the top down, and the length of its stretches."""

    rows: Sequence[str]
    cells: Sequence[Cell]
    length_s: float
    stretch_s: int


def heat(grid: HeatGrid, width: int) -> Spec:
    """Return the spec of `grid` for a drawing `width` pixels wide."""
    wide = width > NARROW
    room_px = (width - _LABEL_PX[wide]) * grid.stretch_s / max(grid.length_s, 1)
    rows = [plain(row, 40) for row in grid.rows]
    values = [_value(cell, grid, room_px) for cell in grid.cells]
    y: Spec = {
        "field": "row",
        "type": "nominal",
        "scale": {"domain": rows, "paddingInner": 0.08, "paddingOuter": 0},
        "axis": {
            "title": None,
            "grid": False,
            "labelLimit": _LABEL_PX[wide],
            # Labels are measured in the renderer's font, and shown in the reader's, which may be wider.
            "minExtent": min(_LABEL_PX[wide], _PX_A_LETTER * 1.15 * max(map(len, rows)) + 8),
            "labelColor": "var(--ink)",
        },
    }
    x = time_axis(grid.length_s, width)
    tint: Spec = {"field": "tint", "type": "quantitative", "scale": None, "legend": None}
    text: Spec = {"type": "text", "fontSize": 10.5, "clip": True, **HALO}
    middle: Spec = {**x, "field": "middle"}
    words: Spec = {"field": "text", "type": "nominal"}
    layers: list[Spec] = [
        {
            "mark": {"type": "rect", "color": "var(--c1)", "clip": True},
            "encoding": {"x": x, "x2": {"field": "x2"}, "y": y, "fillOpacity": tint},
        },
        {
            "mark": {**text, "color": "var(--ink)"},
            "encoding": {"x": middle, "y": {**y, "bandPosition": 0.5}, "text": words},
        },
    ]
    if wide:
        layers.append(
            {
                "name": "hints",
                "mark": {"type": "rect", "opacity": 0, "color": "var(--ink)", "clip": True},
                "encoding": {
                    "x": x,
                    "x2": {"field": "x2"},
                    "y": y,
                    "description": {"field": "hint", "type": "nominal"},
                },
            }
        )
    return framed({"data": {"values": values}, "layer": layers}, width, _ROW_PX * len(rows) + 30)


def shade(value_s: float | None) -> int:
    """Return the place of the shade that stands for `value_s`, 0 for the lightest; unknown is the lightest."""
    return 0 if value_s is None else bisect_left(EDGES_S, value_s)


def _value(cell: Cell, grid: HeatGrid, room_px: float) -> Spec:
    whole = f"{cell.label} {cell.marks}".strip()
    fitting = (text for text in (whole, cell.marks) if _PX_A_LETTER * len(text) + 2 <= room_px)
    end_s = min(cell.start_s + grid.stretch_s, grid.length_s)
    return {
        "row": plain(cell.row, 40),
        "x": cell.start_s,
        "x2": end_s,
        "middle": (cell.start_s + end_s) / 2,
        "tint": 0 if cell.value_s is None else SHADES[shade(cell.value_s)],
        "text": next(fitting, cell.marks[:1]),
        "hint": cell.hint,
    }
