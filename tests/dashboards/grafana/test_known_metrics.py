"""What the checks know of metrics is what is exported, recorded and scraped."""

import re
from pathlib import Path

import yaml

from dashboards.grafana.known_metrics import JOBS, METRICS, RULE_LABELS
from exporters.config import SUBJECTS
from exporters.names.catalogue import FAMILIES
from tests.dashboards.conftest import CHECKOUT

RULES = CHECKOUT / "docker" / "prometheus" / "rules"


def recorded() -> dict[str, set[str]]:
    """Return the labels of every recording rule of the shipped objectives."""
    groups = [group for path in sorted(RULES.glob("*.yml")) for group in yaml.safe_load(path.read_text())["groups"]]
    return {rule["record"]: set(rule["labels"]) for group in groups for rule in group["rules"] if "record" in rule}


def test_every_series_that_the_shipped_rules_record_is_known_with_its_labels() -> None:
    found = recorded()
    assert len(found) >= 29
    for name, labels in found.items():
        assert METRICS[name].labels == labels == RULE_LABELS


def test_every_recorded_series_that_is_known_is_recorded_but_for_other_periods() -> None:
    periods = ("7d", "30d", "90d")
    known = {name for name in METRICS if name.startswith("objective:") and not name.endswith(periods)}
    assert known == set(recorded())


def test_every_family_of_the_catalogue_is_known_under_its_names_on_the_wire() -> None:
    for families in FAMILIES.values():
        for family in families:
            suffixes = ("_bucket", "_sum", "_count") if family.kind == "histogram" else ("",)
            for suffix in suffixes:
                metric = METRICS[family.name + suffix]
                assert metric.labels >= set(family.labels)
                assert (metric.kind == "gauge") is (family.kind == "gauge")


def test_every_subject_has_its_health() -> None:
    assert {f"{subject}_exporter_up" for subject in SUBJECTS} <= METRICS.keys()


def test_the_jobs_of_the_stack_are_known() -> None:
    config = yaml.safe_load((CHECKOUT / "docker" / "prometheus" / "prometheus.yml").read_text())
    named = {scrape["job_name"] for scrape in config["scrape_configs"]}
    assert {"shop", "payments"} <= named <= JOBS


def test_the_jobs_of_the_contract_are_known() -> None:
    text = Path(CHECKOUT / "docs" / "contracts.md").read_text()
    section = text.split("## Prometheus jobs of a run")[1].split("\n## ")[0]
    named = set(re.findall(r"`(\w+)`", section.split(";")[0]))
    assert {"shop", "loadgen"} <= named <= JOBS
