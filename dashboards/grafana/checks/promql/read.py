"""Reads a query: the labels and the quantity of its answer, and everything in it that can't be right."""

from dataclasses import dataclass, replace
from functools import lru_cache

import promql_parser as ast

from dashboards.grafana.checks.promql.aggregates import TAKES_COUNTERS as COUNTING_AGGREGATES
from dashboards.grafana.checks.promql.aggregates import aggregated
from dashboards.grafana.checks.promql.functions import (
    OF_COUNTERS,
    OF_GAUGES,
    TAKES_COUNTERS,
    label_replaced,
    over_range,
    quantile_of,
)
from dashboards.grafana.checks.promql.operators import compared, computed, either, negated, restricted
from dashboards.grafana.checks.promql.parse import NotPromQLError, parse
from dashboards.grafana.checks.promql.quantity import NUMBER, UNKNOWN, Base, Quantity
from dashboards.grafana.checks.promql.selectors import series_of
from dashboards.grafana.checks.promql.series import UNKNOWN_SERIES, Notes, Series, constant
from slo.formatting import clip

_NOW = Series(labels=frozenset(), quantity=Quantity(base=Base.MOMENT), is_scalar=True, is_now=True)
_KEEP = frozenset({"abs", "ceil", "floor", "round", "clamp", "clamp_max", "clamp_min", "sgn"})
_SORT = frozenset({"sort", "sort_desc", "sort_by_label", "sort_by_label_desc"})
_SHOWN = 80
_COMPARISONS = frozenset({"==", "!=", ">", "<", ">=", "<="})


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What a query answers, and the findings in it as (rule, sentence)."""

    series: Series
    found: tuple[tuple[str, str], ...]


@lru_cache(maxsize=4096)
def read(expr: str) -> Reading:
    """Read a query with Grafana's variables in it; text that isn't PromQL is a finding, too."""
    notes = Notes()
    try:
        series = _Reader(notes).of(parse(expr))
    except NotPromQLError as refused:
        return Reading(series=UNKNOWN_SERIES, found=(("promql", f"Prometheus refuses it: {refused}: {expr}"),))
    except RecursionError:
        deep = f"it is nested too deep to be read; split it by recording rules: {clip(expr, _SHOWN)}"
        return Reading(series=UNKNOWN_SERIES, found=(("promql", deep),))
    return Reading(series=series, found=tuple(notes.found))


class _Reader:
    """Reads one tree from the leaves up."""

    def __init__(self, notes: Notes) -> None:
        self._notes = notes

    def of(self, node: ast.Expr, *, any_kind: bool = False) -> Series:
        """Return the series of a node; a counter as it is, is a finding unless `any_kind`."""
        match node:
            case ast.NumberLiteral():
                return constant(node.val)
            case ast.ParenExpr():
                return self.of(node.expr, any_kind=any_kind)
            case ast.UnaryExpr():
                return negated(self.of(node.expr))
            case ast.VectorSelector():
                return self._selected(node, any_kind=any_kind)
            case _:
                return self._combined(node)

    def _combined(self, node: ast.Expr) -> Series:
        match node:
            case ast.MatrixSelector():
                return series_of(node.vector_selector, self._notes)
            case ast.SubqueryExpr():
                return replace(self.of(node.expr, any_kind=True), raw=None)
            case ast.AggregateExpr():
                counts = str(node.op) in COUNTING_AGGREGATES
                return aggregated(node, self.of(node.expr, any_kind=counts), self._notes)
            case ast.BinaryExpr():
                return self._binary(node)
            case ast.Call():
                return self._called(node)
            case _:
                return UNKNOWN_SERIES

    def _selected(self, node: ast.VectorSelector, *, any_kind: bool) -> Series:
        series = series_of(node, self._notes)
        if not any_kind and series.raw and series.raw.kind != "gauge":
            self._notes.add("counter", f"counter {series.raw.name} is not inside rate or increase")
        return series

    def _binary(self, node: ast.BinaryExpr) -> Series:
        op, left, right = str(node.op), self.of(node.lhs), self.of(node.rhs)
        if op == "or":
            return either(node, left, right, self._notes)
        if op in ("and", "unless"):
            return restricted(node, left, right, self._notes)
        if op in _COMPARISONS:
            return compared(node, left, right, self._notes)
        return computed(node, left, right, self._notes)

    def _called(self, node: ast.Call) -> Series:
        name = node.func.name
        if name == "time":
            return _NOW
        if name == "histogram_quantile":
            ratio, buckets = node.args
            return quantile_of(self.of(ratio), self.of(buckets, any_kind=True), self._notes)
        if name in OF_COUNTERS | OF_GAUGES or name.endswith("_over_time"):
            matrix = next(arg for arg in node.args if isinstance(arg, ast.MatrixSelector | ast.SubqueryExpr))
            return over_range(name, matrix, self.of(matrix), self._notes)
        if name in ("label_replace", "label_join"):
            return label_replaced(node, self.of(node.args[0]), self._notes)
        if name == "vector":
            return replace(self.of(node.args[0]), is_scalar=False)
        inner = self.of(node.args[0], any_kind=name in TAKES_COUNTERS) if node.args else UNKNOWN_SERIES
        return _simple(name, inner)


def _simple(name: str, inner: Series) -> Series:
    """Return the result of a function that changes no label of its first argument, or has none."""
    if name in _KEEP | _SORT:
        return replace(inner, raw=inner.raw if name in _SORT else None)
    if name == "scalar":
        return replace(inner, labels=frozenset(), is_scalar=True, raw=None)
    if name == "absent":
        return replace(inner, labels=None, quantity=Quantity(base=Base.FLAG), raw=None, may_be_empty=True)
    if name == "timestamp":
        return replace(inner, quantity=Quantity(base=Base.MOMENT), raw=None)
    if name == "pi":
        return replace(constant(1), quantity=NUMBER)
    return replace(inner, quantity=UNKNOWN, raw=None)
