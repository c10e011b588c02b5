"""The one layer over grafanalib: its objects go in, the JSON that Grafana provisions today comes out.

grafanalib 0.7.1 writes the JSON of 2020. Here each panel is written anew from the fields that still
mean something (classic model, schemaVersion 42), so nothing old slips through by being forgotten.
Three panel types are spoken: timeseries, stat and bargauge, and rows between them; another is refused.
"""

import json
from collections.abc import Mapping
from typing import Any

import grafanalib.core as grafana
from grafanalib._gen import DashboardEncoder

Json = dict[str, Any]
SCHEMA_VERSION = 42
SCRAPE_INTERVAL = "1s"
DATASOURCE: Mapping[str, str] = {"type": "prometheus", "uid": "${datasource}"}
_BUILT_IN_ANNOTATION: Json = {
    "builtIn": 1,
    "datasource": {"type": "grafana", "uid": "-- Grafana --"},
    "enable": True,
    "hide": True,
    "iconColor": "rgba(0, 211, 255, 1)",
    "name": "Annotations & Alerts",
    "type": "dashboard",
}
_LEGEND: Json = {"calcs": [], "displayMode": "list", "placement": "bottom", "showLegend": True}
_LAST: Json = {"calcs": ["lastNotNull"], "fields": "", "values": False}
_OPTIONS: Mapping[str, Json] = {
    "timeseries": {
        "legend": _LEGEND,
        "tooltip": {"mode": "multi", "sort": "desc"},
    },
    "stat": {
        "colorMode": "none",
        "graphMode": "area",
        "justifyMode": "auto",
        "orientation": "auto",
        "percentChangeColorMode": "standard",
        "reduceOptions": _LAST,
        "showPercentChange": False,
        "textMode": "auto",
        "wideLayout": True,
    },
    "bargauge": {
        "displayMode": "basic",
        "legend": {**_LEGEND, "showLegend": False},
        "maxVizHeight": 300,
        "minVizHeight": 16,
        "minVizWidth": 8,
        "namePlacement": "left",
        "orientation": "horizontal",
        "reduceOptions": _LAST,
        "showUnfilled": True,
        "sizing": "auto",
        "valueMode": "text",
    },
}


def modern(dashboard: grafana.Dashboard) -> Json:
    """Return `dashboard` as classic dashboard JSON of schemaVersion 42; raises ValueError on a panel type unknown."""
    old = json.loads(json.dumps(dashboard.to_json_data(), cls=DashboardEncoder))
    return {
        "annotations": {"list": [_BUILT_IN_ANNOTATION, *old["annotations"]["list"]]},
        "description": old["description"],
        "editable": False,
        "fiscalYearStartMonth": 0,
        "graphTooltip": 1,
        "id": None,
        "links": [],
        "panels": [_panel(panel) for panel in old["panels"]],
        "preload": False,
        "refresh": old["refresh"],
        "schemaVersion": SCHEMA_VERSION,
        "tags": old["tags"],
        "templating": {"list": [_variable(variable) for variable in old["templating"]["list"]]},
        "time": old["time"],
        "timepicker": {},
        "timezone": old["timezone"],
        "title": old["title"],
        "uid": old["uid"],
        "version": old["version"],
    }


def _panel(old: Json) -> Json:
    kept = {key: old[key] for key in ("gridPos", "id", "title", "type")}
    if old["type"] == "row":
        return {**kept, "collapsed": False, "panels": []}
    if old["type"] not in _OPTIONS:
        raise ValueError(f"panel {old['title']!r}: type {old['type']!r} is not one of {', '.join(sorted(_OPTIONS))}")
    return {
        **kept,
        "datasource": dict(DATASOURCE),
        "description": old["description"] or "",
        "fieldConfig": {"defaults": _defaults(old), "overrides": old["fieldConfig"].get("overrides", [])},
        "interval": SCRAPE_INTERVAL,
        "options": _OPTIONS[old["type"]],
        "targets": [_target(target) for target in old["targets"]],
    }


def _defaults(old: Json) -> Json:
    """Return today's field defaults; a bar gauge of 2020 keeps its own in `options.fieldOptions`."""
    given = old["fieldConfig"]["defaults"] | old["options"].get("fieldOptions", {}).get("defaults", {})
    defaults: Json = {
        "color": {"mode": "palette-classic"},
        "thresholds": {"mode": "absolute", "steps": [{"color": "green", "value": None}]},
        **{key: given[key] for key in ("unit", "min", "max", "decimals") if given.get(key) not in (None, "")},
    }
    return {**defaults, "custom": _line_style(given["custom"])} if old["type"] == "timeseries" else defaults


def _line_style(custom: Json) -> Json:
    kept = ("drawStyle", "fillOpacity", "lineInterpolation", "lineWidth", "showPoints", "spanNulls")
    return {**{key: custom[key] for key in kept}, "stacking": {"group": "A", "mode": "none"}}


def _target(old: Json) -> Json:
    return {
        "datasource": dict(DATASOURCE),
        "editorMode": "code",
        "exemplar": "histogram_quantile" in old["expr"] and not old["instant"],
        "expr": old["expr"],
        "format": old["format"],
        "instant": old["instant"],
        "legendFormat": old["legendFormat"],
        "range": not old["instant"],
        "refId": old["refId"],
    }


def _variable(old: Json) -> Json:
    kept = ("hide", "includeAll", "label", "multi", "name", "options", "query", "refresh", "regex", "type")
    return {key: old[key] for key in kept if old[key] is not None}
