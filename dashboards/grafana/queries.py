"""A dashboard's PromQL as it is sent to Prometheus: every variable filled in."""

import re
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any

from dashboards.grafana.upgrade import Json

VARIABLES: Mapping[str, str] = MappingProxyType(
    {
        # Four scrapes of 1 s and one to spare: a rate survives a scrape that came late.
        "__rate_interval": "5s",
        "__interval": "1s",
        "__interval_ms": "1000",
        "__range": "15m",
        "__range_s": "900",
        "__range_ms": "900000",
        "datasource": "prometheus",
    }
)
_VARIABLE = re.compile(r"\$\{(\w+)(?::\w+)?\}|\$(\w+)|\[\[(\w+)(?::\w+)?\]\]")


def panels(dashboard: Json) -> Iterator[Json]:
    """Yield every panel that is not a row, those inside collapsed rows included."""
    for panel in dashboard.get("panels", []):
        if panel.get("type") == "row":
            yield from panels(panel)
        else:
            yield panel


def expressions(dashboard: Json) -> Iterator[tuple[Json, Json]]:
    """Yield each panel with each of its targets."""
    for panel in panels(dashboard):
        for target in panel.get("targets", []):
            yield panel, target


def queries(dashboard: Json, variables: Mapping[str, str] = VARIABLES) -> list[str]:
    """Return every query of `dashboard` once, in its order; raises ValueError on a variable that has no value."""
    return list(dict.fromkeys(fill(target["expr"], variables) for _, target in expressions(dashboard)))


def fill(expr: str, variables: Mapping[str, str]) -> str:
    """Return `expr` with `$name`, `${name}` and `[[name]]` replaced; raises ValueError on a name without a value."""

    def value(match: re.Match[str]) -> str:
        name = _name(match)
        if name not in variables:
            raise ValueError(f"variable ${name} has no value in: {expr}")
        return variables[name]

    return _VARIABLE.sub(value, expr)


def variables_of(value: Any) -> set[str]:  # noqa: ANN401 - any part of a dashboard's JSON
    """Return the names of the variables that occur in any string of `value`."""
    match value:
        case str():
            return {_name(found) for found in _VARIABLE.finditer(value)}
        case dict():
            return set().union(*(variables_of(part) for part in value.values()))
        case list():
            return set().union(*(variables_of(part) for part in value))
        case _:
            return set()


def _name(match: re.Match[str]) -> str:
    return next(group for group in match.groups() if group)
