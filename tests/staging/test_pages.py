"""The shop over HTTP, as the contract has it."""

from collections import Counter

import pytest
import requests

from loadtests.shopper.html_links import links_of
from tests.staging.conftest import Stack
from tests.staging.harness import ADMIN, check_out, fill_cart
from tests.staging.test_releases import RELEASES


def test_the_home_page_starts_a_session_once(stack: Stack) -> None:
    first = requests.get(f"{stack.front.url}/", timeout=20)
    assert sorted(first.json()) == ["categories", "greeting", "recommended"]
    assert len(first.cookies["sid"]) == 32
    again = requests.get(f"{stack.front.url}/", cookies=first.cookies, timeout=20)
    assert "sid" not in again.cookies


def test_search_and_product_show_what_is_for_sale(stack: Stack) -> None:
    found = requests.get(f"{stack.front.url}/search", params={"q": "tea rex"}, timeout=20).json()
    assert found == {"query": "tea rex", "results": [{"style": "tearex", "name": "Tea Rex", "price_cents": 2299}]}
    product = requests.get(f"{stack.front.url}/products/tearex", timeout=20).json()
    assert len(product["skus"]) == 20
    assert sorted(product["skus"][0]["stock"]) == ["store-bath", "store-hull", "store-leeds", "store-york", "warehouse"]


BROWSER = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}


def test_a_browser_gets_pages_it_can_walk_and_everything_they_ask_for(stack: Stack) -> None:
    http, seen = requests.Session(), []
    for path in ("/", "/search?q=tea", "/products/tearex"):
        page = http.get(f"{stack.front.url}{path}", headers=BROWSER, timeout=20)
        assert (page.status_code, page.headers["Content-Type"]) == (200, "text/html; charset=utf-8")
        assets = [address for address in links_of(page.content).addresses if address != "data:,"]
        kinds = [http.get(f"{stack.front.url}{asset}", timeout=20).headers["Content-Type"] for asset in assets]
        assert kinds[:2] == ["text/css; charset=utf-8", "text/javascript; charset=utf-8"]
        assert set(kinds[2:]) == {"image/png"}
        seen.append(page.text)
    assert "sid" in http.cookies
    assert 'href="/search?q=' in seen[0]
    assert 'href="/products/' in seen[0]
    assert 'href="/products/tearex"' in seen[1]
    assert "in stock" in seen[2]


def test_who_takes_anything_gets_json_and_an_asset_that_is_none_is_not_found(stack: Stack) -> None:
    for accept in ("*/*", "application/json", None):
        home = requests.get(f"{stack.front.url}/", headers={"Accept": accept}, timeout=20)
        assert sorted(home.json()) == ["categories", "greeting", "recommended"]
    assert requests.get(f"{stack.front.url}/assets/none.png", timeout=20).status_code == 404


def test_a_name_is_text_in_a_page(stack: Stack) -> None:
    page = requests.get(f"{stack.front.url}/search?q=<script>alert(1)</script>", headers=BROWSER, timeout=20)
    assert "<script>alert" not in page.text
    assert "&lt;script&gt;alert(1)" in page.text


def test_a_design_made_on_one_replica_is_seen_on_the_other(stack: Stack) -> None:
    body = {"style": "tearex", "colour": "moss", "text": "Roar"}
    made = requests.post(f"{stack.first.url}/designs", json=body, timeout=20)
    assert made.status_code == 201
    preview = requests.get(f"{stack.second.url}{made.json()['preview_url']}", timeout=20)
    assert (preview.headers["Content-Type"], len(preview.content)) == ("image/png", made.json()["bytes"])


def test_an_order_is_promised_kept_and_listed(stack: Stack) -> None:
    shopper = stack.front.shopper()
    cart = fill_cart(stack.front, shopper, ("tearex-m-navy", 2), ("puglife-s-moss", 1)).json()
    placed = check_out(stack.front, shopper, "listed", delivery={"method": "collect", "location": "store-bath"})
    order = placed.json()
    assert placed.status_code == 201
    assert order == {
        "order_id": order["order_id"],
        "status": "accepted",
        "total_cents": cart["total_cents"],
        "lines": [
            {"sku": "tearex-m-navy", "quantity": 2, "location": "store-bath"},
            {"sku": "puglife-s-moss", "quantity": 1, "location": "store-bath"},
        ],
        "events_url": f"/orders/{order['order_id']}/events",
    }
    assert requests.get(f"{stack.front.url}/orders/{order['order_id']}", timeout=20).json() == order
    listed = stack.second.get("orders?run=tests").json()["orders"]
    assert [o["key"] for o in listed if o["order_id"] == order["order_id"]] == ["listed"]
    again = check_out(stack.front, shopper, "listed", delivery={"method": "collect", "location": "store-bath"})
    assert (again.status_code, again.json()) == (200, order)


def test_orders_come_in_pages(stack: Stack) -> None:
    shopper = stack.front.shopper()
    fill_cart(stack.front, shopper, ("napchampion-m-navy", 1))
    for number in range(3):
        assert check_out(stack.front, shopper, f"paged-{number}", run="paged").status_code == 201
    first = stack.first.get("orders?run=paged&limit=2").json()
    rest = stack.first.get(f"orders?run=paged&limit=2&after={first['next']}").json()
    assert [o["key"] for o in first["orders"] + rest["orders"]] == ["paged-0", "paged-1", "paged-2"]
    assert rest["next"] is None


def test_a_declined_card_and_missing_stock_are_refused_and_change_nothing(stack: Stack) -> None:
    sku = "sofasogood-m-navy"
    stack.first.put("stock", {"stock": [{"sku": sku, "location": "warehouse", "quantity": 1}]}).raise_for_status()
    shopper = stack.front.shopper()
    fill_cart(stack.front, shopper, (sku, 1))
    declined = check_out(stack.front, shopper, "declined", card="tok_declined")
    assert (declined.status_code, declined.json()) == (402, {"error": "payment_declined"})
    fill_cart(stack.front, shopper, (sku, 2))
    refused = check_out(stack.front, shopper, "too many")
    assert (refused.status_code, refused.json()) == (409, {"error": "out_of_stock", "sku": sku})
    assert stack.first.stock_of(sku) == 1


def test_the_funnel_counts_sessions_once_across_replicas(stack: Stack) -> None:
    before = _funnel(stack)
    shopper = stack.first.shopper()
    for replica in (stack.first, stack.second):
        shopper.get(f"{replica.url}/search", params={"q": "nap"}, timeout=20)
        shopper.get(f"{replica.url}/products/tearex", timeout=20)
        fill_cart(replica, shopper, ("tearex-s-navy", 1))
    check_out(stack.second, shopper, "funnel")
    grown = _funnel(stack)
    grown.subtract(before)
    assert grown == {"session": 1, "search": 1, "product": 1, "cart": 1, "checkout": 1, "order": 1}


def _funnel(stack: Stack) -> Counter[str]:
    stack.first.get("funnel")  # each replica writes what it has before it answers
    return Counter(stack.second.get("funnel").json()["funnel"])


CART = {"lines": [{"sku": "tearex-m-navy", "quantity": 1}]}
BUY = {"delivery": {"method": "ship"}, "payment": {"card_token": "tok_ok"}}


@pytest.mark.parametrize(
    ("path", "body", "detail"),
    [
        ("/cart", "{", "body: Invalid JSON: EOF while parsing an object at line 1 column 1"),
        ("/cart", "[]", "body: Input should be an object"),
        ("/cart", {"lines": []}, "lines: List should have at least 1 item after validation, not 0"),
        ("/cart", {"lines": CART["lines"] * 51}, "lines: List should have at most 50 items after validation, not 51"),
        ("/cart", {"lines": [{"sku": "teerex-m-navy", "quantity": 1}]}, "lines: no such SKU"),
        ("/cart", {"lines": [{"sku": "tearex-m-navy", "quantity": -1}]},
         "lines.0.quantity: Input should be greater than or equal to 1"),
        ("/cart", {"lines": [{"sku": "tearex-m-navy", "quantity": "1"}]},
         "lines.0.quantity: Input should be a valid integer"),
        ("/cart", {"lines": [{"sku": "tearex-m-navy", "quantity": 1, "design_id": "des_0"}]}, "lines: no such design"),
        ("/checkout", {**BUY, "payment": {"card_token": "4111111111111111"}},
         "payment.card_token: String should match pattern '^tok_[a-z_]{1,40}$'"),
        ("/checkout", {**BUY, "delivery": {"method": "collect", "location": "warehouse"}},
         "delivery.collect.location: Input should be 'store-leeds', 'store-york', 'store-bath' or 'store-hull'"),
        ("/checkout", BUY, "Idempotency-Key: missing"),
        ("/designs", {"style": "teerex", "colour": "moss", "text": "x"}, "style: no such style"),
        ("/designs", {"style": "tearex", "colour": "pink", "text": "x"},
         "colour: Input should be 'black', 'white', 'navy' or 'moss'"),
        ("/designs", {"style": "tearex", "colour": "moss", "text": "x" * 61},
         "text: String should have at most 60 characters"),
    ],
)  # fmt: skip
def test_a_body_that_does_not_fit_is_refused_with_what_would(
    stack: Stack, path: str, body: object, detail: str
) -> None:
    shopper = stack.first.shopper()
    if isinstance(body, str):
        reply = shopper.post(f"{stack.front.url}{path}", data=body, timeout=20)
    else:
        reply = shopper.post(f"{stack.front.url}{path}", json=body, timeout=20)
    assert (reply.status_code, reply.json()) == (400, {"error": "bad_request", "detail": detail})


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/products/nothing", 404),
        ("GET", "/orders/ord_0", 404),
        ("GET", "/designs/des_0.png", 404),
        ("GET", "/nowhere", 404),
        ("DELETE", "/cart", 405),
        ("POST", "/cart", 400),
        ("POST", "/checkout", 400),
        ("GET", "/search?q=" + "x" * 201, 400),
        ("GET", "/search?q=%ff%00", 200),
        ("GET", "/products/%00", 404),
    ],
)
def test_whatever_is_asked_the_answer_is_json_and_no_fault_of_the_shop(
    stack: Stack, method: str, path: str, status: int
) -> None:
    reply = requests.request(method, f"{stack.front.url}{path}", timeout=20)
    assert (reply.status_code, isinstance(reply.json(), dict)) == (status, True)


def test_a_huge_body_is_refused(stack: Stack) -> None:
    reply = requests.post(f"{stack.front.url}/cart", data=b"x" * 100_000, timeout=20)
    assert (reply.status_code, reply.json()["error"]) == (413, "request_entity_too_large")


def test_the_admin_interface_needs_the_token(stack: Stack) -> None:
    for headers in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": "Bearer \xff"}):
        for path in ("release", "stock", "orders", "funnel"):
            assert requests.get(f"{stack.first.admin}/admin/{path}", headers=headers, timeout=20).status_code == 401


@pytest.mark.parametrize(
    ("path", "body", "detail"),
    [
        ("release", {"release": "perfect"},
         f"release: unknown release; known: {', '.join(sorted(RELEASES))}"),
        ("stock", {"stock": [{"sku": "x", "location": "warehouse", "quantity": 1}]}, "stock.0.sku: no such SKU"),
        ("stock", {"stock": [{"sku": "tearex-m-navy", "location": "moon", "quantity": 1}]},
         "stock.0.location: one of warehouse, store-leeds, store-york, store-bath, store-hull"),
        ("stock", {"stock": [{"sku": "tearex-m-navy", "location": "warehouse", "quantity": -1}]},
         "stock.0.quantity: Input should be greater than or equal to 0"),
    ],
)  # fmt: skip
def test_an_admin_body_that_does_not_fit_is_refused(stack: Stack, path: str, body: object, detail: str) -> None:
    reply = stack.first.put(path, body)
    assert (reply.status_code, reply.json()) == (400, {"error": "bad_request", "detail": detail})


def test_a_page_that_is_no_number_is_refused(stack: Stack) -> None:
    for query in ("after=-1", "after=x", "limit=0", "limit=1001", "limit=²"):
        assert stack.first.get(f"orders?{query}").status_code == 400


def test_a_switched_release_shows_its_version_at_once(stack: Stack) -> None:
    try:
        assert stack.second.put("release", {"release": "oversell"}).json()["version"] == "2026.47.2"
        health = requests.get(f"{stack.second.url}/healthz", timeout=20).json()
        assert health == {"status": "ok", "version": "2026.47.2"}
    finally:
        stack.second.put("release", {"release": "stable"})


def test_server_durations_are_counted_by_method_route_and_status(stack: Stack) -> None:
    requests.get(f"{stack.lossy.url}/products/nothing", timeout=20)
    text = requests.get(f"{stack.lossy.admin}/metrics", headers=ADMIN, timeout=20).text
    counted = [line for line in text.splitlines() if line.startswith("http_server_request_duration_seconds_count")]
    labels = ('http_request_method="GET"', 'http_response_status_code="404"', 'http_route="/products/<style>"')
    assert [line.split()[-1] for line in counted if all(label in line for label in labels)] == ["1.0"]
