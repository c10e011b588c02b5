"""The board "Traces": operations by how slow, how failing and how busy they are."""

import pytest

from dashboards.grafana.build import build
from dashboards.grafana.checks import check
from dashboards.grafana.queries import expressions
from dashboards.grafana.upgrade import Json
from exporters.names import spans
from tests.dashboards.grafana.boards.asked import links, metrics


@pytest.fixture(scope="module")
def board() -> Json:
    return build()["traces"]


def test_the_board_keeps_every_rule(board: Json) -> None:
    assert [one for one in check(board) if "__url_time_range" not in one.message] == []


def test_it_rests_on_span_metrics_alone(board: Json) -> None:
    duration = spans.SPAN_DURATION.name
    assert metrics({**board, "annotations": {"list": []}}) == {
        spans.SPAN_CALLS.name,
        f"{duration}_bucket",
        f"{duration}_sum",
    }


def test_a_row_of_the_table_is_one_operation_whatever_it_is_asked(board: Json) -> None:
    """All of a row's queries keep the same labels, so that they meet in it."""
    asked = [t["expr"] for panel, t in expressions(board) if panel["title"] == "Operations, the slowest first"]
    assert len(asked) == 4
    assert {"service_name, span_name, span_kind" in expr for expr in asked} == {True}


def test_a_service_of_the_table_leads_to_its_routes(board: Json) -> None:
    (url,) = links(board)["Operations, the slowest first"]
    assert url.startswith("/d/peakproof-shop-health?${__url_time_range}&${environment:queryparam}&")
    assert url.endswith('&var-job=${__data.fields["service_name"]:percentencode}')


def test_latency_offers_exemplars_that_open_a_trace(board: Json) -> None:
    asked = [t for panel, t in expressions(board) if panel["type"] == "timeseries" and "quantile" in t["expr"]]
    assert [target["exemplar"] for target in asked] == [True] * len(asked) != []
