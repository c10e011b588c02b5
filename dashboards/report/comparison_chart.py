"""The chart of one measure: the change in each pair, the estimate with its bounds, and both tolerances."""

from dataclasses import dataclass

from markupsafe import Markup, escape

from slo.regression.verdict_document import MeasureEntry, PairEntry
from slo.rendering.comparison_lines import change

WIDTH, _ROW, _TOP, _LEFT, _RIGHT, _LABEL = 720, 20, 26, 62, 16, 150


@dataclass(frozen=True, slots=True, kw_only=True)
class PairChart:
    """An SVG and what it shows, for people who don't see it."""

    svg: Markup
    alternative: str


def pair_chart(entry: MeasureEntry) -> PairChart | None:
    """Return the chart, None where no pair's change is known."""
    points = [(pair, of_pair(entry, pair)) for pair in entry.blocks]
    known = [value for _, value in points if value is not None]
    if not known:
        return None
    lines = _lines(entry)
    ends = [*known, *(at for at, _, _ in lines), *(one for one in (entry.low, entry.high) if one is not None)]
    least, most = min(ends), max(ends)
    room = (most - least) * 0.06 or 0.01
    axis = _Axis(least=least - room, most=most + room)
    height = _TOP + _ROW * (len(points) + 1) + 12
    parts = [_tolerance(axis, at, word, css, height) for at, word, css in lines]
    parts += [_point(axis, number, pair, value) for number, (pair, value) in enumerate(points)]
    parts.append(_estimate(axis, entry, len(points)))
    words = f"{entry.name}: {change(entry, entry.change)} over {len(known)} pairs with a known change"
    svg = Markup('<svg class="pairs" viewBox="0 0 {} {}" role="img" aria-label="{}">{}</svg>').format(
        WIDTH, height, words, Markup("").join(parts)
    )
    return PairChart(svg=svg, alternative=words)


def of_pair(entry: MeasureEntry, pair: PairEntry) -> float | None:
    """Return the change in one pair, in the measure's own unit; None where it isn't known."""
    if pair.a is None or pair.b is None:
        return None
    if entry.kind == "latency":
        return pair.b / pair.a if pair.a > 0 else None
    return pair.b - pair.a if entry.kind == "errors" else pair.a - pair.b


@dataclass(frozen=True, slots=True, kw_only=True)
class _Axis:
    least: float
    most: float

    def x(self, value: float) -> float:
        share = (value - self.least) / (self.most - self.least)
        return round(_LEFT + share * (WIDTH - _LEFT - _RIGHT), 1)


def _lines(entry: MeasureEntry) -> list[tuple[float, str, str]]:
    none = 1.0 if entry.kind == "latency" else 0.0
    if entry.kind == "orders":
        if not entry.value_a:
            return [(none, "alike", "zero")]
        fail, passed = entry.fail_over * entry.value_a, entry.pass_under * entry.value_a
    else:
        fail, passed = entry.fail_over, entry.pass_under
        if entry.kind == "latency" and entry.min_change_s and entry.value_a:
            least = 1 + entry.min_change_s / entry.value_a
            fail, passed = max(fail, least), max(passed, least)
    if fail == passed:
        return [(none, "alike", "zero"), (fail, "FAIL over, PASS under", "fails")]
    return [(none, "alike", "zero"), (fail, "FAIL over", "fails"), (passed, "PASS under", "passes")]


def _tolerance(axis: _Axis, at: float, word: str, css: str, height: int) -> Markup:
    x, top = axis.x(at), {"zero": 10, "fails": 10, "passes": 22}[css]
    anchor = "end" if css == "fails" or x > WIDTH - _LABEL else "start"
    shift = -3 if anchor == "end" else 3
    label = Markup('<text x="{}" y="{}" text-anchor="{}">{}</text>').format(x + shift, top, anchor, word)
    if css == "zero":
        label = Markup('<text x="{}" y="22" text-anchor="end">{}</text>').format(x - 3, word)
    return Markup('<g class="{}"><line x1="{}" x2="{}" y1="4" y2="{}"/>{}</g>').format(css, x, x, height - 8, label)


def _point(axis: _Axis, number: int, pair: PairEntry, value: float | None) -> Markup:
    y = _TOP + _ROW * number + _ROW // 2
    name = Markup('<text class="name" x="0" y="{}">pair {}</text>').format(y + 4, pair.number)
    if value is None:
        why = Markup('<text class="unknown" x="{}" y="{}">not known</text>').format(_LEFT, y + 4)
        return name + why
    title = Markup("<title>{}</title>").format(escape(pair.because or f"pair {pair.number}"))
    return name + Markup('<circle cx="{}" cy="{}" r="4">{}</circle>').format(axis.x(value), y, title)


def _estimate(axis: _Axis, entry: MeasureEntry, rows: int) -> Markup:
    y = _TOP + _ROW * rows + _ROW // 2
    name = Markup('<text class="name" x="0" y="{}">all</text>').format(y + 4)
    if entry.change is None or entry.low is None or entry.high is None:
        return name
    low, high, x = axis.x(entry.low), axis.x(entry.high), axis.x(entry.change)
    return name + Markup(
        '<g class="estimate"><line x1="{}" x2="{}" y1="{}" y2="{}"/><path d="M{} {}l6 6l-6 6l-6 -6z"/></g>'
    ).format(low, high, y, y, x, y - 6)
