"""How much a session of a plan makes of what a criterion over windows counts by the minute, and how late it comes."""

import math

from loadtests.demand.concurrency import session_s
from loadtests.demand.plan import Plan
from loadtests.demand.visits import orders_of, visits_of
from slo.policy.criteria import OrdersCriterion, RateCriterion


def each_session(criterion: RateCriterion, plan: Plan) -> float:
    """Return how many orders, or requests of its steps, a session of the plan makes on average.

    Raises ValueError while a journey's visits aren't counted.
    """
    if isinstance(criterion, OrdersCriterion):
        orders = orders_of(plan)
        return math.fsum(share * orders.get(name, 0.0) for name, share in plan.journeys.items())
    visits = visits_of(plan)
    return math.fsum(
        share * times
        for name, share in plan.journeys.items()
        for step, times in visits.get(name, {}).items()
        if not criterion.steps or step in criterion.steps
    )


def lag_s(plan: Plan) -> int:
    """Return how many seconds after its session's start what is wanted may come: a session's mean length.

    It is no longer than what lies before the judged time. Raises ValueError as `each_session` does.
    """
    return min(math.ceil(session_s(plan)), math.ceil(plan.judged_span()[0]))
