"""What a run needs is reckoned from measured figures, which docs/performance.md has."""

import dataclasses
from pathlib import Path

import pytest

from loadtests.demand import resources
from loadtests.demand.plan import read_plan
from loadtests.demand.resources import cost_of, read_prices, resources_of
from loadtests.results.ledger import Attempt, Ledger, Line, OrderReply

ROOT = Path(__file__).parents[3]
NAMES = (
    *("WORKER_CORES", "REQUEST_CPU_US", "CONNECTION_CPU_US", "WORKER_MIB", "SESSION_KIB", "REQUEST_BYTES"),
    *("SESSION_BYTES", "ORDER_BYTES", "JUDGE_MIB", "REPORT_MIB"),
)
DEMO = ROOT / "loadtests" / "demand" / "plans" / "demo.yaml"


def test_each_constant_is_a_measured_figure_of_the_performance_page() -> None:
    text = (ROOT / "docs" / "performance.md").read_text()
    section = text[text.index("## What a run needs") :]
    for name in NAMES:
        row = next(line for line in section.splitlines() if f"`{name}`" in line)
        assert row.split("|")[2].split()[0] == f"{getattr(resources, name):g}", name


def test_an_order_of_two_lines_takes_as_much_of_the_disk_as_is_said(tmp_path: Path) -> None:
    path, key = tmp_path / "ledger.jsonl", "20261130T065350Z-two-hours-0604-123456-1"
    ledger = Ledger(path)
    line = Line(sku="TT-CLASSIC-M-BLACK", quantity=1, location="warehouse")
    ledger.attempt(Attempt(session=123456, key=key, lines=(line, line), amount_cents=3980), at=1795780800123456789)
    ledger.outcome(key, "accepted", 1795780801123456789, OrderReply(status=201, order_id="o-1234567", total_cents=3980))
    ledger.close()
    assert path.stat().st_size == resources.ORDER_BYTES


def test_twice_the_demand_takes_twice_the_disk_and_a_busy_plan_more_workers() -> None:
    plan = read_plan(DEMO)
    needed = resources_of(plan)
    demand = plan.demand.model_copy(
        update={"peak_sessions_per_s": plan.demand.peak_sessions_per_s * 200, "factor": plan.demand.factor * 200}
    )
    much = resources_of(plan.model_copy(update={"demand": demand}))
    assert much.disk_gb == pytest.approx(200 * needed.disk_gb)
    assert needed.workers == 1
    assert much.workers > 3
    assert much.memory_gb > 3 * needed.memory_gb


def test_the_example_prices_are_valid_and_add_up() -> None:
    prices = read_prices(ROOT / "examples" / "policies" / "prices.yaml")
    needed = dataclasses.replace(
        resources_of(read_plan(DEMO)), cores=1.5, memory_gb=2.0, judge_gb=1.0, disk_gb=10.0, hours=2.0
    )
    assert cost_of(needed, prices) == pytest.approx((2 * 0.05 + 2 * 0.006 + 4.2) * 2 + 10 * 0.1)
