"""The incident walk of docs/incident.md: a fault shows on the first screen of "Incident", which leads to its cause."""

import sqlite3
from contextlib import closing

import pytest

from dashboards.grafana.build import build
from dashboards.grafana.queries import panels
from staging.shop.releases.releases import read_releases
from tests.dashboards.walk.conftest import RELEASES, Walk
from tests.dashboards.walk.screen import changed
from tests.dashboards.walk.ways import PROVIDER_DOWN, WAYS, Shown, Way, both, not_shown
from tests.staging.harness import ROOT

pytestmark = [pytest.mark.heavy, pytest.mark.timeout(900)]

FIRST_SCREEN = 16
"""Grid rows that 1366 x 768 shows below Grafana's header: a row and its gap are 38 px."""
ALERTS = "Alerts: what is broken, since when"
EVERY = [pytest.param(way, id=way.fault) for way in WAYS]


def first_screen() -> list[str]:
    """Return the titles of the panels that stand on the first screen whole."""
    places = {panel["title"]: panel["gridPos"] for panel in panels(build()["incident"])}
    return [title for title, place in places.items() if place["y"] + place["h"] <= FIRST_SCREEN]


def test_every_release_with_a_fault_that_panels_can_show_is_walked() -> None:
    assert {way.fault for way in WAYS} == {*RELEASES, PROVIDER_DOWN}


@pytest.mark.parametrize("way", EVERY)
def test_in_health_the_place_does_not_change(walk: Walk, way: Way) -> None:
    """The other tests show something only because this one passes, on the axis that the fault gives the panel."""
    healthy, faulty = both(walk.reader, way.place, walk.healthy, walk.faulty[way.fault])
    later = walk.reader.see("incident", way.place.panel, walk.still_healthy)
    assert way.place.line not in (moved := changed(healthy, later, beside=faulty)), moved


@pytest.mark.parametrize("way", EVERY)
def test_the_panel_that_names_the_place_is_on_the_first_screen(way: Way) -> None:
    assert way.place.panel in first_screen()


@pytest.mark.parametrize("way", EVERY)
def test_a_fault_changes_the_panel_of_its_place_and_those_that_a_click_on_it_leads_to(walk: Walk, way: Way) -> None:
    assert not_shown(walk.reader, way, walk.healthy, walk.faulty[way.fault]) == []


def test_a_queue_that_stands_still_pages_and_the_page_stands_in_the_table(walk: Walk) -> None:
    shown = Shown(panel=ALERTS, line="PrintQueueStalled orders shop: State")
    moved = changed(*both(walk.reader, shown, walk.healthy, walk.faulty["late-orders"]))
    assert shown.line in moved


def test_the_query_of_the_page_finds_the_gift_card_that_was_taken_twice_and_no_other(walk: Walk) -> None:
    _, _, rest = (ROOT / "docs" / "incident.md").read_text().partition("```sql\n")
    with closing(sqlite3.connect(f"file:{walk.database}?mode=ro", uri=True)) as books:
        assert books.execute(rest.partition("```")[0]).fetchall() == [(walk.gift_card, 2)]


def test_every_release_with_a_fault_stands_on_the_page() -> None:
    page = (ROOT / "docs" / "incident.md").read_text()
    assert [name for name in read_releases() if name != "stable" and f"`{name}`" not in page] == []


def test_every_panel_of_the_walk_stands_on_the_page() -> None:
    page = (ROOT / "docs" / "incident.md").read_text()
    named = {shown.panel.partition(",")[0] for way in WAYS for shown in (way.place, *way.then)}
    assert {panel for panel in named if panel.partition(":")[0] not in page} == set()


def test_what_was_deployed_stands_beside_what_broke(walk: Walk) -> None:
    seen = walk.reader.see("incident", "What is deployed", walk.faulty["oversell"])
    (row,) = {line.labels["version"] for line in seen.values() if line.values and line.labels["version"] == "2026.47.2"}
    assert row == "2026.47.2"
