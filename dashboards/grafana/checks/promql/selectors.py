"""One selector of a query: whether the metric exists, has these labels, and they can have these values."""

import re
from collections.abc import Iterator
from difflib import get_close_matches

import promql_parser as ast

from dashboards.grafana.checks.promql.parse import placeholder
from dashboards.grafana.checks.promql.quantity import of_metric
from dashboards.grafana.checks.promql.series import UNKNOWN_SERIES, Notes, Series
from dashboards.grafana.known_metrics import JOBS, METRICS, VALUES, Metric

_PATTERN = re.compile(r"\.[.*+]|[|^]|\[.+\]|\$$")
_UNBORN = re.compile(r"error|rejected|refused|dropped")
_MATCHES, _EQUALS, _DIFFERS = ast.MatchOp.Re, ast.MatchOp.Equal, ast.MatchOp.NotEqual


def series_of(selector: ast.VectorSelector, notes: Notes) -> Series:
    """Return the series that `selector` selects; what can't be right is noted."""
    matchers = list(selector.matchers.matchers)
    name = selector.name
    if name is None:
        notes.add("metric", f"selects {selector} without a metric's name")
        return UNKNOWN_SERIES
    _check_environment(name, matchers, notes)
    metric = METRICS.get(name)
    if metric is None:
        notes.add("metric", f"{name} is exported by nothing{_instead(name)}")
        return UNKNOWN_SERIES
    for matcher in matchers:
        _check_matcher(metric, matcher, notes)
    one_bucket = any(matcher.name == "le" for matcher in matchers)
    return Series(
        labels=metric.labels,
        quantity=of_metric(metric),
        metrics=(metric,),
        raw=metric,
        chosen=frozenset(str(matcher) for matcher in matchers),
        bucket=metric if metric.kind == "bucket" and not one_bucket else None,
        may_be_empty=metric.name == "ALERTS" or _unborn(metric, matchers),
    )


def _instead(name: str) -> str:
    if f"{name}_bucket" in METRICS:
        return ": it is a histogram, ask for its _bucket, _sum or _count"
    near = get_close_matches(name, METRICS, n=1, cutoff=0.8)
    return f"; is it {near[0]}?" if near else ""


def _check_environment(name: str, matchers: list[ast.Matcher], notes: Notes) -> None:
    chosen = placeholder("environment")
    if not any(one.name == "environment" and one.op == _MATCHES and one.value == chosen for one in matchers):
        notes.add("environment", f'{name} is not selected by environment=~"$environment"')


def _check_matcher(metric: Metric, matcher: ast.Matcher, notes: Notes) -> None:
    if matcher.name not in metric.labels:
        notes.add("label", f"{metric.name} has no label {matcher.name}; it has {_listed(metric)}")
    if matcher.op in (_EQUALS, _DIFFERS):
        _check_exact(matcher, notes)
    if matcher.op in (_EQUALS, _MATCHES):
        _check_value(matcher, notes)


def _check_exact(matcher: ast.Matcher, notes: Notes) -> None:
    op = "=" if matcher.op == _EQUALS else "!="
    if "§" in matcher.value:
        variable = matcher.value.strip("§")
        notes.add(
            "value", f"{matcher.name} is compared with ${variable} by {op}: it holds several values, compare by =~"
        )
    elif _PATTERN.search(matcher.value):
        notes.add(
            "value", f'{matcher.name}{op}"{matcher.value}" looks like a pattern, and {op} compares it letter by letter'
        )


def _check_value(matcher: ast.Matcher, notes: Notes) -> None:
    allowed = JOBS if matcher.name == "job" else VALUES.get(matcher.name)
    if not allowed or not matcher.value or "§" in matcher.value:
        return
    if not any(_fits(matcher, value) for value in allowed):
        among = ", ".join(sorted(allowed))
        notes.add("value", f'{matcher.name} never has the value "{matcher.value}"; it is one of {among}')


def _fits(matcher: ast.Matcher, value: str) -> bool:
    return value == matcher.value if matcher.op == _EQUALS else bool(re.fullmatch(matcher.value, value))


def _unborn(metric: Metric, matchers: list[ast.Matcher]) -> bool:
    """Return whether these series may not be born yet while all is well: those of errors."""
    return metric.kind != "gauge" and (
        bool(_UNBORN.search(metric.name) and metric.labels - {"job", "instance", "environment"})
        or any(_selects_errors(matcher) for matcher in matchers)
    )


def _selects_errors(matcher: ast.Matcher) -> bool:
    positive = matcher.op in (_EQUALS, _MATCHES)
    return positive and (
        (matcher.name == "http_response_status_code" and matcher.value[:1] in "45")
        or matcher.value == "STATUS_CODE_ERROR"
    )


def _listed(metric: Metric) -> str:
    return ", ".join(sorted(metric.labels))


def selectors(node: ast.Expr) -> Iterator[ast.VectorSelector]:
    """Yield every selector of a tree, in order."""
    found: list[ast.VectorSelector] = []

    def visit(one: ast.Expr) -> None:
        if isinstance(one, ast.VectorSelector):
            found.append(one)
        elif isinstance(one, ast.MatrixSelector):
            found.append(one.vector_selector)

    ast.walk(node, pre_visit=visit)
    yield from {str(one): one for one in found}.values()
