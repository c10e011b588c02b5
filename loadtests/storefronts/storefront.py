"""What a storefront is: the steps that a shopper can take in a kind of shop, and what else is known of that kind."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol

from loadtests.shopper.session import Placed, Session


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


@dataclass(frozen=True, slots=True, kw_only=True)
class StorefrontSpec:
    """One kind of shop, entered once: `new` makes the storefront of a session.

    `walk` is how a real browser goes through the shop's pages: each page's name, and how the path of a link to it
    begins; empty where no browser can. `methods` names the HTTP method of each step where that is known, PUSH for what
    the shop pushes: Locust's own tables name a step by both.
    """

    new: Callable[[Session], Storefront]
    walk: Sequence[tuple[str, str]] = ()
    methods: Mapping[str, str] = field(default_factory=dict)
