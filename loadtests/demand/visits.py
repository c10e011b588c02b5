"""The journeys that a plan may name, and how often a session of each makes each step: what its evidence rests on."""

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # the plan looks its journeys up here
    from loadtests.demand.plan import Plan

BROWSE_STEPS = ("home", "search", "product")
# The one table of journeys: `loadtests.journeys` plays each of them, a plan may name no other. How often a session
# visits each step when nothing is refused.
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
    """Return the requests that a plan expects in its judged span by step, nan for a step that can't be planned."""
    return {**plan.expected_events(visits_of(plan)), **(UNPLANNED if plan.assets != "off" else {})}


# Whose shoppers mean to buy.
BUYERS = frozenset(name for name, visits in VISITS.items() if visits.get("checkout"))


def visits_of(plan: "Plan") -> dict[str, Mapping[str, float]]:
    """Return how often a session of each journey visits each step in `plan`; a reconnection isn't planned."""
    more = {**ORDER_STREAM, **ORDER_NEWS} if plan.streams == "orders" else {}
    return {name: {**visits, **more} if name in BUYERS else visits for name, visits in VISITS.items()}


# The steps that a page asks for by itself: at the shop's own origin, and at its CDN.
ASSET, CDN_ASSET = "asset", "cdn-asset"
ASSET_STEPS = frozenset({ASSET, CDN_ASSET})
# How many assets a page has only the shop knows: no plan counts on a number of them.
UNPLANNED: Mapping[str, float] = dict.fromkeys(sorted(ASSET_STEPS), math.nan)
