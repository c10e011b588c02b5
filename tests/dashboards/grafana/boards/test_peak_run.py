"""The dashboard "Peak run", held against the contract of a run's metrics."""

import re

import pytest

from dashboards.grafana.build import build
from dashboards.grafana.queries import expressions, panels, queries
from dashboards.grafana.upgrade import Json
from tests.dashboards.conftest import CHECKOUT

_METRIC = re.compile(r"\b([a-z]+_[a-z_]+)(?=\{)")


@pytest.fixture(scope="module")
def dashboard() -> Json:
    return build()["peak-run"]


def contract() -> set[str]:
    """Return the metric names of the contract: its table, and the server's own histogram."""
    text = (CHECKOUT / "docs" / "contracts.md").read_text()
    table = text.split("## Prometheus jobs of a run")[1].split("\n## ")[0]
    first_cells = [line.split("|")[1] for line in table.splitlines() if line.startswith("| `")]
    named = {name for cell in first_cells for name in re.findall(r"`([^`<]+)`", cell)}
    assert "http_server_request_duration_seconds" in text
    return named | {"http_server_request_duration_seconds"}


def test_every_metric_asked_for_is_in_the_contract(dashboard: Json) -> None:
    asked = {name for _, target in expressions(dashboard) for name in _METRIC.findall(target["expr"])}
    bases = {re.sub(r"_(bucket|count|sum)$", "", name) for name in asked}
    assert len(bases) >= 15
    assert bases - contract() == set()


def test_every_contract_metric_of_the_load_generator_is_shown(dashboard: Json) -> None:
    shown = " ".join(queries(dashboard))
    left_out = {name for name in contract() if name.startswith("loadtest_") and name not in shown}
    assert left_out == {"loadtest_gate_outcome", "loadtest_gate_timestamp_seconds"}  # after the run: releases


def test_rows_follow_the_data(dashboard: Json) -> None:
    rows = [panel["title"] for panel in dashboard["panels"] if panel["type"] == "row"]
    assert rows == [
        "Does it hold?",
        "Load: planned against achieved",
        "Orders and errors, as the shopper met them",
        "Latency from the scheduled start",
        "Shop: the server's own view",
        "Payment provider",
        "Spans: where the time goes",
        "Business: stock and funnel",
        "Generator: can the figures above be believed?",
    ]


def test_what_shoppers_and_servers_say_leads_on_to_where_the_cause_is(dashboard: Json) -> None:
    alone = {"Sessions started", "Requests by step", "Open sessions", "Sessions dropped", "Generator CPU"}
    alone |= {"Scheduling lag p99", "Multiple of the plan"}
    unlinked = {panel["title"] for panel in panels(dashboard) if not panel["fieldConfig"]["defaults"].get("links")}
    assert unlinked == alone
