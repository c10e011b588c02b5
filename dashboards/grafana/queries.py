"""A dashboard's PromQL as it is sent to Prometheus: every variable filled in."""

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from dashboards.grafana.upgrade import Json

# As many points as a panel has pixels for, about.
MOST_POINTS = 360


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """How much is shown, how far apart its points are, and how often the series were scraped."""

    range_s: int = 900
    step_s: int = 1
    scrape_interval_s: int = 1

    @classmethod
    def over(cls, start: int, end: int, scrape_interval_s: int = 1) -> "Timing":
        """Return the timing of `start` to `end` (ns) in at most `MOST_POINTS` steps, none shorter than a scrape's."""
        range_s = max(1, math.ceil((end - start) / 1e9))
        step_s = max(scrape_interval_s, math.ceil(range_s / MOST_POINTS))
        return cls(range_s=range_s, step_s=step_s, scrape_interval_s=scrape_interval_s)

    @property
    def variables(self) -> Mapping[str, str]:
        """Grafana's own variables.

        https://grafana.com/docs/grafana/latest/datasources/prometheus/template-variables/ says what each is.
        """
        rate_s = max(self.step_s + self.scrape_interval_s, 4 * self.scrape_interval_s)
        return {
            "__rate_interval": f"{rate_s}s",
            "__rate_interval_ms": f"{rate_s * 1000}",
            "__interval": f"{self.step_s}s",
            "__interval_ms": f"{self.step_s * 1000}",
            "__range": f"{self.range_s}s",
            "__range_s": f"{self.range_s}",
            "__range_ms": f"{self.range_s * 1000}",
        }


TIMING = Timing()
VARIABLES: Mapping[str, str] = MappingProxyType({**TIMING.variables, "datasource": "prometheus"})
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


def unchosen(dashboard: Json, timing: Timing = TIMING) -> dict[str, str]:
    """Return every variable's value where the reader chose nothing: Grafana's own, and all of what there is."""
    chosen = {one["name"]: one["allValue"] for one in dashboard["templating"]["list"] if one["type"] == "query"}
    return {**chosen, **VARIABLES, **timing.variables}


def queries(dashboard: Json, timing: Timing = TIMING) -> list[str]:
    """Return every query of `dashboard` once, in order, nothing chosen; raises ValueError on an unknown variable."""
    variables = unchosen(dashboard, timing)
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
