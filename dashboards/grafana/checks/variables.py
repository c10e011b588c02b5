"""Variables and data sources: defined, asking for what there is, and used."""

import re
from collections.abc import Iterator, Mapping

from dashboards.grafana.board import ALL
from dashboards.grafana.checks.finding import BOARD, Rule, title_of
from dashboards.grafana.known_metrics import METRICS
from dashboards.grafana.queries import VARIABLES, panels, variables_of
from dashboards.grafana.upgrade import DATASOURCE, Json

# Those of links (https://grafana.com/docs/grafana/latest/panels-visualizations/configure-data-links/).
_OF_LINKS = frozenset(
    {"__url_time_range", "__all_variables", "__field", "__data", "__value", "__series", "__from", "__to"}
)
_BUILT_IN = frozenset(name for name in VARIABLES if name.startswith("__")) | _OF_LINKS
_QUERY = re.compile(r"^label_values\(\s*(?P<metric>[a-zA-Z_:][\w:]*)\s*(?:\{.*\})?\s*,\s*(?P<label>\w+)\s*\)$")


def _undefined(dashboard: Json) -> Iterator[tuple[str, str]]:
    defined = {variable["name"] for variable in dashboard["templating"]["list"]} | _BUILT_IN
    for panel in dashboard.get("panels", []):
        for name in sorted(variables_of(panel) - defined):
            yield title_of(panel), f"variable ${name} is not defined"


def _data_sources(dashboard: Json) -> Iterator[tuple[str, str]]:
    for panel in panels(dashboard):
        parts = (panel, *panel.get("targets", []))
        if any(not variables_of((part.get("datasource") or {}).get("uid", "")) for part in parts):
            yield title_of(panel), "its data source is not a variable"
        elif any(part["datasource"] != DATASOURCE for part in parts):
            yield title_of(panel), f"its data source is not {DATASOURCE['uid']} of type {DATASOURCE['type']}"


def _variables(dashboard: Json) -> Iterator[tuple[str, str]]:
    listed = dashboard["templating"]["list"]
    names = [variable["name"] for variable in listed]
    used = variables_of(dashboard.get("panels", [])) | variables_of(dashboard["annotations"])
    for variable in listed:
        for message in _wrong(variable):
            yield BOARD, f"variable ${variable['name']}: {message}"
        if variable["name"] not in used:
            yield BOARD, f"variable ${variable['name']} is used by no query: choosing it changes nothing"
    for name in sorted({name for name in names if names.count(name) > 1}):
        yield BOARD, f"variable ${name} is defined twice"


def _wrong(variable: Json) -> Iterator[str]:
    if variable.get("hide"):
        yield "is hidden: what is chosen must be seen"
    if variable["type"] != "query":
        return
    if variable.get("datasource") != DATASOURCE:
        yield "its data source is not the one that is chosen"
    if not variable.get("includeAll") or variable.get("allValue") != ALL:
        yield f"must offer All, as {ALL!r}: a list of values leaves out series without the label"
    if not variable.get("refresh"):
        yield "its values are never read anew"
    yield from _wrong_query(variable["query"])


def _wrong_query(query: str) -> Iterator[str]:
    asked = _QUERY.match(query)
    if asked is None:
        yield f"{query} is not of the form label_values(metric, label)"
    elif asked["metric"] not in METRICS:
        yield f"{asked['metric']} is exported by nothing"
    elif asked["label"] not in METRICS[asked["metric"]].labels:
        yield f"{asked['metric']} has no label {asked['label']}"


RULES: Mapping[str, Rule] = {
    "data-source": _data_sources,
    "undefined-variable": _undefined,
    "variable": _variables,
}
