"""The inventory exporter's page: its example is read as it stands, and it names each metric there is."""

import re
from pathlib import Path

import yaml

from exporters.config import ExportersConfig
from exporters.names.catalogue import FAMILIES
from slo.documents import validate

PAGE = Path(__file__).parents[2] / "docs" / "exporters" / "inventory.md"


def test_the_example_is_a_configuration() -> None:
    (example,) = re.findall(r"```yaml\n(.*?)```", PAGE.read_text(), re.DOTALL)
    config = validate(yaml.safe_load(example), ExportersConfig, "inventory.md")
    assert config.inventory is not None
    assert len(config.inventory.locations) == 5


def test_each_metric_is_named() -> None:
    named = set(re.findall(r"`(inventory_[a-z_]+)", PAGE.read_text())) - {"inventory_exporter_up"}
    assert named == {family.name for family in FAMILIES["inventory"]}
