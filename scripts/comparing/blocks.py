"""One block of a comparison as a run of its own: its plan, its length, and what a run costs beside its load."""

import math
from dataclasses import replace

from loadtests.demand.concurrency import session_s
from loadtests.demand.plan import Phase, Plan
from loadtests.demand.visits import planned_events
from loadtests.results.inputs import Inputs
from slo.objectives.objective import Objective

RUN_BESIDE_S = 12.0  # measured on two busy cores: 7.3 s from the command to the first arrival, 3.6 s after the last
RUN_BESIDE_MOST_S = 30.0  # the same cores with a load of 8 to 13 took 11 to 18 s
LEAST_EVENTS = 300
_LEAST_MEASURED_S, _MOST_MEASURED_S = 25.0, 600.0
_LEAST_SKIP_S, _MOST_SKIP_S = 5.0, 60.0
_LEAST_DRAIN_S, _MOST_DRAIN_S = 2.0, 12.0
_SESSION_REPLY_S = 0.5
_SEEDS = 2**53


def skip_of(plan: Plan) -> float:
    """Return how long a block's unjudged start lasts: until the shop is filled with sessions, and its warm-up is over.

    The longer of a session's mean length and of the plan's own warm-up, in whole seconds, from 5 to 60.
    """
    try:
        filling_s = session_s(plan, reply_s=_SESSION_REPLY_S)
    except ValueError:  # visits that aren't counted
        filling_s = _LEAST_SKIP_S
    own = max(phase.duration_s for phase in plan.phases if phase.kind == "warm-up")
    return float(math.ceil(min(max(filling_s, own, _LEAST_SKIP_S), _MOST_SKIP_S)))


def drain_of(plan: Plan) -> float:
    """Return how long a block drains: as the plan does, at most as long as tells a request that hangs."""
    return min(max(plan.phases[-1].duration_s, _LEAST_DRAIN_S), _MOST_DRAIN_S)


def beside_of(plan: Plan) -> float:
    """Return what a block costs beside its arrivals: the drain, and starting and ending a run."""
    return drain_of(plan) + RUN_BESIDE_S


def beside_at_most(plan: Plan) -> float:
    """Return what a block costs beside its arrivals on a machine that is busy with other things."""
    return drain_of(plan) + RUN_BESIDE_MOST_S


def block_plan(plan: Plan, block_s: float, skip_s: float, number: int = 0) -> Plan:
    """Return the plan of one block: `skip_s` of warm-up, then the rest at the level of the plan's highest plateau.

    Both blocks of the pair `number` get the same arrivals, each pair others: what they share doesn't tell the releases
    apart, and what one draw of arrivals does to one of them isn't repeated.
    """
    level = max(max(phase.level or (0.0,)) for phase in plan.phases if phase.kind == "plateau")
    phases = (
        Phase(name="warm-up", kind="warm-up", duration_s=skip_s, level=(level, level)),
        Phase(name="block", kind="plateau", duration_s=block_s - skip_s, level=(level, level)),
        Phase(name="drain", kind="drain", duration_s=drain_of(plan)),
    )
    changed = {"phases": phases, "seed": (plan.seed + number) % _SEEDS}
    return plan.model_validate({**plan.model_dump(), **changed})


def block_inputs(inputs: Inputs, block_s: float, skip_s: float, number: int) -> Inputs:
    """Return the inputs of one block's run."""
    plan = block_plan(inputs.plan, block_s, skip_s, number)
    return replace(inputs, plan=plan, plan_text=plan.to_yaml())


def least_measured_s(plan: Plan, objectives: tuple[Objective, ...]) -> float:
    """Return how long a block is judged at least: each judged objective has 300 events, and not under 25 s.

    One whose events can't be planned, or that would have too few in ten minutes, lengthens nothing.
    """
    given_up = {item.objective for item in plan.not_judged}
    of_one_s = planned_events(block_plan(plan, 2.0, 1.0), objectives)
    rates = [rate for name, rate in of_one_s.items() if name not in given_up and rate > 0]
    needed = [LEAST_EVENTS / rate for rate in rates]
    return max([_LEAST_MEASURED_S, *(one for one in needed if one <= _MOST_MEASURED_S)])
