"""What the panels of a dashboard show of the feed: each query in the healthy and in the faulty environment."""

import math
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from dashboards.grafana.archive import kind_of
from dashboards.grafana.queries import Timing, fill, panels, unchosen
from scripts.local_stack.prometheus import Series
from slo.outcomes import EnvironmentLacks
from tests.dashboards.feed.filled import ENVIRONMENTS, Feed

Json = dict[str, Any]
_AT_ONCE = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """A query of a panel: in which environments it has data, and why Prometheus refused it, if it did."""

    panel: str
    query: str
    declares: str
    data_in: frozenset[str]
    refused: str = ""


def answered(feed: Feed, dashboard: Json) -> list[Answered]:
    """Return every query of a dashboard with what came of it."""
    asked = [(panel, target) for panel in panels(dashboard) for target in panel["targets"]]
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        return list(pool.map(lambda one: _answered(feed, dashboard, *one), asked))


def _answered(feed: Feed, dashboard: Json, panel: Json, target: Json) -> Answered:
    found, refused = set(), ""
    for environment in ENVIRONMENTS:
        variables = {**unchosen(dashboard, Timing.over(*feed.span)), "environment": environment}
        query = fill(target["expr"], variables)
        try:
            series = feed.instant(query) if kind_of(target) == "instant" else feed.range(query)
        except EnvironmentLacks as error:
            refused = str(error)
            continue
        if _has_data(series):
            found.add(environment)
    return Answered(
        panel=panel["title"],
        query=target["expr"],
        declares=panel["fieldConfig"]["defaults"].get("noValue") or "",
        data_in=frozenset(found),
        refused=refused,
    )


def _has_data(series: Sequence[Series]) -> bool:
    """Whether there is a number: NaN is what Prometheus says where it divides nothing by nothing."""
    return any(not math.isnan(value) for one in series for value in one.value)
