"""Legends: every series has a name, and its own one."""

import re
from collections.abc import Iterator, Mapping

from dashboards.grafana.checks.finding import Rule, title_of
from dashboards.grafana.checks.promql.read import read
from dashboards.grafana.queries import expressions, panels
from dashboards.grafana.upgrade import Json

LABEL = re.compile(r"\{\{\s*(\w+)\s*\}\}")


def _legends(dashboard: Json) -> Iterator[tuple[str, str]]:
    for panel, target in expressions(dashboard):
        legend = target.get("legendFormat") or ""
        if not legend.strip() or legend == "__auto":
            yield title_of(panel), f"query {target.get('refId')} has no legend"
        elif target.get("expr", "").strip() and panel["type"] != "table":
            for message in _wrong(legend, target["expr"]):
                yield title_of(panel), f"legend {legend!r}: {message}"


def _wrong(legend: str, expr: str) -> Iterator[str]:
    labels = read(expr).series.labels
    if labels is None:
        return
    shown = LABEL.findall(legend)
    for label in shown:
        if label not in labels:
            yield f"the series have no label {label}; they have {', '.join(sorted(labels)) or 'none'}"
    if labels and not shown:
        yield f"several series would have this name; they differ by {', '.join(sorted(labels))}"


def _shown(dashboard: Json) -> Iterator[tuple[str, str]]:
    for panel in panels(dashboard):
        legend = panel.get("options", {}).get("legend", {})
        several = len(panel.get("targets", [])) > 1 or any(
            "{{" in (target.get("legendFormat") or "") for target in panel.get("targets", [])
        )
        if panel["type"] == "timeseries" and several and not legend.get("showLegend"):
            yield title_of(panel), "hides its legend: nobody can tell which line is which"


RULES: Mapping[str, Rule] = {"legend": _legends, "hidden-legend": _shown}
