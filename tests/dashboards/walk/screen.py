"""What a reader sees of a board, as values: a panel's series over a window, and whether they changed visibly.

A line or a number changed visibly when it left the range that it had in health by more than a quarter of the axis that
both windows share. A cell of a table did when it came to stand in another colour, which is another step of its column's
thresholds; a row that wasn't there before did, too.
"""

import re
import statistics
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from itertools import pairwise
from typing import Any

import requests

from dashboards.grafana.build import build
from dashboards.grafana.links import PREFIX
from dashboards.grafana.queries import VARIABLES, fill, panels, unchosen
from dashboards.grafana.upgrade import Json

RATE_S = 10
_VISIBLE = 0.25
_LAST = 5
_boards = cache(build)
_LABEL = re.compile(r"\{\{\s*(\w+)\s*\}\}")
_LINK = re.compile(rf"/d/{PREFIX}(?P<board>[\w-]+)\?")
_CHOICE = re.compile(r'var-(\w+)=\$\{__(?:field\.labels\.|data\.fields\[")(\w+)')


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A series as its legend names it: the labels that links are filled from, and the steps of its thresholds.

    `ranked` is one of a panel that shows the highest alone.
    """

    labels: Mapping[str, str]
    values: tuple[float, ...]
    steps: tuple[float, ...] = ()
    ranked: bool = False


Seen = Mapping[str, Line]


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """A stretch of time, in seconds since 1970."""

    start: float
    end: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Reader:
    """Reads boards of `prometheus`; `chosen` are variables that were chosen by a link."""

    prometheus: str
    chosen: Mapping[str, str] = field(default_factory=dict)

    def see(self, board: str, title: str, window: Window) -> Seen:
        """Return what the panel shows: over time, the series; in a table, the cells as they last were."""
        dashboard = _boards()[board]
        panel = _panel(dashboard, title)
        variables = {**unchosen(dashboard), **VARIABLES, "__rate_interval": f"{RATE_S}s", **self.chosen}
        seen: dict[str, Line] = {}
        for target in panel["targets"]:
            expr = fill(target["expr"], variables)
            heading, steps = _column(panel, target["refId"])
            for labels, values in self._range(expr, window):
                name = heading.format(row=_row(panel, labels)) if heading else _named(target["legendFormat"], labels)
                seen[name] = Line(labels=labels, values=values, steps=steps, ranked=expr.startswith("topk("))
        return seen

    def _range(self, expr: str, window: Window) -> list[tuple[dict[str, str], tuple[float, ...]]]:
        asked = {"query": expr, "start": window.start, "end": window.end, "step": 1}
        answer = requests.post(f"{self.prometheus}/api/v1/query_range", data=asked, timeout=30).json()
        assert answer["status"] == "success", f"{answer.get('error')} in {expr}"
        found = [(one["metric"], tuple(float(value) for _, value in one["values"])) for one in answer["data"]["result"]]
        return [(labels, tuple(value for value in values if value == value)) for labels, values in found]  # noqa: PLR0124 - NaN

    def follow(self, board: str, title: str, to: str, line: Line) -> "Reader":
        """Return the reader after a click on `line`: the panel links to the board `to`, where its choices are made."""
        urls = [link["url"] for link in _links(_panel(_boards()[board], title)) if _board_of(link["url"]) == to]
        assert urls, f"{board}: {title!r} has no link to {to}"
        assert "${__url_time_range}" in urls[0]
        chosen = {variable: _chosen(line.labels[label]) for variable, label in _CHOICE.findall(urls[0])}
        return Reader(prometheus=self.prometheus, chosen=chosen)


def _chosen(value: str) -> str:
    """Return a value as Grafana writes it into a query: a pattern that matches it alone, inside a PromQL string."""
    return re.escape(value).replace("\\", "\\\\")


def changed(healthy: Seen, faulty: Seen, *, beside: Seen | None = None) -> dict[str, float]:
    """Return each line that changed visibly, and by which part of the axis; a table's cells by steps of threshold.

    The axis also spans what is drawn `beside` both.
    """
    drawn = (healthy, faulty, beside or {})
    axis = max((value for seen in drawn for line in seen.values() for value in line.values), default=0)
    moved = {}
    for name, line in faulty.items():
        if not line.values:
            continue
        now, before = (
            statistics.median(line.values[-_LAST:]),
            _range_of(healthy.get(name), healthy if line.ranked else {}),
        )
        if line.steps:
            by = float(abs(_step(now, line.steps) - _step(before[1], line.steps)))
        else:
            by = max(now - before[1], before[0] - now, 0.0) / (axis or 1.0)
        if by > (0 if line.steps else _VISIBLE):
            moved[name] = by
    return moved


def _range_of(line: Line | None, drawn: Seen) -> tuple[float, float]:
    """Return the lowest and the highest value in health.

    A line that wasn't drawn stood at nothing, or below the lowest of those that were `drawn` as the highest.
    """
    if line is not None and line.values:
        return min(line.values), max(line.values)
    return 0.0, min((max(other.values) for other in drawn.values() if other.values), default=0.0)


def _step(value: float, steps: tuple[float, ...]) -> int:
    return sum(value >= step for step in steps)


def _panel(dashboard: Json, title: str) -> Json:
    found = [panel for panel in panels(dashboard) if panel["title"] == title]
    assert found, f"{dashboard['title']}: no panel {title!r}"
    return found[0]


def _named(legend: str, labels: Mapping[str, str]) -> str:
    return _LABEL.sub(lambda label: labels.get(label.group(1), ""), legend).strip()


def _column(panel: Json, letter: str) -> tuple[str, tuple[float, ...]]:
    """Return the heading of a table's column with the place of its row, and the column's thresholds."""
    if panel["type"] != "table":
        return "", ()
    renamed = panel["transformations"][-1]["options"]["renameByName"]
    source = f"Value #{letter}" if len(panel["targets"]) > 1 else "Value"
    heading = renamed.get(source, "")
    for override in panel["fieldConfig"]["overrides"]:
        for one in override["properties"]:
            if override["matcher"]["options"] == heading and one["id"] == "thresholds":
                return f"{{row}}: {heading}", _values(one["value"]["steps"])
    return f"{{row}}: {heading}", ()


def _values(steps: list[Any]) -> tuple[float, ...]:
    values = tuple(float(step["value"]) for step in steps if step["value"] is not None)
    assert all(one < other for one, other in pairwise(values))
    return values


def _row(panel: Json, labels: Mapping[str, str]) -> str:
    shown = panel["transformations"][-1]["options"]["renameByName"]
    return " ".join(labels[source] for source in shown if source in labels)


def _links(panel: Json) -> list[Json]:
    own: list[Json] = list(panel["fieldConfig"]["defaults"].get("links", []))
    for override in panel["fieldConfig"]["overrides"]:
        own += [link for one in override["properties"] if one["id"] == "links" for link in one["value"]]
    return own


def _board_of(url: str) -> str:
    found = _LINK.match(url)
    return found["board"] if found else ""
