"""Whether a run, or a Prometheus, has data for every query: a panel without any says nothing to who reads it.

A panel that says what empty means may be empty. One whose exporter wasn't scraped was not asked: it is counted, by
subject, and never taken for one with data.
"""

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from dashboards.grafana.archive import answers, scraped_jobs, scraped_subjects
from dashboards.grafana.checks.finding import BOARD, Finding, title_of
from dashboards.grafana.checks.promql.read import read
from dashboards.grafana.known_metrics import ALERTS, OBJECTIVES, RUN_SUBJECTS, Metric
from dashboards.grafana.others_metrics import ALERTMANAGER
from dashboards.grafana.queries import expressions, fill, panels, unchosen
from dashboards.grafana.upgrade import Json

Row = Mapping[str, Any]
# What not every run scrapes of a subject that it does scrape, by what the metrics begin with: docs/contracts.md.
_OF_THE_SHOP = "the shop's {}"
_APART = {
    "shop_stock": _OF_THE_SHOP.format("stock"),
    "shop_": _OF_THE_SHOP.format("orders"),
    "loadtest_gate_": "gates",
}
_ALWAYS = RUN_SUBJECTS | {OBJECTIVES, ALERTS}
# A run's own reading of the shop's orders goes by the same name as the exporter of orders, whose metrics it lacks.
_ALSO_OWN, _HEALTH = frozenset({"orders"}), "_exporter_"


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """What a run's answers show: findings, and the panels that were not asked, as (board, title), by subject."""

    findings: tuple[Finding, ...]
    not_asked: Mapping[str, frozenset[tuple[str, str]]] = field(default_factory=dict)

    @property
    def unasked_panels(self) -> int:
        """How many panels were not asked, each once."""
        return len(frozenset().union(*self.not_asked.values()))


def check_answers(dashboard: Json, asked: Callable[[str], int]) -> list[Finding]:
    """Return a finding for each query without data: `asked` returns how many series each filled query has."""
    chosen = unchosen(dashboard)
    return [
        _no_data(panel, query)
        for panel, target in expressions(dashboard)
        if not _may_be_empty(panel) and not asked(query := fill(target["expr"], chosen))
    ]


def check_run(boards: Mapping[str, Json], rows: Sequence[Row]) -> Answered:
    """Return what the stored answers of a run say of every panel of every board."""
    counted = {name: [_count(panel, rows) for panel in panels(board)] for name, board in boards.items()}
    scraped = _scraped(rows, (one for of_board in counted.values() for one in of_board))
    findings: list[Finding] = []
    not_asked: dict[str, set[tuple[str, str]]] = {}
    for name, of_board in counted.items():
        findings += [replace(finding, board=name) for finding in _unanswered(of_board)]
        for panel, expr in ((one.panel, expr) for one in of_board for expr in one.silent()):
            missing = _sources(expr) - scraped
            for subject in missing:
                not_asked.setdefault(subject, set()).add((name, title_of(panel)))
            if not missing:
                findings.append(_no_data(panel, expr, board=name))
    by_subject = {subject: frozenset(not_asked[subject]) for subject in sorted(not_asked)}
    return Answered(findings=tuple(findings), not_asked=by_subject)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Counted:
    """A panel with how many series with a value each of its queries has; None where the run didn't ask it."""

    panel: Json
    series: Mapping[str, int | None]
    errors: tuple[str, ...]

    def silent(self) -> Iterator[str]:
        """Yield the queries without a series, in a panel that doesn't say what empty means."""
        if not self.errors and not _may_be_empty(self.panel):
            yield from (expr for expr, count in self.series.items() if count == 0)


def _count(panel: Json, rows: Sequence[Row]) -> _Counted:
    found = {target["expr"]: list(answers(target, rows)) for target in panel.get("targets", [])}
    series = {expr: sum(map(_has_value, own)) if own else None for expr, own in found.items()}
    errors = tuple(f"{row['error']}: {expr}" for expr, own in found.items() for row in own if row.get("error"))
    return _Counted(panel=panel, series=series, errors=errors)


def _unanswered(counted: Sequence[_Counted]) -> Iterator[Finding]:
    never = sum(count is None for one in counted for count in one.series.values())
    if never:
        message = f"{never} of its queries were not asked: the run kept the answers of other dashboards"
        yield Finding(rule="no-answer", where=BOARD, message=message)
    for one in counted:
        for error in one.errors:
            yield Finding(rule="no-answer", where=title_of(one.panel), message=error)


def _has_value(row: Row) -> bool:
    """Return whether a series has a value that can be drawn: a quantile of no requests is NaN."""
    return any(value is not None and not math.isnan(value) for value in row["value"])


def _may_be_empty(panel: Json) -> bool:
    return bool(panel["fieldConfig"]["defaults"].get("noValue"))


def _no_data(panel: Json, query: str, *, board: str = "") -> Finding:
    return Finding(rule="no-data", where=title_of(panel), message=f"no series for: {query}", board=board)


def _scraped(rows: Sequence[Row], counted: Iterable[_Counted]) -> frozenset[str]:
    """Return what was scraped: what a run always scrapes, what it noted, and whatever has a series here."""
    seen = {
        source
        for one in counted
        for expr, count in one.series.items()
        if count and _HEALTH not in expr and len(sources := _sources(expr)) == 1
        for source in sources
    }
    jobs = scraped_jobs(rows)
    noted = scraped_subjects(rows) - (jobs & _ALSO_OWN)
    own = {_OF_THE_SHOP.format(job) for job in jobs}
    return _ALWAYS | noted | jobs & {ALERTMANAGER} | own | seen


def _sources(expr: str) -> set[str]:
    """Return what exports a query's metrics: subjects, or parts of one."""
    return {_source(metric) for metric in read(expr).series.metrics}


def _source(metric: Metric) -> str:
    return next((apart for prefix, apart in _APART.items() if metric.name.startswith(prefix)), metric.subject)
