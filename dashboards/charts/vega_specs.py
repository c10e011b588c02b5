"""The charts as Vega-Lite specs: plain values in, a spec out; nothing here knows a run directory.

Colours are names of the page's CSS variables, so that one drawing serves light, dark and paper.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from dashboards.charts.svg import MAX_LABEL, Spec
from dashboards.formatting import elapsed, plain

WIDE = 1040
NARROW = 350
_TICKS_S = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 43200, 86400)
DURATION_LABEL = (
    "datum.value == 0 ? '0' : datum.value < 1 ? format(datum.value * 1000, '~r') + ' ms' : "
    "format(datum.value, ',~r') + ' s'"
)
_CLOCK_LABEL = (
    "(datum.value >= 3600 ? floor(datum.value / 3600) + ':' + pad(floor(datum.value % 3600 / 60), 2, '0', 'left') : "
    "floor(datum.value / 60)) + ':' + pad(datum.value % 60, 2, '0', 'left')"
)
# Phases and limits are named above the curves.
_HEADROOM = 1.2
_NARROW_RANGE = 15
_LIMIT_IN_SIGHT = 4
# A letter of a legend, and a line's sample with the gap to the next.
_LEGEND_LETTER_PX, _LEGEND_SYMBOL_PX = 6.4, 46
HALO = {"stroke": "var(--paper)", "strokeWidth": 3, "strokeOpacity": 0.8}
_JUDGED_TINT, _OTHER_TINT = 0.15, 0.04


@dataclass(frozen=True, slots=True, kw_only=True)
class Shade:
    """A phase behind a chart over time, in seconds since the start; a judged one is darker."""

    name: str
    start_s: float
    end_s: float
    judged: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Curve:
    """One series over time; a None breaks the line. `colour` is a CSS variable's name."""

    name: str
    colour: str
    points: Sequence[tuple[float, float | None]]
    dash: Sequence[int] = (1, 0)
    weight: float = 1.8


@dataclass(frozen=True, slots=True, kw_only=True)
class OverTime:
    """A chart over the run: curves before the phases, a limit, and a hint for each bin.

    `top` is where its scale ends, for a chart that lies beside another of the same scale; else the curves say.
    """

    title: str
    length_s: float
    bin_s: int
    curves: Sequence[Curve]
    shades: Sequence[Shade] = ()
    limit: tuple[float, str] | None = None
    hints: Sequence[tuple[float, str]] = ()
    duration: bool = False
    ratio: bool = False
    height: int = 190
    top: float | None = None


def over_time(chart: OverTime, width: int) -> Spec:
    """Return the spec of `chart` for a drawing `width` pixels wide."""
    layers = [*_shades(chart, width), _lines(chart, width), *_limit(chart)]
    if chart.hints and width > NARROW:
        layers.append(_hints(chart))
    return framed({"layer": layers}, width, chart.height)


def framed(spec: Spec, width: int, height: int) -> Spec:
    """Return `spec` at its size, with the axes and legends that every chart of a page has."""
    text = {"labelColor": "var(--muted)", "titleColor": "var(--muted)", "labelFontSize": 11.5, "titleFontSize": 11.5}
    return {
        "$schema": "https://vega.github.io/schema/vega-lite/v6.json",
        "background": None,
        "padding": {"left": 2, "right": 12, "top": 4, "bottom": 2},
        "autosize": {"type": "fit", "contains": "padding"},
        "width": width,
        "height": height,
        **spec,
        "config": {
            "view": {"stroke": None},
            "axis": {
                **text,
                "titleFontWeight": "normal",
                "gridColor": "var(--grid)",
                "domainColor": "var(--line)",
                "tickColor": "var(--line)",
                "labelLimit": 120,
            },
            "axisX": {"grid": False},
            "axisY": {"domain": False, "ticks": False, "labelPadding": 6},
            "legend": {
                **text,
                "title": None,
                "symbolStrokeWidth": 2.5,
                "labelLimit": 260,
                "rowPadding": 2,
                "columnPadding": 18,
            },
        },
    }


def time_axis(length_s: float, width: int) -> Spec:
    """Return the encoding of the time since the start, in seconds, shown as on a clock."""
    wanted = length_s / (10 if width > NARROW else 4)
    every = next((tick for tick in _TICKS_S if tick >= wanted), _TICKS_S[-1])
    return {
        "field": "x",
        "type": "quantitative",
        "scale": {"domain": [0, max(length_s, 1)], "nice": False},
        "axis": {
            "values": list(range(0, int(length_s) + 1, every))[:50],
            "labelExpr": _CLOCK_LABEL,
            "title": None,
            "labelFlush": False,
        },
    }


def _y(chart: OverTime) -> Spec:
    axis: Spec = {"title": None, "tickCount": 5}
    if chart.duration:
        axis["labelExpr"] = DURATION_LABEL
    else:
        axis["format"] = "~%" if chart.ratio else ",~r"
    return {
        "field": "y",
        "type": "quantitative",
        "scale": {"domain": [0, top_of(chart)], "nice": False, "clamp": True},
        "axis": axis,
    }


def _highest(chart: OverTime) -> float:
    return max([value for curve in chart.curves for _, value in curve.points if value is not None] or [0])


def _drawn_limit(chart: OverTime) -> tuple[float, str] | None:
    """Return the limit, unless it lies so far above the curves that it would flatten them."""
    return chart.limit if chart.limit and chart.limit[0] <= _LIMIT_IN_SIGHT * _highest(chart) else None


def top_of(chart: OverTime) -> float:
    """Return where the scale of `chart` ends."""
    if chart.top is not None:
        return chart.top
    limit = _drawn_limit(chart)
    return max(_highest(chart), limit[0] if limit else 0) * _HEADROOM or 1


def _lines(chart: OverTime, width: int) -> Spec:
    values = [
        {"x": x, "y": y, "series": plain(curve.name, MAX_LABEL)} for curve in chart.curves for x, y in curve.points
    ]
    names = [plain(curve.name, MAX_LABEL) for curve in chart.curves]
    columns = _legend_columns(names, width)

    def scale(of: Sequence[object]) -> Spec:
        return {"domain": names, "range": list(of)}

    series: Spec = {"field": "series", "type": "nominal", "sort": None}
    top: Spec = {"orient": "top", "columns": columns, "symbolType": "stroke", "symbolSize": 260}
    legend = top if len(names) > 1 else None
    return {
        "data": {"values": values},
        "mark": {
            "type": "line",
            "clip": True,
        },
        "encoding": {
            "x": time_axis(chart.length_s, width),
            "y": _y(chart),
            "color": {
                **series,
                "scale": scale([f"var(--{c.colour})" for c in chart.curves]),
                "legend": legend,
            },
            "strokeDash": {**series, "scale": scale([list(c.dash) for c in chart.curves]), "legend": legend},
            "strokeWidth": {**series, "scale": scale([c.weight for c in chart.curves]), "legend": None},
        },
    }


def _legend_columns(names: Sequence[str], width: int) -> int:
    """Return how many names stand side by side; each column is as wide as its longest name."""
    longest_px = max(map(len, names), default=0) * _LEGEND_LETTER_PX + _LEGEND_SYMBOL_PX
    return max(1, min(len(names), int(width / longest_px)))


def _shades(chart: OverTime, width: int) -> list[Spec]:
    if not chart.shades:
        return []
    values = [
        {
            "x": max(0.0, shade.start_s),
            "x2": min(shade.end_s, chart.length_s),
            "tint": _JUDGED_TINT if shade.judged else _OTHER_TINT,
            "label": _fits(shade, chart.length_s, width),
        }
        for shade in chart.shades
    ]
    data: Spec = {"data": {"values": values}}
    opacity: Spec = {"field": "tint", "type": "quantitative", "scale": None, "legend": None}
    place: Spec = {"field": "x", "type": "quantitative"}
    label: Spec = {"field": "label", "type": "nominal"}
    words: Spec = {"type": "text", "align": "left", "baseline": "top", "dx": 4, "dy": 3, "fontSize": 11}
    return [
        {
            **data,
            "mark": {"type": "rect", "color": "var(--shade)", "clip": True},
            "encoding": {"x": place, "x2": {"field": "x2"}, "opacity": opacity},
        },
        {
            **data,
            "mark": {"type": "rule", "color": "var(--line)", "clip": True},
            "encoding": {"x": place},
        },
        {
            **data,
            "mark": {**words, "color": "var(--muted)"},
            "encoding": {"x": place, "y": {"value": 0}, "text": label},
        },
    ]


def _fits(shade: Shade, length_s: float, width: int) -> str:
    """Return the phase's name where there is room for it, 7 px a letter."""
    room = (shade.end_s - shade.start_s) / max(length_s, 1) * (width - 60)
    name = plain(shade.name, 24)
    return name if room > 7 * len(name) + 6 else ""


def _limit(chart: OverTime) -> list[Spec]:
    limit = _drawn_limit(chart)
    if not limit:
        return []
    data: Spec = {"data": {"values": [{"y": limit[0], "label": limit[1]}]}}
    # Phases are named along the top: a limit up there is named below its line.
    side = {"baseline": "top", "dy": 4} if limit[0] > top_of(chart) * 0.7 else {"baseline": "bottom", "dy": -2}
    y: Spec = {"field": "y", "type": "quantitative"}
    text: Spec = {"type": "text", "align": "right", "dx": -3, "fontSize": 11.5, **side}
    return [
        {**data, "mark": {"type": "rule", "color": "var(--bad)", "strokeDash": [5, 3]}, "encoding": {"y": y}},
        {
            **data,
            "mark": {**text, **HALO, "color": "var(--bad)"},
            "encoding": {"y": y, "x": {"value": "width"}, "text": {"field": "label", "type": "nominal"}},
        },
    ]


def _hints(chart: OverTime) -> Spec:
    values = [{"x": x, "x2": x + chart.bin_s, "hint": f"{elapsed(x)} — {text}"} for x, text in chart.hints]
    return {
        "name": "hints",
        "data": {"values": values},
        "mark": {"type": "rect", "opacity": 0, "color": "var(--ink)", "clip": True},
        "encoding": {
            "x": {"field": "x", "type": "quantitative"},
            "x2": {"field": "x2"},
            "description": {"field": "hint", "type": "nominal"},
        },
    }


def distribution(bars: Sequence[tuple[float, float, int]], limit: tuple[float, str] | None, width: int) -> Spec:
    """Return the spec of a histogram of durations on a logarithmic axis; bars are (from_s, to_s, requests)."""
    edge = limit[0] if limit else float("inf")
    values = [{"x": low, "x2": high, "n": n, "late": low >= edge} for low, high, n in bars]
    low = min([bar[0] for bar in bars] + ([limit[0]] if limit else []))
    high = max([bar[1] for bar in bars] + ([limit[0] * 1.1] if limit else []))
    marks = (1, 3) if high > _NARROW_RANGE * low else (1, 2, 3, 4, 6, 8)
    ticks = [a * 10.0**k for k in range(-4, 5) for a in marks if low <= a * 10.0**k <= high]
    x: Spec = {
        "field": "x",
        "type": "quantitative",
        "scale": {"type": "log", "domain": [low, high], "nice": False},
        "axis": {"values": ticks, "labelExpr": DURATION_LABEL, "title": None},
    }
    colour: Spec = {"condition": {"test": "datum.late", "value": "var(--bad)"}, "value": "var(--c1)"}
    bar: Spec = {
        "data": {"values": values},
        "mark": {"type": "rect", "stroke": "var(--paper)", "strokeWidth": 0.7},
        "encoding": {
            "x": x,
            "x2": {"field": "x2"},
            "y": {
                "field": "n",
                "type": "quantitative",
                "scale": {"domain": [0, max(n for _, _, n in bars) * _HEADROOM], "nice": False},
                "axis": {"title": None, "tickCount": 4, "format": ",~r"},
            },
            "y2": {"datum": 0},
            "color": colour,
        },
    }
    return framed({"layer": [bar, *_threshold(limit)]}, width, 170)


def _threshold(limit: tuple[float, str] | None) -> list[Spec]:
    if not limit:
        return []
    data: Spec = {"data": {"values": [{"x": limit[0], "label": limit[1]}]}}
    x: Spec = {"field": "x", "type": "quantitative"}
    text: Spec = {"type": "text", "align": "right", "baseline": "top", "dx": -4, "dy": 1, "fontSize": 11.5}
    return [
        {**data, "mark": {"type": "rule", "color": "var(--bad)", "strokeDash": [5, 3]}, "encoding": {"x": x}},
        {
            **data,
            "mark": {**text, **HALO, "color": "var(--bad)"},
            "encoding": {"x": x, "y": {"value": 0}, "text": {"field": "label", "type": "nominal"}},
        },
    ]
