"""The benchmark's shop as the engine sees it: a storefront of four JSON steps and a static page, and its journeys."""

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from unittest.mock import patch

from loadtests.demand import visits
from loadtests.environment import storefront_targets
from loadtests.storefronts import Shop, Storefront
from loadtests.storefronts.journey import journey
from loadtests.storefronts.page import Page

STOREFRONT = "bench"
ITEMS = 19
SEARCHES = 10_000
SKUS = 20
CARD, TOTAL, QUANTITY = "4111111111111111", 19.99, 2
# What a page of the last two journeys asks for: as plain steps, one after the other, or as the page's assets.
ASSETS = tuple(f"a{number:02d}.png" for number in range(12))
# The environment variables by which a generator's process knows what is switched on.
RECORDS_VARIABLE = "PEAKPROOF_BENCH_RECORDS"  # ours: `off` leaves the requests' rows out
TALLY_VARIABLE = "PEAKPROOF_BENCH_TALLY"  # theirs: the file to write the counts of requests and failures to
CONNECTIONS_VARIABLE = (
    "PEAKPROOF_BENCH_CONNECTIONS"  # theirs: `kept`, or `journey` for a new one, without cookies, for each
)
PACED_VARIABLE = "PEAKPROOF_BENCH_PACED"  # theirs: requests a second of each user; 0 is as fast as it goes
CA_VARIABLE = "PEAKPROOF_BENCH_CA"  # theirs: the CA to trust; empty without TLS


class BenchShop(Shop):
    """Every call is one request; a reply that doesn't hold what it must is `wrong_reply`.

    All journeys but `bench-once` and `bench-one-page` go round until the run's end, as one of Locust's users does.
    """

    @journey
    def bench_buying(self) -> None:
        """Buy again and again."""
        while True:
            self._four_steps()

    @journey
    def bench_once(self) -> None:
        """Buy once."""
        self._four_steps()

    @journey
    def bench_static(self) -> None:
        """GET the static page again and again."""
        while True:
            self._static()

    @journey
    def bench_one_page(self) -> None:
        """GET the static page once."""
        self._static()

    @journey
    def bench_thinking(self) -> None:
        """Buy again and again, and think before each step."""
        while True:
            for step in (self._products, self._search, self._fill_cart, self._pay):
                step()
                self.think()

    @journey
    def bench_pages(self) -> None:
        """GET pages with their assets, as the plan has it."""
        for number in count():
            self._page(number)
            self._session.settle()

    @journey
    def bench_apart(self) -> None:
        """GET the same assets as plain steps."""
        for number in count():
            page = self._page(number)
            for name in ASSETS:
                self.get("asset", page.path + name, expect=200, follow=False)

    def _four_steps(self) -> None:
        self._products()
        self._search()
        self._fill_cart()
        self._pay()

    def _products(self) -> None:
        _ok(self.get("products", "/api/products"))

    def _search(self) -> None:
        page = self.get("search", f"/api/search?q=item{self.random.randint(0, SEARCHES - 1)}")
        if len(page["items"]) != ITEMS:
            page.wrong("not all the items")

    def _fill_cart(self) -> None:
        body = {"sku": f"SKU-{self.random.randint(0, SKUS - 1):05d}", "qty": QUANTITY}
        _ok(self.post("cart", "/api/cart", body))

    def _pay(self) -> None:
        """POST the payment. No order of the ledger's: what is measured is HTTP."""
        _ok(self.post("checkout", "/api/checkout", {"card": CARD, "total": TOTAL}))

    def _static(self) -> None:
        self.get("static", "/static")

    def _page(self, number: int) -> Page:
        return self.get("page", f"/pages/{number}/")


def _ok(page: Page) -> None:
    if page["ok"] is not True:
        page.wrong("not ok")


_FOUR = ("products", "search", "cart", "checkout")
# The steps of a session of each journey.
_STEPS = {
    **dict.fromkeys(("bench-buying", "bench-once", "bench-thinking"), _FOUR),
    **dict.fromkeys(("bench-static", "bench-one-page"), ("static",)),
    "bench-pages": ("page",),
    "bench-apart": ("page", "asset"),
}
BENCH = Storefront.of(STOREFRONT, BenchShop)


@contextmanager
def named() -> Iterator[None]:
    """Let targets and plans of this process name the benchmark's storefront and journeys while the block lasts."""
    steps = {name: dict.fromkeys(steps, 1.0) for name, steps in _STEPS.items()}
    with (
        patch.dict(visits.VISITS, steps),
        patch.object(storefront_targets, "STOREFRONTS", (*storefront_targets.STOREFRONTS, STOREFRONT)),
    ):
        yield
