"""A locustfile with a module and a data file beside it is played by a worker elsewhere, which is given them all."""

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from tests.end_to_end.played import Listing, check_whole, prometheus
from tests.end_to_end.test_uploads import far
from tests.loadtests.locustfiles.small_shop import SmallShop, running

__all__ = ["prometheus"]
pytestmark = [pytest.mark.heavy, pytest.mark.timeout(300)]

LOCUSTFILE = """\
import csv
import os

import peakproof
from locust import FastHttpUser, constant, task

from shopping import cart

HERE = os.path.dirname(__file__)
with open(os.path.join(HERE, "data", "skus.csv")) as file:
    SKUS = [row["sku"] for row in csv.DictReader(file)]


class Shopper(FastHttpUser):
    wait_time = constant(0.1)

    def on_start(self):
        self.client.get("/")

    @task
    def buy(self):
        sku = SKUS[len(SKUS) // 2]
        with peakproof.order({sku: 1}, 1999, number="order.number") as order:
            self.client.post("/api/orders", json=cart(sku, order.key, peakproof.canary()), name="checkout")
"""
MODULE = """\
def cart(sku, key, name):
    return {"sku": sku, "key": key, "name": name, "made_by": "the module beside it"}
"""
PLAN = """\
format: peakproof/plan/v1
name: faulty
seed: 7
demand: {source: a test, forecast_orders_per_hour: 28800, factor: 1.0, orders_per_session: 1.0, peak_sessions_per_s: 8}
phases:
  - {name: warm-up, kind: warm-up, duration_s: 2, level: [1, 1]}
  - {name: plateau, kind: plateau, duration_s: 10, level: [1, 1]}
  - {name: drain, kind: drain, duration_s: 4}
journeys: {shopper: 1.0}
visits: {shopper: {steps: {"GET /": 1, checkout: 1}, orders: 1}}
think_time: {median_s: 0.1, sigma: 0.3, max_s: 0.3}
cart_lines: {min: 1, max: 1}
trace_sampling: 0.0
limits: {open_sessions: 200}
assumed_error_burst_s: 0.1
"""
OBJECTIVES = """\
apiVersion: openslo/v1
kind: SLO
metadata: {name: checkout-works}
spec:
  service: shop
  timeWindow: [{duration: 28d, isRolling: true}]
  budgetingMethod: Occurrences
  objectives: [{target: 0.5}]
  indicator:
    metadata: {name: checkout-works}
    spec:
      ratioMetric:
        counter: true
        good: {metricSource: {type: peakproof-records, spec: {steps: [checkout]}}}
        total: {metricSource: {type: peakproof-records, spec: {steps: [checkout]}}}
"""


@pytest.fixture
def shop() -> Iterator[SmallShop]:
    with running() as one:
        yield one


@pytest.fixture
def near(tmp_path: Path, shop: SmallShop) -> Path:
    near = tmp_path / "near"
    (near / "load" / "data").mkdir(parents=True)
    (near / "load" / "locustfile.py").write_text(LOCUSTFILE)
    (near / "load" / "shopping.py").write_text(MODULE)
    (near / "load" / "data" / "skus.csv").write_text("sku\nmug\ntee-of-the-file\ncap\n")
    (near / "plan.yaml").write_text(PLAN)
    (near / "objectives.yaml").write_text(OBJECTIVES)
    environment = {
        "base_url": shop.url,
        "storefront": {"locustfile": "load/locustfile.py", "tasks_per_session": 1},
        "ceiling": {"requests_per_s": 200, "open_sessions": 500, "orders": 2000},
    }
    document = {"format": "peakproof/targets/v1", "environments": {"staging": environment}}
    (near / "targets.yaml").write_text(json.dumps(document))
    return tmp_path


def test_workers_elsewhere_play_a_locustfile_with_what_lies_beside_it(
    near: Path, shop: SmallShop, prometheus: str
) -> None:
    with far(near, prometheus) as run:
        run.played.peak.process.wait(200)  # 75 on a machine so busy that sessions begin late
        assert [worker.wait(120) for worker in run.workers] == [0, 0]
    document = check_whole(run.played, Listing())
    assert document["ended"] == "completed", run.played.peak.told()
    assert document["account"]["completed"] == document["account"]["planned"] > 50
    tables = [pq.read_table(path) for path in run.played.directory.glob("requests-*.parquet")]
    assert Counter(step for table in tables for step in table["step"].to_pylist()).keys() == {"GET /", "checkout"}
    sent = [json.loads(body) for method, path, _, body in shop.asked if (method, path) == ("POST", "/api/orders")]
    assert {(one["sku"], one["made_by"]) for one in sent} == {("tee-of-the-file", "the module beside it")}
    assert len(sent) == document["orders"]["accepted"] == document["canaries"]["sessions"]
    assert len({one["name"] for one in sent}) == len(sent)
    for number in range(2):
        assert list(run.folders[number].rglob("skus.csv"))
    assert document["canaries"]["shown"] == 0
