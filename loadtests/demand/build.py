"""From a forecast in orders an hour to a plan in sessions a second.

orders_per_session  = Σ share of a journey * its orders a session
peak_sessions_per_s = orders an hour * factor / 3600 / orders_per_session
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from loadtests.demand.forecast import Forecast
from loadtests.demand.plan import FORMAT, CartLines, Limits, NotJudged, Phase, Plan
from loadtests.demand.think_time import LogNormal, ThinkTime
from slo.documents import BadInput, validate

ORDERS_PER_SESSION: Mapping[str, float] = MappingProxyType(
    # Buyers' journeys end in an order but for 2 % declined or out of stock; window-shoppers look.
    {"search-and-buy": 0.98, "click-and-collect": 0.98, "design-your-own": 0.98, "window-shop": 0.0}
)
PHASES = (
    Phase(name="reference", kind="reference", duration_s=25, level=(0.5, 0.5)),
    Phase(name="warm-up", kind="warm-up", duration_s=8, level=(0.5, 0.5)),
    Phase(name="ramp", kind="ramp", duration_s=15, represents_s=540, level=(0.5, 1)),
    Phase(name="plateau", kind="plateau", duration_s=85, represents_s=3060, level=(1, 1)),
    Phase(name="drain", kind="drain", duration_s=8),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Choices:
    """What a plan holds beyond the forecast; `factor` times the forecast is played, `journeys` are shares."""

    name: str
    seed: int
    factor: float
    journeys: Mapping[str, float]
    mix_note: str = ""
    orders_per_session: Mapping[str, float] = field(default_factory=lambda: ORDERS_PER_SESSION)
    phases: tuple[Phase, ...] = PHASES
    think_time: ThinkTime = field(default_factory=lambda: LogNormal(median_s=1.0, sigma=0.5, max_s=6))
    cart_lines: CartLines = field(default_factory=lambda: CartLines(min=3, max=9))
    trace_sampling: float = 1.0
    limits: Limits = field(default_factory=lambda: Limits(open_sessions=1000))
    design_effect_prior: float = 2.0
    not_judged: tuple[NotJudged, ...] = ()


def build_plan(forecast: Forecast, choices: Choices) -> Plan:
    """Build the plan that plays `choices.factor` times the forecast's middle.

    Raises BadInput when the mix orders nothing, a journey's orders aren't known, or the plan isn't valid.
    """
    orders_per_session = round(_orders_per_session(choices), 6)
    peak = forecast.mid_orders_per_hour * choices.factor / 3600 / orders_per_session
    data = {
        "format": FORMAT,
        "name": choices.name,
        "seed": choices.seed,
        "demand": {
            "source": _source(forecast),
            "forecast_orders_per_hour": forecast.mid_orders_per_hour,
            "factor": choices.factor,
            "orders_per_session": orders_per_session,
            "peak_sessions_per_s": float(f"{peak:.5g}"),
        },
        "phases": choices.phases,
        "journeys": dict(choices.journeys),
        "mix_note": choices.mix_note,
        "think_time": choices.think_time,
        "cart_lines": choices.cart_lines,
        "trace_sampling": choices.trace_sampling,
        "limits": choices.limits,
        "design_effect_prior": choices.design_effect_prior,
        "not_judged": choices.not_judged,
    }
    return validate(data, Plan, f"plan {choices.name}")


def _orders_per_session(choices: Choices) -> float:
    for journey, share in choices.journeys.items():
        orders = choices.orders_per_session.get(journey)
        if share and (orders is None or not 0 <= orders <= 1):
            raise BadInput(f"journey {journey}: its orders a session must be from 0 to 1, found {orders}")
    total = math.fsum(share * choices.orders_per_session.get(name, 0.0) for name, share in choices.journeys.items())
    if not total > 0:
        raise BadInput(
            f"mix of {', '.join(choices.journeys) or 'no journeys'}: nobody orders, so no orders can be planned"
        )
    return total


def _source(forecast: Forecast) -> str:
    growth = f"x {forecast.growth.ratio:.3f} growth" if forecast.growth.weeks else "growth not known"
    return (
        f"{forecast.source}: busiest hour of last season, {forecast.peak.orders} orders"
        f" on {forecast.peak.at:%Y-%m-%d %H:00}, {growth};"
        f" 5 % to 95 %: {forecast.low_orders_per_hour:.0f} to {forecast.high_orders_per_hour:.0f}"
    )
