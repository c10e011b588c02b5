"""The dashboard "Peak run", held against Grafana's schemas, the contract, our rules and Prometheus' parser."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from dashboards.grafana.build import GENERATED, build, render, stale, write
from dashboards.grafana.checks import UNITS, check
from dashboards.grafana.queries import expressions, panels, queries
from dashboards.grafana.upgrade import Json
from tests.dashboards.conftest import CHECKOUT, Schemas

_METRIC = re.compile(r"\b([a-z]+_[a-z_]+)(?=\{|\[|\)| )")
_WORDS = {"histogram_quantile", "http_route", "http_response_status_code", "service_name", "span_name"}


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


def test_the_dashboard_keeps_every_rule(dashboard: Json) -> None:
    assert check(dashboard) == []


def test_grafana_accepts_the_dashboard_without_its_panels(dashboard: Json, schemas: Schemas) -> None:
    assert schemas.errors({**dashboard, "panels": []}, "dashboard", "Dashboard") == []


def test_grafana_accepts_every_panel_with_its_options_and_queries(dashboard: Json, schemas: Schemas) -> None:
    wrong = []
    for panel in panels(dashboard):
        wrong += schemas.errors(panel, "dashboard", "Panel")
        wrong += schemas.errors(panel["options"], panel["type"], "Options")
        if panel["type"] == "timeseries":
            wrong += schemas.errors(panel["fieldConfig"]["defaults"]["custom"], "timeseries", "FieldConfig")
        for target in panel["targets"]:
            wrong += schemas.errors(target, "prometheus", "Dataquery")
    assert wrong == []


def test_grafana_accepts_every_row(dashboard: Json, schemas: Schemas) -> None:
    rows = [panel for panel in dashboard["panels"] if panel["type"] == "row"]
    assert [error for row in rows for error in schemas.errors(row, "dashboard", "RowPanel")] == []


def test_grafana_knows_every_unit_the_rules_allow(schemas: Schemas) -> None:
    known = {unit.get("const") for unit in schemas.read("units")["definitions"].values()}
    assert known >= UNITS


def test_the_committed_file_is_what_the_code_builds() -> None:
    assert stale() == []


def test_building_twice_gives_the_same_bytes(tmp_path: Path) -> None:
    assert [path.read_bytes() for path in write(tmp_path)] == [path.read_bytes() for path in write(tmp_path)]
    assert stale(tmp_path) == []
    (tmp_path / "peak-run.json").write_text("{}")
    assert stale(tmp_path) == ["peak-run"]


def test_the_file_ends_in_a_newline_and_lies_in_generated() -> None:
    assert (GENERATED / "peak-run.json").read_bytes() == render(build()["peak-run"])


def test_every_metric_asked_for_is_in_the_contract(dashboard: Json) -> None:
    asked = {name for _, target in expressions(dashboard) for name in _METRIC.findall(target["expr"])} - _WORDS
    bases = {re.sub(r"_(bucket|count|sum)$", "", name) for name in asked}
    assert len(bases) >= 15
    assert bases - contract() == set()


def test_every_contract_metric_of_the_load_generator_is_shown(dashboard: Json) -> None:
    shown = " ".join(queries(dashboard))
    left_out = {name for name in contract() if name.startswith("loadtest_") and name not in shown}
    after_the_run = {"loadtest_gate_outcome", "loadtest_gate_timestamp_seconds"}
    as_ratios_of_others = {"loadtest_objective_requests", "loadtest_objective_bad_requests"}
    assert left_out == {"loadtest_planned_sessions_total"} | after_the_run | as_ratios_of_others


def test_no_query_keeps_a_variable(dashboard: Json) -> None:
    assert [query for query in queries(dashboard) if "$" in query] == []


def test_latency_panels_offer_exemplars(dashboard: Json) -> None:
    asked = {target["exemplar"] for _, target in expressions(dashboard) if "histogram_quantile" in target["expr"]}
    assert asked == {True}


def test_rows_follow_the_data(dashboard: Json) -> None:
    rows = [panel["title"] for panel in dashboard["panels"] if panel["type"] == "row"]
    assert rows == [
        "Load: planned against achieved",
        "Orders and errors, as the shopper met them",
        "Latency from the scheduled start",
        "Shop: the server's own view",
        "Payment provider",
        "Spans: where the time goes",
        "Business: stock and funnel",
        "Generator: can the figures above be believed?",
    ]


def test_prometheus_parses_every_query(dashboard: Json, tmp_path: Path) -> None:
    """Promtool has no check of a bare expression, so each stands as a recording rule."""
    promtool = os.environ.get("PEAKPROOF_PROMTOOL") or shutil.which("promtool")
    if not promtool:
        pytest.skip("promtool is not installed")
    rules = "".join(f"  - record: q{i}\n    expr: |-\n      {q}\n" for i, q in enumerate(queries(dashboard)))
    (tmp_path / "rules.yaml").write_text(f"groups:\n- name: peak-run\n  rules:\n{rules}")
    done = subprocess.run(
        [promtool, "check", "rules", str(tmp_path / "rules.yaml")], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
