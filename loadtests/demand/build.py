"""Builds a plan (sessions a second) from a forecast (orders an hour).

peak_sessions_per_s = orders an hour * factor / 3600 / orders_per_session

Orders per session are the shop's own: of its history, or as given. The mix must fit them, as each session of a buyers'
journey orders once: with fewer buyers the orders can't come, with many more the run would place more than planned.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from loadtests.demand.forecast import Forecast
from loadtests.demand.plan import FORMAT, CartLines, Limits, NotJudged, Phase, Plan
from loadtests.demand.profiles import PROFILES, RELEASE
from loadtests.demand.think_time import LogNormal, ThinkTime
from loadtests.demand.visits import BUYERS, VISITS
from slo.documents import BadInput, validate

MIN_ORDERS_PER_SESSION = 0.0001
_ROUNDING = 0.99
_MOST_REFUSED = 1.25  # buyers by orders: a quarter more come than are declined or find nothing in stock
NO_ORDERS_PER_SESSION = (
    "orders per session are unknown: add a column sessions to the order history and run peakproof forecast again,"
    " or give --orders-per-session, such as 0.025 for one order in 40 sessions"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """The journeys that a storefront offers for a mix: of those who buy, by their part of the buyers, and the others.

    `known` are all that a mix may name, `buyers` those of them whose sessions order. `shares` is the storefront's own
    mix, where it has one: who orders how often is then for its sessions to say.
    """

    buying: Mapping[str, float]
    looking: tuple[str, ...]
    known: tuple[str, ...]
    buyers: frozenset[str]
    shares: Mapping[str, float] | None = None


# The built-in storefront's.
BUILT_IN = Offer(
    buying={"search-and-buy": 2 / 3, "click-and-collect": 0.2, "design-your-own": 0.4 / 3},
    looking=("window-shop",),
    known=tuple(VISITS),
    buyers=BUYERS,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Choices:
    """The choices that a plan holds beyond the forecast; `factor` is the multiple of the forecast to send.

    `orders_per_session` goes before the forecast's; `journeys` are shares, and without them the mix is made to fit.
    """

    name: str
    seed: int
    factor: float
    orders_per_session: float | None = None
    journeys: Mapping[str, float] | None = None
    offer: Offer = BUILT_IN
    mix_note: str = ""
    phases: tuple[Phase, ...] = PROFILES[RELEASE].phases
    think_time: ThinkTime = field(default_factory=lambda: LogNormal(median_s=1.0, sigma=0.5, max_s=6))
    cart_lines: CartLines = field(default_factory=lambda: CartLines(min=3, max=9))
    trace_sampling: float = 1.0
    limits: Limits = field(default_factory=lambda: Limits(open_sessions=1000))
    assumed_error_burst_s: float = 1.0
    not_judged: tuple[NotJudged, ...] = ()


def build_plan(forecast: Forecast, choices: Choices) -> Plan:
    """Build the plan that sends `choices.factor` times the forecast's middle.

    Raises BadInput when orders per session are unknown or no share, the mix doesn't fit them, or the plan isn't valid.
    """
    orders_per_session = _orders_per_session(forecast, choices)
    peak = forecast.mid_orders_per_hour * choices.factor / 3600 / orders_per_session
    data = {
        "format": FORMAT,
        "name": choices.name,
        "seed": choices.seed,
        "demand": {
            "source": _source(forecast, choices),
            "forecast_orders_per_hour": forecast.mid_orders_per_hour,
            "factor": choices.factor,
            "orders_per_session": orders_per_session,
            "peak_sessions_per_s": float(f"{peak:.5g}"),
        },
        "phases": choices.phases,
        "journeys": _mix(choices, orders_per_session),
        "mix_note": choices.mix_note,
        "think_time": choices.think_time,
        "cart_lines": choices.cart_lines,
        "trace_sampling": choices.trace_sampling,
        "limits": choices.limits,
        "assumed_error_burst_s": choices.assumed_error_burst_s,
        "not_judged": choices.not_judged,
    }
    plan = validate(data, Plan, f"plan {choices.name}")
    if choices.journeys is not None and choices.offer.shares is None:
        _check_mix(choices.journeys, orders_per_session, choices.offer)
    return plan


def fitting_mix(orders_per_session: float, offer: Offer = BUILT_IN) -> dict[str, float]:
    """Return the mix whose buyers place that many orders a session, when each of them places one.

    Raises BadInput when the storefront has no buyers, or nothing for the others to do.
    """
    if not offer.buying:
        raise BadInput(f"the storefront has no journey that buys (@journey(buys=True)); it has {_named(offer.known)}")
    buyers = {name: round(part * orders_per_session, 6) for name, part in offer.buying.items()}
    rest = max(0.0, round(1 - math.fsum(buyers.values()), 6))
    if not offer.looking and rest:
        raise BadInput(
            f"all journeys of the storefront buy ({_named(offer.known)}), but at {orders_per_session:g} orders per"
            " session most sessions don't: add a journey that only looks around, or give --mix"
        )
    each = round(rest / len(offer.looking), 6) if offer.looking else 0.0
    lookers = dict.fromkeys(offer.looking, each)
    if offer.looking:  # the first takes what rounding leaves
        lookers[offer.looking[0]] = round(rest - each * (len(offer.looking) - 1), 6)
    return {**lookers, **buyers}


def rounded_shares(shares: Mapping[str, float]) -> dict[str, float]:
    """Return shares of six digits that sum to 1, without those that are none."""
    mix = {name: round(share, 6) for name, share in shares.items() if share > 0}
    first = next(iter(mix))
    mix[first] = round(mix[first] + 1 - math.fsum(mix.values()), 6)
    return mix


def _mix(choices: Choices, orders_per_session: float) -> dict[str, float]:
    given = choices.journeys
    if given is None and choices.offer.shares is not None:
        return dict(choices.offer.shares)
    if given is None:
        return fitting_mix(orders_per_session, choices.offer)
    if unknown := [name for name in given if name not in choices.offer.known]:
        raise BadInput(f"mix: unknown journey {unknown[0]!r}; known are {_named(choices.offer.known)}")
    return dict(given)


def _named(journeys: tuple[str, ...]) -> str:
    return ", ".join(journeys)


def _orders_per_session(forecast: Forecast, choices: Choices) -> float:
    if choices.orders_per_session is not None:
        orders = choices.orders_per_session
    elif forecast.orders_per_session is not None:
        orders = forecast.orders_per_session.ratio
    else:
        raise BadInput(NO_ORDERS_PER_SESSION)
    if not MIN_ORDERS_PER_SESSION <= orders <= 1:
        raise BadInput(f"orders per session must be from {MIN_ORDERS_PER_SESSION:g} to 1, found {orders:g}")
    return round(orders, 6)


def _check_mix(mix: Mapping[str, float], orders_per_session: float, offer: Offer) -> None:
    share = math.fsum(part for name, part in mix.items() if name in offer.buyers)
    if not share > 0:
        raise BadInput(f"mix of {', '.join(mix)}: none of its journeys orders, so no orders can be planned")
    if not _ROUNDING * orders_per_session <= share <= _MOST_REFUSED * orders_per_session:
        raise BadInput(
            f"mix: {share:.3%} of the sessions are buyers', but at {orders_per_session:g} orders per session"
            f" {orders_per_session:.3%} are, or up to a quarter more: leave --mix out, change its shares,"
            " or give --orders-per-session"
        )


def _source(forecast: Forecast, choices: Choices) -> str:
    growth = f"x {forecast.growth.ratio:.3f} growth" if forecast.growth.weeks else "growth not known"
    return (
        f"{forecast.source}: busiest hour of last season, {forecast.peak.orders} orders"
        f" on {forecast.peak.at:%Y-%m-%d %H:00}, {growth};"
        f" 5 % to 95 %: {forecast.low_orders_per_hour:.0f} to {forecast.high_orders_per_hour:.0f};"
        f" orders per session {'counted' if choices.orders_per_session is None else 'given'}"
    )
