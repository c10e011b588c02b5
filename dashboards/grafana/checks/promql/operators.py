"""Operators between two sides: what the result is measured in, which labels it has, whether it may be empty."""

import operator
from collections.abc import Callable, Mapping
from dataclasses import replace

import promql_parser as ast

from dashboards.grafana.checks.promql import quantity as q
from dashboards.grafana.checks.promql.joins import Matching, check_meeting, check_one_to_one, result_labels
from dashboards.grafana.checks.promql.quantity import Base, Quantity
from dashboards.grafana.checks.promql.series import Notes, Series, constant

# Metrics whose moments lie ahead: time is left until them.
_AHEAD = ("not_after", "expires", "due")


def _divided(one: float, other: float) -> float:
    return one / other if other else float("nan")


_ARITHMETIC: Mapping[str, Callable[[float, float], float]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": _divided,
    "%": lambda one, other: one % other if other else float("nan"),
    "^": operator.pow,
    "atan2": lambda one, other: one * other,
}


def negated(inner: Series) -> Series:
    """Return the series with the sign changed."""
    number = None if inner.number is None else -inner.number
    return replace(inner, quantity=q.scaled(inner.quantity, -1), raw=None, number=number)


def either(node: ast.BinaryExpr, left: Series, right: Series, notes: Notes) -> Series:
    """Return `left or right`: the left side's series, and the right side's where the left has none of their labels."""
    matching = Matching.of(node)
    if left.zero and not right.zero and not left.may_be_empty:
        notes.add("join", "the left side of or is always 0, and hides the right one: turn them round")
    stands_in = right.zero or bool(_families(left) & _families(right))
    if (
        stands_in
        and matching.on is None
        and left.labels is not None
        and right.labels is not None
        and left.labels != right.labels
    ):
        notes.add(
            "join",
            f"the sides of or have other labels ({_listed(left)} and {_listed(right)}): both are shown; "
            "sum both by the same labels, or say on ()",
        )
    _check_alike("or", left, right, notes)
    labels = None if left.labels is None or right.labels is None else left.labels | right.labels
    return replace(
        left if left.quantity.known else right,
        labels=labels,
        metrics=left.metrics + right.metrics,
        may_be_empty=left.may_be_empty and right.may_be_empty and not _splits(left, right),
        zero=left.zero and right.zero,
        raw=None,
    )


def restricted(node: ast.BinaryExpr, left: Series, right: Series, notes: Notes) -> Series:
    """Return `left and right` or `left unless right`."""
    check_meeting(left, right, Matching.of(node), notes)
    may_be_empty = str(node.op) == "unless" or left.may_be_empty or right.may_be_empty
    return replace(left, may_be_empty=may_be_empty)


def compared(node: ast.BinaryExpr, left: Series, right: Series, notes: Notes) -> Series:
    """Return a comparison: the left side where it holds, or 1 and 0 with bool."""
    kept = _joined(node, left, right, notes)
    _check_alike(str(node.op), left, right, notes)
    if node.modifier and node.modifier.return_bool:
        return replace(kept, quantity=Quantity(base=Base.FLAG))
    shown = right if left.is_scalar else left
    may_be_empty = kept.may_be_empty or not _always_holds(str(node.op), shown, right)
    return replace(kept, quantity=shown.quantity, may_be_empty=may_be_empty, is_quantile=shown.is_quantile)


def _always_holds(op: str, shown: Series, limit: Series) -> bool:
    """Return whether something is left while all is well: of a rate where it is above 0, of a state the one that is."""
    is_state = bool(shown.metrics) and shown.metrics[0].says.startswith("1 for the")
    return (shown.rated and limit.zero and op in (">", ">=")) or (is_state and op == "==" and limit.number == 1)


def _splits(left: Series, right: Series) -> bool:
    """Return whether two sides are the cases of one thing, such as what is above 0 and what isn't."""
    shared = _families(left) & _families(right)
    return bool(shared) and "ALERTS" not in shared


def computed(node: ast.BinaryExpr, left: Series, right: Series, notes: Notes) -> Series:
    """Return an arithmetic operation."""
    op = str(node.op)
    if left.number is not None and right.number is not None:
        return constant(_ARITHMETIC[op](left.number, right.number))
    joined = _joined(node, left, right, notes)
    if op in ("+", "-"):
        left, right, op = _as_difference(left, right, op)
        _check_moments(left, right, op, notes)
    elif op == "*":
        _check_product(left.quantity, right.quantity, notes)
    return replace(joined, quantity=_quantity(op, left, right), zero=op == "*" and (left.zero or right.zero))


def _joined(node: ast.BinaryExpr, left: Series, right: Series, notes: Notes) -> Series:
    """Return the result's labels and metrics; its values are the caller's."""
    vector = right if left.is_scalar else left
    both = replace(
        vector,
        metrics=left.metrics + right.metrics,
        may_be_empty=left.may_be_empty or right.may_be_empty,
        raw=None,
        is_now=False,
        number=None,
    )
    if left.is_scalar or right.is_scalar:
        return both
    matching = Matching.of(node)
    check_meeting(left, right, matching, notes)
    check_one_to_one(left, right, matching, notes)
    return replace(both, labels=result_labels(left, right, matching), bucket=None, is_quantile=False)


def _as_difference(left: Series, right: Series, op: str) -> tuple[Series, Series, str]:
    """Return `-time() + x` and the like as `x - time()`."""
    for one, other in ((left, right), (right, left)):
        if op == "+" and one.is_now and one.quantity.scale < 0:
            return other, replace(one, quantity=q.scaled(one.quantity, -1)), "-"
    return left, right, op


def _check_moments(left: Series, right: Series, op: str, notes: Notes) -> None:
    moment, names = Base.MOMENT, [metric.name for metric in left.metrics + right.metrics]
    if op != "-" or not (left.is_now or right.is_now) or not names:
        return
    other = right if left.is_now else left
    if other.quantity.known and other.quantity.base is not moment:
        notes.add("moment", f"an age taken of {names[0]}, which is {other.quantity.words} and no moment")
    elif right.is_now and other.quantity.known and not any(word in name for word in _AHEAD for name in names):
        notes.add("moment", f"{names[0]} less time() is below zero: it lies in the past; time() - … is its age")


def _check_product(one: Quantity, other: Quantity, notes: Notes) -> None:
    measured = [side for side in (one, other) if side.known and side.base not in q.PLAIN]
    if len(measured) > 1 and Base.SECONDS not in (one.base, other.base):
        notes.add("unit", f"{one.words} times {other.words} measures nothing")


def _quantity(op: str, left: Series, right: Series) -> Quantity:
    one, other = left.quantity, right.quantity
    if op == "*" and (left.number is not None or right.number is not None):
        number, vector = (left.number, other) if left.number is not None else (right.number, one)
        return q.scaled(vector, number or 0)
    if op == "/" and right.number:
        return q.scaled(one, 1 / right.number)
    if op == "/":
        part = _families(left) == _families(right) and left.chosen >= right.chosen
        return q.quotient(one, other, alike=part)
    if op == "*":
        return q.product(one, other)
    if op in ("+", "-", "%"):
        return q.difference(one, other) if op == "-" else (one if not left.is_scalar else other)
    return q.UNKNOWN


def _check_alike(op: str, left: Series, right: Series, notes: Notes) -> None:
    one, other = left.quantity, right.quantity
    if left.is_scalar or right.is_scalar or not one.known or not other.known or one == other:
        return
    if one.base in q.PLAIN and other.base in q.PLAIN and (one.per_s, one.scale) == (other.per_s, other.scale):
        return
    if one.base is other.base and one.base in q.PLAIN and not one.per_s and not other.per_s:  # codes, as 2 * firing
        return
    notes.add("unit", f"the sides of {op} are {one.words} and {other.words}")


def _families(series: Series) -> set[str]:
    return {metric.family for metric in series.metrics}


def _listed(series: Series) -> str:
    return ", ".join(sorted(series.labels or ())) or "none"
