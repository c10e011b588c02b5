"""The board "Shop health": rate, errors and duration of whatever is instrumented, saturation, week over week."""

import pytest

from dashboards.grafana.build import build
from dashboards.grafana.queries import expressions, panels
from dashboards.grafana.upgrade import Json
from tests.dashboards.grafana.boards.asked import OF_OTHERS, metrics


@pytest.fixture(scope="module")
def board() -> Json:
    return build()["shop-health"]


def titles(board: Json, row: int) -> list[str]:
    """Return the panels below a row's heading, counted from 0."""
    rows = [place for place, one in enumerate(board["panels"]) if one["type"] == "row"]
    end = [*rows, len(board["panels"])][row + 1]
    return [one["title"] for one in board["panels"][rows[row] + 1 : end]]


def test_rows_follow_the_data_and_saturation_comes_after_what_it_explains(board: Json) -> None:
    assert [panel["title"] for panel in board["panels"] if panel["type"] == "row"] == [
        "Services",
        "Routes of the services chosen",
        "Replies of the routes chosen",
        "What the services call",
        "Saturation: what waits, and for what",
        "Saturation: what each process uses",
        "Week over week",
    ]


@pytest.mark.parametrize(("row", "what"), [(0, "by service"), (1, "by route"), (3, "by callee")])
def test_rate_and_errors_stand_left_of_latency(board: Json, row: int, what: str) -> None:
    rate, errors, latency = titles(board, row)
    assert (what in rate, what in errors, latency) == (True, True, f"Latency p95 {what}")


def test_it_asks_for_nothing_that_only_ours_exports(board: Json) -> None:
    assert metrics({**board, "annotations": {"list": []}}) - OF_OTHERS == set()


def test_every_query_of_services_follows_the_service_chosen(board: Json) -> None:
    assert [t["expr"] for _, t in expressions(board) if 'job=~"$job"' not in t["expr"]] == []


def test_a_route_chosen_is_a_route_of_the_service_chosen(board: Json) -> None:
    (route,) = (one for one in board["templating"]["list"] if one["name"] == "route")
    chosen = 'environment=~"$environment", job=~"$job"'
    assert route["query"] == f"label_values(http_server_request_duration_seconds_count{{{chosen}}}, http_route)"


def test_a_week_ago_is_the_same_query_moved_and_says_when_there_is_none(board: Json) -> None:
    for panel in panels(board):
        if panel["title"].endswith("now and a week ago"):
            now, before = (target["expr"] for target in panel["targets"])
            assert before.replace(" offset 7d", "") == now
            assert panel["fieldConfig"]["defaults"]["noValue"] == "no data of a week ago"


def test_errors_are_shares_that_need_requests_and_nothing_else(board: Json) -> None:
    """A route without requests has no share, and none is not zero; one without errors is zero."""
    for panel, target in expressions(board):
        if panel["title"].startswith(("Errors", "Failed")):
            assert target["expr"].rstrip(")").endswith("> 0"), target["expr"]
            assert ") * 0) / (" in target["expr"], target["expr"]
