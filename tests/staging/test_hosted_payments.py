"""A payment made on a page of the provider's: the order waits for the webhook, whenever and however often it comes."""

import json
import time

import pytest
import requests

from staging.derived_keys import keys_of, signature
from tests.staging.browser import Browser, Page
from tests.staging.conftest import Stack
from tests.staging.harness import TOKEN, Replica, fill_cart, payments_of
from tests.waiting import wait_for

SKU = "tearex-s-white"
HOSTED = {"delivery": {"method": "ship"}, "payment": {"hosted": True}}


def check_out_hosted(shop: Replica, browser: Browser, key: str, sku: str = SKU) -> requests.Response:
    """Fill the cart and order; the payment is still to be made."""
    browser.open(f"{shop.url}/")
    fill_cart(shop, browser.http, (sku, 1)).raise_for_status()
    return again(shop, browser, key)


def again(shop: Replica, browser: Browser, key: str) -> requests.Response:
    headers = {"Idempotency-Key": key, "X-Peakproof-Run": key}
    return browser.http.post(f"{shop.url}/checkout", json=HOSTED, headers=headers, timeout=30)


def pay(browser: Browser, order: dict[str, str], **fields: str) -> Page:
    return browser.submit(browser.open(order["payment_url"]), "form#payment", **fields)


def order_of(shop: Replica, key: str) -> dict[str, object]:
    (order,) = shop.get(f"orders?run={key}").json()["orders"]
    return dict(order)


def status_of(shop: Replica, key: str) -> object:
    return order_of(shop, key)["status"]


def test_the_shopper_who_returns_first_waits_for_the_webhook(stack: Stack) -> None:
    browser, before = Browser(), stack.first.stock_of(SKU)
    reply = check_out_hosted(stack.front, browser, "hosted-1")
    order = reply.json()
    assert (reply.status_code, order["status"]) == (202, "pending")
    assert stack.first.stock_of(SKU) == before - 1
    page = pay(browser, order, card_token="tok_ok")
    assert page.hops == [f"303 {order['payment_url']}"]
    assert (page.status, page.value("#order", "data-status")) == (202, "pending")
    wait_for(lambda: status_of(stack.first, "hosted-1") == "accepted", "the webhook")
    assert browser.open(page.url).status == 200
    listed = order_of(stack.first, "hosted-1")
    assert listed["paid_at"] > listed["created_at"]  # type: ignore[operator]  # ns
    (payment,) = payments_of(stack.payments, order["order_id"])
    assert (payment["amount_cents"], payment["status"]) == (order["total_cents"], "captured")


def test_a_webhook_that_is_first_and_repeated_accepts_the_order_once(stack: Stack) -> None:
    browser, before = Browser(), stack.lossy.stock_of(SKU)
    order = check_out_hosted(stack.lossy, browser, "hosted-2").json()
    page = pay(browser, order, card_token="tok_ok")
    assert (page.status, page.value("#order", "data-status")) == (200, "accepted")
    time.sleep(0.4)  # the repetition is sent 0.2 s after the first
    assert stack.lossy.stock_of(SKU) == before - 1


def test_the_key_gives_the_same_page_and_then_the_order(stack: Stack) -> None:
    browser = Browser()
    order = check_out_hosted(stack.lossy, browser, "hosted-3").json()
    repeated = again(stack.lossy, browser, "hosted-3")
    assert (repeated.status_code, repeated.json()) == (202, order)
    pay(browser, order, card_token="tok_ok")
    accepted = again(stack.lossy, browser, "hosted-3")
    assert (accepted.status_code, accepted.json()["status"]) == (200, "accepted")


@pytest.mark.parametrize(
    ("fields", "error", "decline"),
    [
        ({"card_token": "tok_declined"}, "payment_declined", "card_declined"),
        ({"action": "cancel"}, "payment_cancelled", "cancelled"),
    ],
)
def test_a_payment_that_is_not_made_gives_the_stock_back(
    stack: Stack, fields: dict[str, str], error: str, decline: str
) -> None:
    browser, before = Browser(), stack.lossy.stock_of(SKU)
    order = check_out_hosted(stack.lossy, browser, f"hosted-{decline}").json()
    page = pay(browser, order, **fields)
    assert (page.status, page.error) == (402, error)
    assert stack.lossy.stock_of(SKU) == before
    listed = order_of(stack.lossy, f"hosted-{decline}")
    assert (listed["status"], listed["decline"], listed["paid_at"]) == ("declined", decline, None)
    assert again(stack.lossy, browser, f"hosted-{decline}").json() == {"error": error}


def test_a_page_is_paid_once_however_often_its_form_is_sent(stack: Stack) -> None:
    browser = Browser()
    order = check_out_hosted(stack.lossy, browser, "hosted-4").json()
    form = browser.open(order["payment_url"])
    for fields in ({"card_token": "tok_ok"}, {"card_token": "tok_declined"}, {"action": "cancel"}):
        assert browser.submit(form, "form#payment", **fields).value("#order", "data-status") == "accepted"
    assert browser.open(order["payment_url"]).hops == [f"303 {order['payment_url']}"]
    assert len(payments_of(stack.lossy_payments, order["order_id"])) == 1


def test_a_payment_form_without_its_token_or_with_another_card_is_refused(stack: Stack) -> None:
    browser = Browser()
    order = check_out_hosted(stack.lossy, browser, "hosted-5").json()
    form = browser.open(order["payment_url"])
    refused = browser.submit(form, "form#payment", card_token="4111111111111111")
    assert (refused.status, refused.error) == (422, "card_token")
    del browser.http.cookies["pay_csrf"]
    refused = browser.submit(form, "form#payment", card_token="tok_ok")
    assert (refused.status, refused.error) == (403, "csrf")
    assert payments_of(stack.lossy_payments, order["order_id"]) == []


def test_a_returning_stranger_sees_no_order(stack: Stack) -> None:
    order = check_out_hosted(stack.lossy, Browser(), "hosted-6").json()
    reply = requests.get(f"{stack.lossy.url}/checkout/return?order={order['order_id']}&result=paid", timeout=20)
    assert reply.status_code == 404


def news(order: dict[str, object], **changed: object) -> str:
    return json.dumps(
        {
            "event_id": "evt_1",
            "type": "payment.captured",
            "payment_id": "pay_1",
            "reference": order["order_id"],
            "amount_cents": order["total_cents"],
            **changed,
        }
    )


def send(shop: Replica, body: str, key: str = keys_of(TOKEN).webhook, at: int | None = None) -> int:
    at = int(time.time()) if at is None else at
    headers = {"Webhook-Signature": f"t={at},v1={signature(key, f'{at}.{body}')}", "Content-Type": "application/json"}
    return requests.post(f"{shop.url}/webhooks/payments", data=body, headers=headers, timeout=20).status_code


def test_a_webhook_of_another_signature_time_order_or_amount_changes_nothing(stack: Stack) -> None:
    order = check_out_hosted(stack.lossy, Browser(), "hosted-7").json()
    body = news(order)
    assert send(stack.lossy, body, key="guessed") == 401
    assert send(stack.lossy, body, at=int(time.time()) - 1000) == 401
    assert requests.post(f"{stack.lossy.url}/webhooks/payments", data=body, timeout=20).status_code == 401
    assert send(stack.lossy, news(order, reference="ord_another")) == 404
    assert send(stack.lossy, news(order, amount_cents=1)) == 422
    assert status_of(stack.lossy, "hosted-7") == "pending"
    assert send(stack.lossy, body) == 200
    assert send(stack.lossy, news(order, type="payment.declined")) == 200
    assert status_of(stack.lossy, "hosted-7") == "accepted"


def test_the_lost_webhook_release_leaves_a_paid_order_pending(stack: Stack) -> None:
    browser = Browser()
    stack.lossy.put("release", {"release": "lost-webhook"}).raise_for_status()
    try:
        order = check_out_hosted(stack.lossy, browser, "hosted-8").json()
        page = pay(browser, order, card_token="tok_ok")
    finally:
        stack.lossy.put("release", {"release": "stable"})
    assert (page.status, page.value("#order", "data-status")) == (202, "pending")
    assert [payment["status"] for payment in payments_of(stack.lossy_payments, order["order_id"])] == ["captured"]


def test_the_repeated_webhook_release_takes_the_stock_twice(stack: Stack) -> None:
    sku, browser = "tearex-xxl-moss", Browser()
    before = stack.lossy.stock_of(sku)
    stack.lossy.put("release", {"release": "repeated-webhook"}).raise_for_status()
    try:
        order = check_out_hosted(stack.lossy, browser, "hosted-9", sku).json()
        pay(browser, order, card_token="tok_ok")
        wait_for(lambda: stack.lossy.stock_of(sku) == before - 2, "the webhook's repetition")
    finally:
        stack.lossy.put("release", {"release": "stable"})
