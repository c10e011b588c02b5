"""Twisted Threads' shop: JSON over HTTP, as `docs/contracts.md` describes it.

A shopper knows only what the pages said: words come from names seen, products from lists seen, quantities from
the stock shown.
"""

from collections.abc import Callable
from typing import Any, Literal
from urllib.parse import quote

import orjson

from loadtests.client.interface import Event, Reply, Request
from loadtests.results.ledger import Line, OrderReply
from loadtests.shopper.session import Placed, Session
from loadtests.storefronts.storefront import StorefrontSpec

WAREHOUSE = "warehouse"
_NEWS = ("paid", "printing", "shipped")
_CREATED, _PAYMENT_REQUIRED, _CONFLICT = 201, 402, 409
_ORDER_ANSWERS = frozenset({200, _CREATED, _PAYMENT_REQUIRED, _CONFLICT})
_DECLINED_SHARE = 0.01
_MAX_QUANTITY = 2
_SLOGANS = ("Holiday crew", "Best aunt ever", "Team Thursday", "Made of tea", "Powered by mince pies")


class TwistedThreads:
    """One shopper in the stand-in shop."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._random = session.random
        self._styles: list[dict[str, Any]] = []
        self._skus: list[dict[str, Any]] = []
        self._style = ""
        self._design: str | None = None
        self._lines: tuple[Line, ...] = ()
        self._delivery: dict[str, str] = {}
        self._total_cents = 0
        self._order_id: str | None = None
        self._events_path = ""

    def home(self) -> None:
        """Open the front page and see what is recommended."""
        self._session.step(Request(step="home", method="GET", path="/"), self._see("recommended"))

    def search(self) -> None:
        """Search by a word of a name seen before and take in the results."""
        word = self._random.choice(_words(self._random.choice(self._styles)["name"]))
        path = f"/search?q={quote(word, safe='')}"
        self._session.step(Request(step="search", method="GET", path=path), self._see("results"))

    def product(self) -> None:
        """Open a product seen before and take in what is in stock where."""
        self._style = str(self._random.choice(self._styles)["style"])
        request = Request(step="product", method="GET", path=f"/products/{quote(self._style, safe='')}")
        self._session.step(request, self._see_product)

    def design(self) -> None:
        """Make a design of one's own for the product at hand."""
        colour = str(self._random.choice(self._skus)["colour"])
        body = {"style": self._style, "colour": colour, "text": self._random.choice(_SLOGANS)}
        request = Request(step="design", method="POST", path="/designs", body=body, accept=frozenset({_CREATED}))
        self._session.step(request, self._see_design)

    def fill_cart(self, method: Literal["ship", "collect"]) -> bool:
        """Put several things of the product at hand into the cart; False when too little is in stock."""
        location = WAREHOUSE if method == "ship" else self._store()
        wanted = self._random.randint(self._session.plan.cart_lines.min, self._session.plan.cart_lines.max)
        there = [sku for sku in self._skus if sku["stock"].get(location, 0) >= _MAX_QUANTITY]
        if not there:
            return False
        chosen = self._random.sample(there, min(wanted, len(there)))
        self._lines = tuple(
            Line(sku=str(sku["sku"]), quantity=self._random.randint(1, _MAX_QUANTITY), location=location)
            for sku in chosen
        )
        self._delivery = {"method": "ship"} if method == "ship" else {"method": "collect", "location": location}
        self._put_into_cart()
        return True

    def checkout(self) -> Placed:
        """Order what is in the cart."""
        return self._session.order(self._lines, self._total_cents, self._send_order)

    def order_status(self) -> None:
        """Look at the order just placed."""
        request = Request(step="order-status", method="GET", path=f"/orders/{quote(self._order_id or '', safe='')}")
        self._session.step(request, self._see_order)

    def follow_order(self) -> None:
        """Listen to the order just placed until it is shipped."""
        self._session.listen(Request(step="order-stream", method="GET", path=self._events_path))
        for status in _NEWS:
            self._session.hear(f"order-{status}", self._is_news_of(status))
        self._session.hang_up()

    def _store(self) -> str:
        stores = sorted({place for sku in self._skus for place in sku["stock"]} - {WAREHOUSE})
        return self._random.choice(stores) if stores else WAREHOUSE

    def _put_into_cart(self) -> None:
        lines: list[dict[str, Any]] = [{"sku": line.sku, "quantity": line.quantity} for line in self._lines]
        if self._design is not None:
            lines[0]["design_id"] = self._design
        request = Request(step="cart", method="POST", path="/cart", body={"lines": lines})
        self._session.step(request, self._see_cart)

    def _send_order(self, key: str) -> Placed:
        card = "tok_declined" if self._random.random() < _DECLINED_SHARE else "tok_ok"
        request = Request(
            step="checkout",
            method="POST",
            path="/checkout",
            body={"delivery": self._delivery, "payment": {"card_token": card}},
            headers={"Idempotency-Key": key},
            accept=_ORDER_ANSWERS,
        )
        return _placed(self._session.step(request, self._check_order))

    def _see(self, key: str) -> Any:  # noqa: ANN401 - a check
        def check(reply: Reply) -> None:
            styles = reply.json()[key]
            if not styles or not all(style["style"] and _words(style["name"]) for style in styles):
                raise ValueError(f"{key}: no styles, or styles without a name")
            self._styles = [{**style, "price_cents": int(style["price_cents"])} for style in styles]

        return check

    def _see_product(self, reply: Reply) -> None:
        product = reply.json()
        if product["style"] != self._style or not product["skus"]:
            raise ValueError("another product, or one without sizes")
        self._skus = [_sku_seen(sku) for sku in product["skus"]]

    def _see_design(self, reply: Reply) -> None:
        self._design = str(reply.json()["design_id"])

    def _see_cart(self, reply: Reply) -> None:
        cart = reply.json()
        if {line["sku"] for line in cart["lines"]} != {line.sku for line in self._lines}:
            raise ValueError("the cart holds other things")
        self._total_cents = int(cart["total_cents"])

    def _see_order(self, reply: Reply) -> None:
        if reply.json()["order_id"] != self._order_id:
            raise ValueError("another order")

    def _is_news_of(self, status: str) -> Callable[[Event], bool]:
        def is_news(event: Event) -> bool:
            if event.type != status:
                return False
            told = orjson.loads(event.data)
            if (told["order_id"], told["status"]) != (self._order_id, status):
                raise ValueError("another order, or another status")
            return True

        return is_news

    def _check_order(self, reply: Reply) -> None:
        if reply.status in (_PAYMENT_REQUIRED, _CONFLICT):
            return
        order = reply.json()
        if not order["order_id"] or int(order["total_cents"]) != self._total_cents:
            raise ValueError("no order number, or another total than the cart's")
        self._order_id = str(order["order_id"])
        self._events_path = str(order.get("events_url") or f"/orders/{quote(self._order_id, safe='')}/events")


def _words(name: str) -> list[str]:
    """Return the words of a name that can be searched for, as a shopper would type them."""
    words = ("".join(letter for letter in word if letter.isalnum()) for word in name.split())
    return [word for word in words if word]


def _sku_seen(sku: dict[str, Any]) -> dict[str, Any]:
    if not sku["sku"] or not sku["colour"]:
        raise ValueError("a size without a number or a colour")
    stock = {str(location): int(quantity) for location, quantity in sku["stock"].items()}
    return {"sku": str(sku["sku"]), "colour": str(sku["colour"]), "stock": stock}


def _placed(reply: Reply) -> Placed:
    if reply.status in (_PAYMENT_REQUIRED, _CONFLICT):
        reason = "payment_declined" if reply.status == _PAYMENT_REQUIRED else "out_of_stock"
        return Placed(outcome="refused", reply=OrderReply(status=reply.status, reason=reason))
    order = reply.json()
    return Placed(
        outcome="accepted",
        reply=OrderReply(status=reply.status, order_id=str(order["order_id"]), total_cents=int(order["total_cents"])),
    )


SPEC = StorefrontSpec(
    new=TwistedThreads,
    walk=(("home", "/"), ("search", "/search"), ("product", "/products/")),
    methods={
        **dict.fromkeys(("home", "search", "product", "order-status", "order-stream"), "GET"),
        **dict.fromkeys(("design", "cart", "checkout"), "POST"),
        **dict.fromkeys((f"order-{status}" for status in _NEWS), "PUSH"),
    },
)
