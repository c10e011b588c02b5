"""The journeys: what kinds of visit there are, step by step, over any storefront."""

from collections.abc import Callable, Mapping
from typing import Literal

from loadtests.demand import plan as demand
from loadtests.demand.visits import VISITS
from loadtests.shopper.session import Session
from loadtests.storefronts import Storefront

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
JOURNEYS: dict[str, Journey] = {
    "window-shop": window_shop,
    "search-and-buy": search_and_buy,
    "click-and-collect": click_and_collect,
    "design-your-own": design_your_own,
}


def register(name: str, journey: Journey, visits: Mapping[str, float]) -> None:
    """Let this process's plans name one journey more; raises ValueError for a name that is taken."""
    if name in JOURNEYS:
        raise ValueError(f"there is a journey {name} already")
    JOURNEYS[name], VISITS[name] = journey, visits
    demand.JOURNEYS.append(name)


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
