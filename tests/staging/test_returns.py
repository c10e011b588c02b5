"""Returns: the order is returned, its stock is back where it came from, its payment is refunded, each once."""

import threading
from dataclasses import dataclass, field

import pytest
import requests
from sqlalchemy import select

from staging.database import Database
from staging.shop.carts import CartLine, replace_cart
from staging.shop.checkout import Checkout
from staging.shop.hosted.provider_pages import PageBill
from staging.shop.orders import Order, Status, find_order
from staging.shop.provider import Payment
from staging.shop.releases.behaviour import Behaviour
from staging.shop.returns.returns import Returns, ReturnStatus
from staging.shop.schema import returns as rows
from tests.staging.conftest import Stack
from tests.staging.harness import check_out, fill_cart, payments_of
from tests.staging.test_checkout import SetProvider, checkout_of, on_hand
from tests.waiting import wait_for

SKU = "tearex-m-navy"


@dataclass
class SetPages:
    """Refunds as a test says, then always."""

    answers: list[bool] = field(default_factory=list)
    refunded: list[str] = field(default_factory=list)

    def open(self, bill: PageBill) -> str | Payment:
        raise AssertionError(bill)

    def refund(self, order_id: str) -> bool:
        answer = self.answers.pop(0) if self.answers else True
        if answer:
            self.refunded.append(order_id)
        return answer


def order_of(database: Database) -> Order:
    replace_cart(database, "shopper", [CartLine(sku=SKU, quantity=2, design_id=None)])
    return Checkout(database, SetProvider()).place(checkout_of("k", location="store-york"), Behaviour()).order


def status_in(database: Database, order: Order) -> Status:
    found = find_order(database, order.order_id)
    assert found is not None
    return found.status


def test_a_return_puts_the_stock_back_where_it_came_from(database: Database) -> None:
    order, pages = order_of(database), SetPages()
    returns = Returns(database, pages)
    one, is_new = returns.request(order, "too small")
    assert (one.status, is_new, status_in(database, order)) == (ReturnStatus.REQUESTED, True, Status.ACCEPTED)
    assert returns.request(order, "too large") == (one, False)
    assert returns.carry_on(one.return_id)
    assert (on_hand(database, SKU, "store-york"), on_hand(database)) == (3, 5)
    assert (status_in(database, order), pages.refunded) == (Status.RETURNED, [order.order_id])
    found = returns.find(one.return_id)
    assert found is not None
    assert found.status is ReturnStatus.REFUNDED


def test_a_refund_that_is_not_known_to_be_made_is_made_again(database: Database) -> None:
    order, pages = order_of(database), SetPages([False])
    returns = Returns(database, pages)
    one, _ = returns.request(order, "")
    assert not returns.carry_on(one.return_id)
    received = returns.find(one.return_id)
    assert received is not None
    assert received.status is ReturnStatus.RECEIVED
    assert returns.carry_on(one.return_id)
    assert (pages.refunded, on_hand(database, SKU, "store-york")) == ([order.order_id], 3)


def test_replicas_that_receive_at_once_put_the_stock_back_once(busy_database: Database) -> None:
    order = order_of(busy_database)
    one, is_new = Returns(busy_database, SetPages()).request(order, "")
    assert (is_new, Returns(busy_database, SetPages()).request(order, "")) == (True, (one, False))
    threads = [
        threading.Thread(target=Returns(busy_database, SetPages()).carry_on, args=(one.return_id,)) for _ in range(6)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert on_hand(busy_database, SKU, "store-york") == 3


def test_a_replica_that_starts_carries_on_what_another_left(database: Database) -> None:
    Returns(database, SetPages()).request(order_of(database), "")
    pages, stopping = SetPages(), threading.Event()
    later = Returns(database, pages)
    later.resume()
    thread = threading.Thread(target=later.keep_receiving, args=(stopping,))
    thread.start()
    try:
        wait_for(lambda: pages.refunded, "the refund")
    finally:
        stopping.set()
        thread.join()
    with database.reading() as connection:
        assert connection.scalars(select(rows.c.status)).all() == ["refunded"]


def ordered(stack: Stack, key: str, card: str = "tok_ok") -> tuple[requests.Session, requests.Response]:
    shopper = stack.front.shopper()
    fill_cart(stack.front, shopper, (SKU, 1))
    return shopper, check_out(stack.front, shopper, key, run=key, card=card)


def test_a_shopper_returns_an_order_and_sees_the_money_come_back(stack: Stack) -> None:
    before = stack.first.stock_of(SKU)
    counted = stack.first.get("funnel").json()["orders"]["accepted"]
    shopper, placed = ordered(stack, "returned-1")
    order = placed.json()
    asked = shopper.post(f"{stack.front.url}/orders/{order['order_id']}/returns", json={"reason": "gift"}, timeout=20)
    one = asked.json()
    assert (asked.status_code, one["status"], one["refund_cents"]) == (201, "requested", order["total_cents"])
    page = f"{stack.front.url}/returns/{one['return_id']}"
    wait_for(lambda: shopper.get(page, timeout=20).json()["status"] == "refunded", "the refund")
    assert stack.first.stock_of(SKU) == before
    (listed,) = stack.first.get("orders?run=returned-1").json()["orders"]
    assert (listed["status"], listed["decline"]) == ("returned", None)
    (payment,) = payments_of(stack.payments, order["order_id"])
    assert payment["status"] == "refunded"
    assert stack.first.get("funnel").json()["orders"]["accepted"] == counted + 1
    again = shopper.post(f"{stack.front.url}/orders/{order['order_id']}/returns", json={}, timeout=20)
    assert (again.status_code, again.json()["return_id"]) == (200, one["return_id"])
    assert requests.get(page, timeout=20).status_code == 404


def test_an_order_that_was_not_paid_or_is_another_s_is_not_returned(stack: Stack) -> None:
    shopper, placed = ordered(stack, "returned-2", card="tok_declined")
    assert placed.status_code == 402
    (listed,) = stack.first.get("orders?run=returned-2").json()["orders"]
    assert (listed["decline"], listed["paid_at"], listed["due_at"]) == ("card_declined", None, None)
    page = f"{stack.front.url}/orders/{listed['order_id']}/returns"
    refused = shopper.post(page, json={}, timeout=20)
    assert (refused.status_code, refused.json()) == (409, {"error": "not_returnable", "status": "declined"})
    assert requests.post(page, json={}, timeout=20).status_code == 404


@pytest.mark.parametrize("reference", ["ord_none", ""])
def test_what_was_not_paid_is_not_refunded(stack: Stack, reference: str) -> None:
    headers = {"Authorization": "Bearer token-of-the-tests"}
    reply = requests.post(f"{stack.payments}/refunds", json={"reference": reference}, headers=headers, timeout=20)
    assert reply.status_code == (404 if reference else 400)
    assert requests.post(f"{stack.payments}/refunds", json={"reference": "x"}, timeout=20).status_code == 401
