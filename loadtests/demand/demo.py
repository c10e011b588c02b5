"""The demo's plan, built from the sample history and committed as `plans/demo.yaml`."""

from pathlib import Path

from loadtests.demand import sample_history
from loadtests.demand.build import Choices, build_plan
from loadtests.demand.forecast import Forecast, forecast
from loadtests.demand.history import read_history
from loadtests.demand.plan import NotJudged, Phase, Plan
from loadtests.demand.visits import BUYERS

PLAN_PATH = Path(__file__).with_name("plans") / "demo.yaml"
MIX = {"search-and-buy": 0.6, "click-and-collect": 0.2, "design-your-own": 0.12, "window-shop": 0.08}
# The stand-in's own: of a hundred buyers two are declined or find nothing in stock.
ORDERS_PER_BUYER = 0.98
# The reference on the good release, then the release under test: both at the peak, so that a span which grew didn't
# grow with the load. The drain outlasts the 10 s after which a request without a reply counts as hanging.
PHASES = (
    Phase(name="reference", kind="reference", duration_s=40, level=(1, 1)),
    Phase(name="warm-up", kind="warm-up", duration_s=8, level=(1, 1)),
    Phase(name="plateau", kind="plateau", duration_s=120, represents_s=3600, level=(1, 1)),
    Phase(name="drain", kind="drain", duration_s=12),
)
CHOICES = Choices(
    name="demo",
    seed=20_261_127,
    factor=3.0,
    orders_per_session=round(sum(share for name, share in MIX.items() if name in BUYERS) * ORDERS_PER_BUYER, 6),
    journeys=MIX,
    mix_note=(
        "buyers' traffic: nearly every session orders (in a real shop, a few in a hundred), so that two minutes hold"
        " enough orders to judge; browsing is sent at far less than its real volume"
    ),
    phases=PHASES,
    assumed_error_burst_s=0.2,
    not_judged=(
        NotJudged(
            objective="browse-availability",
            because="99.9 % takes ten minutes of judged time without an error; the demo judges two",
        ),
    ),
)


def demo_forecast() -> Forecast:
    """Forecast this year's busiest hour from the committed history."""
    return forecast(read_history(sample_history.PATH))


def demo_plan() -> Plan:
    """Build the demo's plan from the committed history."""
    return build_plan(demo_forecast(), CHOICES)
