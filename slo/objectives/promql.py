"""What a query of an objective comes to: counters that are read exactly, or PromQL that Prometheus has to evaluate.

Read as counters are the usual shapes: a counter's selector, `rate` or `increase` of one over a range, `sum` of either,
sums of such, and a ratio of two such sums or 1 less it. The range that is written doesn't matter then: the increase is
read over the judged window itself. `or vector(0)` behind a sum is passed over, as missing series are looked at by
themselves. Everything else is evaluated: other functions and aggregations, offsets, factors, joins.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import promql_parser as ast

from slo.objectives.promql_tree import parts_of
from slo.objectives.selectors import Matcher, Selector, parse_promql, selected, selector_of
from slo.objectives.sources import WINDOW

_PLACE = "86413s"  # a range that no author writes stands for the one to be chosen
_TEMPLATE = re.compile(r"\{\{\s*\.window\s*\}\}")
_COUNTING = {"rate", "increase"}
_OF_GAUGES = frozenset(
    {
        "delta",
        "idelta",
        "deriv",
        "predict_linear",
        "avg_over_time",
        "min_over_time",
        "max_over_time",
        "quantile_over_time",
    }
)
_COMPLEMENT = {"=": "!=", "!=": "=", "=~": "!~", "!~": "=~"}
Usage = Literal["rate", "increase", "bare"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sum:
    """A sum of counters, and how the query uses them; ranges in s, None of the range to be chosen."""

    selectors: tuple[Selector, ...]
    usages: frozenset[tuple[Usage, float | None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ratio:
    """A ratio of two sums, or 1 less it where it is `turned`."""

    part: Sum
    total: Sum
    turned: bool


def one_line(query: str) -> str:
    """Return a query on one line, with `{window}` where it is a template of a range."""
    return " ".join(_TEMPLATE.sub(WINDOW, query).split())


def tree_of(query: str) -> ast.Expr:
    """Return the tree of a query; raises ValueError."""
    tree = parse_promql(query.replace(WINDOW, _PLACE))
    if isinstance(tree, ast.MatrixSelector | ast.SubqueryExpr | ast.StringLiteral):
        raise ValueError("expected numbers, not a range of samples: put rate() around it")  # noqa: TRY004 - for people
    return tree


def sum_of(query: str) -> Sum | None:
    """Return the counters that a query is the sum of, None where it says more; raises ValueError for no PromQL."""
    found = _sum(tree_of(query))
    plain = found is not None and len(found.selectors) == 1 and found.usages == {("bare", None)}
    if found is not None and plain and not query.lstrip().startswith(("sum", "(")):
        one = found.selectors[0]  # as it is written: the archive's name for it
        return Sum(
            selectors=(Selector(text=query.strip(), metric=one.metric, matchers=one.matchers),), usages=found.usages
        )
    return found


def ratio_of(query: str) -> Ratio | None:
    """Return the two sums that a query is the ratio of, None where it says more; raises ValueError."""
    return _ratio(tree_of(query))


def rest_of(query: str, total: str) -> Sum | None:
    """Return what a query takes from `total`: of `total - part` the part, None of any other shape."""
    tree = _bare(tree_of(query))
    if not isinstance(tree, ast.BinaryExpr) or str(tree.op) != "-" or tree.modifier is not None:
        return None
    whole, everything = _sum(tree.lhs), _sum(tree_of(total))
    if whole is None or everything is None or set(whole.selectors) != set(everything.selectors):
        return None
    return _sum(tree.rhs)


def without(everything: Selector, bad: Selector) -> Selector | None:
    """Return the selector of what is in `everything` and not in `bad`; only one further matcher has a complement."""
    further = [one for one in bad.matchers if one not in everything.matchers]
    missing = [one for one in everything.matchers if one not in bad.matchers]
    if bad.metric != everything.metric or missing or len(further) != 1 or further[0].label == "le":
        return None
    one = further[0]
    turned = Matcher(label=one.label, op=_COMPLEMENT[one.op], value=one.value)
    return selector_of(everything.metric, (*everything.matchers, turned))


def longest_range_s(query: str) -> float:
    """Return the longest range that a query is written over, 0 where it has none or only one to be chosen."""
    ranges = [node.range.total_seconds() for node in _nodes(tree_of(query)) if hasattr(node, "range")]
    return max((one for one in ranges if f"{one:.0f}s" != _PLACE), default=0.0)


def plain_selector(query: str) -> Selector | None:
    """Return the selector that a query is and no more, of a gauge or a counter."""
    tree = tree_of(query)
    return selected(tree) if isinstance(tree, ast.VectorSelector) else None


def gauge_function(query: str) -> str | None:
    """Return the first function of a query that is one of gauges."""
    calls = (node.func.name for node in _nodes(tree_of(query)) if isinstance(node, ast.Call))
    return next((name for name in calls if name in _OF_GAUGES), None)


def is_percentage(query: str) -> bool:
    """Whether a query multiplies its result by 100."""
    tree = _bare(tree_of(query))
    if not isinstance(tree, ast.BinaryExpr) or str(tree.op) != "*":
        return False
    return any(isinstance(one, ast.NumberLiteral) and one.val == 100 for one in (tree.lhs, tree.rhs))  # noqa: PLR2004


def _bare(tree: ast.Expr) -> ast.Expr:
    while isinstance(tree, ast.ParenExpr):
        tree = tree.expr
    return tree


def _sum(tree: ast.Expr) -> Sum | None:
    tree = _bare(tree)
    if isinstance(tree, ast.AggregateExpr):
        is_sum = str(tree.op) == "sum" and tree.modifier is None
        return _counter(_bare(tree.expr)) if is_sum else None
    if isinstance(tree, ast.BinaryExpr):
        return _of_two(tree)
    return _counter(tree)


def _of_two(tree: ast.BinaryExpr) -> Sum | None:
    left = _sum(tree.lhs)
    if str(tree.op).lower() == "or":
        return left if left is not None and _is_zero(tree.rhs) else None
    right = _sum(tree.rhs)
    if str(tree.op) != "+" or tree.modifier is not None or left is None or right is None:
        return None
    if not all(isinstance(_bare(one), ast.AggregateExpr | ast.BinaryExpr) for one in (tree.lhs, tree.rhs)):
        return None  # of series, + is a join: only sums have no labels to join by
    return Sum(selectors=(*left.selectors, *right.selectors), usages=left.usages | right.usages)


def _is_zero(tree: ast.Expr) -> bool:
    return re.fullmatch(r"vector\(0\)", str(_bare(tree)).replace(" ", "")) is not None


def _counter(tree: ast.Expr) -> Sum | None:
    if isinstance(tree, ast.VectorSelector):
        found = selected(tree)
        return None if found is None else Sum(selectors=(found,), usages=frozenset({("bare", None)}))
    if not isinstance(tree, ast.Call) or tree.func.name not in _COUNTING:
        return None
    ranged = tree.args[0]
    if not isinstance(ranged, ast.MatrixSelector):
        return None
    found = selected(ranged.vector_selector)
    if found is None:
        return None
    range_s = ranged.range.total_seconds()
    usage: Usage = "rate" if tree.func.name == "rate" else "increase"
    chosen = None if f"{range_s:.0f}s" == _PLACE else range_s
    return Sum(selectors=(found,), usages=frozenset({(usage, chosen)}))


def _ratio(tree: ast.Expr) -> Ratio | None:
    tree = _bare(tree)
    if not isinstance(tree, ast.BinaryExpr) or tree.modifier is not None:
        return None
    left = _bare(tree.lhs)
    if str(tree.op) == "-" and isinstance(left, ast.NumberLiteral) and left.val == 1:
        inner = _ratio(tree.rhs)
        return None if inner is None else Ratio(part=inner.part, total=inner.total, turned=not inner.turned)
    if str(tree.op) != "/":
        return None
    total = _sum(tree.rhs)
    turned = isinstance(left, ast.BinaryExpr) and str(left.op) == "-"
    part = _rest(left, total) if isinstance(left, ast.BinaryExpr) and turned else _sum(left)
    return None if part is None or total is None else Ratio(part=part, total=total, turned=turned)


def _rest(difference: ast.BinaryExpr, total: Sum | None) -> Sum | None:
    whole = _sum(difference.lhs)
    is_rest = whole is not None and total is not None and set(whole.selectors) == set(total.selectors)
    return _sum(difference.rhs) if is_rest else None


def _nodes(tree: ast.Expr) -> Iterator[ast.Expr]:
    yield tree
    for inside in parts_of(tree):
        yield from _nodes(inside)
