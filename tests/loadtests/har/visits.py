"""Visits to the tiny shop, recorded: through its pages with forms, and through its app with calls for data."""

from tests.loadtests.har.recorder import Browser, Shape
from tests.loadtests.har.tiny_shop import KEY, REGION, TinyShop

CARD = "4242424242424242"


def by_forms(shop: TinyShop, shape: Shape = "chromium", *, who: str = "kim", product: int = 2) -> Browser:
    browser = Browser(shape=shape)
    browser.visit(f"{shop.url}/")
    browser.click("nav a")
    browser.click("article.pod a", product)
    browser.send("#add", quantity="2")
    browser.click("a.button")
    browser.send(
        "#pay", email=f"{who}@mail.example", first_name=who.title(), line1="9 Real Road", postcode="E1 6AN",
        card_number=CARD, cvc="987",
    )  # fmt: skip
    return browser


def by_app(
    shop: TinyShop, shape: Shape = "chromium", *, who: str = "kim", product: int = 2, quantity: int = 3
) -> Browser:
    browser = Browser(shape=shape)
    browser.visit(f"{shop.url}/app")
    key = {"X_Api_Key": KEY}
    token = browser.fetch("POST", "/api/session", **key)["auth"]["token"]
    signed = key | {"Authorization": f"Bearer {token}"}
    found = browser.fetch("GET", "/api/products?limit=4", **signed)["products"][product]
    browser.fetch("GET", f"/api/products/{found['id']}", **signed)
    csrf = signed | {"X_CSRFToken": browser.cookies["csrftoken"]}
    cart = browser.fetch("POST", "/api/carts", {"region_id": REGION}, **csrf)["cart"]["id"]
    line = {"variant_id": found["variants"][1]["id"], "quantity": quantity}
    browser.fetch("POST", f"/api/carts/{cart}/items", line, **csrf)
    browser.fetch("POST", f"/api/carts/{cart}/complete", {"email": f"{who}@mail.example"}, **csrf)
    return browser
