"""Peakproof's page as Chromium lays it out: the criteria's table on a wide screen and on a telephone's."""

import shutil
import threading
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from werkzeug.serving import make_server

from loadtests.demand.plan import read_plan
from loadtests.live.board import Board
from loadtests.live.rates import rates_of
from loadtests.live.worker_figures import WorkerFigures
from loadtests.web_ui.page import make_page
from slo.policy.criteria import OrdersCriterion, RequestsCriterion
from tests.loadtests.fakes import SECOND
from tests.loadtests.live.test_board import ALWAYS, START, TIMETABLE, gauges
from tests.loadtests.live.test_rates import DEMO

pytestmark = pytest.mark.heavy
CRITERIA = (
    OrdersCriterion(name="orders-as-planned", kind="orders", under_plan_ratio=0.95, window_s=60),
    RequestsCriterion(
        name="good-replies-of-product-pages",
        kind="requests",
        steps=("home", "product"),
        under_plan_ratio=0.9,
        window_s=30,
        enforce=True,
    ),
)


class Shown:
    """A run that shows one snapshot."""

    def __init__(self, snapshot: Mapping[str, Any]) -> None:
        self._snapshot = snapshot

    def shown(self) -> Mapping[str, Any]:
        return self._snapshot

    def change_rate(self, change: str, who: str) -> None:
        raise AssertionError((change, who))

    def stop(self, ended: str, because: str) -> None:
        raise AssertionError((ended, because))


@pytest.fixture
def address() -> Iterator[str]:
    """Serve the page of a run in which too few orders and no replies came."""
    plan = read_plan(Path(DEMO))
    timetable = replace(TIMETABLE, rate=lambda _: 10.0)
    board = Board(timetable, (), START, rates_of(CRITERIA, plan))
    figures = WorkerFigures((), ALWAYS)
    for second in range(160):
        board.merge("w0", figures.take(START + second * SECOND), gauges(orders={"accepted": second}))
        snapshot = board.snapshot(START + (second + 1) * SECOND, "running")
    app = Flask("a run")
    app.register_blueprint(make_page(Shown(snapshot.model_dump(mode="json")), "a run", plan, "token"))
    server = make_server("127.0.0.1", 0, app)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/peakproof"
    finally:
        server.shutdown()
        thread.join()


@pytest.mark.parametrize("width", [1366, 390])
def test_the_criteria_are_read_without_scrolling_sideways(address: str, width: int) -> None:
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    if not chromium:
        pytest.skip("no chromium is installed")
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": width, "height": 900})
        page.goto(address)
        page.wait_for_selector("#criteria tr")
        rows = page.locator("#criteria tr").all_inner_texts()
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        browser.close()
    orders, replies = (" ".join(row.split()) for row in rows)
    assert "orders a minute under 95 % of the plan in any 60 s" in orders
    assert orders.endswith("beyond (advisory)")
    assert replies.endswith("beyond")
    assert "0.00 %" in replies
