"""A whole dashboard with its data: rows and panels in their places, and the moments that it marks."""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from dashboards.formatting import clock, plain
from dashboards.grafana.archive import marks
from dashboards.grafana.links import PREFIX
from dashboards.grafana.queries import panels
from dashboards.grafana.upgrade import Json
from dashboards.snapshot.answers import Source
from dashboards.snapshot.links import Address
from dashboards.snapshot.panels import PanelView, panel_view

_MAX_MARKS = 30
_NS_OF_MS = 1_000_000
_SAME_NS = 60_000_000_000
_FIELD = re.compile(r"\{\{\s*(\w+)\s*\}\}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """A moment marked on every chart: where it lies in percent of the time shown, when, and what it was."""

    at_percent: float
    clock: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BoardView:
    """A dashboard as the page shows it; `headings` are its rows' titles with their line of the grid."""

    name: str
    title: str
    question: str
    headings: Sequence[tuple[int, str]]
    panels: Sequence[PanelView]
    marks: Sequence[Mark]

    @property
    def parts(self) -> Sequence[tuple[int, str, Sequence[PanelView]]]:
        """Each heading with the panels below it, in reading order."""
        headings = [(-1, ""), *self.headings]
        lines = [line for line, _ in headings] + [10**9]
        return [
            (line, title, [one for one in self.panels if line < one.place["y"] < following])
            for (line, title), following in zip(headings, lines[1:], strict=True)
        ]


def board_view(dashboard: Json, source: Source, address: Address) -> BoardView:
    """Return `dashboard` with the data that `source` has for it."""
    rows = [panel for panel in dashboard["panels"] if panel["type"] == "row"]
    return BoardView(
        name=dashboard["uid"].removeprefix(PREFIX),
        title=dashboard["title"],
        question=dashboard["description"],
        headings=[(row["gridPos"]["y"], row["title"]) for row in rows],
        panels=sorted(
            (panel_view(panel, source, address) for panel in panels(dashboard)),
            key=lambda one: (one.place["y"], one.place["x"]),
        ),
        marks=_marks(dashboard, source),
    )


def _marks(dashboard: Json, source: Source) -> list[Mark]:
    """Return the moments within the time shown that the dashboard's annotations find, the first ones.

    Moments of the same words less than a minute apart are one: a query may tell the same one a little differently.
    """
    span = source.span
    by_text: dict[str, set[int]] = {}
    for one in marks(dashboard):
        for series in source.answer(one).series:
            moments = {round(value * _NS_OF_MS) for _, value in series.points if math.isfinite(value)}
            by_text.setdefault(_titled(one["titleFormat"], series.labels), set()).update(moments)
    first = sorted((at, text) for text, moments in by_text.items() for at in _apart(moments))
    return [
        Mark(at_percent=round(100 * span.part(at), 2), clock=clock(at), text=plain(text, 80))
        for at, text in first
        if span.start_ns <= at <= span.end_ns
    ][:_MAX_MARKS]


def _apart(moments: set[int]) -> list[int]:
    """Return each moment that none came shortly before."""
    ordered = sorted(moments)
    return [at for before, at in zip([-_SAME_NS, *ordered], ordered, strict=False) if at - before >= _SAME_NS]


def _titled(pattern: str, labels: Mapping[str, str]) -> str:
    return _FIELD.sub(lambda match: labels.get(match[1], ""), pattern).strip()
