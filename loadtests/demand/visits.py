"""How often a session of each journey makes each step: what a plan's evidence and ceilings rest on.

The stand-in's journeys stand here; another shop's are counted by `peakproof try`, which writes them into the plan.
"""

import math
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from slo.objectives.objective import Objective, sessions_of
from slo.objectives.planning import events_of_time

if TYPE_CHECKING:  # the plan looks its journeys up here
    from loadtests.demand.plan import Plan

BROWSE_STEPS = ("home", "search", "product")
# A login over OpenID Connect: away to the provider's form, and back by way of the callback.
LOGIN: Mapping[str, float] = {"login": 1, "login-form": 1, "login-submit": 1, "login-return": 2}
# The journeys of the built-in storefront: how often a session visits each step when nothing is refused.
VISITS: Mapping[str, Mapping[str, float]] = {
    "window-shop": {"home": 1, "search": 1, "product": 2},
    "search-and-buy": {"home": 1, "search": 1, "product": 1, "cart": 1, "checkout": 1},
    "click-and-collect": {"home": 1, "search": 1, "product": 1, "cart": 1, "checkout": 1, "order-status": 1},
    "design-your-own": {"home": 1, "product": 1, "design": 1, "cart": 1, "checkout": 1},
    "flash-drop": {"home": 1, "drops": 1, "product": 1, "cart": 1, "checkout": 1},
    "personalised-home": {**LOGIN, "product": 1},
    "order-status": {**LOGIN, "orders": 1},  # and the last order, of a customer who has one
    "hosted-payment": {
        "home": 1,
        "search": 1,
        "product": 1,
        "cart": 1,
        "checkout": 1,
        "payment-page": 1,
        "pay": 1,
        "payment-return": 1,  # and more until the shop has heard of it
    },
    "return": {
        "home": 1,
        "search": 1,
        "product": 1,
        "cart": 1,
        "checkout": 1,
        "return": 1,
        "return-status": 1,
    },
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


def planned_events(plan: "Plan", objectives: Iterable[Objective]) -> dict[str, float]:
    """Return the events by objective that a plan expects in its judged span, nan where their number isn't known."""
    objectives = tuple(objectives)
    start_s, end_s = plan.judged_span()
    of_time = events_of_time(objectives, end_s - start_s)
    expected = expected_sessions(plan) | ({} if uncounted(plan) else expected_events(plan)) | of_time
    return {
        objective.name: sum((expected.get(one, math.nan) for one in objective.counted), 0.0) or math.nan
        for objective in objectives
    }


def expected_sessions(plan: "Plan") -> dict[str, float]:
    """Return the sessions of each journey that a plan expects in its judged span, by `sessions_of` it."""
    return plan.expected_events({journey: {sessions_of(journey): 1.0} for journey in plan.journeys})


def planned_visits(plan: "Plan") -> dict[str, Mapping[str, float]]:
    """Return how often a session of each of the plan's journeys makes each step whose number can be planned."""
    return {
        journey: {step: float(times) for step, times in visits.items() if step not in ASSET_STEPS}
        for journey, visits in visits_of(plan).items()
        if journey in plan.journeys
    }


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
