"""The rules that Grafana's JSON schemas don't hold: each is a function from a dashboard to findings.

The rules of grafana/dashboard-linter, and what breaks on screen without any error: overlapping panels,
duplicate ids, unknown units, undefined variables.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import combinations

from dashboards.grafana.queries import VARIABLES, expressions, fill, panels, variables_of
from dashboards.grafana.upgrade import SCHEMA_VERSION, Json

# The units in use, of the ids of packages/grafana-data/src/valueFormats/categories.ts.
UNITS = frozenset({"short", "none", "percentunit", "s", "ms", "reqps", "cps", "opm", "ops", "bytes", "decbytes"})
_BUILT_IN = frozenset(name for name in VARIABLES if name.startswith("__"))
_STRING = re.compile(r"\"[^\"]*\"|'[^']*'")
_RATE = re.compile(r"\b(?:rate|irate|increase|delta|idelta)\s*\([^()\[\]]*\[([^\]]*)\]")
_COUNTER = re.compile(r"(\w+\s*\(\s*)?\b([a-zA-Z_:][\w:]*_(?:total|count|sum|bucket))\b")
_RATE_OPENS = re.compile(r"^(?:rate|irate|increase)\s*\(\s*$")


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What is wrong with a dashboard: the rule, the place, and a sentence."""

    rule: str
    where: str
    message: str


Rule = Callable[[Json], Iterator[tuple[str, str]]]


def check(dashboard: Json) -> list[Finding]:
    """Return every finding of every rule, in the rules' order; an empty list is a good dashboard."""
    return [
        Finding(rule=name, where=where, message=message)
        for name, rule in RULES.items()
        for where, message in rule(dashboard)
    ]


def check_answers(
    dashboard: Json, answers: Callable[[str], int], variables: Mapping[str, str] = VARIABLES
) -> list[Finding]:
    """Return a finding for each query without data: `answers` holds how many series each filled query returned."""
    return [
        Finding(rule="no-data", where=panel["title"], message=f"no series for: {query}")
        for panel, target in expressions(dashboard)
        if not answers(query := fill(target["expr"], variables))
    ]


def _dashboard(dashboard: Json) -> Iterator[tuple[str, str]]:
    if dashboard.get("editable") is not False:
        yield "dashboard", "editable: a change made in the browser would be lost with the next build"
    if dashboard.get("schemaVersion") != SCHEMA_VERSION:
        yield "dashboard", f"schemaVersion {dashboard.get('schemaVersion')} is not {SCHEMA_VERSION}"
    if not dashboard.get("uid"):
        yield "dashboard", "no uid: links to it would break with each import"


def _duplicate_ids(dashboard: Json) -> Iterator[tuple[str, str]]:
    seen: dict[int, Json] = {}
    top = dashboard.get("panels", [])
    for panel in [*top, *(inner for row in top for inner in row.get("panels", []))]:
        first = seen.setdefault(panel["id"], panel)
        if first is not panel:
            yield panel["title"], f"id {panel['id']} is also that of {first['title']!r}"


def _overlaps(dashboard: Json) -> Iterator[tuple[str, str]]:
    for one, other in combinations(dashboard.get("panels", []), 2):
        if _touch(one["gridPos"], other["gridPos"]):
            yield other["title"], f"overlaps {one['title']!r}"
    for panel in dashboard.get("panels", []):
        if panel["gridPos"]["x"] + panel["gridPos"]["w"] > 24:  # noqa: PLR2004 - Grafana's grid
            yield panel["title"], "reaches beyond the 24 columns"


def _touch(one: Json, other: Json) -> bool:
    apart_x = one["x"] + one["w"] <= other["x"] or other["x"] + other["w"] <= one["x"]
    apart_y = one["y"] + one["h"] <= other["y"] or other["y"] + other["h"] <= one["y"]
    return not (apart_x or apart_y)


def _missing_words(dashboard: Json) -> Iterator[tuple[str, str]]:
    for panel in panels(dashboard):
        for key in ("title", "description"):
            if not str(panel.get(key) or "").strip():
                yield panel.get("title") or f"panel {panel.get('id')}", f"has no {key}"
        if not panel.get("targets"):
            yield panel.get("title") or f"panel {panel.get('id')}", "has no query"


def _units(dashboard: Json) -> Iterator[tuple[str, str]]:
    for panel in panels(dashboard):
        unit = panel["fieldConfig"]["defaults"].get("unit")
        if unit is None:
            yield panel["title"], "has no unit"
        elif unit not in UNITS:
            yield panel["title"], f"unit {unit!r} is not one of {', '.join(sorted(UNITS))}"


def _data_sources(dashboard: Json) -> Iterator[tuple[str, str]]:
    for panel in panels(dashboard):
        for part in (panel, *panel.get("targets", [])):
            if not variables_of((part.get("datasource") or {}).get("uid", "")):
                yield panel["title"], "its data source is not a variable"
                break


def _undefined_variables(dashboard: Json) -> Iterator[tuple[str, str]]:
    defined = {variable["name"] for variable in dashboard["templating"]["list"]} | _BUILT_IN
    for panel in dashboard.get("panels", []):
        for name in sorted(variables_of(panel) - defined):
            yield panel["title"], f"variable ${name} is not defined"


def _stacking(dashboard: Json) -> Iterator[tuple[str, str]]:
    for panel in panels(dashboard):
        mode = panel["fieldConfig"]["defaults"].get("custom", {}).get("stacking", {}).get("mode", "none")
        if mode != "none":
            yield panel["title"], "is stacked: only its lowest series can be read"


def _rate_windows(dashboard: Json) -> Iterator[tuple[str, str]]:
    for panel, target in expressions(dashboard):
        for window in _RATE.findall(_STRING.sub("", target["expr"])):
            if window not in ("$__rate_interval", "$__range"):
                yield panel["title"], f"a rate over [{window}] instead of [$__rate_interval]"


def _counters(dashboard: Json) -> Iterator[tuple[str, str]]:
    for panel, target in expressions(dashboard):
        for before, metric in _COUNTER.findall(_STRING.sub("", target["expr"])):
            if not _RATE_OPENS.match(before):
                yield panel["title"], f"counter {metric} is not inside rate, irate or increase"


def _legends(dashboard: Json) -> Iterator[tuple[str, str]]:
    for panel, target in expressions(dashboard):
        if not target.get("legendFormat"):
            yield panel["title"], f"query {target.get('refId')} has no legend"


RULES: Mapping[str, Rule] = {
    "dashboard": _dashboard,
    "duplicate-id": _duplicate_ids,
    "overlap": _overlaps,
    "missing-words": _missing_words,
    "unit": _units,
    "data-source": _data_sources,
    "undefined-variable": _undefined_variables,
    "stacking": _stacking,
    "rate-window": _rate_windows,
    "counter": _counters,
    "legend": _legends,
}
