"""The examples are as short as the interface promises, and installed from no registry in particular."""

import json
from pathlib import Path

import pytest

from tests.example_shops.node import EXAMPLES

# The most lines, without blank ones, of a storefront, and of it with the shop records.
MOST_LINES = {"medusa": (60, 85), "oscar": (80, 105), "vendure": (65, 85)}


def _lines(path: Path) -> int:
    return sum(bool(line.strip()) for line in path.read_text().splitlines())


@pytest.mark.parametrize("name", MOST_LINES)
def test_a_storefront_is_short(name: str) -> None:
    storefront, records = (_lines(EXAMPLES / name / file) for file in ("storefront.py", "records.py"))
    assert storefront <= MOST_LINES[name][0]
    assert storefront + records <= MOST_LINES[name][1]


@pytest.mark.parametrize("lock", sorted(EXAMPLES.glob("*/package-lock.json")), ids=lambda path: path.parent.name)
def test_a_lock_names_each_package_by_its_hash_and_no_registry(lock: Path) -> None:
    packages = json.loads(lock.read_text())["packages"]
    assert len(packages) > 100
    assert [name for name, one in packages.items() if name and "integrity" not in one] == []
    assert [name for name, one in packages.items() if "resolved" in one] == []
