"""Where a page's data comes from: the answers kept by a run, or a Prometheus that is asked now."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from dashboards.charts.lines import Point, TimeRange
from dashboards.grafana.archive import answers, kind_of
from dashboards.grafana.upgrade import Json
from dashboards.stored_answers import labels_of

NOT_ASKED = "not asked in this run"
_NEAR_NS = 60_000_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """One series: its labels and its points in order of time."""

    labels: Mapping[str, str]
    points: Sequence[Point]

    @property
    def last(self) -> float | None:
        """The last value that is a number, infinity among them; None without one."""
        return next((value for _, value in reversed(self.points) if not math.isnan(value)), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """The series of one query; `problem` is why there is no answer, empty when there is one, be it of no series.

    `left_out` counts series that the answer had, and that weren't kept.
    """

    series: Sequence[Series] = ()
    problem: str = ""
    left_out: int = 0


class Source(Protocol):
    """What answers the queries of a dashboard, as they stand in it: with variables in them."""

    @property
    def span(self) -> TimeRange:
        """The time shown."""

    def answer(self, target: Json) -> Answer:
        """Return the series of one query of a panel: over the time shown, or of an instant one at its end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptAnswers:
    """The answers that a run kept, by the query as the dashboards have it; None for those of runs that didn't note it.

    They are rows of ANSWERS (loadtests/results/schemas.py).
    """

    span: TimeRange
    rows: Mapping[str | None, Sequence[Json]] = field(repr=False)

    def answer(self, target: Json) -> Answer:
        """Return what the rows hold of one query; of a query at the end, what was kept over time is taken near it."""
        kept = (*self.rows.get(target["expr"], ()), *self.rows.get(None, ()))
        rows = list(answers(target, kept))
        if not rows:
            return Answer(problem=NOT_ASKED)
        error = next((row["error"] for row in rows if row["error"]), None)
        if error:
            return Answer(problem=error)
        return Answer(
            series=[late for row in rows if row["at"] for late in self._shown(target, row)],
            left_out=max(row["left_out"] or 0 for row in rows),
        )

    def _shown(self, target: Json, row: Mapping[str, Any]) -> list[Series]:
        one = _series(row)
        if kind_of(target) != "instant":
            return [one]
        at, value = one.points[-1]
        # A row of one moment was asked for at that moment; what older runs kept is a range.
        if row["kind"] != "instant" and at < self.span.end_ns - _NEAR_NS:
            return []
        return [Series(labels=one.labels, points=[(self.span.end_ns, value)])]


def kept_answers(rows: Sequence[Json], otherwise: TimeRange) -> KeptAnswers:
    """Return what `rows` answer; the time shown is the one that was asked for, else `otherwise`."""
    by_expr: dict[str | None, list[Json]] = {}
    for row in rows:
        by_expr.setdefault(row["expr"], []).append(row)
    asked = [(row["asked_from"], row["asked_to"]) for row in rows if row["asked_from"] and row["asked_to"]]
    span = TimeRange(start_ns=min(a for a, _ in asked), end_ns=max(b for _, b in asked)) if asked else otherwise
    return KeptAnswers(span=span, rows=by_expr)


def _series(row: Mapping[str, Any]) -> Series:
    pairs = zip(row["at"], row["value"] or (), strict=False)
    return Series(
        labels=labels_of(row),
        points=sorted((at, math.nan if value is None else value) for at, value in pairs if at is not None),
    )
