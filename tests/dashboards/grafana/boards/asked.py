"""What a board asks for, read back from its JSON."""

import re

from dashboards.grafana.build import build
from dashboards.grafana.queries import expressions, panels
from dashboards.grafana.upgrade import Json

# What OpenTelemetry's HTTP and database metrics, Prometheus' client libraries and Prometheus itself call theirs.
OF_OTHERS = frozenset(
    {
        "http_server_request_duration_seconds_count",
        "http_server_request_duration_seconds_bucket",
        "http_server_active_requests",
        "http_client_request_duration_seconds_count",
        "http_client_request_duration_seconds_bucket",
        "db_client_connection_count",
        "db_client_connection_max",
        "process_cpu_seconds_total",
        "process_resident_memory_bytes",
        "process_open_fds",
        "process_max_fds",
        "ALERTS",
        "ALERTS_FOR_STATE",
    }
)
_METRIC = re.compile(r"([a-zA-Z_:][\w:]*)\{")


def metrics(dashboard: Json) -> set[str]:
    """Return every metric that a query or a mark selects."""
    marks = [one["expr"] for one in dashboard["annotations"]["list"] if "expr" in one]
    return {
        name for expr in [*(t["expr"] for _, t in expressions(dashboard)), *marks] for name in _METRIC.findall(expr)
    }


def asked_of(board: str) -> list[str]:
    """Return every query of a board as it stands in it."""
    return [target["expr"] for _, target in expressions(build()[board])]


def links(dashboard: Json) -> dict[str, list[str]]:
    """Return the addresses that each panel's values lead to, by the panel's title."""
    return {panel["title"]: [link["url"] for link in _links(panel)] for panel in panels(dashboard)}


def _links(panel: Json) -> list[Json]:
    own: list[Json] = list(panel["fieldConfig"]["defaults"].get("links", []))
    for override in panel["fieldConfig"]["overrides"]:
        own += [link for one in override["properties"] if one["id"] == "links" for link in one["value"]]
    return own
