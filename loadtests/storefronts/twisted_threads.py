"""Twisted Threads' shop: JSON over HTTP, as `docs/contracts.md` describes it.

A shopper knows only what the pages showed: words come from names seen, products from lists seen, quantities from
the stock shown.
"""

from collections.abc import Callable
from typing import Any, Literal
from urllib.parse import quote

import orjson

from loadtests.client.interface import Event, Request
from loadtests.results.ledger import Line
from loadtests.storefronts.journey import journey
from loadtests.storefronts.order import OUT_OF_STOCK, Order
from loadtests.storefronts.page import Page
from loadtests.storefronts.shop import Shop

NEWS = ("paid", "printing", "shipped")
_CREATED = 201
_PLACED = frozenset({200, _CREATED})
_REFUSED = {"payment_declined": 402, OUT_OF_STOCK: 409}
_DECLINED_SHARE = 0.01
_MAX_QUANTITY = 2
_SLOGANS = ("Holiday crew", "Best aunt ever", "Team Thursday", "Made of tea", "Powered by mince pies")
Styles = list[dict[str, Any]]
Delivery = Literal["ship", "collect"]


class Buying(Shop):
    """One shopper in the stand-in shop: what a guest does there."""

    walk = (("home", "/"), ("search", "/search"), ("product", "/products/"))

    @journey
    def window_shop(self) -> None:
        """Look around and leave."""
        self.browse()
        self.think()
        self.open_product(self.found)

    @journey(buys=True)
    def search_and_buy(self) -> None:
        """Find something and have it sent."""
        self.browse()
        self.buy("ship")

    @journey(buys=True)
    def click_and_collect(self) -> None:
        """Find something, collect it from a store, and look the order up."""
        self.browse()
        if order_id := self.buy("collect"):
            self.think()
            self.get("order-status", f"/orders/{quote(order_id, safe='')}", expect={"order_id": order_id})

    @journey(buys=True)
    def design_your_own(self) -> None:
        """Design a shirt and have it sent."""
        self.found = self._home()
        self.think()
        self.open_product(self.found)
        self.think()
        body = {"style": self._style, "colour": self.pick(self._skus)["colour"], "text": self.pick(_SLOGANS)}
        self._design = str(self.post("design", "/designs", body, expect=_CREATED)["design_id"])
        self.buy("ship")

    found: Styles
    _style: str
    _unit_cents: int
    _skus: list[dict[str, Any]]
    _design: str | None = None

    def browse(self) -> None:
        """Open the front page, search by a word seen there, and open a product of those found."""
        styles = self._home()
        self.think()
        word = self.pick(_words(self.pick(styles)["name"]))
        self.found = styles_of(self.get("search", f"/search?q={quote(word, safe='')}"), "results")
        self.think()
        self.open_product(self.found)

    def _home(self) -> Styles:
        return styles_of(self.get("home", "/"), "recommended")

    def open_product(self, styles: Styles) -> None:
        """Open one of the styles, and take in what is in stock where."""
        self._style = str(self.pick(styles)["style"])
        page = self.get("product", f"/products/{quote(self._style, safe='')}", expect={"style": self._style})
        skus = [_sku_seen(sku) for sku in page["skus"]]
        if not skus:
            page.wrong("skus: a product without sizes")
        self._skus, self._unit_cents = skus, int(page["price_cents"])

    def buy(self, method: Delivery) -> str:
        """Order several things of the product at hand; return the order's id, "" when the shop declined.

        When that product is sold out the shopper opens another one of those found, until none is left.
        """
        self.think()
        left = self.shuffled([style for style in self.found if style["style"] != self._style])
        while True:
            if lines := self.choose_lines(method):
                order = self._order(lines, method)
                if order.refusal != OUT_OF_STOCK:
                    return order.order_id
            if not left:
                self.nothing_left()
            self.open_product([left.pop()])
            self.think()

    def _order(self, lines: list[Line], method: Delivery) -> Order:
        total_cents = self.put_into_cart(lines)
        self.think()
        delivery = {"method": "ship"} if method == "ship" else {"method": "collect", "location": lines[0].location}
        return self.place(lines, total_cents, delivery)

    def card(self) -> str:
        """Return a card; a few are declined."""
        return "tok_declined" if self.random.random() < _DECLINED_SHARE else "tok_ok"

    def place(
        self, lines: list[Line], total_cents: int, delivery: dict[str, str], together: float | None = None
    ) -> Order:
        """Order what is in the cart, and follow the order where the plan says so."""
        card = self.card()
        with self.order(lines, total_cents, together=together) as order:
            placed = self.post(
                "checkout",
                "/checkout",
                {"delivery": {**delivery, "name": self.canary}, "payment": {"card_token": card}},
                headers={"Idempotency-Key": order.key},
                expect=_PLACED,
                refused=_REFUSED,
            )
            if not placed["order_id"]:
                placed.wrong("no order number")
            order.accepted(placed["order_id"], cents=total_cents, status=placed.status)  # as the cart promised
            check_price(placed, total_cents)
            events = str(placed.get("events_url") or f"/orders/{quote(order.order_id, safe='')}/events")
        if order.placed:
            self.follow(order.order_id, events)
        return order

    def choose_lines(self, method: Delivery) -> list[Line]:
        """Return lines of what is in stock at the warehouse or at a store; none when too little is."""
        location = self.location if method == "ship" else self._store()
        there = [sku for sku in self._skus if sku["stock"].get(location, 0) >= _MAX_QUANTITY]
        return [self.line(sku["sku"], self.random.randint(1, _MAX_QUANTITY), location) for sku in self.some(there)]

    def _store(self) -> str:
        stores = sorted({place for sku in self._skus for place in sku["stock"]} - {self.location})
        return self.pick(stores) if stores else self.location

    def put_into_cart(self, lines: list[Line]) -> int:
        """Put the lines into the cart; return its total in cents."""
        asked: list[dict[str, Any]] = [{"sku": line.sku, "quantity": line.quantity} for line in lines]
        if self._design is not None:
            asked[0]["design_id"] = self._design
        cart = self.post("cart", "/cart", {"lines": asked}, expect=200)
        if {line["sku"] for line in cart["lines"]} != {line.sku for line in lines}:
            cart.wrong("the cart holds other things")
        shown_cents = self._unit_cents * sum(line.quantity for line in lines)
        if cart["total_cents"] != shown_cents:
            cart.wrong(f"the price drifted: the product's page showed {shown_cents}, the cart {cart['total_cents']}")
        return shown_cents

    def follow(self, order_id: str, path: str) -> None:
        """Listen to the order just placed until it is shipped, where the plan says so."""
        if self._session.plan.streams != "orders":
            return
        self._session.listen(Request(step="order-stream", method="GET", path=path))
        for status in NEWS:
            self._session.hear(f"order-{status}", _is_news_of(order_id, status))
        self._session.hang_up()


def check_price(placed: Page, cart_cents: int) -> None:
    """End the visit where an order costs something else than its cart showed."""
    if placed["total_cents"] != cart_cents:
        placed.wrong(f"the price drifted: the cart showed {cart_cents}, the order costs {placed['total_cents']}")


def styles_of(page: Page, key: str) -> Styles:
    """Return the styles that a page lists under `key`; there must be some, and each has a name."""
    styles = page[key]
    if not styles or not all(style["style"] and _words(style["name"]) for style in styles):
        page.wrong(f"{key}: no styles, or styles without a name")
    return [{**style, "price_cents": int(style["price_cents"])} for style in styles]


def _words(name: str) -> list[str]:
    """Return the words of a name that can be searched for, as a shopper would type them."""
    words = ("".join(letter for letter in word if letter.isalnum()) for word in name.split())
    return [word for word in words if word]


def _sku_seen(sku: dict[str, Any]) -> dict[str, Any]:
    if not sku["sku"] or not sku["colour"]:
        raise ValueError("a size without a number or a colour")
    stock = {str(location): int(quantity) for location, quantity in sku["stock"].items()}
    return {"sku": str(sku["sku"]), "colour": str(sku["colour"]), "stock": stock}


def _is_news_of(order_id: str, status: str) -> Callable[[Event], bool]:
    def is_news(event: Event) -> bool:
        if event.type != status:
            return False
        order = orjson.loads(event.data)
        if (order["order_id"], order["status"]) != (order_id, status):
            raise ValueError("another order, or another status")
        return True

    return is_news
