"""What a run of a plan can prove, and the objectives that it lists as not judged because it can't (decision 0001)."""

from collections.abc import Sequence

from loadtests.demand.plan import NotJudged, Plan
from loadtests.demand.visits import expected_events, expected_sessions
from slo.objectives.objective import Objective
from slo.objectives.planning import Proof, events_of_time, proofs, why_not_provable

_LATER = "take this entry out when the plan is longer"


def plan_proofs(plan: Plan, objectives: Sequence[Objective]) -> tuple[Proof, ...]:
    """Return what a run of the plan can prove; raises ValueError while a journey's visits aren't counted."""
    judged_s = _judged_s(plan)
    expected = expected_sessions(plan) | expected_events(plan) | events_of_time(objectives, judged_s)
    return proofs(objectives, expected, judged_s, plan.assumed_error_burst_s)


def with_not_judged(plan: Plan, objectives: Sequence[Objective]) -> Plan:
    """Return the plan that lists as not judged what a run of it can't be counted on to show met, and why.

    Left to be judged are those about requests whose number can't be planned. Raises ValueError while a journey's
    visits aren't counted.
    """
    given_up = tuple(
        NotJudged(objective=one.objective, because=f"{why_not_provable(one, _judged_s(plan))}; {_LATER}")
        for one in plan_proofs(plan, objectives)
        if not one.possible and not one.unplanned
    )
    return plan.model_copy(update={"not_judged": given_up})


def _judged_s(plan: Plan) -> float:
    start_s, end_s = plan.judged_span()
    return end_s - start_s
