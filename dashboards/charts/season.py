"""A season as one chart: a figure of each run by its date, its verdict as shape and colour, releases named above."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from dashboards.charts.svg import Spec
from dashboards.charts.vega_specs import DURATION_LABEL, HALO, NARROW, framed
from dashboards.formatting import plain

HEIGHT = 220
PASS, FAIL, OTHER = "PASS", "FAIL", "INCONCLUSIVE"
_SHAPES = {PASS: ("circle", "good"), FAIL: ("cross", "bad"), OTHER: ("triangle-up", "warn")}
_HEADROOM = 1.25
_LIMIT_IN_SIGHT = 4
_LETTER_PX = 6.6


@dataclass(frozen=True, slots=True, kw_only=True)
class SeasonPoint:
    """One run: its start (ns), its figure in seconds, None where it isn't known, and its verdict.

    Points of one `segment` are joined: those before and after a change of the plan can't be compared.
    """

    at: int
    value_s: float | None
    verdict: str
    release: str
    segment: str
    hint: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Season:
    """The points of one objective in the order of time, and the limit that it is held against."""

    points: Sequence[SeasonPoint]
    limit: tuple[float, str] | None = None

    @property
    def top(self) -> float:
        """Where the scale ends."""
        highest = max((one.value_s for one in self.points if one.value_s is not None), default=0.0)
        limit = self.drawn_limit
        return max(highest, limit[0] if limit else 0.0) * _HEADROOM or 1.0

    @property
    def drawn_limit(self) -> tuple[float, str] | None:
        """The limit, unless it lies so far above the points that it would flatten them."""
        highest = max((one.value_s for one in self.points if one.value_s is not None), default=0.0)
        return self.limit if self.limit and (not highest or self.limit[0] <= _LIMIT_IN_SIGHT * highest) else None


def season(chart: Season, width: int) -> Spec:
    """Return the spec of a season for a drawing `width` pixels wide."""
    x, y = _axes(chart, width)
    known = [
        {"x": _date(one.at), "y": one.value_s, "verdict": one.verdict, "segment": one.segment, "hint": one.hint}
        for one in chart.points
        if one.value_s is not None
    ]
    joined: Spec = {
        "mark": {"type": "line", "color": "var(--shade)", "strokeWidth": 1.2},
        "encoding": {"x": x, "y": y, "detail": {"field": "segment", "type": "nominal"}},
    }
    layers = [*_releases(chart, width), joined, _points(x, y, width), *_limit(chart), *_unknown(chart), _hints(x, y)]
    return framed({"data": {"values": known}, "layer": layers}, width, HEIGHT)


def _axes(chart: Season, width: int) -> tuple[Spec, Spec]:
    first, last = (_date(chart.points[place].at) for place in (0, -1))
    one_day = first[:10] == last[:10]
    x: Spec = {
        "field": "x",
        "type": "temporal",
        "scale": {"type": "utc", "padding": 14},
        "axis": {
            "title": None,
            "format": "%H:%M" if one_day else "%-d %b" if first[:4] == last[:4] else "%-d %b %Y",
            "tickCount": 4 if width <= NARROW else 9,
            "labelOverlap": True,
        },
    }
    y: Spec = {
        "field": "y",
        "type": "quantitative",
        "scale": {"domain": [0, chart.top], "nice": False},
        "axis": {"title": None, "tickCount": 5, "labelExpr": DURATION_LABEL},
    }
    return x, y


def _points(x: Spec, y: Spec, width: int) -> Spec:
    verdict: Spec = {"field": "verdict", "type": "nominal", "legend": {"orient": "top", "symbolSize": 90}}
    shapes = [shape for shape, _ in _SHAPES.values()]
    colours = [f"var(--{colour})" for _, colour in _SHAPES.values()]
    return {
        "mark": {"type": "point", "filled": True, "opacity": 1, "size": 60 if width > NARROW else 40},
        "encoding": {
            "x": x,
            "y": y,
            "shape": {**verdict, "scale": {"domain": list(_SHAPES), "range": shapes}},
            "color": {**verdict, "scale": {"domain": list(_SHAPES), "range": colours}},
        },
    }


def _releases(chart: Season, width: int) -> list[Spec]:
    """Return a line where a release was tested for the first time after another, named where there is room."""
    starts = [
        one for place, one in enumerate(chart.points) if place == 0 or one.release != chart.points[place - 1].release
    ]
    first, length = chart.points[0].at, max(chart.points[-1].at - chart.points[0].at, 1)
    values, free_px = [], 0.0
    for one in starts:
        at_px = (one.at - first) / length * (width - 90)
        name = plain(one.release, 18)
        fits = at_px >= free_px and at_px + _LETTER_PX * len(name) <= width - 60
        free_px = at_px + _LETTER_PX * (len(name) + 1) if fits else free_px
        values.append({"x": _date(one.at), "label": name if fits else ""})
    data: Spec = {"data": {"values": values}}
    x: Spec = {"field": "x", "type": "temporal"}
    words: Spec = {"type": "text", "align": "left", "baseline": "top", "dx": 4, "dy": 2, "fontSize": 11}
    return [
        {**data, "mark": {"type": "rule", "color": "var(--line)"}, "encoding": {"x": x}},
        {
            **data,
            "mark": {**words, **HALO, "color": "var(--muted)"},
            "encoding": {"x": x, "y": {"value": 0}, "text": {"field": "label", "type": "nominal"}},
        },
    ]


def _limit(chart: Season) -> list[Spec]:
    limit = chart.drawn_limit
    if limit is None:
        return []
    data: Spec = {"data": {"values": [{"y": limit[0], "label": limit[1]}]}}
    y: Spec = {"field": "y", "type": "quantitative"}
    text: Spec = {"type": "text", "align": "right", "dx": -3, "dy": -2, "baseline": "bottom", "fontSize": 11.5}
    return [
        {**data, "mark": {"type": "rule", "color": "var(--bad)", "strokeDash": [5, 3]}, "encoding": {"y": y}},
        {
            **data,
            "mark": {**text, **HALO, "color": "var(--bad)"},
            "encoding": {"y": y, "x": {"value": "width"}, "text": {"field": "label", "type": "nominal"}},
        },
    ]


def _unknown(chart: Season) -> list[Spec]:
    """Return a question mark on the axis for each run whose figure isn't known: no gap is read as a good run."""
    values = [{"x": _date(one.at), "label": "?"} for one in chart.points if one.value_s is None]
    if not values:
        return []
    mark: Spec = {"type": "text", "fontSize": 14, "fontWeight": "bold", "dy": -8, "color": "var(--warn)"}
    encoding: Spec = {
        "x": {"field": "x", "type": "temporal"},
        "y": {"value": HEIGHT - 50},
        "text": {"field": "label", "type": "nominal"},
    }
    return [{"data": {"values": values}, "mark": mark, "encoding": encoding}]


def _hints(x: Spec, y: Spec) -> Spec:
    return {
        "name": "hints",
        "mark": {"type": "point", "filled": True, "opacity": 0, "size": 320, "color": "var(--ink)"},
        "encoding": {"x": x, "y": y, "description": {"field": "hint", "type": "nominal"}},
    }


def _date(at: int) -> str:
    return f"{datetime.fromtimestamp(at / 1e9, tz=UTC):%Y-%m-%dT%H:%M:%SZ}"
