"""Storefronts: how each kind of shop is browsed and bought from."""

from collections.abc import Callable, Mapping, Sequence
from typing import Literal, Protocol

from loadtests.environment import targets
from loadtests.shopper.session import Placed, Session
from loadtests.storefronts import twisted_threads
from loadtests.storefronts.twisted_threads import TwistedThreads


class Storefront(Protocol):
    """What a shopper can do in a shop; each call is one step of the session. A refusal is not an error."""

    def home(self) -> None:
        """Open the front page and see what is recommended."""

    def search(self) -> None:
        """Search by a word seen before and take in the results."""

    def product(self) -> None:
        """Open a product seen before and take in what is in stock where."""

    def design(self) -> None:
        """Make a design of one's own for a product seen before."""

    def fill_cart(self, method: Literal["ship", "collect"]) -> bool:
        """Put several things of the product at hand into the cart; False when too little is in stock."""

    def checkout(self) -> Placed:
        """Order what is in the cart."""

    def order_status(self) -> None:
        """Look at the order just placed."""

    def follow_order(self) -> None:
        """Listen to what becomes of the order just placed, until it is on its way; only where the plan says so."""


STOREFRONTS: dict[str, Callable[[Session], Storefront]] = {"twisted-threads": TwistedThreads}
# How a browser walks through the pages of each kind of shop: their names, and how the path of a link to one begins.
WALKS: Mapping[str, Sequence[tuple[str, str]]] = {
    "twisted-threads": (("home", "/"), ("search", "/search"), ("product", "/products/")),
}
# With which method each step of a shop is asked for, where that is told: Locust's own tables name a step by both.
METHODS: Mapping[str, Mapping[str, str]] = {"twisted-threads": twisted_threads.METHODS}


def register(name: str, storefront: Callable[[Session], Storefront]) -> None:
    """Let this process's targets name one storefront more; raises ValueError for a name that is taken."""
    if name in STOREFRONTS:
        raise ValueError(f"there is a storefront {name} already")
    STOREFRONTS[name] = storefront
    targets.STOREFRONTS.append(name)
