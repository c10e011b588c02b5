"""Tables: every column, order and override names a field that the queries or their transformations make."""

from collections.abc import Iterator, Mapping

from dashboards.grafana.checks.finding import Rule, title_of
from dashboards.grafana.checks.promql.read import read
from dashboards.grafana.panels import COLUMNS
from dashboards.grafana.queries import panels
from dashboards.grafana.upgrade import Json

# Of Grafana's packages/grafana-data/src/transformations: those that a table of ours may need.
TRANSFORMATIONS = frozenset(
    {
        *("merge", "filterFieldsByName", "organize", "joinByField", "sortBy", "reduce", "groupBy", "limit"),
        *("labelsToFields", "seriesToRows", "calculateField", "renameByRegex", "filterByValue", "concatenate"),
    }
)
# What Grafana's grid has of 1366 px, a panel's edges, and a column's least width where nothing is set.
_SCREEN_PX, _EDGES_PX, _COLUMN_PX = 1350, 28, 150
MATCHERS = frozenset({"byName", "byRegexp", "byType", "byFrameRefID", "byNames"})


def fields(panel: Json) -> frozenset[str] | None:
    """Return the names of the fields that a table's queries make; None where they can't be told."""
    targets = panel.get("targets", [])
    labels = [read(target["expr"]).series.labels for target in targets if target.get("expr", "").strip()]
    if any(one is None for one in labels):
        return None
    values = ["Value"] if len(targets) == 1 else [f"Value #{target.get('refId')}" for target in targets]
    return frozenset().union(*(one or () for one in labels), values, {"Time"})


def headings(panel: Json) -> Mapping[str, str]:
    """Return the columns' headings by the name of their field."""
    renamed: dict[str, str] = {}
    for one in panel.get("transformations", []):
        if one.get("id") == "organize":
            renamed |= one["options"].get("renameByName", {})
    return renamed


def value_columns(panel: Json) -> Iterator[tuple[str, str, str]]:
    """Yield heading, unit ("" for the panel's) and query of every column of a table that shows a query's values."""
    targets, named = panel.get("targets", []), headings(panel)
    shown = _included(panel)
    for target in targets:
        source = "Value" if len(targets) == 1 else f"Value #{target.get('refId')}"
        if shown is None or source in shown:
            heading = named.get(source, source)
            yield heading, _override(panel, heading, "unit"), target.get("expr", "")


def _included(panel: Json) -> set[str] | None:
    for one in panel.get("transformations", []):
        if one.get("id") == "filterFieldsByName":
            return set(one["options"].get("include", {}).get("names", []))
    return None


def _override(panel: Json, heading: str, key: str) -> str:
    for override in panel["fieldConfig"].get("overrides", []):
        if override["matcher"].get("options") == heading:
            for one in override["properties"]:
                if one["id"] == key:
                    return str(one["value"])
    return ""


def _transformations(dashboard: Json) -> Iterator[tuple[str, str]]:
    for panel in panels(dashboard):
        for one in panel.get("transformations", []):
            if one.get("id") not in TRANSFORMATIONS:
                yield (
                    title_of(panel),
                    f"transformation {one.get('id')!r} is not one of {', '.join(sorted(TRANSFORMATIONS))}",
                )


def _columns(dashboard: Json) -> Iterator[tuple[str, str]]:
    for panel in panels(dashboard):
        known = fields(panel) if panel["type"] == "table" else None
        if known is None:
            continue
        for name in dict.fromkeys(_named(panel)):
            if name not in known:
                yield title_of(panel), f"column {name!r} is in no query; there are {', '.join(sorted(known))}"
        for order in panel["options"].get("sortBy", []):
            if order["displayName"] not in _displayed(panel, known):
                yield title_of(panel), f"is sorted by {order['displayName']!r}, which is no column"


def _named(panel: Json) -> Iterator[str]:
    for one in panel.get("transformations", []):
        options = one.get("options", {})
        yield from options.get("include", {}).get("names", [])
        yield from options.get("indexByName", {})
        yield from options.get("renameByName", {})
        yield from (options[key] for key in ("byField",) if key in options)


def _displayed(panel: Json, known: frozenset[str]) -> set[str]:
    named = headings(panel)
    return {named.get(field, field) for field in known}


def _overrides(dashboard: Json) -> Iterator[tuple[str, str]]:
    for panel in panels(dashboard):
        for override in panel["fieldConfig"].get("overrides", []):
            matcher = override.get("matcher", {})
            if matcher.get("id") not in MATCHERS:
                yield title_of(panel), f"override by {matcher.get('id')!r}, not one of {', '.join(sorted(MATCHERS))}"
            elif matcher["id"] == "byName" and not _exists(panel, matcher["options"]):
                yield title_of(panel), f"override of {matcher['options']!r}, which no field is called"


def _exists(panel: Json, name: str) -> bool:
    if panel["type"] == "table":
        known = fields(panel)
        return known is None or name in _displayed(panel, known) | known
    legends = [target.get("legendFormat", "") for target in panel.get("targets", [])]
    return name in legends or any("{{" in legend for legend in legends)


def _rows(dashboard: Json) -> Iterator[tuple[str, str]]:
    for panel in panels(dashboard):
        if panel["type"] != "table":
            continue
        exprs = [target["expr"] for target in panel.get("targets", []) if target.get("expr", "").strip()]
        known = {labels for expr in exprs if (labels := read(expr).series.labels) is not None}
        if len(known) > 1:
            each = "; ".join(sorted(", ".join(sorted(labels)) or "none" for labels in known))
            yield title_of(panel), f"its queries have other labels, so that their rows don't become one: {each}"


def _widths(dashboard: Json) -> Iterator[tuple[str, str]]:
    for panel in panels(dashboard):
        if panel["type"] != "table":
            continue
        otherwise = panel["fieldConfig"]["defaults"].get("custom", {}).get("minWidth", _COLUMN_PX)
        need = sum(_width(panel, heading, otherwise) for heading in headings(panel).values())
        have = round(panel["gridPos"]["w"] * _SCREEN_PX / COLUMNS) - _EDGES_PX
        if need > have:
            yield title_of(panel), f"its columns need {need} px; it has {have} on a screen of 1366 px"


def _width(panel: Json, heading: str, otherwise: int) -> int:
    given = _override(panel, heading, "custom.width") or _override(panel, heading, "custom.minWidth")
    return int(given) if given else otherwise


RULES: Mapping[str, Rule] = {
    "transformation": _transformations,
    "column": _columns,
    "rows": _rows,
    "override": _overrides,
    "table-width": _widths,
}
