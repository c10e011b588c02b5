"""The alerts of the inventory: Prometheus itself says when each fires, and each has a page for whoever it wakes."""

import re
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from exporters.alerts.inventory import alerts, sources
from exporters.names.catalogue import FAMILIES
from slo.rules.model import Alert, Group
from slo.rules.rule_tests import rule_tests
from slo.rules.scenarios import of_cases
from slo.rules.scope import Scope
from slo.rules.signals import Signal
from slo.rules.write import rule_file
from tests.exporters.subjects.inventory.scraped import inventory
from tests.exporters.subjects.inventory.test_families import SHOP, SOLD, SOURCE
from tests.promtool import NEEDED, PROMTOOL

SCOPE = Scope(environment="production")
RUNBOOKS = Path(__file__).parents[3] / "docs" / "runbooks"
EVERY_S, SCRAPE_S = 60, 30
COLUMNS = {**SOURCE["columns"], "updated_at": "changed"}
LOCATIONS = {"depot": {**SOURCE, "kind": "warehouse"}, "shop-1": {**SOURCE, "columns": COLUMNS, "stale_after_s": 7200}}
WHOLE = {"locations": LOCATIONS, "web_shop": SHOP, "sales": SOLD}
STRICT = {
    **WHOLE,
    "season": {**SOLD, "forecast": "forecast.json"},
    "lead_time_days": 90,
    "alerts": {"drift_ratio": 0.05, "drift_units": 3, "short_skus": 2, "warehouse_out_skus": 4},
}


def group(settings: dict[str, Any]) -> Group:
    return Group(name="peakproof-inventory-production", rules=alerts(inventory(settings), SCOPE))


def promtool(rules: Group, cases: Group, folder: Path) -> "subprocess.CompletedProcess[str]":
    (folder / "rules.yml").write_text(rule_file((rules,), SCOPE))
    tests = rule_tests(of_cases(cases, SCOPE, EVERY_S), ["rules.yml"], EVERY_S, SCRAPE_S)
    (folder / "tests.yml").write_text(tests)
    return subprocess.run(
        [str(PROMTOOL), "test", "rules", "tests.yml"], cwd=folder, capture_output=True, text=True, check=False
    )


@NEEDED
@pytest.mark.parametrize("settings", [WHOLE, STRICT])
def test_each_alert_fires_and_clears_when_arithmetic_says(settings: dict[str, Any], tmp_path: Path) -> None:
    found = group(settings)
    done = promtool(found, found, tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr


@NEEDED
def test_a_second_replica_of_the_exporter_doubles_nothing(tmp_path: Path) -> None:
    names = ("InventoryStockDrift", "InventoryCoverShort")
    alike = [one for one in group(STRICT).alerts if one.name in names]
    twice = [
        replace(one, cases=tuple(replace(case, signals=tuple(_both(case.signals))) for case in one.cases))
        for one in alike
    ]
    rules, cases = (Group(name="g", rules=tuple(found)) for found in (alike, twice))
    done = promtool(rules, cases, tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr


def _both(signals: tuple[Signal, ...]) -> Iterator[Signal]:
    for signal in signals:
        for instance in ("a:9000", "b:9000"):
            yield replace(signal, labels=(*signal.labels, ("instance", instance)))


def test_there_are_alerts_for_what_is_configured_alone() -> None:
    assert [alert.name for alert in group(WHOLE).alerts] == [
        "InventoryExporterDown",
        "InventorySourceDown",
        "InventoryOversold",
        "InventoryStockDrift",
        "InventoryCoverShort",
        "InventoryCountStale",
        "InventoryWarehouseOutStoreHas",
    ]
    untimed = {"sql": {"url": {"env": "DB"}, "query": "select 1"}, "columns": SOURCE["columns"]}
    assert [alert.name for alert in group({"locations": {"a": untimed}}).alerts] == [
        "InventoryExporterDown",
        "InventorySourceDown",
        "InventoryOversold",
    ]
    assert sources(inventory(STRICT)) == ("depot", "shop-1", "web-shop", "sales", "season", "forecast")


def mutants() -> list[tuple[str, Alert, Alert]]:
    """Return each alert with a number of its expression, or the time it waits, changed."""
    found = []
    for alert in group(STRICT).alerts:
        for match in re.finditer(r"(?<=[<>] )[\d.]+", alert.expr):
            step = max(1.0, float(match[0]) / 20)
            for changed in (f"{float(match[0]) + step:f}", f"{float(match[0]) - step:f}"):
                expr = alert.expr[: match.start()] + changed + alert.expr[match.end() :]
                found.append((f"{alert.name}: {changed} for {match[0]}", alert, replace(alert, expr=expr)))
        found.append((f"{alert.name}: waits longer", alert, replace(alert, for_s=alert.for_s + 300)))
    return found


@NEEDED
@pytest.mark.heavy
def test_a_threshold_or_a_wait_that_is_changed_is_caught(tmp_path: Path) -> None:
    missed = []
    for name, alert, mutant in mutants():
        rules, cases = (Group(name="g", rules=(one,)) for one in (mutant, alert))
        if promtool(rules, cases, tmp_path).returncode == 0:
            missed.append(name)
    assert missed == []


@pytest.mark.parametrize("alert", group(STRICT).alerts, ids=lambda alert: alert.name)
def test_each_alert_has_a_runbook_whose_queries_name_metrics_there_are(alert: Alert) -> None:
    text = (RUNBOOKS / f"{alert.runbook}.md").read_text()
    lines = text.splitlines()
    assert len(lines) <= 60
    for heading in ("## First look", "## Likely causes", "## Stop the bleeding", "## It is over when"):
        assert heading in lines
    queries = re.findall(r"```promql\n(.*?)```", text, re.DOTALL)
    known = {family.name for family in FAMILIES["inventory"]} | {"inventory_exporter_up"}
    named = {name for query in queries for name in re.findall(r"inventory_[a-z_]+", query)}
    assert queries
    assert named <= known


@NEEDED
@pytest.mark.parametrize("alert", group(STRICT).alerts, ids=lambda alert: alert.name)
def test_the_queries_of_a_runbook_are_promql(alert: Alert, tmp_path: Path) -> None:
    text = (RUNBOOKS / f"{alert.runbook}.md").read_text()
    queries = re.findall(r"```promql\n(.*?)```", text, re.DOTALL)
    rules = "".join(f"  - record: q{n}\n    expr: |\n      {query.strip()}\n" for n, query in enumerate(queries))
    (tmp_path / "rules.yml").write_text(f"groups:\n- name: g\n  rules:\n{rules}")
    done = subprocess.run(
        [str(PROMTOOL), "check", "rules", "rules.yml"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
