"""A recorded visit becomes a draft that an engineer would have written, whatever recorded it, and that buys."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from loadtests.har.importing import Imported, import_visit
from loadtests.har.reading import read_har
from loadtests.storefronts import Given
from loadtests.storefronts.loading import load_storefront
from tests.loadtests.har.recorder import Browser, Shape
from tests.loadtests.har.tiny_shop import KEY, TinyShop, tiny_shop
from tests.loadtests.har.visits import CARD, by_app, by_forms
from tests.loadtests.shopper.several_hosts import Visit

SHAPES: tuple[Shape, ...] = ("chromium", "firefox", "proxy")
SETTINGS = {"card_number": CARD, "cvc": "123", "api_key": KEY}
FORMS = '''\
"""How 127.0.0.1 is browsed and bought from: a draft by `peakproof har import`."""

from peakproof import Shop, cents, journey

# What the shop answers when it is sold out isn't in the recording: name it in `refused`.


class MyShop(Shop):
    @journey
    def window_shop(self):
        home = self.get("home", "/")
        self.think()  # 4 s in the recording
        category = self.open("category", home.one('a[href="/c/tees/"]'))
        self.think()  # 4 s in the recording
        product = self.open("product", self.pick(category.select('a[href^="/p/"]')))
        sku = product.one('th:contains("SKU") + td').text
        return product, sku

    @journey(buys=True)
    def buy(self):
        product, sku = self.window_shop()
        self.think()  # 4 s in the recording
        basket_add = self.submit("basket-add", product.form("#add"), {"quantity": "2"})
        self.think()  # 4 s in the recording
        pay = self.open("pay", basket_add.one('a[href="/pay/"]'))
        total = cents(pay.one('th:contains("Order total") + td').text)
        self.think()  # 4 s in the recording
        with self.order([self.line(sku, 2)], total) as order:
            checkout = self.submit(
                "checkout",
                pay.form("#pay"),
                {
                    "email": f"{self.run}-{self.session}@example.com",
                    "first_name": "Ada",
                    "line1": "1 High Street",
                    "postcode": "E1 6AN",
                    "card_number": self.settings["card_number"],
                    "cvc": self.settings["cvc"],
                },
            )
            order.accepted(checkout.one("p.lead strong").text)
'''
APP = '''\
"""How 127.0.0.1 is browsed and bought from: a draft by `peakproof har import`."""

from peakproof import Shop, journey

# What the shop answers when it is sold out isn't in the recording: name it in `refused`.


class MyShop(Shop):
    auth_token = None

    def headers(self):
        headers = {"X-Api-Key": self.settings["api_key"]}
        if self.auth_token:
            headers["Authorization"] = f"Bearer {self.auth_token}"
        return headers

    @journey
    def window_shop(self):
        self.get("app", "/app")
        csrftoken = self.cookie("csrftoken")
        session = self.post("session", "/api/session")
        self.auth_token = session["auth.token"]
        region_id = session["region.id"]
        products = self.get("products", "/api/products", params={"limit": "4"})
        product = self.pick(products["products"])
        product_reply = self.get("product", f"/api/products/{product['id']}")
        variant = self.pick(product_reply["product.variants"])
        return csrftoken, region_id, variant

    @journey(buys=True)
    def buy(self):
        csrftoken, region_id, variant = self.window_shop()
        cart_id = self.post(
            "carts",
            "/api/carts",
            {"region_id": region_id},
            headers={"X-Csrftoken": csrftoken},
        )["cart.id"]
        total = self.post(
            "items",
            f"/api/carts/{cart_id}/items",
            {"variant_id": variant["id"], "quantity": 3},
            headers={"X-Csrftoken": csrftoken},
        ).cents("cart.total")
        with self.order([self.line(variant["sku"], 3)], total, key=cart_id) as order:
            checkout = self.post(
                "checkout",
                f"/api/carts/{cart_id}/complete",
                {"email": f"{self.run}-{self.session}@example.com"},
                headers={"X-Csrftoken": csrftoken},
            )
            order.accepted(checkout["order.id"], cents=checkout.cents("order.total"))
'''


@pytest.fixture(scope="module")
def shop() -> Iterator[TinyShop]:
    with tiny_shop() as found:
        yield found


def imported(folder: Path, browser: Browser, again: Browser | None = None) -> Imported:
    """Return what a recording becomes, by way of its file."""
    for name, one in (("visit.har", browser), ("again.har", again)):
        (folder / name).write_text(json.dumps(None if one is None else one.har()))
    return import_visit(read_har(folder / "visit.har"), None if again is None else read_har(folder / "again.har"))


def text_of(made: Imported, shop: TinyShop) -> str:
    return made.draft.text.replace(shop.url.removeprefix("http://"), "127.0.0.1")


@pytest.mark.parametrize("shape", SHAPES)
def test_pages_and_forms_become_the_same_draft_whatever_recorded_them(
    tmp_path: Path, shop: TinyShop, shape: Shape
) -> None:
    assert text_of(imported(tmp_path, by_forms(shop, shape)), shop) == FORMS


@pytest.mark.parametrize("shape", SHAPES)
def test_calls_for_data_become_the_same_draft_whatever_recorded_them(
    tmp_path: Path, shop: TinyShop, shape: Shape
) -> None:
    assert text_of(imported(tmp_path, by_app(shop, shape)), shop) == APP


def test_what_is_no_step_is_left_out_and_counted(tmp_path: Path, shop: TinyShop) -> None:
    visit = imported(tmp_path, by_forms(shop)).visit
    assert dict(visit.third_parties) == {"stats.example": 4}
    assert dict(visit.left_out) == {"images, scripts, styles": 4}


def played(
    folder: Path, shop: TinyShop, made: Imported, journey: str, **settings: Any
) -> list[tuple[str, int, str | None]]:
    """Play a journey of a draft as it stands, by the real player over real sockets."""
    (folder / "storefront.py").write_text(made.draft.text)
    storefront = load_storefront(folder / "storefront.py")
    quick = {"median_s": 0.001, "sigma": 0.1, "max_s": 0.002}
    with Visit(folder, shop.url, {}, think_time=quick) as visit:
        shopper = storefront.shop(visit.session, Given(run="r1", settings=settings))
        getattr(shopper, storefront.journeys[journey].method)()
        return visit.records()


def test_a_draft_of_forms_buys_as_it_stands_what_its_shopper_picks(tmp_path: Path, shop: TinyShop) -> None:
    made, before = imported(tmp_path, by_forms(shop)), len(shop.orders)
    records = played(tmp_path, shop, made, "buy", **SETTINGS)
    assert [(step, status) for step, status, _ in records][-2:] == [("checkout", 302), ("checkout-redirect", 200)]
    (order,) = shop.orders[before:]
    assert (order["email"], order["lines"][0]["quantity"], shop.refused) == ("r1-3@example.com", 2, [])
    rows = [json.loads(line) for path in tmp_path.rglob("ledger-*.jsonl") for line in path.read_text().splitlines()]
    assert [row.get("order_id") for row in rows][-1] == order["id"]


def test_a_draft_of_calls_for_data_buys_with_its_own_tokens(tmp_path: Path, shop: TinyShop) -> None:
    made, before = imported(tmp_path, by_app(shop)), len(shop.orders)
    records = played(tmp_path, shop, made, "buy", **SETTINGS)
    assert {error for _, _, error in records} == {None}
    (order,) = shop.orders[before:]
    assert (order["lines"][0]["quantity"], shop.refused) == (3, [])


def test_a_draft_is_what_the_linter_s_and_the_formatter_s_defaults_accept(tmp_path: Path, shop: TinyShop) -> None:
    for name, browser in (("forms.py", by_forms(shop)), ("app.py", by_app(shop))):
        (tmp_path / name).write_text(imported(tmp_path, browser).draft.text)
    for verb in (["check"], ["format", "--check"]):
        command = [sys.executable, "-m", "ruff", *verb, "--isolated", "forms.py", "app.py"]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=60)
        assert done.returncode == 0, done.stdout


def test_the_same_visit_by_another_shopper_shows_what_varies(tmp_path: Path, shop: TinyShop) -> None:
    one, two = by_app(shop, quantity=3), by_app(shop, who="lee", product=1, quantity=1)
    made = imported(tmp_path, one, two)
    assert "        quantity = self.random.randint(1, 3)" in made.draft.text.splitlines()
    assert '{"variant_id": variant["id"], "quantity": quantity},' in made.draft.text
    assert 'self.line(variant["sku"], quantity)' in made.draft.text
    assert "self.pick(" in made.draft.text


def test_what_two_shoppers_chose_alike_is_the_shop_s_constant(tmp_path: Path, shop: TinyShop) -> None:
    made = imported(tmp_path, by_forms(shop), by_forms(shop, who="lee"))
    assert """self.open("product", category.one('a[href="/p/tee-3/"]'))""" in made.draft.text
    assert "self.pick(" not in made.draft.text


def test_what_only_one_of_two_shoppers_typed_is_named(tmp_path: Path, shop: TinyShop) -> None:
    one, two = by_forms(shop), by_forms(shop, product=3)
    for entry in two.entries:
        sent = entry["request"].get("postData", {})
        sent["text"] = sent.get("text", "").replace("E1+6AN", "LS1+4AP")
    made = imported(tmp_path, one, two)
    assert "        # differs in the second recording: postcode" in made.draft.text
    assert made.draft.notes == ("checkout: postcode: differs in the second recording, found in no reply",)


def test_no_secret_of_the_recording_stands_in_the_draft(tmp_path: Path, shop: TinyShop) -> None:
    browser = by_app(shop)
    browser.visit(f"{shop.url}/login")
    browser.send("#login", username="kim@mail.example", password="hunter2-of-kim")
    secrets = {KEY, CARD, "987", "hunter2-of-kim", "kim@mail.example", *browser.cookies.values(), *shop.tokens}
    for made in (imported(tmp_path, browser), imported(tmp_path, by_forms(shop))):
        said = made.draft.text + str(made.draft.notes) + str(made.draft.steps)
        assert [one for one in secrets - {"dark"} if one in said] == []
    assert '"password": self.account.password' in imported(tmp_path, browser).draft.text
