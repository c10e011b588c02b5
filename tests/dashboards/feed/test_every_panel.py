"""Every panel of every dashboard is shown with data: by a real Prometheus, over a shop that is well and one that isn't.

A panel that may be empty says so; it is shown with data too, under its fault.
"""

import copy

import pyarrow.parquet as pq
import pytest

from dashboards.grafana.archive import answers, scraped_jobs, scraped_subjects
from dashboards.grafana.boards.table import BOARDS
from dashboards.grafana.build import build
from dashboards.grafana.queries import expressions, panels
from tests.dashboards.feed.filled import FAULTY, HEALTHY, Feed
from tests.dashboards.feed.panel_answers import Answered, answered
from tests.promtool import NEEDED

pytestmark = [pytest.mark.heavy, pytest.mark.timeout(300), NEEDED]
EACH = pytest.mark.parametrize("board", BOARDS)
_asked: dict[str, list[Answered]] = {}


def of(feed: Feed, board: str) -> list[Answered]:
    """Return the answers of a dashboard, which is asked once."""
    if board not in _asked:
        _asked[board] = answered(feed, build()[board])
    return _asked[board]


@EACH
def test_prometheus_takes_every_query(feed: Feed, board: str) -> None:
    assert [(one.panel, one.refused) for one in of(feed, board) if one.refused] == []


@EACH
def test_a_panel_that_declares_nothing_has_data_while_all_is_well(feed: Feed, board: str) -> None:
    found = of(feed, board)
    shown = {one.panel for one in found if HEALTHY in one.data_in}
    assert sorted({one.panel for one in found if not one.declares} - shown) == []


@EACH
def test_every_query_has_data_in_health_or_under_its_fault(feed: Feed, board: str) -> None:
    empty = [(one.panel, one.query) for one in of(feed, board) if not one.data_in & {HEALTHY, FAULTY}]
    assert empty == []


def test_the_run_kept_an_answer_to_every_query(feed: Feed) -> None:
    rows = pq.read_table(feed.run / "metrics" / "dashboards.parquet").to_pylist()
    assert {row["error"] for row in rows} == {None}
    targets = [target for dashboard in build().values() for _, target in expressions(dashboard)]
    assert [target["expr"] for target in targets if not list(answers(target, rows))] == []


def test_the_run_says_what_was_scraped(feed: Feed) -> None:
    rows = pq.read_table(feed.run / "metrics" / "dashboards.parquet").to_pylist()
    assert scraped_jobs(rows) >= {"shop", "payments", "loadgen", "stock", "orders", "spans", "exporters"}
    assert scraped_subjects(rows) >= {"inventory", "orders", "recovery", "probe", "loadgen", "releases", "cost"}


def test_a_query_that_is_wrong_is_seen(feed: Feed) -> None:
    dashboard = copy.deepcopy(build()["shop-health"])
    first, second = list(panels(dashboard))[:2]
    first["targets"] = [{**first["targets"][0], "expr": "sum(no_such_metric)"}]
    second["targets"] = [{**second["targets"][0], "expr": "sum(up"}]
    found = {one.panel: one for one in answered(feed, dashboard)}
    assert found[first["title"]].data_in == frozenset()
    assert found[first["title"]].refused == ""
    assert "parse error" in found[second["title"]].refused
