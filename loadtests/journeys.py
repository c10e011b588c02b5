"""The journeys: what kinds of visit there are, step by step, over any storefront."""

import math
from collections.abc import Callable, Mapping
from typing import Literal

from loadtests.demand import plan as demand
from loadtests.run_directory import ASSET_STEPS
from loadtests.session import Session
from loadtests.storefronts import Storefront

DATA_EXHAUSTED = "data_exhausted"
OUT_OF_STOCK = "out_of_stock"
BROWSE_STEPS = ("home", "search", "product")


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

# How often a session of each journey visits each step, when nothing is refused: what a plan's evidence rests on.
VISITS: dict[str, Mapping[str, float]] = {
    "window-shop": {"home": 1, "search": 1, "product": 2},
    "search-and-buy": {"home": 1, "search": 1, "product": 1, "cart": 1, "checkout": 1},
    "click-and-collect": {"home": 1, "search": 1, "product": 1, "cart": 1, "checkout": 1, "order-status": 1},
    "design-your-own": {"home": 1, "product": 1, "design": 1, "cart": 1, "checkout": 1},
}

# What a shopper's order page adds to a visit when the plan's `streams` says so: a request, and events that it awaits.
ORDER_STREAM: Mapping[str, float] = {"order-stream": 1}
ORDER_NEWS: Mapping[str, float] = {"order-paid": 1, "order-printing": 1, "order-shipped": 1}

# How many assets a page has only the shop knows: no plan counts on a number of them.
UNPLANNED: Mapping[str, float] = dict.fromkeys(sorted(ASSET_STEPS), math.nan)


def expected_events(plan: demand.Plan) -> dict[str, float]:
    """Return the requests that a plan expects in its judged span by step, nan for a step that can't be planned."""
    return {**plan.expected_events(visits_of(plan)), **(UNPLANNED if plan.assets != "off" else {})}


# Whose shoppers mean to buy.
BUYERS = frozenset(name for name, visits in VISITS.items() if visits.get("checkout"))


def visits_of(plan: demand.Plan) -> dict[str, Mapping[str, float]]:
    """Return how often a session of each journey visits each step in `plan`; a reconnection isn't planned."""
    more = {**ORDER_STREAM, **ORDER_NEWS} if plan.streams == "orders" else {}
    return {name: {**visits, **more} if name in BUYERS else visits for name, visits in VISITS.items()}


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
