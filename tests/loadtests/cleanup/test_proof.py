"""What is left is named, what can't be shown isn't proven, and neither is ever taken for the other."""

from collections import Counter
from typing import Any

import pytest

from loadtests.audit.shop_records import Order, Payment
from loadtests.cleanup.proof import Left, Proof, of_ledger, of_orders, of_payments, of_stock
from loadtests.cleanup.shop_orders import ShopOrders, Span
from loadtests.results.ledger import Attempt

SPAN = Span(started_at=100, ended_at=200, stock_read_at=90)


def orders(*statuses: str) -> ShopOrders:
    rows = [
        Order(order_id=f"o{n}", run="mine", status=word, created_at=150, total_cents=9, lines=())
        for n, word in enumerate(statuses)
    ]
    return ShopOrders.read("mine", SPAN, (), rows)


def payment(reference: str, cents: int = 900, status: str = "captured", number: int = 1) -> Payment:
    facts: dict[str, Any] = {"payment_id": f"p{reference}{number}", "created_at": 150, "amount_cents": cents}
    return Payment(reference=reference, status=status, **facts)


def of(*payments: Payment, ours: frozenset[str] = frozenset({"o1"}), others: frozenset[str] = frozenset()) -> Proof:
    return of_payments(payments, ours, others, SPAN)


def test_an_order_that_is_there_is_left() -> None:
    found = of_orders(orders("accepted", "cancelled"), (), removed_some=True)
    assert found.left == (Left("order", "order o0 is accepted"),)
    assert found.shown == ()


def test_orders_that_were_ended_are_shown_to_be() -> None:
    found = of_orders(orders("cancelled", "refunded"), (), removed_some=False)
    assert found == Proof(shown=("no order of the run is active: 2 ended",))


def test_records_in_other_words_than_the_ledger_s_prove_nothing() -> None:
    own = (Attempt(session=1, key="k", lines=(), amount_cents=9, outcome="accepted", order_id="17"),)
    found = of_orders(orders(), own, removed_some=False)
    (why,) = found.unproven
    assert why.startswith("none of the 1 orders that were acknowledged is in the shop's records: order_id must be")
    assert of_orders(orders(), own, removed_some=True).unproven == ()
    seen = (*own, Attempt(session=2, key="k2", lines=(), amount_cents=9, outcome="accepted", order_id="o0"))
    assert of_orders(orders("cancelled"), seen, removed_some=False) == Proof(
        shown=("no order of the run is active: 1 ended, 1 not in its records any more",)
    )


@pytest.mark.parametrize("word", ["refunded", "voided", "Declined", "failed", "canceled"])
def test_money_that_went_back_or_was_never_taken_is_not_left(word: str) -> None:
    assert of(payment("o1", status=word)) == Proof(shown=("all 1 payments of the run's orders went back",))


@pytest.mark.parametrize("word", ["captured", "succeeded", "authorized", "paid", "partially_refunded", "whatever"])
def test_every_other_word_is_money_that_is_held(word: str) -> None:
    assert of(payment("o1", status=word)).left == (Left("payment", "order o1: 900 cents were taken and not refunded"),)


def test_a_refund_may_be_a_row_of_its_own_and_a_part_of_it_is_not_all() -> None:
    assert of(payment("o1"), payment("o1", -900, number=2)).left == ()
    assert of(payment("o1", -900)).left == ()
    assert of(payment("o1"), payment("o1", -400, number=2)).left == (
        Left("payment", "order o1: 500 cents were taken and not refunded"),
    )


def test_a_payment_for_no_order_that_the_shop_knows_is_not_proven_to_be_another_s() -> None:
    assert of(payment("o9")).unproven == ("1 payments made meanwhile are of no order that the shop knows",)
    assert of(payment("o9"), others=frozenset({"o9"})).unproven == ()


def test_stock_below_what_it_was_is_left_unless_others_bought_it() -> None:
    before, after = {("tee", "london"): 10, ("cap", "london"): 5}, {("tee", "london"): 7, ("cap", "london"): 5}
    left = of_stock(before, after, Counter({("tee", "london"): 1})).left
    assert left == (Left("stock level", "london: tee is 2 below what it was before the run"),)
    assert of_stock(before, after, Counter({("tee", "london"): 3})) == Proof(
        shown=("all 2 levels of the stock are what they were before the run",)
    )


def test_stock_that_rose_vanished_or_was_not_read_proves_nothing() -> None:
    before = {("tee", "london"): 10}
    assert of_stock(before, {("tee", "london"): 12}, Counter()).unproven == (
        "london: tee is 2 above what it was before the run: somebody else changed it",
    )
    assert of_stock(before, {}, Counter()).unproven == ("london: tee isn't in the stock any more",)
    assert of_stock({}, before, Counter()) == Proof(unproven=("the shop named no level of its stock before the run",))
    assert of_stock(None, before, Counter()) == Proof(unproven=("the stock wasn't read before the run",))


def test_a_lost_ledger_and_customers_that_no_row_names_prove_nothing() -> None:
    assert of_ledger(["w1"], unnoted_accounts=True).unproven == (
        "ledger rows of w1 may be missing: what it created may not be known",
        "new customers may have registered, and no row of the ledger says who",
    )
    assert of_ledger([], unnoted_accounts=False) == Proof()
