"""The journeys: what kinds of visit there are, step by step, over any storefront."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

from loadtests.shopper.session import Session
from loadtests.storefronts import STOREFRONTS, Storefront, StorefrontSpec

DATA_EXHAUSTED = "data_exhausted"
OUT_OF_STOCK = "out_of_stock"


def window_shop(session: Session, shop: Storefront) -> None:
    """Look around and leave."""
    _browse(session, shop)
    session.think()
    shop.product()


def search_and_buy(session: Session, shop: Storefront) -> None:
    """Find something and have it sent."""
    _browse(session, shop)
    _buy(session, shop, "ship")


def click_and_collect(session: Session, shop: Storefront) -> None:
    """Find something, collect it from a store, and look the order up."""
    _browse(session, shop)
    if _buy(session, shop, "collect"):
        session.think()
        shop.order_status()


def design_your_own(session: Session, shop: Storefront) -> None:
    """Design a shirt and have it sent."""
    shop.home()
    session.think()
    shop.product()
    session.think()
    shop.design()
    _buy(session, shop, "ship")


Journey = Callable[[Session, Storefront], None]
# By the names that a plan may use: those of `loadtests.demand.visits.VISITS`, which says what steps each makes.
JOURNEYS: Mapping[str, Journey] = {
    "window-shop": window_shop,
    "search-and-buy": search_and_buy,
    "click-and-collect": click_and_collect,
    "design-your-own": design_your_own,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Registry:
    """What a run can play: storefronts by the names of targets.yaml, and journeys by those of a plan."""

    storefronts: Mapping[str, StorefrontSpec]
    journeys: Mapping[str, Journey]


BUILT_IN = Registry(storefronts=STOREFRONTS, journeys=JOURNEYS)


def _browse(session: Session, shop: Storefront) -> None:
    shop.home()
    session.think()
    shop.search()
    session.think()
    shop.product()


def _buy(session: Session, shop: Storefront, method: Literal["ship", "collect"]) -> bool:
    session.think()
    if not shop.fill_cart(method):
        session.lacked = DATA_EXHAUSTED
        return False
    session.think()
    placed = shop.checkout()
    if placed.reply.reason == OUT_OF_STOCK:
        session.lacked = DATA_EXHAUSTED
    if placed.outcome == "accepted" and session.plan.streams == "orders":
        shop.follow_order()
    return placed.outcome == "accepted"
