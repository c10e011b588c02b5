"""The one layer over grafanalib: its objects go in, the JSON that Grafana provisions today comes out.

grafanalib 0.7.1 writes the JSON of 2020. Here each panel is written anew from the fields that still
mean something (classic model, schemaVersion 42), so nothing old slips through by being forgotten.
Four panel types are spoken: timeseries, stat, bargauge and table, and rows between them; another is refused.
"""

import json
from collections.abc import Mapping
from typing import Any

import grafanalib.core as grafana
from grafanalib._gen import DashboardEncoder

Json = dict[str, Any]
SCHEMA_VERSION = 42
# Of a table at least; with Grafana's own 150 every second one has columns beyond its edge on a screen of 1366.
COLUMN_PX = 70
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
        "colorMode": "value",
        "graphMode": "none",
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
        # Else names are as large as the bars are high, and cut.
        "text": {"titleSize": 14, "valueSize": 16},
        "valueMode": "text",
    },
    "table": {"cellHeight": "sm", "frameIndex": 0, "showHeader": True},
}
# By a series' place: by its name two of one panel may have one colour. A number's is its threshold's.
_BY_PLACE, _BY_THRESHOLD = {"mode": "palette-classic"}, {"mode": "thresholds"}
_DEFAULTS = ("unit", "min", "max", "decimals", "noValue", "mappings", "links", "thresholds")
_LINKED: Json = {
    "asDropdown": True,
    "icon": "external link",
    "includeVars": True,
    "keepTime": True,
    "targetBlank": False,
    "title": "Dashboards",
    "tooltip": "The other dashboards, with the same time and choices",
    "type": "dashboards",
    "url": "",
}


def modern(dashboard: grafana.Dashboard) -> Json:
    """Return `dashboard` as classic dashboard JSON of schemaVersion 42; raises ValueError on a panel type unknown."""
    old = json.loads(json.dumps(dashboard.to_json_data(), cls=DashboardEncoder))
    return {
        "annotations": {"list": [_BUILT_IN_ANNOTATION, *map(_annotation, old["annotations"]["list"])]},
        "description": old["description"],
        "editable": False,
        "fiscalYearStartMonth": 0,
        "graphTooltip": 1,
        "id": None,
        "links": [{**_LINKED, "tags": old["tags"]}],
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
        "options": _OPTIONS[old["type"]] | ({"sortBy": old["options"]["sortBy"]} if old["type"] == "table" else {}),
        "targets": [_target(target) for target in old["targets"]],
        **({"transformations": old["transformations"]} if old["transformations"] else {}),
    }


def _defaults(old: Json) -> Json:
    """Return today's field defaults, those that say something."""
    given = old["fieldConfig"]["defaults"]
    defaults: Json = {
        "color": dict(_BY_PLACE if old["type"] == "timeseries" else _BY_THRESHOLD),
        **{key: given[key] for key in _DEFAULTS if given.get(key) not in (None, "", [])},
    }
    match old["type"]:
        case "timeseries":
            return {**defaults, "custom": _line_style(given["custom"])}
        case "table":
            cells = {"align": "auto", "cellOptions": {"type": "auto"}, "inspect": False, "minWidth": COLUMN_PX}
            return {**defaults, "custom": cells}
        case _:
            return defaults


def _line_style(custom: Json) -> Json:
    kept = ("drawStyle", "fillOpacity", "lineInterpolation", "lineWidth", "showPoints", "spanNulls", "thresholdsStyle")
    reach = {"axisSoftMax": custom["axisSoftMax"]} if custom.get("axisSoftMax") is not None else {}
    return {**{key: custom[key] for key in kept}, **reach, "stacking": {"group": "A", "mode": "none"}}


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
    variable = {key: old[key] for key in kept if old[key] is not None}
    if old["type"] != "query":
        return variable
    return variable | {
        "allValue": old["allValue"],
        "current": {"selected": True, "text": ["All"], "value": ["$__all"]},
        "datasource": dict(DATASOURCE),
        "definition": old["query"],
        "sort": old["sort"],
    }


def _annotation(old: Json) -> Json:
    """Return marks at the moments that a query's values are, in ms since 1970."""
    return {
        "datasource": dict(DATASOURCE),
        "enable": True,
        "expr": old["expr"],
        "hide": False,
        "iconColor": old["iconColor"],
        "name": old["name"],
        "step": "60s",
        "tagKeys": "",
        "textFormat": "",
        "titleFormat": old["titleFormat"],
        "useValueForTime": True,
    }
