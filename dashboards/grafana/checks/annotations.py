"""Annotations: moments, in the milliseconds that Grafana reads, with a text that says what happened."""

from collections.abc import Iterator, Mapping

from dashboards.grafana.checks.finding import BOARD, Rule
from dashboards.grafana.checks.legends import LABEL
from dashboards.grafana.checks.promql.quantity import Base
from dashboards.grafana.checks.promql.read import read
from dashboards.grafana.upgrade import DATASOURCE, Json

_MS_PER_S = 1000


def _annotations(dashboard: Json) -> Iterator[tuple[str, str]]:
    for one in dashboard["annotations"]["list"]:
        if not one.get("builtIn"):
            yield from ((BOARD, f"annotation {one['name']}: {message}") for message in _wrong(one))


def _wrong(one: Json) -> Iterator[str]:
    if one.get("datasource") != DATASOURCE:
        yield "its data source is not the one that is chosen"
    if not one.get("useValueForTime"):
        yield "is marked when it is asked for, not at the moment that is its value"
    text, answer = one.get("titleFormat", ""), read(one.get("expr", ""))
    if not text.strip():
        yield "has no text"
    yield from (message for _, message in answer.found)
    quantity = answer.series.quantity
    if quantity.known and (quantity.base is not Base.MOMENT or quantity.scale != _MS_PER_S):
        yield f"its value is {quantity.words}, not a moment in milliseconds"
    for label in LABEL.findall(text):
        if not answer.series.has(label):
            yield f"its text names the label {label}, which the series don't have"


RULES: Mapping[str, Rule] = {"annotation": _annotations}
