"""Aggregations: which labels are left, and whether these values may be added up or averaged at all."""

from dataclasses import replace

import promql_parser as ast

from dashboards.grafana.checks.promql.quantity import NUMBER, Base, Quantity
from dashboards.grafana.checks.promql.series import Notes, Series

_KEEPS_SERIES = frozenset({"topk", "bottomk", "limitk", "limit_ratio"})
_ADDS = frozenset({"sum", "avg", "stddev", "stdvar"})
# Added up over series these say nothing: a ratio of one thing and a ratio of another, two delays, two moments.
_NOT_ADDED = frozenset({Base.RATIO, Base.SECONDS, Base.MILLISECONDS, Base.MOMENT})
TAKES_COUNTERS = frozenset({"count", "group"})


def aggregated(node: ast.AggregateExpr, inner: Series, notes: Notes) -> Series:
    """Return what is left of `inner`."""
    op = str(node.op)
    if op in _KEEPS_SERIES:
        return replace(inner, raw=None)
    labels = _kept(node, inner, notes)
    _check_values(op, inner, labels, notes)
    dropped_le = inner.bucket is not None and labels is not None and "le" not in labels
    return replace(
        inner,
        labels=labels,
        quantity=_quantity(op, inner.quantity),
        raw=None,
        bucket=None if dropped_le else inner.bucket,
        is_quantile=op == "quantile" or (inner.is_quantile and op in ("min", "max")),
    )


def _kept(node: ast.AggregateExpr, inner: Series, notes: Notes) -> frozenset[str] | None:
    modifier = node.modifier
    if modifier is None:
        return frozenset()
    is_by = modifier.type == ast.AggModifierType.By
    for label in modifier.labels:
        if not inner.has(label):
            word = "by" if is_by else "without"
            notes.add("label", f"{word} ({label}): {_called(inner)} no label {label}{_has(inner)}")
    if is_by:
        return frozenset(label for label in modifier.labels if inner.has(label))
    return None if inner.labels is None else inner.labels - frozenset(modifier.labels)


def _check_values(op: str, inner: Series, labels: frozenset[str] | None, notes: Notes) -> None:
    if op in _ADDS and inner.is_quantile:
        notes.add("aggregate", f"{op} of quantiles is no quantile: sum the buckets first, or take max")
    if op == "sum" and inner.raw and inner.raw.kind == "gauge" and inner.quantity.base in _NOT_ADDED:
        notes.add("aggregate", f"sum of {inner.raw.name}, which is {inner.quantity.words}: take max, min or avg")
    if op == "sum" and inner.bucket and labels is not None and "le" not in labels:
        notes.add("aggregate", f"sum of {inner.bucket.name} over le: each bucket holds the smaller ones; use _count")


def _quantity(op: str, inner: Quantity) -> Quantity:
    if op in ("count", "count_values"):
        return Quantity(base=Base.COUNT)
    if op == "group":
        return Quantity(base=Base.FLAG)
    if inner.base is Base.FLAG and op == "sum":
        return Quantity(base=Base.COUNT)
    if inner.base is Base.FLAG and op == "avg":
        return Quantity(base=Base.RATIO)
    return NUMBER if op == "stdvar" else inner


def _called(inner: Series) -> str:
    names = sorted({metric.name for metric in inner.metrics})
    return f"{names[0]} has here" if len(names) == 1 else "the vector has"


def _has(inner: Series) -> str:
    return f"; it has {', '.join(sorted(inner.labels or ())) or 'none left'}"
