"""Which stored answer is whose: a run keeps Prometheus' answers to every query of every dashboard.

A row keeps the query as the dashboard has it (`expr`) beside the query as it was sent, so that a reader needn't know
how its variables were filled.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from dashboards.grafana.queries import Timing, expressions, fill, unchosen, variables_of
from dashboards.grafana.upgrade import Json

Kind = Literal["range", "instant"]
JOBS = "count by (job) (up)"
"""Asked too: the jobs that were scraped."""
SUBJECTS = 'count by (__name__) ({__name__=~".+_exporter_up"})'
"""Asked too: the subjects of exporters that were scraped, by the metric that each has."""
_UP = "_exporter_up"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """A query to ask Prometheus: `expr` as the dashboard has it, and with every variable filled in."""

    expr: str
    query: str
    kind: Kind


def asks(dashboards: Iterable[Json], timing: Timing) -> tuple[Ask, ...]:
    """Return every query of the dashboards once, nothing chosen, those of their marks, and what was scraped."""
    scraped = (Ask(expr=query, query=query, kind="instant") for query in (JOBS, SUBJECTS))
    found = (
        Ask(expr=target["expr"], query=fill(target["expr"], variables), kind=kind_of(target))
        for dashboard in dashboards
        for variables in (unchosen(dashboard, timing),)
        for target in (*(target for _, target in expressions(dashboard)), *marks(dashboard))
    )
    return tuple(dict.fromkeys((*scraped, *found)))


def marks(dashboard: Json) -> list[Json]:
    """Return the queries of the moments that a dashboard marks on its time axis."""
    return [one for one in dashboard["annotations"]["list"] if "expr" in one]


def kind_of(target: Json) -> Kind:
    """Return how a panel's query is asked: over the time shown, or at one moment."""
    return "instant" if target.get("instant") else "range"


def answers(target: Json, rows: Iterable[Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
    """Yield the stored rows that answer a panel's query: one a series, or one without any.

    Older runs kept ranges alone, and the query only as it was sent.
    """
    expr, kind = target["expr"], kind_of(target)
    sent = _sent(expr)
    for row in rows:
        if row.get("expr") is None:
            if sent.fullmatch(row["query"]):
                yield row
        elif row["expr"] == expr and row["kind"] == kind:
            yield row


def scraped_jobs(rows: Iterable[Mapping[str, Any]]) -> frozenset[str]:
    """Return the jobs that were scraped while the load was on; none where the run didn't note it."""
    return _label(rows, JOBS, "job")


def scraped_subjects(rows: Iterable[Mapping[str, Any]]) -> frozenset[str]:
    """Return the subjects whose exporters were scraped while the load was on; none where the run didn't note it."""
    return frozenset(name.removesuffix(_UP) for name in _label(rows, SUBJECTS, "__name__"))


def _label(rows: Iterable[Mapping[str, Any]], query: str, label: str) -> frozenset[str]:
    return frozenset(json.loads(row["labels"])[label] for row in rows if row["query"] == query and row["at"])


def _sent(expr: str) -> re.Pattern[str]:
    """Return the pattern of `expr` with a window's length, or what is chosen, in the place of its variables."""
    marked = fill(expr, dict.fromkeys(variables_of(expr), "\x00"))
    return re.compile(re.escape(marked).replace("\x00", r'[^"\[\]]+'))
