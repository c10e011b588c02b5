"""Cancelling: an order ends once, its stock and its codes are back and its money too; a customer is forgotten."""

import pytest
import requests

from staging.database import Database
from staging.login.accounts import Accounts, Credentials
from staging.shop.customers.customers import Customer, Customers
from staging.shop.orders import Status
from staging.shop.returns.returns import Returns
from tests.staging.conftest import Stack
from tests.staging.harness import ADMIN, check_out, fill_cart, payments_of
from tests.staging.test_checkout import on_hand
from tests.staging.test_customers import CLAIMS
from tests.staging.test_returns import SKU, SetPages, order_of, status_in


def test_an_order_is_cancelled_once_and_its_stock_is_back(database: Database) -> None:
    before = on_hand(database, SKU, "store-york")
    order, pages = order_of(database), SetPages()
    returns = Returns(database, pages)
    assert [returns.cancel(order), returns.cancel(order)] == [True, False]
    assert (status_in(database, order), on_hand(database, SKU, "store-york")) == (Status.RETURNED, before)
    assert returns.pay_back(order)
    assert pages.refunded == [order.order_id]


def test_a_refund_that_is_not_known_to_be_made_is_asked_for_again(database: Database) -> None:
    order, pages = order_of(database), SetPages(answers=[False])
    returns = Returns(database, pages)
    assert [returns.pay_back(order), returns.pay_back(order)] == [False, True]


def test_a_customer_is_forgotten_with_every_login(busy_database: Database) -> None:
    customers = Customers(busy_database)
    cookies = [customers.log_in(CLAIMS), customers.log_in(CLAIMS)]
    known = customers.named("ann")
    assert known == Customer(customer_id="cus_1", user="ann", name="Ann")
    assert not customers.has_orders(known)
    customers.forget(known)
    assert (customers.named("ann"), [customers.find(cookie) for cookie in cookies]) == (None, [None, None])


def test_an_account_is_removed_once(busy_database: Database) -> None:
    accounts = Accounts(busy_database, 5)
    accounts.create([Credentials(user="ann", password="correct horse", name="Ann")])
    assert [accounts.remove("ann"), accounts.remove("ann"), accounts.page(0, 5)] == [True, False, []]


def test_the_admin_cancels_and_pays_back_and_says_what_is_over(stack: Stack) -> None:
    shop = stack.first
    shopper, before = shop.shopper(), shop.stock_of(SKU)
    fill_cart(shop, shopper, (SKU, 2))
    order_id = check_out(shop, shopper, "cancelled-by-admin").json()["order_id"]
    url = f"{shop.admin}/admin/orders/{order_id}/cancel"
    answers = [requests.post(url, headers=ADMIN, timeout=20) for _ in range(2)]
    assert [(one.status_code, one.json().get("status")) for one in answers] == [(200, None), (409, "returned")]
    assert shop.stock_of(SKU) == before
    assert [row["status"] for row in payments_of(stack.payments, order_id)] == ["refunded"]
    assert requests.post(url, timeout=20).status_code == 401
    assert requests.post(f"{shop.admin}/admin/orders/nope/cancel", headers=ADMIN, timeout=20).status_code == 404


@pytest.mark.parametrize("path", ["first", "login"])
def test_what_the_admin_does_not_know_can_not_be_removed(stack: Stack, path: str) -> None:
    url = f"{stack.first.admin}/admin/customers/nobody" if path == "first" else f"{stack.login}/admin/accounts/nobody"
    assert requests.delete(url, headers=ADMIN, timeout=20).status_code == 404
    assert requests.delete(url, timeout=20).status_code == 401
