"""Panels and answers made by hand."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from dashboards.charts.lines import TimeRange
from dashboards.grafana.board import Annotation, Board
from dashboards.grafana.panels import Panel, Query, Row
from dashboards.grafana.queries import panels
from dashboards.grafana.upgrade import Json, modern
from dashboards.snapshot.answers import Answer, Series
from dashboards.snapshot.panels import PanelView, panel_view

SECOND = 1_000_000_000
START = 1_795_003_200 * SECOND
SPAN = TimeRange(start_ns=START, end_ns=START + 600 * SECOND)


@dataclass(frozen=True, kw_only=True)
class Given:
    """Answers by their query."""

    answers: Mapping[str, Answer]
    span: TimeRange = field(default=SPAN)

    def answer(self, target: Json) -> Answer:
        return self.answers[target["expr"]]


def series(*values: float, step_s: int = 60, **labels: str) -> Series:
    """Return a series whose last value is at the end of the time shown."""
    first = SPAN.end_ns - (len(values) - 1) * step_s * SECOND
    return Series(
        labels=labels, points=[(first + place * step_s * SECOND, value) for place, value in enumerate(values)]
    )


def answer(*found: Series, problem: str = "", left_out: int = 0) -> Answer:
    return Answer(series=found, problem=problem, left_out=left_out)


def board_of(*made: Panel, name: str = "made", annotations: Sequence[Annotation] = ()) -> Json:
    board = Board(
        name=name,
        title=name.title(),
        question="Is it well?",
        rows=[Row(title="A row", panels=made)],
        annotations=annotations,
    )
    return modern(board.dashboard())


def shown(panel: Panel, answers: Mapping[str, Answer], *, boards: Sequence[str] = ()) -> PanelView:
    """Return the view of one panel whose links lead to `boards`, with what they choose."""
    made = next(panels(board_of(panel)))
    return panel_view(
        made,
        Given(answers=answers),
        lambda board, labels: f"/{board}{dict(labels) or ''}" if board in boards else None,
    )


def query(expr: str, legend: str = "{{route}}") -> Query:
    return Query(expr=expr, legend=legend)
