"""The names that docs/contracts.md promises of a run are those exposed, and every name has good manners."""

import re
from pathlib import Path

from exporters.names.catalogue import FAMILIES as BY_SUBJECT
from exporters.names.family import Health

CONTRACT = Path(__file__).parents[2] / "docs" / "contracts.md"
LISTED = [family for families in BY_SUBJECT.values() for family in families]
FAMILIES = {family.name: family for family in LISTED}
OF_A_RUN = ("loadgen", "stock and orders of a run", "spans")


def promised() -> dict[str, set[str]]:
    """Return the metrics of the contract's table with their labels."""
    section = CONTRACT.read_text().partition("## Prometheus jobs of a run")[2].partition("\n## ")[0]
    rows = [line.split("|")[1:4] for line in section.splitlines() if line.startswith("| `")]
    out: dict[str, set[str]] = {}
    for metrics, _, labels in rows:
        for name in re.findall(r"`([a-z_0-9]+)`", metrics):
            out[name] = set(re.findall(r"`([a-z_0-9]+)`", labels))
    return out


def test_every_promised_metric_is_exposed_with_promised_labels_only() -> None:
    table = promised()
    assert set(table) == {family.name for part in OF_A_RUN for family in BY_SUBJECT[part]}
    assert {
        name: set(FAMILIES[name].labels) - labels
        for name, labels in table.items()
        if set(FAMILIES[name].labels) - labels
    } == {}


def test_only_counters_end_in_total_and_every_counter_does() -> None:
    assert [name for name, family in FAMILIES.items() if name.endswith("_total") != (family.kind == "counter")] == []


def test_no_two_families_share_a_name_and_each_has_a_sentence_of_help() -> None:
    assert len(LISTED) == len(FAMILIES)
    assert [family.name for family in LISTED if not family.help.endswith(".")] == []


def test_no_label_is_called_as_the_scrape_configuration_calls_its_own() -> None:
    """Source: https://prometheus.io/docs/instrumenting/writing_exporters/#labels."""
    wrong = {"region", "service", "env", "type", "environment", "job", "instance"}
    assert [family.name for family in LISTED if wrong & set(family.labels)] == []


def test_every_subject_has_its_up_and_its_duration() -> None:
    health = Health(subject="stock")
    assert (health.up.name, health.duration.name) == ("stock_exporter_up", "stock_exporter_scrape_duration_seconds")
