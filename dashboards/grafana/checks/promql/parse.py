"""A dashboard's PromQL as a tree: Grafana's variables are put in place by values that are known again in the tree."""

from collections.abc import Mapping
from functools import lru_cache
from types import MappingProxyType

import promql_parser as ast

from dashboards.grafana.queries import fill, variables_of
from slo.objectives.promql_tree import parsed

# Durations that no author writes stand for Grafana's own variables: the tree holds durations as numbers.
WINDOWS: Mapping[str, int] = MappingProxyType({"__rate_interval": 86_413, "__range": 86_423, "__interval": 86_429})
WRITTEN: Mapping[int, str] = MappingProxyType({seconds: f"${name}" for name, seconds in WINDOWS.items()})
_NUMBERS = {f"{name}_{unit}": "900" for name in WINDOWS for unit in ("s", "ms")}
_VALUES = {name: f"{seconds}s" for name, seconds in WINDOWS.items()} | _NUMBERS


class NotPromQLError(ValueError):
    """Raised for text that Prometheus would refuse; the message is the parser's."""


def placeholder(variable: str) -> str:
    """Return what stands for a variable of the board in a label's value."""
    return f"§{variable}§"


@lru_cache(maxsize=4096)
def parse(expr: str) -> ast.Expr:
    """Return the tree of a query with Grafana's variables in it; raises NotPromQLError."""
    values = {name: _VALUES.get(name, placeholder(name)) for name in variables_of(expr)}
    try:
        return parsed(fill(expr, values))
    except ValueError as refused:
        raise NotPromQLError(str(refused)) from None
