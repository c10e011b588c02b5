"""A run's own Prometheus evaluates the rules of the run's objectives and of its exporters, often enough for minutes."""

import subprocess
from pathlib import Path
from typing import Any

import yaml

from scripts.rules.stack import OBJECTIVES
from scripts.running.run_rules import run_rules
from slo.objectives.reading import read_objectives
from tests.promtool import NEEDED, PROMTOOL


def groups_of(text: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = yaml.safe_load(text)["groups"]
    return found


def test_there_are_rules_of_every_objective_that_prometheus_can_read_and_of_every_exporter() -> None:
    rules = run_rules(read_objectives([OBJECTIVES]), ["loadgen", "stock"], "demo")
    assert set(rules) == {
        "exporter-loadgen.yml",
        "exporter-stock.yml",
        "objective-browse-server-availability.yml",
        "objective-browse-server-latency.yml",
        "objective-checkout-server-availability.yml",
        "objective-checkout-server-latency.yml",
    }
    groups = [group for text in rules.values() for group in groups_of(text)]
    assert {group["interval"] for group in groups} == {"5s", "15s"}
    assert {rule["labels"]["environment"] for group in groups for rule in group["rules"]} == {"demo"}


def test_what_a_window_covers_is_counted_from_the_first_seconds_on() -> None:
    """A rule that looks at each fifth minute of the clock may have no value before a run of minutes is over."""
    groups = [
        group for text in run_rules(read_objectives([OBJECTIVES]), (), "demo").values() for group in groups_of(text)
    ]
    coverage = {
        rule["record"]: rule["expr"]
        for group in groups
        for rule in group["rules"]
        if "coverage" in rule.get("record", "")
    }
    assert set(coverage) == {f"objective:events:coverage_ratio{window}" for window in ("1h", "6h", "1d", "3d", "28d")}
    assert [expr for expr in coverage.values() if ":" in expr.rpartition("[")[2]] == []


def test_without_objectives_and_exporters_there_are_none() -> None:
    assert run_rules((), (), "demo") == {}


@NEEDED
def test_promtool_takes_them(tmp_path: Path) -> None:
    rules = run_rules(read_objectives([OBJECTIVES]), ["loadgen", "stock", "orders"], "demo")
    for name, text in rules.items():
        (tmp_path / name).write_text(text)
    files = [str(tmp_path / name) for name in rules]
    done = subprocess.run([str(PROMTOOL), "check", "rules", *files], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
