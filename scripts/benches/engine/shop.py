"""The benchmark's shop as the engine sees it: a storefront of four JSON steps and a static page, and its journeys."""

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from typing import Literal, NoReturn
from unittest.mock import patch

import orjson

from loadtests.client.interface import Reply, Request
from loadtests.demand import visits
from loadtests.environment import targets
from loadtests.journeys import Registry
from loadtests.shopper.session import Placed, Session
from loadtests.storefronts import Storefront, StorefrontSpec

STOREFRONT = "bench"
ITEMS = 19
SEARCHES = 10_000
SKUS = 20
CARD, TOTAL, QUANTITY = "4111111111111111", 19.99, 2
# What a page of the last two journeys asks for: as plain steps, one after the other, or as the page's assets.
ASSETS = tuple(f"a{number:02d}.png" for number in range(12))
_PRODUCTS = Request(step="products", method="GET", path="/api/products")
_STATIC = Request(step="static", method="GET", path="/static")
_CHECKOUT = Request(step="checkout", method="POST", path="/api/checkout", body={"card": CARD, "total": TOTAL})


class BenchShop:
    """Every call is one request; a reply that doesn't hold what it must is `wrong_reply`."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def home(self) -> None:
        """GET the products."""
        self._session.step(_PRODUCTS, _ok)

    def search(self) -> None:
        """GET the results for a random word."""
        path = f"/api/search?q=item{self._session.random.randint(0, SEARCHES - 1)}"
        self._session.step(Request(step="search", method="GET", path=path), _full)

    def product(self) -> None:
        """GET the static page."""
        self._session.step(_STATIC)

    def fill_cart(self, _method: Literal["ship", "collect"] = "ship") -> bool:
        """POST a random thing into the cart; the shop wants its cookie."""
        body = {"sku": f"SKU-{self._session.random.randint(0, SKUS - 1):05d}", "qty": QUANTITY}
        self._session.step(Request(step="cart", method="POST", path="/api/cart", body=body), _ok)
        return True

    def pay(self) -> None:
        """POST the payment; the shop wants its cookie. No order of the ledger's: what is measured is HTTP."""
        self._session.step(_CHECKOUT, _ok)

    def checkout(self) -> Placed:
        """Refuse: no journey here orders."""
        self._refuse()

    def design(self) -> None:
        """Refuse: the shop has no designs."""
        self._refuse()

    def order_status(self) -> None:
        """Refuse: the shop has no orders."""
        self._refuse()

    def follow_order(self) -> None:
        """Refuse, for the same reason."""
        self._refuse()

    def _refuse(self) -> NoReturn:
        raise NotImplementedError("the benchmark's shop sells nothing")


def _buying(_session: Session, shop: Storefront) -> None:
    while True:
        _four_steps(shop)


def _once(_session: Session, shop: Storefront) -> None:
    _four_steps(shop)


def _static(_session: Session, shop: Storefront) -> None:
    while True:
        shop.product()


def _one_page(_session: Session, shop: Storefront) -> None:
    shop.product()


def _thinking(session: Session, shop: Storefront) -> None:
    bench = _bench(shop)
    while True:
        for step in (bench.home, bench.search, bench.fill_cart, bench.pay):
            step()
            session.think()


def _pages(session: Session, _shop: Storefront) -> None:
    for number in count():
        session.step(_page(number))
        session.settle()


def _apart(session: Session, _shop: Storefront) -> None:
    for number in count():
        page = _page(number)
        session.step(page)
        for name in ASSETS:
            session.step(Request(step="asset", method="GET", path=page.path + name))


def _page(number: int) -> Request:
    return Request(step="page", method="GET", path=f"/pages/{number}/")


def _four_steps(shop: Storefront) -> None:
    bench = _bench(shop)
    bench.home()
    bench.search()
    bench.fill_cart()
    bench.pay()


def _bench(shop: Storefront) -> BenchShop:
    if not isinstance(shop, BenchShop):
        raise TypeError(f"the benchmark's journeys need its own storefront, not {type(shop).__name__}")
    return shop


def _ok(reply: Reply) -> None:
    if orjson.loads(reply.body)["ok"] is not True:
        raise ValueError("not ok")


def _full(reply: Reply) -> None:
    if len(orjson.loads(reply.body)["items"]) != ITEMS:
        raise ValueError("not all the items")


_FOUR = ("products", "search", "cart", "checkout")
# What a session of each journey does, and its steps; all but `once` go round until the run's end, as one of Locust's
# users does.
_JOURNEYS = {
    "bench-buying": (_buying, _FOUR),
    "bench-once": (_once, _FOUR),
    "bench-static": (_static, ("static",)),
    "bench-one-page": (_one_page, ("static",)),
    "bench-thinking": (_thinking, _FOUR),
    "bench-pages": (_pages, ("page",)),
    "bench-apart": (_apart, ("page", "asset")),
}
REGISTRY = Registry(
    storefronts={STOREFRONT: StorefrontSpec(new=BenchShop)},
    journeys={name: journey for name, (journey, _) in _JOURNEYS.items()},
)


@contextmanager
def named() -> Iterator[None]:
    """Let targets and plans of this process name the benchmark's storefront and journeys while the block lasts."""
    steps = {name: dict.fromkeys(steps, 1.0) for name, (_, steps) in _JOURNEYS.items()}
    with patch.dict(visits.VISITS, steps), patch.object(targets, "STOREFRONTS", (*targets.STOREFRONTS, STOREFRONT)):
        yield
