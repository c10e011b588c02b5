"""An honest shop is accused of nothing, whatever its network, its clocks and its customers do."""

from pathlib import Path

import pytest

from tests.loadtests.audit.honest_shop import MINUTE, SECOND, audited, honest


@pytest.mark.parametrize("seed", range(50))
def test_an_honest_run_with_time_outs_reports_nothing(seed: int, tmp_path: Path) -> None:
    found = audited(honest(seed), tmp_path)
    assert {name: check.detail for name, check in found.items() if check.outcome != "holds"} == {}


@pytest.mark.parametrize("keys", ["none", "another"])
@pytest.mark.parametrize("seed", range(5))
def test_a_shop_that_does_not_know_our_keys_is_told_by_its_order_numbers(seed: int, keys: str, tmp_path: Path) -> None:
    found = audited(honest(seed, keys=keys), tmp_path)
    assert {name: check.outcome for name, check in found.items() if check.outcome != "holds"} == {
        "order-once": "unknown"
    }
    assert "whether an attempt made two can't be told" in found["order-once"].detail


def test_an_order_is_not_pending_for_longer_because_the_shop_s_clock_is_behind(tmp_path: Path) -> None:
    world = next(one for one in map(honest, range(50)) if one.shop_clock_ns < -40 * SECOND)
    world.read_at = max(order.created_at for order in world.orders) - world.shop_clock_ns + 9 * MINUTE // 2
    order = max((one for one in world.orders if one.status == "accepted"), key=lambda one: one.created_at)
    placed = world.read_at - 9 * MINUTE // 2 + world.shop_clock_ns
    world.change(order, status="pending", created_at=placed)
    world.change_payment(order, status="pending")
    found = audited(world, tmp_path)
    assert {name for name, check in found.items() if check.outcome == "broken"} == set()
    assert found["order-settled"].outcome == "unknown"


def test_a_refund_that_is_a_row_below_zero_is_no_second_payment(tmp_path: Path) -> None:
    world = honest(1)
    order = world.order_of(world.attempt("accepted"))
    world.pay(order, amount_cents=-order.total_cents)
    found = audited(world, tmp_path)
    assert {name: check.detail for name, check in found.items() if check.outcome != "holds"} == {}


def test_what_was_not_in_the_stock_before_the_run_is_not_blamed_on_it(tmp_path: Path) -> None:
    world = honest(1)
    world.after["new", "warehouse"] = 50
    found = audited(world, tmp_path)
    assert {name: check.detail for name, check in found.items() if check.outcome != "holds"} == {
        "stock-moved-by-what-was-sold": "warehouse: new wasn't in the stock before the run, and 0 were sold"
    }
