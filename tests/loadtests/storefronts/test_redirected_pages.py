"""What is expected or refused is asked of the page that redirects led to, and its word is in that page's record."""

import contextlib
from pathlib import Path

import pytest

from loadtests.client.interface import Reply, Request
from loadtests.shopper.session import Session
from loadtests.shopper.session_errors import SessionFailedError
from loadtests.storefronts import Shop, Storefront
from loadtests.storefronts.journey import journey
from loadtests.storefronts.page import Page
from loadtests.storefronts.shop import Given
from tests.loadtests.fakes import FakeClient, Memory, arrival, ledger_rows, worker


class Guest(Shop):
    """Places an order by a form whose answer is a redirect: to the thanks, or back to the basket."""

    @journey(buys=True)
    def buy(self) -> None:
        refused = {"out_of_stock": lambda page: page.path == "/basket/"}
        with self.order([self.line("scarf")], 1000) as order:
            self.post("checkout", "/checkout/", form={"action": "place"}, expect=self.is_placed, refused=refused)
            order.accepted("1")

    def is_placed(self, page: Page) -> bool:
        """Whether the shopper is thanked."""
        return page.path == "/thanks/"


class Reader(Guest):
    """Expects what the page doesn't hold."""

    def is_placed(self, page: Page) -> bool:
        """Whether the page names the order."""
        return bool(page.one("#number").text)


def visited(folder: Path, leads_to: str, shop: type[Shop] = Guest) -> list[tuple[str, str | None]]:
    """Play a visit whose checkout leads somewhere, and return its steps with their errors."""

    def answer(request: Request) -> Reply:
        return Reply(status=302, location=leads_to) if request.method == "POST" else Reply(status=200, body=b"<p>")

    memory = Memory()
    shared = worker(folder, FakeClient(answer), memory=memory)
    session = Session(shared, arrival(journey="buy"), shared.clock.now())
    with contextlib.suppress(SessionFailedError):
        Storefront.of("guest", shop).play(session, Given())
    session.close()
    return [(record.step, record.error) for record in memory.steps]


def ended(folder: Path) -> list[tuple[str, str | None]]:
    """Return the outcome and the reason of each order in the ledger."""
    return [(row["outcome"], row.get("reason")) for row in ledger_rows(folder) if "outcome" in row]


def test_a_redirect_back_to_the_basket_is_a_refusal(tmp_path: Path) -> None:
    assert visited(tmp_path, "/basket/") == [("checkout", None), ("checkout-redirect", None)]
    assert ended(tmp_path) == [("refused", "out_of_stock")]


def test_what_is_expected_is_asked_of_the_last_page(tmp_path: Path) -> None:
    assert visited(tmp_path, "/thanks/") == [("checkout", None), ("checkout-redirect", None)]
    assert ended(tmp_path) == [("accepted", None)]


@pytest.mark.parametrize(("leads_to", "shop"), [("/elsewhere/", Guest), ("/thanks/", Reader)])
def test_a_last_page_that_is_not_what_is_expected_is_a_wrong_reply_of_its_own_step(
    tmp_path: Path, leads_to: str, shop: type[Shop]
) -> None:
    assert visited(tmp_path, leads_to, shop) == [("checkout", None), ("checkout-redirect", "wrong_reply")]
    assert ended(tmp_path) == [("unknown", "checkout-redirect: wrong_reply")]
