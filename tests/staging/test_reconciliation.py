"""Reconciliation: an order that stays pending ends as its provider says, once, and is never paid for afterwards."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from staging.database import Database
from staging.payments.app import DECLINED_CARD, PaymentRequest, Terminal
from staging.payments.book import Book
from staging.payments.browser_pages import ExpiryRequest, HostedPayments
from staging.payments.payment_pages import PageRequest, PaymentPage, PaymentPages
from staging.payments.webhooks import Webhooks
from staging.shop.checkout import Checkout
from staging.shop.hosted.news import ApplyOnce
from staging.shop.hosted.provider_pages import HttpPaymentPages
from staging.shop.orders import Order, Status
from staging.shop.provider import Payment
from staging.shop.reconciliation import Reconciliation
from staging.shop.releases.behaviour import Behaviour
from tests.staging.conftest import Stack, opened
from tests.staging.harness import TOKEN, payments_of
from tests.staging.test_checkout import SKU, SetProvider, checkout_of, on_hand, put_in_cart
from tests.staging.test_returns import status_in

SECOND = 1_000_000_000


@dataclass
class AtProvider:
    """A provider asked without HTTP; `is_lost` answers that nothing is known."""

    hosted: HostedPayments
    asked: int = 0
    is_lost: bool = False

    def expire(self, order_id: str, amount_cents: int) -> tuple[str, str] | None:
        self.asked += 1
        if self.is_lost:
            return None
        payment = self.hosted.expire(ExpiryRequest(reference=order_id, amount_cents=amount_cents, currency="GBP"))
        return payment.payment_id, payment.status


@pytest.fixture
def provider(tmp_path: Path) -> Iterator[AtProvider]:
    database = opened(f"sqlite:///{tmp_path}/payments.db")
    book, pages = Book(database), PaymentPages(database)
    book.create()
    webhooks = Webhooks(pages, "key", delay_s=60, repeated_ratio=0)  # which nobody sends here
    terminal = Terminal(book, processing_s=0, lost_reply_ratio=0)
    yield AtProvider(HostedPayments(book=book, terminal=terminal, pages=pages, webhooks=webhooks, public_url=None))
    database.close()


@pytest.fixture
def order(database: Database) -> Order:
    """Return an order whose payment's outcome isn't known."""
    put_in_cart(database, (SKU, 2))
    placed = Checkout(database, SetProvider([Payment.UNKNOWN])).place(checkout_of("k"), Behaviour()).order
    assert (placed.status, on_hand(database)) == (Status.PENDING, 3)
    return placed


def look(database: Database, provider: AtProvider, order: Order, after_s: float = 31) -> None:
    at = order.created_at + round(after_s * SECOND)
    Reconciliation(database, provider, ApplyOnce, 30).look(at)


def card(order: Order, card_token: str) -> PaymentRequest:
    return PaymentRequest(
        idempotency_key=order.order_id,
        card_token=card_token,
        reference=order.order_id,
        amount_cents=order.total_cents,
        currency="GBP",
    )


def page_of(provider: AtProvider, order: Order) -> PaymentPage:
    asked = PageRequest(
        idempotency_key=order.order_id,
        reference=order.order_id,
        amount_cents=order.total_cents,
        currency="GBP",
        return_url="http://127.0.0.1:1/r",
        webhook_url="http://127.0.0.1:1/w",
    )
    return provider.hosted.pages.open(asked)[0]


def test_an_order_that_nobody_paid_ends_and_its_stock_is_back(
    database: Database, provider: AtProvider, order: Order
) -> None:
    look(database, provider, order)
    assert (status_in(database, order), on_hand(database)) == (Status.DECLINED, 5)


@pytest.mark.parametrize(("token", "status", "left"), [("tok_ok", "accepted", 3), (DECLINED_CARD, "declined", 5)])
def test_an_order_whose_reply_was_lost_ends_as_it_was_paid(
    token: str, status: str, left: int, database: Database, provider: AtProvider, order: Order
) -> None:
    provider.hosted.terminal.take(card(order, token))
    look(database, provider, order)
    assert (status_in(database, order), on_hand(database)) == (Status(status), left)


def test_an_order_that_is_pending_for_a_moment_is_left_alone(
    database: Database, provider: AtProvider, order: Order
) -> None:
    look(database, provider, order, after_s=29)
    assert (provider.asked, status_in(database, order)) == (0, Status.PENDING)


def test_what_the_provider_does_not_answer_stays_pending_and_is_not_asked_at_each_look(
    database: Database, provider: AtProvider, order: Order
) -> None:
    provider.is_lost = True
    reconciliation = Reconciliation(database, provider, ApplyOnce, 30)
    for _ in range(3):
        reconciliation.look(order.created_at + 31 * SECOND)
    assert (provider.asked, status_in(database, order), on_hand(database)) == (1, Status.PENDING, 3)


def test_a_card_that_comes_too_late_is_not_charged(database: Database, provider: AtProvider, order: Order) -> None:
    look(database, provider, order)
    payment, status = provider.hosted.terminal.take(card(order, "tok_ok"))
    assert (payment.status, int(status)) == ("cancelled", 402)


@pytest.mark.parametrize("is_open", [True, False], ids=["its page is open", "its page is opened later"])
def test_a_page_that_its_shopper_left_takes_no_money_any_more(
    *, is_open: bool, database: Database, provider: AtProvider, order: Order
) -> None:
    if is_open:
        page_of(provider, order)
    look(database, provider, order)
    assert status_in(database, order) is Status.DECLINED
    assert provider.hosted.pay(page_of(provider, order), "tok_ok").status == "cancelled"


def test_a_page_that_was_paid_and_whose_news_never_came_is_an_accepted_order(
    database: Database, provider: AtProvider, order: Order
) -> None:
    provider.hosted.pay(page_of(provider, order), "tok_ok")
    look(database, provider, order)
    assert status_in(database, order) is Status.ACCEPTED


def test_a_shop_asks_its_provider_with_the_token(stack: Stack) -> None:
    asked = "ord_reconciled"
    assert HttpPaymentPages(stack.payments, "another").expire(asked, 100) is None
    first = HttpPaymentPages(stack.payments, TOKEN).expire(asked, 100)
    assert first == HttpPaymentPages(stack.payments, TOKEN).expire(asked, 100)
    assert [(one["payment_id"], one["status"]) for one in payments_of(stack.payments, asked)] == [first]
