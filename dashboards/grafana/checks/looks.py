"""How a panel shows its values: type, reducer, stacking, gaps, and words for 0 and 1."""

from collections.abc import Iterator, Mapping

from dashboards.grafana.checks.finding import Rule, title_of
from dashboards.grafana.checks.promql.quantity import Base
from dashboards.grafana.checks.promql.read import read
from dashboards.grafana.queries import panels
from dashboards.grafana.upgrade import Json

TYPES = frozenset({"timeseries", "stat", "bargauge", "table"})
# Of Grafana's packages/grafana-data/src/transformations/fieldReducer.ts: those that show a figure as it is.
REDUCERS = frozenset({"lastNotNull", "max", "min"})


def _types(dashboard: Json) -> Iterator[tuple[str, str]]:
    for panel in panels(dashboard):
        if panel["type"] not in TYPES:
            yield title_of(panel), f"panel type {panel['type']!r} is not one of {', '.join(sorted(TYPES))}"


def _reducers(dashboard: Json) -> Iterator[tuple[str, str]]:
    for panel in panels(dashboard):
        for name in panel.get("options", {}).get("reduceOptions", {}).get("calcs", []):
            if name not in REDUCERS:
                yield title_of(panel), f"reducer {name!r} is not one of {', '.join(sorted(REDUCERS))}: show what is now"


def _stacking(dashboard: Json) -> Iterator[tuple[str, str]]:
    for panel in panels(dashboard):
        mode = panel["fieldConfig"]["defaults"].get("custom", {}).get("stacking", {}).get("mode", "none")
        if mode != "none":
            yield title_of(panel), "is stacked: only its lowest series can be read"


def _lines(dashboard: Json) -> Iterator[tuple[str, str]]:
    for panel in panels(dashboard):
        custom = panel["fieldConfig"]["defaults"].get("custom", {})
        if custom.get("spanNulls"):
            yield title_of(panel), "draws a line across a gap: what isn't known looks like a measurement"
        if custom.get("scaleDistribution", {}).get("type", "linear") != "linear":
            yield (
                title_of(panel),
                "has an axis that isn't linear: a zero can't be drawn, and twice as much looks like little",
            )


def _mappings(dashboard: Json) -> Iterator[tuple[str, str]]:
    for panel in panels(dashboard):
        if panel["type"] not in ("stat", "bargauge"):
            continue
        words = {
            value for one in panel["fieldConfig"]["defaults"].get("mappings", []) for value in one.get("options", {})
        }
        exprs = [target["expr"] for target in panel.get("targets", []) if target.get("expr", "").strip()]
        if not exprs or any(read(expr).series.quantity.base is not Base.FLAG for expr in exprs):
            continue
        if not words:
            yield title_of(panel), "shows 0 or 1 and has no words for them: mappings="
        for value in sorted(words - {"0", "1"}):
            yield title_of(panel), f"has a word for {value}; the metric is 0 or 1"


RULES: Mapping[str, Rule] = {
    "panel-type": _types,
    "reducer": _reducers,
    "stacking": _stacking,
    "line": _lines,
    "mapping": _mappings,
}
