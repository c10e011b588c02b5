"""A try of the stand-in counts what the table of its journeys says, and its orders stand up to an audit."""

from pathlib import Path

import pytest

from loadtests.demand.plan import read_plan
from loadtests.demand.visits import ORDER_NEWS, ORDER_STREAM, VISITS, orders_of
from scripts.local_stack.shop import TOKEN_VARIABLE, Shop
from tests.bad_input.process import peakproof
from tests.bad_input.test_endings import PLAN
from tests.bad_input.test_guard_rails import environment_of, write

pytestmark = [pytest.mark.heavy, pytest.mark.timeout(180)]
MIX = "journeys: {window-shop: 0.25, search-and-buy: 0.25, click-and-collect: 0.25, design-your-own: 0.25}"


def test_what_is_counted_is_what_the_table_says_and_no_order_is_lost(tmp_path: Path, shop: Shop) -> None:
    (line,) = (one for one in PLAN.splitlines() if one.startswith("journeys:"))
    write(tmp_path, f"{PLAN.replace(line, MIX)}streams: orders\n", staging=environment_of(shop))
    variables = {TOKEN_VARIABLE: shop.token}
    ended = peakproof(tmp_path, "try", "plan.yaml", "--on", "staging", "--times", "1", **variables)
    assert (ended.code, ended.err) == (0, "")
    plan = read_plan(tmp_path / "plan.yaml")
    stream = {**ORDER_STREAM, **ORDER_NEWS}
    assert {name: one.steps for name, one in plan.visits.items()} == {
        name: {**VISITS[name], **(stream if "checkout" in VISITS[name] else {})} for name in plan.journeys
    }
    bare = orders_of(plan.model_copy(update={"visits": {}}))
    assert {name: one.orders for name, one in plan.visits.items()} == {name: bare[name] for name in plan.journeys}
    (folder,) = (tmp_path / "tries").iterdir()
    audited = peakproof(tmp_path, "audit", f"tries/{folder.name}", **variables)
    assert "broken" not in audited.out
    assert "holds   order-exists: " in audited.out
