"""Orders are removed first and accounts last; what is known to be gone isn't asked for again."""

from typing import Any

from loadtests.audit.shop_records import Order
from loadtests.cleanup.journal import key_of
from loadtests.cleanup.shop_orders import ShopOrders, Span
from loadtests.cleanup.what_to_remove import WhatToRemove, what_to_remove
from loadtests.results.created import Created
from loadtests.results.ledger import Attempt, CreatedRow

KINDS = ("account", "cart", "order")
SPAN = Span(started_at=0, ended_at=None, stock_read_at=0)
CART, ACCOUNT = CreatedRow(session=3, kind="cart", id="c1"), CreatedRow(session=3, kind="account")


def attempt(key: str, order_id: str | None, outcome: Any = "accepted") -> Attempt:
    return Attempt(session=3, key=key, lines=(), amount_cents=9, outcome=outcome, order_id=order_id)


def asked(*attempts: Attempt, created: tuple[CreatedRow, ...] = (), **given: Any) -> WhatToRemove:
    return what_to_remove(attempts, created, given.get("orders"), given.get("outcomes", {}), given.get("kinds", KINDS))


def test_orders_come_first_and_accounts_last() -> None:
    found = asked(attempt("k1", "o1"), created=(ACCOUNT, CART, CreatedRow(session=3, kind="gift", id="g1")))
    assert [one.kind for one in found.items] == ["order", "cart", "account"]
    assert [one.id for one in found.no_method] == ["g1"]


def test_without_records_an_order_counts_until_the_journal_says_otherwise() -> None:
    own = (attempt("k1", "o1"), attempt("k2", "o2"), attempt("k3", None, "unknown"), attempt("k4", None, "refused"))
    journal = {key_of(Created(kind="order", id="o1")): "removed", key_of(Created(kind="order", id="o2")): "failed"}
    found = asked(*own, outcomes=journal)
    assert ([one.id for one in found.items], found.gone, found.untold) == (["o2"], {"order": 1}, ("k3",))


def test_with_records_the_shop_decides_whatever_the_journal_says() -> None:
    rows = [
        Order(order_id=name, run="mine", status=word, created_at=1, total_cents=9, lines=())
        for name, word in (("o1", "accepted"), ("o2", "cancelled"))
    ]
    orders = ShopOrders.read("mine", SPAN, (), rows)
    journal = {key_of(Created(kind="order", id="o1")): "removed"}
    found = asked(attempt("k1", "o1"), attempt("k3", None, "unknown"), orders=orders, outcomes=journal)
    assert ([one.id for one in found.items], found.gone, found.untold) == (["o1"], {"order": 1}, ())


def test_of_what_no_records_tell_only_what_was_asked_again_is_gone() -> None:
    cart, account = key_of(Created(kind="cart", id="c1")), key_of(Created(kind="account", session=3))
    found = asked(created=(CART, ACCOUNT), outcomes={cart: "gone", account: "removed"})
    assert ([one.kind for one in found.items], found.gone) == (["account"], {"cart": 1})


def test_an_account_that_the_shop_named_is_the_one_that_its_session_may_have_registered() -> None:
    named = CreatedRow(session=3, kind="account", id="cus_1")
    found = asked(created=(ACCOUNT, named, CreatedRow(session=4, kind="account")))
    assert [(one.session, one.id) for one in found.items] == [(3, "cus_1"), (4, "")]
