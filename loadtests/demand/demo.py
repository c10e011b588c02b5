"""The demo's plan: Twisted Threads' own history, forecast and played, as committed in `plans/demo.yaml`."""

from pathlib import Path

from loadtests.demand import sample_history
from loadtests.demand.build import Choices, build_plan
from loadtests.demand.forecast import Forecast, forecast
from loadtests.demand.history import read_history
from loadtests.demand.plan import NotJudged, Plan
from loadtests.demand.visits import BUYERS

PLAN_PATH = Path(__file__).with_name("plans") / "demo.yaml"
MIX = {"search-and-buy": 0.6, "click-and-collect": 0.2, "design-your-own": 0.12, "window-shop": 0.08}
# The stand-in's own: of a hundred buyers two are declined or find nothing in stock.
ORDERS_PER_BUYER = 0.98
CHOICES = Choices(
    name="demo",
    seed=20_261_127,
    factor=3.0,
    orders_per_session=round(sum(share for name, share in MIX.items() if name in BUYERS) * ORDERS_PER_BUYER, 6),
    journeys=MIX,
    mix_note=(
        "buyers' traffic: nearly every session orders (in a real shop, a few in a hundred), so that two minutes hold"
        " enough orders to judge; browsing is played at far less than its real volume"
    ),
    not_judged=(
        NotJudged(
            objective="browse-availability",
            because="at 99.9 % it needs 5,990 requests without an error (design effect 2); the demo sends fewer",
        ),
    ),
)


def demo_forecast() -> Forecast:
    """Forecast this year's busiest hour from the committed history."""
    return forecast(read_history(sample_history.PATH))


def demo_plan() -> Plan:
    """Build the demo's plan from the committed history."""
    return build_plan(demo_forecast(), CHOICES)
