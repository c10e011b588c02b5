"""The benchmark of the inventory, with few SKUs: what it counts is so for any number of them."""

from pathlib import Path

import pytest

from scripts.benches.exporters import inventory

pytestmark = pytest.mark.heavy


@pytest.mark.skipif(not list(Path("/usr/lib/postgresql").glob("*/bin")), reason="no PostgreSQL on this machine")
def test_a_scrape_sends_one_query_a_location_and_holds_no_lock() -> None:
    found = {figure.name: figure for figure in inventory.figures(skus=2_000, runs=1)}
    assert found["queries a location and scrape"].value == 1
    assert found["locks that block, or are held after"].value == 0
    assert found["database time, all at once / their queries by psql at once"].value > 0
