"""Many lines over time as one small inline SVG that stretches to its place, with its labels as text beside it.

Vega-Lite draws the few charts of the report. A snapshot has hundreds of panels with tens of series: there a chart took
50 to 125 ms and 5 kB a series for each of two widths, here it takes about 1 ms and 1.5 kB for every width
(docs/decisions/0018-the-snapshots-lines.md). Coordinates are whole numbers on a grid that the page stretches; strokes
keep their width by `vector-effect`.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import cycle, pairwise

from markupsafe import Markup

from dashboards.charts.axes import clock_ticks, value_ticks
from dashboards.grafana.style import SERIES
from dashboards.units import in_unit

WIDTH, HEIGHT = 720, 300
_DASHES = ("", " d1", " d2", " d3")
_HEADROOM = 1.08
# A limit further above the highest value than this would flatten the lines: it is told in words only.
_LIMIT_IN_SIGHT = 4
_LOST_STEPS = 1.5
# A label is centred below its moment: nearer to an end it would be cut.
_CLEAR_OF_ENDS = 0.04
_LABEL_PERCENT = 8.0
Point = tuple[int, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeRange:
    """The time shown, in ns since 1970."""

    start_ns: int
    end_ns: int

    def part(self, at_ns: int) -> float:
        """Return where a moment lies, from 0 at the start to 1 at the end."""
        return (at_ns - self.start_ns) / max(self.end_ns - self.start_ns, 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """A threshold: from `value` on it is `tone` (good, warn, bad)."""

    value: float
    tone: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Axis:
    """The values shown: their unit, and the ends that are set (None: as the data has it)."""

    unit: str
    minimum: float | None
    maximum: float | None
    decimals: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Tick:
    """A label at a place in percent: from the left for a time, from the bottom for a value."""

    at: float
    label: str
    tone: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plot:
    """Lines drawn, with the labels that the page puts beside them; `unseen` are limits outside of what is shown."""

    svg: Markup
    values: Sequence[Tick]
    times: Sequence[Tick]
    limits: Sequence[Tick]
    unseen: Sequence[Limit]


def styles_of(colours: Sequence[int | None]) -> list[str]:
    """Return the CSS classes of series by their colours, places in SERIES (style.py), None for the next one.

    A colour that was taken is dashed: as many look different as there are colours times dashes.
    """
    taken, following = [0] * len(SERIES), cycle(range(len(SERIES)))
    styles = []
    for fixed in colours:
        colour = next(following) if fixed is None else fixed
        styles.append(f"k{colour + 1}{_DASHES[taken[colour] % len(_DASHES)]}")
        taken[colour] += 1
    return styles


def plot(
    lines: Sequence[tuple[str, Sequence[Point]]], span: TimeRange, axis: Axis, limits: Sequence[Limit] = ()
) -> Plot:
    """Draw lines, each its style and its points (ns, value) in order of time.

    A step that is missing, or a value that is no number, is a gap. `limits` are drawn where they lie within four times
    the highest value.
    """
    low, high, seen = _ends([line for _, line in lines], axis, limits)
    drawn = [f'<path class="{style}" d="{_path(line, span, low, high)}"/>' for style, line in lines if line]
    ticks = value_ticks(low, high, axis.unit)
    grid = "".join(f"M0 {_y(value, low, high)}h{WIDTH}" for value in ticks)
    rules = [f'<path class="limit {one.tone}" d="M0 {_y(one.value, low, high)}h{WIDTH}"/>' for one in seen]
    return Plot(
        svg=_svg(f'<path class="grid" d="{grid}"/>', *rules, *drawn),
        values=[Tick(at=_percent(value, low, high), label=in_unit(value, axis.unit, axis.decimals)) for value in ticks],
        times=[
            Tick(at=round(100 * part, 2), label=label)
            for at, label in clock_ticks(span.start_ns, span.end_ns)
            if _CLEAR_OF_ENDS <= (part := span.part(at)) <= 1 - _CLEAR_OF_ENDS
        ],
        limits=_labels(seen, low, high, axis.unit),
        unseen=[one for one in limits if one not in seen],
    )


def _labels(limits: Sequence[Limit], low: float, high: float, unit: str) -> list[Tick]:
    """Return the limits' labels, each above its line, moved up where they would cover one another."""
    labels: list[Tick] = []
    for one in sorted(limits, key=lambda limit: limit.value):
        above = labels[-1].at + _LABEL_PERCENT if labels else 0.0
        at = max(min(_percent(one.value, low, high), 100 - _LABEL_PERCENT), above)
        labels.append(Tick(at=at, label=in_unit(one.value, unit), tone=one.tone))
    return labels


def _svg(*paths: str) -> Markup:
    inside = "".join(paths)
    # Numbers, and words of this module: nothing that was read stands in it.
    return Markup(  # noqa: S704
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" preserveAspectRatio="none" aria-hidden="true">{inside}</svg>'
    )


def _ends(
    lines: Sequence[Sequence[Point]], axis: Axis, limits: Sequence[Limit]
) -> tuple[float, float, Sequence[Limit]]:
    values = [value for line in lines for _, value in line if math.isfinite(value)] or [0.0]
    highest, lowest = max(values), min(values)
    low = axis.minimum if axis.minimum is not None else min(lowest, 0.0) if highest <= 0 or lowest < 0 else 0.0
    # Where all is nothing, the first limit gives the scale.
    first = min((one.value for one in limits if one.value > 0), default=0.0)
    reach = _LIMIT_IN_SIGHT * max(abs(highest), abs(lowest)) or first
    seen = [one for one in limits if low <= one.value <= (reach if axis.maximum is None else axis.maximum)]
    high = axis.maximum
    if high is None:
        high = low + (max(highest, *(one.value for one in seen), low) - low) * _HEADROOM
    return low, high if high > low else low + 1.0, seen


def _percent(value: float, low: float, high: float) -> float:
    return round(100 * (value - low) / (high - low), 2)


def _y(value: float, low: float, high: float) -> int:
    return round(HEIGHT * (1 - (min(max(value, low), high) - low) / (high - low)))


def _path(line: Sequence[Point], span: TimeRange, low: float, high: float) -> str:
    """Return a path of relative steps; what lies level is one step."""
    lost_ns = _LOST_STEPS * _step_ns(line)
    parts: list[str] = []
    at_x = at_y = level = 0
    before: int | None = None
    for at, value in line:
        if not math.isfinite(value):
            before = None
            continue
        x, y = round(WIDTH * span.part(at)), _y(value, low, high)
        if before is None or at - before > lost_ns:
            parts.append(f"{_level(level)}M{x} {y}h0")
            level = 0
        elif y == at_y:
            level += x - at_x
        else:
            parts.append(f"{_level(level)}l{x - at_x}{_signed(y - at_y)}")
            level = 0
        at_x, at_y, before = x, y, at
    return "".join([*parts, _level(level)])


def _level(length: int) -> str:
    return f"h{length}" if length else ""


def _signed(number: int) -> str:
    return f"{number}" if number < 0 else f" {number}"


def _step_ns(line: Sequence[Point]) -> int:
    """Return the step that most points keep; 0 of fewer than two."""
    steps = sorted(after - before for (before, _), (after, _) in pairwise(line))
    return steps[len(steps) // 2] if steps else 0
