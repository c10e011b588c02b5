"""The board "Incident": its first screen names the places, in the order of triage, and each panel leads on."""

import pytest

from dashboards.grafana.build import build
from dashboards.grafana.checks import check
from dashboards.grafana.queries import expressions, panels
from dashboards.grafana.upgrade import Json
from exporters.names.catalogue import FAMILIES
from slo.rules import names as rules
from tests.dashboards.grafana.boards.asked import OF_OTHERS, links, metrics

FIRST_SCREEN = 16
EXPORTED = {family.name for families in FAMILIES.values() for family in families}
# What a production shop has: no load generator, no stand-in.
OF_A_TEST = ("loadtest_", "shop_")


@pytest.fixture(scope="module")
def board() -> Json:
    return build()["incident"]


def first_screen(board: Json) -> list[Json]:
    return [panel for panel in panels(board) if panel["gridPos"]["y"] < FIRST_SCREEN]


def test_the_board_keeps_every_rule(board: Json) -> None:
    assert [one for one in check(board) if "__url_time_range" not in one.message] == []


def test_the_first_screen_names_every_place_in_the_order_of_triage(board: Json) -> None:
    assert [panel["title"] for panel in first_screen(board)] == [
        "Alerts firing",
        "Requests failed",
        "Expected orders",
        "Budget burn 1h",
        "Alerts: what is broken, since when",
        "Errors by route, the five worst",
        "Latency p95 by route, the five slowest",
        "Payments without an order, by provider",
        "Orders a minute, against expected",
        "Stock by location: oversold, drift, out of stock",
        "Print queue: orders",
        "Print queue: oldest",
    ]


def test_no_panel_of_the_first_screen_is_cut_off(board: Json) -> None:
    assert {panel["gridPos"]["y"] + panel["gridPos"]["h"] <= FIRST_SCREEN for panel in first_screen(board)} == {True}


def test_a_phone_shows_numbers_first(board: Json) -> None:
    assert [panel["type"] for panel in first_screen(board)][:4] == ["stat"] * 4


def test_the_first_screen_rests_on_what_a_shop_in_production_has(board: Json) -> None:
    asked = metrics({**board, "panels": first_screen(board), "annotations": {"list": []}})
    assert {name for name in asked if name.startswith(OF_A_TEST)} == set()


def test_every_metric_asked_for_is_one_that_somebody_exports(board: Json) -> None:
    recorded = {rules.TARGET, rules.burn_rate(3600)}
    assert metrics(board) - EXPORTED - OF_OTHERS == recorded


def test_every_panel_of_the_first_screen_leads_on_with_time_and_environment(board: Json) -> None:
    for panel in first_screen(board):
        urls = links(board)[panel["title"]]
        assert urls, panel["title"]
        assert {"?${__url_time_range}&${environment:queryparam}&${datasource:queryparam}" in url for url in urls} == {
            True
        }


def test_a_click_on_a_route_chooses_it(board: Json) -> None:
    url = links(board)["Errors by route, the five worst"][0]
    assert url.endswith(
        "&var-job=${__field.labels.job:percentencode}&var-route=${__field.labels.http_route:percentencode}"
    )


def test_every_query_selects_the_environment(board: Json) -> None:
    assert [t["expr"] for _, t in expressions(board) if 'environment=~"$environment"' not in t["expr"]] == []


def test_zero_alerts_are_said_only_where_rules_are_evaluated(board: Json) -> None:
    asked = [target["expr"] for panel, target in expressions(board) if panel["title"] == "Alerts firing"]
    assert {expr.partition(" or ")[2] for expr in asked} == {
        f'0 * count({rules.TARGET}{{environment=~"$environment"}})'
    }


def test_what_may_be_empty_says_what_that_means_and_no_more_than_is_known(board: Json) -> None:
    said = {
        p["title"]: p["fieldConfig"]["defaults"]["noValue"]
        for p in panels(board)
        if "noValue" in p["fieldConfig"]["defaults"]
    }
    assert said == {
        "Requests failed": "no request now, or none is counted",
        "Expected orders": "unknown: no orders read, or none expected",
        "Alerts: what is broken, since when": "no alert, as far as rules are loaded",
        "Journeys that the probe walks": "no journey is probed, or no probe is read",
        "Steps at which the probe failed": "no probe failed",
        "Errors by step of a load test": "no load test is under way",
        "What else was done, how long ago": "nothing was done that is known of",
    }


def test_releases_gates_tests_and_drills_are_marked(board: Json) -> None:
    assert [mark["name"] for mark in board["annotations"]["list"]][1:] == [
        "Releases",
        "Gates",
        "Load tests",
        "Restore drills",
    ]


@pytest.mark.parametrize("name", ["shop-health", "traces"])
def test_what_a_click_leads_to_marks_releases_and_load_tests_too(name: str) -> None:
    assert [mark["name"] for mark in build()[name]["annotations"]["list"]][1:] == ["Releases", "Load tests"]


def test_every_column_of_a_table_is_within_its_edge_on_a_screen_of_1366(board: Json) -> None:
    for panel in (one for one in panels(board) if one["type"] == "table"):
        given = [
            o["value"] for w in panel["fieldConfig"]["overrides"] for o in w["properties"] if o["id"] == "custom.width"
        ]
        shown = next(one for one in panel["transformations"] if one["id"] == "organize")["options"]["renameByName"]
        least = sum(given) + (len(shown) - len(given)) * panel["fieldConfig"]["defaults"]["custom"]["minWidth"]
        assert least <= panel["gridPos"]["w"] / 24 * 1366 - 40, panel["title"]
