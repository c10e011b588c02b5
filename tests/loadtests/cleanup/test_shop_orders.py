"""An order is the run's by the shop's word alone, and what isn't known to be ended is still there."""

from typing import Any

import pytest

from loadtests.audit.shop_records import Order
from loadtests.cleanup.shop_orders import ShopOrders, Span
from loadtests.results.ledger import Attempt, Line

MINUTE = 60_000_000_000
SPAN = Span(started_at=10 * MINUTE, ended_at=20 * MINUTE, stock_read_at=9 * MINUTE)
LINE = Line(sku="tee", quantity=2, location="warehouse")


def row(order_id: str, *, names_run: bool = True, **changed: Any) -> Order:
    facts = {"order_id": order_id, "status": "accepted", "created_at": 11 * MINUTE, "total_cents": 900}
    given: dict[str, Any] = {**facts, "lines": (LINE,), **({"run": "mine"} if names_run else {}), **changed}
    return Order.model_validate(given)


def attempt(key: str, order_id: str | None = None, outcome: Any = "accepted") -> Attempt:
    return Attempt(session=7, key=key, lines=(LINE,), amount_cents=900, outcome=outcome, order_id=order_id)


def read(*rows: Order, attempts: tuple[Attempt, ...] = ()) -> ShopOrders:
    return ShopOrders.read("mine", SPAN, attempts, rows)


def test_an_order_that_names_the_run_is_the_run_s_whether_the_ledger_has_it_or_not() -> None:
    found = read(row("o1"), row("o2", key="k2"), attempts=(attempt("k2"),))
    assert list(found.there) == ["o1", "o2"]
    assert (found.there["o1"].session, found.there["o2"].session, found.there["o2"].key) == (None, 7, "k2")


def test_an_order_that_the_shop_gives_to_another_is_left_whatever_the_ledger_says() -> None:
    own = (attempt("k1", "o1"), attempt("k2", "o2"))
    found = read(row("o1", run="other"), row("o2", run=None), attempts=own)
    assert (found.there, found.others) == ({}, {"o1", "o2"})
    assert found.not_ours == [
        "order o1: the ledger has it, and the shop's records say it is of the run other",
        "order o2: the ledger has it, and the shop's records say it is of nobody's run",
    ]


def test_where_the_shop_names_no_run_the_ledger_s_id_or_key_makes_it_the_run_s() -> None:
    rows = (row("o1", names_run=False), row("o2", names_run=False, key="k2"), row("o3", names_run=False))
    found = read(*rows, attempts=(attempt("k1", "o1"), attempt("k2", None, "unknown")))
    assert (list(found.there), found.unnamed) == (["o1", "o2"], 1)


def test_a_stranger_s_order_of_another_time_is_nobody_s_business() -> None:
    late, customers = row("o1", names_run=False, created_at=22 * MINUTE), row("o2", run=None)
    found = read(late, customers)
    assert (found.unnamed, found.there, found.others) == (0, {}, {"o1", "o2"})


@pytest.mark.parametrize("word", ["cancelled", "Canceled", "refunded", "returned", "failed", "declined"])
def test_an_order_that_was_ended_is_gone(word: str) -> None:
    found = read(row("o1", status=word))
    assert (found.there, found.gone, found.ids) == ({}, 1, {"o1"})


@pytest.mark.parametrize("word", ["accepted", "pending", "shipped", "partially_refunded", "archived", ""])
def test_every_other_word_is_an_order_that_is_there(word: str) -> None:
    assert list(read(row("o1", status=word)).there) == ["o1"]


def test_an_order_that_two_pages_hold_counts_once_and_others_units_are_counted() -> None:
    other = row("o2", run=None)
    found = read(row("o1"), row("o1"), other, other, row("o3", run=None, status="cancelled"))
    assert (len(found.there), found.sold) == (1, {("tee", "warehouse"): 2})


def test_what_others_bought_before_the_stock_was_read_is_in_it() -> None:
    assert read(row("o2", run=None, created_at=8 * MINUTE)).sold == {}


def test_an_acknowledged_order_that_no_record_holds_is_counted() -> None:
    own = (attempt("k1", "o1"), attempt("k2", "o2"), attempt("k3", None, "unknown"))
    assert read(row("o1"), attempts=own).never_seen(own) == 1
