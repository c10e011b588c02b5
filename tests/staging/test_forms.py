"""A browser's way through the shop: every form is in a page, and leads to the page that shows what became of it."""

import time

import requests

from staging.shop.catalogue import STORES
from tests.staging.browser import HTML, Browser
from tests.staging.conftest import Stack
from tests.staging.harness import check_out, fill_cart
from tests.staging.test_login import logged_in
from tests.waiting import wait_for

SKU = "puglife-m-moss"


def test_a_browser_searches_buys_pays_elsewhere_and_returns(stack: Stack) -> None:
    browser = Browser()
    home = browser.open(f"{stack.front.url}/")
    found = browser.submit(home, "form#search", q="pug life")
    link = found.value('a[href^="/products/"]', "href")
    product = browser.open(f"{stack.front.url}{link}")
    stock = product.value(f'li[data-sku="{SKU}"]', "data-warehouse")
    cart = browser.submit(product, "form#add", sku=SKU, quantity="2")
    assert cart.hops == [f"303 {stack.front.url}/cart/lines"]
    assert cart.value("li[data-sku]", "data-quantity") == "2"
    full = int(cart.value("#total", "data-cents"))
    cart = browser.submit(cart, "form#codes", coupon="WELCOME10")
    assert int(cart.value("#total", "data-cents")) == full - full // 10
    checkout = browser.open(f"{stack.front.url}/checkout")
    paying = browser.submit(checkout, "form#checkout", payment="hosted")
    assert paying.url.startswith(f"{stack.payments}/pay/")
    back = browser.submit(paying, "form#payment", card_token="tok_ok")
    assert back.url.startswith(f"{stack.front.url}/checkout/return?order=ord_")
    order = f"{stack.front.url}/orders/{back.value('#order', 'data-order')}"
    wait_for(lambda: browser.open(order).value("#order", "data-status") == "accepted", "the webhook")
    assert (
        int(browser.open(f"{stack.front.url}/products/puglife").value(f'li[data-sku="{SKU}"]', "data-warehouse"))
        == int(stock) - 2
    )
    returned = browser.submit(browser.open(order), "form#return", reason="too small")
    wait_for(lambda: browser.open(returned.url).value("#return", "data-status") == "refunded", "the refund")
    assert browser.open(order).tree.css_first("form#return") is None


def test_a_checkout_form_sent_twice_makes_one_order(stack: Stack) -> None:
    browser = Browser()
    browser.submit(browser.open(f"{stack.front.url}/products/puglife"), "form#add", sku=SKU)
    checkout = browser.open(f"{stack.front.url}/checkout")
    orders = {
        browser.submit(checkout, "form#checkout", card_token="tok_ok", method="collect", location="store-york").url
        for _ in range(2)
    }
    assert len(orders) == 1
    assert orders.pop().startswith(f"{stack.front.url}/orders/ord_")


def test_a_refused_form_is_a_page_of_the_refusal_s_status(stack: Stack) -> None:
    browser = Browser()
    product = browser.open(f"{stack.front.url}/products/puglife")
    stolen = Browser().submit(product, "form#add", sku=SKU)
    assert (stolen.status, stolen.error) == (403, "csrf")
    cart = browser.submit(product, "form#add", sku=SKU, quantity="99")
    refused = browser.submit(cart, "form#codes", gift_card="NONE-1")
    assert (refused.status, refused.error) == (422, "gift_card_unknown")
    checkout = browser.open(f"{stack.front.url}/checkout")
    refused = browser.submit(checkout, "form#checkout", method="collect", location="store-leeds", card_token="4111")
    assert (refused.status, refused.error) == (400, "bad_request")
    for _ in range(7):
        browser.submit(product, "form#add", sku=SKU, quantity="99")
    refused = browser.submit(checkout, "form#checkout", method="collect", location="store-leeds", card_token="tok_ok")
    assert (refused.status, refused.error) == (409, "out_of_stock")


def test_consent_is_given_once_a_session(stack: Stack) -> None:
    browser = Browser()
    page = browser.submit(browser.open(f"{stack.front.url}/search?q=tea"), "form#consent", choice="necessary")
    assert (page.url, browser.http.cookies["consent"]) == (f"{stack.front.url}/search?q=tea", "necessary")
    assert page.tree.css_first("form#consent") is None
    again = browser.http.post(f"{stack.front.url}/consent", json={"choice": "all"}, timeout=20)
    assert (again.status_code, again.json(), again.cookies.get("consent")) == (200, {"choice": "necessary"}, None)
    fresh = requests.post(f"{stack.front.url}/consent", json={"choice": "all"}, timeout=20)
    assert (fresh.status_code, fresh.cookies["consent"]) == (204, "all")
    assert requests.post(f"{stack.front.url}/consent", json={"choice": "some"}, timeout=20).status_code == 400


def test_a_customer_s_home_follows_what_they_ordered(stack: Stack) -> None:
    browser = logged_in(stack.front, "dee")
    home = browser.http.get(f"{stack.front.url}/", timeout=20).json()
    usual = requests.get(f"{stack.front.url}/", timeout=20).json()
    assert (home["because"], home["recommended"]) == ([], usual["recommended"])
    fill_cart(stack.front, browser.http, ("knithappens-m-moss", 1))
    order = check_out(stack.front, browser.http, "home-1").json()
    home = browser.http.get(f"{stack.front.url}/", timeout=20).json()
    assert home["because"] == ["knithappens"]
    own = {"mothtolamp", "napchampion", "purrfectlylate", "sofasogood", "threadlightly"}
    assert {style["style"] for style in home["recommended"][:5]} == own
    assert home["customer"]["name"] == "dee"
    assert browser.http.get(f"{stack.front.url}/account", timeout=20).json()["orders"] == 1
    (listed,) = browser.http.get(f"{stack.front.url}/account/orders", timeout=20).json()["orders"]
    assert (listed["order_id"], listed["status"]) == (order["order_id"], "accepted")
    page = browser.open(f"{stack.front.url}/account/orders")
    assert browser.open(f"{stack.front.url}{page.value('li[data-order] a', 'href')}").one("form#return").parent
    other = requests.get(f"{stack.front.url}/orders/{order['order_id']}", headers=HTML, timeout=20)
    assert "form" in other.text
    assert 'id="return"' not in other.text


def test_a_customer_s_orders_come_a_page_at_a_time(stack: Stack) -> None:
    browser, keys = logged_in(stack.front, "eve"), ("page-1", "page-2", "page-3")
    for key in keys:
        fill_cart(stack.front, browser.http, (SKU, 1))
        check_out(stack.front, browser.http, key).raise_for_status()
    first = browser.http.get(f"{stack.front.url}/account/orders?limit=2", timeout=20).json()
    rest = browser.http.get(f"{stack.front.url}/account/orders?limit=2&before={first['next']}", timeout=20).json()
    assert (len(first["orders"]), len(rest["orders"]), rest["next"]) == (2, 1, None)
    times = [order["created_at"] for order in (*first["orders"], *rest["orders"])]
    assert times == sorted(times, reverse=True)
    for query in ("limit=0", "limit=101", "before=x"):
        assert browser.http.get(f"{stack.front.url}/account/orders?{query}", timeout=20).status_code == 400


def test_a_drop_sells_what_it_has_from_its_moment_on(stack: Stack) -> None:
    shopper = stack.front.shopper()
    (drop,) = shopper.get(f"{stack.front.url}/drops", timeout=20).json()["drops"]
    assert (drop["style"], drop["open"], drop["skus"][0]["left"]) == ("moonlitmile", True, 3)
    sku = drop["skus"][0]["sku"]
    shown = shopper.get(f"{stack.front.url}/products/moonlitmile", timeout=20).json()["skus"][0]
    assert shown["stock"] == {"warehouse": 3, **dict.fromkeys(STORES, 0)}
    opens_at = time.time_ns() + 3600 * 10**9
    stack.first.put("drops", {"opens_at": opens_at}).raise_for_status()
    early = fill_cart(stack.first, shopper, (sku, 1))
    refusal = {"error": "not_open", "style": "moonlitmile", "opens_at": opens_at}
    assert (early.status_code, early.json()) == (409, refusal)
    wait_for(lambda: fill_cart(stack.second, shopper, (sku, 1)).status_code == 409, "the other replica to know")
    stack.first.put("drops", {"opens_at": 0}).raise_for_status()
    answers = []
    for number in range(4):
        assert fill_cart(stack.first, shopper, (sku, 1)).status_code == 200
        answers.append(check_out(stack.first, shopper, f"drop-{number}").status_code)
    assert answers == [201, 201, 201, 409]


def test_no_page_but_the_drops_leads_to_a_drop(stack: Stack) -> None:
    assert requests.get(f"{stack.front.url}/search?q=moonlit", timeout=20).json()["results"] == []
    assert Browser().open(f"{stack.front.url}/drops").value("li[data-style] a", "href") == "/products/moonlitmile"
    assert stack.lossy.put("drops", {"opens_at": 0}).status_code == 404
    assert requests.get(f"{stack.lossy.url}/drops", timeout=20).json() == {"drops": []}


def test_an_order_s_times_are_listed_once_they_were(stack: Stack) -> None:
    shopper = stack.front.shopper()
    fill_cart(stack.front, shopper, (SKU, 1))
    check_out(stack.front, shopper, "times-1", run="times-1").raise_for_status()

    def listed() -> dict[str, int]:
        (order,) = stack.first.get("orders?run=times-1").json()["orders"]
        return dict(order)

    order = wait_for(lambda: order if (order := listed())["shipped_at"] else None, "its shipping")
    since = {name: order[name] - order["created_at"] for name in ("printed_at", "shipped_at", "due_at")}
    assert since == {"printed_at": 500_000_000, "shipped_at": 1_000_000_000, "due_at": 2_000_000_000}
    assert order["paid_at"] > order["created_at"]
