"""What the checks expect of a query's answer is what Prometheus answers: promtool evaluates every board's queries."""

import os
import re
import shutil
import subprocess
from functools import cache
from pathlib import Path
from typing import Any

import promql_parser as ast
import pytest
import yaml

from dashboards.grafana.build import build
from dashboards.grafana.checks.promql.parse import NotPromQLError, parse
from dashboards.grafana.checks.promql.read import read
from dashboards.grafana.checks.promql.selectors import selectors
from dashboards.grafana.known_metrics import METRICS
from dashboards.grafana.queries import expressions, fill, variables_of

_WINDOWS = {"__rate_interval": "5m", "__range": "10m", "__interval": "1m", "__range_s": "600"}
# What a label is tried with until the selectors' patterns match.
_CANDIDATES = (
    "x",
    "500",
    "403",
    "404",
    "firing",
    "pending",
    "captured",
    "page",
    "SPAN_KIND_SERVER",
    "STATUS_CODE_ERROR",
)
_LABELS = re.compile(r'(\w+)="')


@pytest.fixture(scope="module")
def promtool() -> str:
    found = os.environ.get("PEAKPROOF_PROMTOOL") or shutil.which("promtool")
    if not found:
        pytest.skip("promtool is not installed")
    return found


@cache
def every_query() -> tuple[str, ...]:
    return tuple(dict.fromkeys(target["expr"] for board in build().values() for _, target in expressions(board)))


def sent(expr: str) -> str:
    """Return the query for a Prometheus that has an hour of samples: what was before doesn't change the labels."""
    filled = fill(expr, {name: _WINDOWS.get(name, ".*") for name in variables_of(expr)})
    return re.sub(r" offset \w+", "", filled)


def series_for(selector: ast.VectorSelector) -> str | None:
    """Return a series that `selector` selects, with every label that its metric has; None where none is found."""
    metric = METRICS[selector.name or ""]
    labels = dict.fromkeys(sorted(metric.labels), "x") | ({"le": "1"} if metric.kind == "bucket" else {})
    for matcher in selector.matchers.matchers:
        value = _value(matcher, labels.get(matcher.name, ""))
        if value is None:
            return None
        labels[matcher.name] = value
    inside = ", ".join(f'{name}="{value}"' for name, value in labels.items() if value)
    return f"{metric.name}{{{inside}}}"


def _value(matcher: ast.Matcher, default: str) -> str | None:
    if matcher.op == ast.MatchOp.Equal:
        return str(matcher.value)
    if matcher.op == ast.MatchOp.Re:
        alternatives = (*_CANDIDATES, *matcher.value.split("|"))
        return next((one for one in alternatives if re.fullmatch(matcher.value, one)), None)
    return default


def evaluated(promtool: str, queries: list[str], folder: Path) -> dict[str, list[set[str]]]:
    """Return the label names of every series that Prometheus answers each query with."""
    made = {one for query in queries for one in map(series_for, selectors(ast.parse(query))) if one}
    document: dict[str, Any] = {
        "evaluation_interval": "1m",
        "tests": [
            {
                "interval": "1m",
                "input_series": [{"series": one, "values": "1+1x60"} for one in sorted(made)],
                "promql_expr_test": [{"expr": one, "eval_time": "1h", "exp_samples": []} for one in queries],
            }
        ],
    }
    (folder / "test.yaml").write_text(yaml.safe_dump(document))
    done = subprocess.run(
        [promtool, "test", "rules", str(folder / "test.yaml")], capture_output=True, text=True, check=False
    )
    return _parsed(done.stdout + done.stderr, queries)


def _parsed(output: str, queries: list[str]) -> dict[str, list[set[str]]]:
    answered: dict[str, list[set[str]]] = {query: [] for query in queries}
    for part in output.split('\n    expr: "')[1:]:
        query, _, rest = part.partition('", time: ')
        got = rest.partition("got: ")[2].partition("\n")[0]
        answered[query.replace('\\"', '"')] = [set(_LABELS.findall(one)) for one in re.findall(r"\{[^}]*\}", got)]
    return answered


def test_prometheus_answers_every_board_s_query_with_the_labels_that_the_checks_expect(
    promtool: str, tmp_path: Path
) -> None:
    by_sent = {sent(expr): expr for expr in every_query()}
    answered = evaluated(promtool, list(by_sent), tmp_path)
    empty = [query for query, series in answered.items() if not series]
    assert len(empty) < 0.05 * len(answered), empty
    for query, series in answered.items():
        if series:
            expected = read(by_sent[query]).series.labels or frozenset()
            assert frozenset().union(*series) - {"__name__"} == expected, query


REFUSED = (
    "max(up",
    "rate(up)",
    "sum(up[5m])",
    "maximum(up)",
    "up and 1",
    'up + "b"',
    "sum by (a) up",
    "up[5m",
    "histogram_quantile(up)",
    "up{job=~}",
    "1 or up",
    "up > on(job) group_left",
)


@pytest.mark.parametrize("query", REFUSED)
def test_what_prometheus_refuses_is_refused(promtool: str, query: str, tmp_path: Path) -> None:
    rules = {"groups": [{"name": "g", "rules": [{"record": "r", "expr": query}]}]}
    (tmp_path / "rules.yaml").write_text(yaml.safe_dump(rules))
    done = subprocess.run([promtool, "check", "rules", str(tmp_path / "rules.yaml")], capture_output=True, check=False)
    assert done.returncode != 0
    with pytest.raises(NotPromQLError):
        parse(query)
