"""The rules of PromQL: what Prometheus answers without an error, and what the answer can't mean."""

import re
from collections.abc import Iterator, Mapping

from dashboards.grafana.checks.finding import Rule, title_of
from dashboards.grafana.checks.promql.read import read
from dashboards.grafana.queries import expressions, panels
from dashboards.grafana.upgrade import Json

# The names of `Notes.add` in checks/promql/.
_NOTED = (
    *("promql", "metric", "label", "environment", "value"),
    *("counter", "rate", "rate-window", "quantile", "aggregate", "join", "moment", "unit"),
)
_PERCENTILE = re.compile(r"\bp(\d{2,3})\b")
_RATIO = re.compile(r"histogram_quantile\(\s*([\d.]+)")


def _noted(name: str) -> Rule:
    def rule(dashboard: Json) -> Iterator[tuple[str, str]]:
        for panel, target in expressions(dashboard):
            if target.get("expr", "").strip():
                yield from ((title_of(panel), message) for rule, message in read(target["expr"]).found if rule == name)

    return rule


def _targets(dashboard: Json) -> Iterator[tuple[str, str]]:
    for panel in panels(dashboard):
        targets = panel.get("targets", [])
        letters = [target.get("refId") for target in targets]
        for letter in sorted({letter for letter in letters if letters.count(letter) > 1}):
            yield title_of(panel), f"two queries are called {letter}"
        for target in targets:
            yield from (
                (title_of(panel), f"query {target.get('refId')} {message}") for message in _wrong(panel, target)
            )


def _wrong(panel: Json, target: Json) -> Iterator[str]:
    if not target.get("expr", "").strip():
        yield "is empty"
    if target.get("hide"):
        yield "is hidden: leave it out"
    if bool(target.get("instant")) is bool(target.get("range")):
        yield "must be either instant or a range"
    elif panel["type"] == "timeseries" and target["instant"]:
        yield "is instant: over time it is one point"
    elif panel["type"] in ("table", "bargauge") and not target["instant"]:
        yield "is a range: a table would hold a line for each moment"
    if (target.get("format") == "table") is not (panel["type"] == "table"):
        yield f"has the format {target.get('format')}, which a {panel['type']} doesn't show"


def _percentiles(dashboard: Json) -> Iterator[tuple[str, str]]:
    for panel, target in expressions(dashboard):
        asked = {float(ratio) for ratio in _RATIO.findall(target["expr"])}
        said = _PERCENTILE.findall(target.get("legendFormat", "")) or _PERCENTILE.findall(panel.get("title", ""))
        called = {int(digits) / 10 ** len(digits) for digits in said}
        if called and asked and not asked & called:
            yield title_of(panel), f"is called p{said[0]} and asks for {', '.join(f'{ratio:g}' for ratio in asked)}"


def _empty(dashboard: Json) -> Iterator[tuple[str, str]]:
    for panel in panels(dashboard):
        targets = [target["expr"] for target in panel.get("targets", []) if target.get("expr", "").strip()]
        said = panel["fieldConfig"]["defaults"].get("noValue")
        if targets and said is None and all(read(expr).series.may_be_empty for expr in targets):
            yield title_of(panel), "is empty while all is well, and doesn't say so: nothing="
        if said is not None and not re.search(r"[a-zA-Z]{2}", str(said)):
            yield title_of(panel), f"shows {said!r} where nothing is known: say in words what it means"


RULES: Mapping[str, Rule] = {
    **{name: _noted(name) for name in _NOTED if name != "unit"},
    "query": _targets,
    "percentile": _percentiles,
    "empty": _empty,
}
UNIT_NOTES: Rule = _noted("unit")
