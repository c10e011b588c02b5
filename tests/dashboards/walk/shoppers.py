"""A little load on the stand-in, always the same: visitors, buyers, payers on the provider's page, customers."""

import itertools
import random
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import requests

from tests.dashboards.walk.world import PASSWORD, STORES, USERS, World
from tests.staging.browser import Browser
from tests.staging.harness import Replica

PAUSE_S = 1.0
_STYLES = ("tearex", "puglife", "byteme", "slothmode", "replyall", "beanthere", "napchampion", "whalehello")
# A rush for one shirt in one store: what two buy at once meets in one row of the stock.
_RUSH_SKU, RUSH_STORE = "tearex-m-navy", STORES[0]
_RUSHING = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Shopper:
    """One of them; `number` is its place, from which its cards and choices follow."""

    shop: Replica
    number: int
    keys: Iterator[int]
    rush: threading.Barrier

    def buy(self) -> None:
        """Look around, fill a cart of eight shirts and have it sent; one card in twenty is declined."""
        session = self.shop.shopper()
        session.get(f"{self.shop.url}/search?q=tee", timeout=20)
        style = _STYLES[next(self.keys) % len(_STYLES)]
        session.get(f"{self.shop.url}/products/{style}", timeout=20)
        self._fill(session, [f"{one}-l-white" for one in _STYLES], 1)
        self._order(session, {"method": "ship"}, card_token="tok_declined" if next(self.keys) % 20 == 0 else "tok_ok")

    def rush_for_one(self) -> None:
        """Wait for the others, and order the same shirt for collection at the moment at which they do."""
        session = self.shop.shopper()
        self._fill(session, [_RUSH_SKU], 2)
        self.rush.wait(20)
        self._order(session, {"method": "collect", "location": RUSH_STORE}, card_token="tok_ok")

    def pay_on_the_providers_page(self) -> None:
        """Order, and pay on the page of the payment provider."""
        browser = Browser()
        browser.open(f"{self.shop.url}/")
        self._fill(browser.http, ["puglife-s-black"], 1)
        order = self._order(browser.http, {"method": "ship"}, hosted=True).json()
        browser.submit(browser.open(order["payment_url"]), "form#payment", card_token="tok_ok")

    def log_in(self) -> None:
        """Log in as a customer and open the account."""
        browser = Browser()
        user = USERS[self.number % len(USERS)]
        browser.submit(browser.open(f"{self.shop.url}/login"), "form#login", user=user, password=PASSWORD)
        browser.open(f"{self.shop.url}/account")

    def _fill(self, session: requests.Session, skus: list[str], quantity: int) -> None:
        lines = [{"sku": sku, "quantity": quantity} for sku in skus]
        session.post(f"{self.shop.url}/cart", json={"lines": lines}, timeout=20)

    def _order(self, session: requests.Session, delivery: dict[str, str], **payment: object) -> requests.Response:
        """Check out without naming a run: to the shop it is a customer like any other."""
        headers = {"Idempotency-Key": f"walk-{self.number}-{next(self.keys):08d}"}
        body = {"delivery": delivery, "payment": payment}
        return session.post(f"{self.shop.url}/checkout", json=body, headers=headers, timeout=30)


@contextmanager
def shopping(world: World) -> Iterator[None]:
    """Keep eight shoppers at it for as long as the block lasts; one whose visit fails begins the next."""
    stopping, rush = threading.Event(), threading.Barrier(_RUSHING)
    visits: list[Callable[[Shopper], None]] = [
        *[Shopper.rush_for_one] * _RUSHING,
        *[Shopper.buy] * 2,
        *[Shopper.pay_on_the_providers_page] * 2,
        Shopper.log_in,
    ]

    def keep_on(visit: Callable[[Shopper], None], shopper: Shopper) -> None:
        pause = random.Random(shopper.number)  # noqa: S311 - not a secret
        while not stopping.wait(PAUSE_S * (0.5 + pause.random())):
            try:
                visit(shopper)
            except (requests.RequestException, AssertionError, KeyError, ValueError):
                continue  # a fault of the shop's: its metrics tell of it
            except threading.BrokenBarrierError:
                return

    threads = []
    for number, visit in enumerate(visits):
        shopper = Shopper(shop=world.shop, number=number, keys=itertools.count(number), rush=rush)
        threads.append(threading.Thread(target=keep_on, args=(visit, shopper), name=f"shopper-{number}", daemon=True))
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        stopping.set()
        rush.abort()
        for thread in threads:
            thread.join(30)
