"""Prometheus' functions: what each takes, and what the result is (https://prometheus.io/docs/prometheus/latest/querying/functions/)."""

from dataclasses import replace

import promql_parser as ast

from dashboards.grafana.checks.promql.parse import WINDOWS, WRITTEN
from dashboards.grafana.checks.promql.quantity import UNKNOWN, Base, Quantity, observed, rated
from dashboards.grafana.checks.promql.series import Notes, Series

OF_COUNTERS = frozenset({"rate", "irate", "increase", "resets"})
OF_GAUGES = frozenset({"delta", "idelta", "deriv", "predict_linear", "holt_winters", "double_exponential_smoothing"})
# These ask whether a series is there or how often it was read, whatever its values are.
TAKES_COUNTERS = frozenset(
    {"absent", "absent_over_time", "timestamp", "count_over_time", "present_over_time", "last_over_time", "changes"}
)
_LEAST_WINDOW_S = 300
_CHOSEN = frozenset(WINDOWS[name] for name in ("__rate_interval", "__range"))
COUNT, MOMENT = Quantity(base=Base.COUNT), Quantity(base=Base.MOMENT)


def over_range(name: str, matrix: ast.Expr, inner: Series, notes: Notes) -> Series:
    """Return what a function makes of the samples of a time, `matrix`, whose series are `inner`."""
    metric = inner.raw
    if name in OF_COUNTERS:
        _check_counter(name, matrix, inner, notes)
        quantity = inner.quantity if name == "increase" else COUNT if name == "resets" else rated(inner.quantity)
        return replace(inner, quantity=quantity, raw=None, rated=True)
    if metric and metric.kind != "gauge" and name not in TAKES_COUNTERS:
        notes.add("counter", f"{name} of the counter {metric.name}: only rate and increase know that it starts again")
    return replace(inner, quantity=_over_time(name, inner.quantity), raw=None)


def _over_time(name: str, quantity: Quantity) -> Quantity:
    if name in ("count_over_time", "changes"):
        return COUNT
    if name == "deriv":
        return rated(quantity)
    if name == "avg_over_time" and quantity.base is Base.FLAG:
        return Quantity(base=Base.RATIO)
    return UNKNOWN if name in ("stdvar_over_time", "ts_of_max_over_time", "present_over_time") else quantity


def _check_counter(name: str, matrix: ast.Expr, inner: Series, notes: Notes) -> None:
    if not isinstance(matrix, ast.MatrixSelector):
        notes.add(
            "rate", f"{name} of a computed vector: a sum hides where a counter starts again; {name} first, then sum"
        )
        return
    if inner.raw and inner.raw.kind == "gauge":
        notes.add("rate", f"{name} of {inner.raw.name}, a gauge: it may fall, and each fall counts as a new start")
    if name == "irate":
        notes.add("rate", "irate shows the last two samples alone, and what lies between the points is lost; use rate")
    window_s = round(matrix.range.total_seconds())
    if window_s in _CHOSEN or (name == "increase" and _LEAST_WINDOW_S <= window_s < min(WINDOWS.values())):
        return
    shown = WRITTEN.get(window_s) or ast.display_duration(matrix.range)
    notes.add("rate-window", f"a {name} over [{shown}] instead of [$__rate_interval]")


def quantile_of(ratio: Series, inner: Series, notes: Notes) -> Series:
    """Return the quantile of a classic histogram."""
    if ratio.number is not None and not 0 < ratio.number < 1:
        notes.add("quantile", f"the quantile {ratio.number:g} is not between 0 and 1")
    if inner.labels is not None and "le" not in inner.labels:
        notes.add("quantile", "histogram_quantile needs the label le: sum by (le, …)")
    if inner.metrics and not inner.bucket:
        notes.add("quantile", f"histogram_quantile of {inner.metrics[0].name}: it takes the rates of a _bucket")
    elif inner.bucket and not inner.rated:
        notes.add("quantile", f"histogram_quantile of {inner.bucket.name} without rate: of all time since its start")
    return replace(
        inner,
        labels=None if inner.labels is None else inner.labels - {"le"},
        quantity=observed(inner.bucket) if inner.bucket else UNKNOWN,
        bucket=None,
        raw=None,
        is_quantile=True,
    )


def label_replaced(node: ast.Call, inner: Series, notes: Notes) -> Series:
    """Return the series with the label that label_replace or label_join makes."""
    texts = [arg.val for arg in node.args[1:] if isinstance(arg, ast.StringLiteral)]
    made, sources = (texts[0], texts[2:3]) if node.func.name == "label_replace" else (texts[0], texts[2:])
    for source in sources:
        if source and not inner.has(source):
            notes.add("label", f"{node.func.name} reads the label {source}, which isn't there")
    return replace(inner, labels=None if inner.labels is None else inner.labels | {made}, raw=None)
