"""How often a session of each journey makes each step: what a plan's evidence and ceilings rest on.

The stand-in's journeys stand here; another shop's are counted by `peakproof try`, which writes them into the plan.
"""

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # the plan looks its journeys up here
    from loadtests.demand.plan import Plan

BROWSE_STEPS = ("home", "search", "product")
# The journeys of the built-in storefront: how often a session visits each step when nothing is refused.
VISITS: Mapping[str, Mapping[str, float]] = {
    "window-shop": {"home": 1, "search": 1, "product": 2},
    "search-and-buy": {"home": 1, "search": 1, "product": 1, "cart": 1, "checkout": 1},
    "click-and-collect": {"home": 1, "search": 1, "product": 1, "cart": 1, "checkout": 1, "order-status": 1},
    "design-your-own": {"home": 1, "product": 1, "design": 1, "cart": 1, "checkout": 1},
}
# What a shopper's order page adds to a visit when the plan's `streams` says so: a request, and events that it awaits.
ORDER_STREAM: Mapping[str, float] = {"order-stream": 1}
ORDER_NEWS: Mapping[str, float] = {"order-paid": 1, "order-printing": 1, "order-shipped": 1}


def expected_events(plan: "Plan") -> dict[str, float]:
    """Return the requests that a plan expects in its judged span by step, nan for a step that can't be planned.

    Raises ValueError while a journey's visits aren't counted.
    """
    return {**plan.expected_events(visits_of(plan)), **(UNPLANNED if plan.assets != "off" else {})}


# Whose shoppers mean to buy, of the built-in storefront.
BUYERS = frozenset(name for name, visits in VISITS.items() if visits.get("checkout"))


def visits_of(plan: "Plan") -> dict[str, Mapping[str, float]]:
    """Return how often a session of each journey visits each step in `plan`; a reconnection isn't planned.

    What the plan itself says goes before the table. A journey that neither knows is left out: see `uncounted`.
    """
    more = {**ORDER_STREAM, **ORDER_NEWS} if plan.streams == "orders" else {}
    known = {name: {**visits, **more} if name in BUYERS else visits for name, visits in VISITS.items()}
    return {**known, **{name: visits.steps for name, visits in plan.visits.items()}}


def orders_of(plan: "Plan") -> dict[str, float]:
    """Return how many orders a session of each journey attempts when nothing is refused."""
    known = {name: visits.get("checkout", 0.0) for name, visits in VISITS.items()}
    return {**known, **{name: visits.orders for name, visits in plan.visits.items()}}


def buyers_of(plan: "Plan") -> frozenset[str]:
    """Return the plan's journeys whose shoppers mean to buy."""
    return frozenset(name for name, orders in orders_of(plan).items() if orders and name in plan.journeys)


def uncounted(plan: "Plan") -> tuple[str, ...]:
    """Return the plan's journeys whose visits aren't known: `peakproof try` counts them."""
    known = visits_of(plan)
    return tuple(name for name in plan.journeys if name not in known)


# The steps that a page asks for by itself: at the shop's own origin, and at its CDN.
ASSET, CDN_ASSET = "asset", "cdn-asset"
ASSET_STEPS = frozenset({ASSET, CDN_ASSET})
# How many assets a page has only the shop knows: no plan counts on a number of them.
UNPLANNED: Mapping[str, float] = dict.fromkeys(sorted(ASSET_STEPS), math.nan)
