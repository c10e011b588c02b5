"""The design and the plan of a comparison whose releases are both up: one run, at one level, in blocks."""

import math
from collections.abc import Sequence

from loadtests.comparison.compared import judged_by
from loadtests.demand.concurrency import session_s
from loadtests.demand.plan import Phase, Plan
from loadtests.demand.visits import visits_of
from scripts.comparing.blocks import LEAST_EVENTS, RUN_BESIDE_MOST_S, drain_of
from slo.documents import BadInput
from slo.objectives.objective import Objective
from slo.regression.design import BOTH_UP_LOOKS, Design

SKIP_S = 5.0
_LEAST_BLOCK_S, _MOST_BLOCK_S = 30.0, 300.0
_LEAST_WARM_UP_S, _MOST_WARM_UP_S, _MOST_DRAIN_S = 10.0, 60.0, 60.0
_REPLY_S = 0.5


def level_of(plan: Plan) -> float:
    """Return the level of the plan's highest plateau, which all blocks are played at."""
    return max(max(phase.level or (0.0,)) for phase in plan.phases if phase.kind == "plateau")


def design_of(plan: Plan, objectives: Sequence[Objective]) -> Design:
    """Return the design: blocks of 30 s, or longer where a judged step would have under 300 requests in one.

    A session keeps to its release, so a late step of the first sessions comes late in their block: that counts, too.
    """
    judged = {step for one in judged_by(plan, objectives) for step in one.steps}
    rate = plan.demand.peak_sessions_per_s * level_of(plan)
    needed = [LEAST_EVENTS / (rate * often) + max(SKIP_S, late_s) for often, late_s in _steps(plan, judged) if often]
    block_s = max([_LEAST_BLOCK_S, *(one for one in needed if one <= _MOST_BLOCK_S)])
    return Design(looks=BOTH_UP_LOOKS, block_s=float(math.ceil(block_s)), skip_s=SKIP_S)


def short_of(plan: Plan, design: Design, objectives: Sequence[Objective]) -> tuple[str, ...]:
    """Return the objectives whose blocks will hold under 300 requests all the same."""
    rate = plan.demand.peak_sessions_per_s * level_of(plan)
    return tuple(
        one.name
        for one in judged_by(plan, objectives)
        if one.steps
        and sum(
            rate * often * max(0.0, design.block_s - max(design.skip_s, late_s))
            for often, late_s in _steps(plan, set(one.steps))
        )
        < LEAST_EVENTS
    )


def _steps(plan: Plan, steps: set[str]) -> list[tuple[float, float]]:
    """Return of each step how often a session makes it, and how long after its arrival on average."""
    found: dict[str, list[tuple[float, float]]] = {step: [] for step in steps}
    each_s = plan.think_time.mean_s + _REPLY_S
    for journey, visits in visits_of(plan).items():
        share, before = plan.journeys.get(journey, 0.0), 0.0
        for step, times in visits.items():
            if step in found and share and math.isfinite(times):
                found[step].append((share * times, (before + (times - 1) / 2) * each_s))
            before += times
    return [
        (sum(often for often, _ in made), sum(often * late for often, late in made) / sum(often for often, _ in made))
        for made in found.values()
        if made
    ]


def job_plan(plan: Plan, design: Design) -> Plan:
    """Return the plan of the whole job; raises BadInput when no plan can be as long, or as large."""
    level = level_of(plan)
    try:
        lasts_s = session_s(plan, reply_s=_REPLY_S)
    except ValueError:  # visits that aren't counted
        lasts_s = _LEAST_WARM_UP_S
    warm_up_s = float(math.ceil(min(max(lasts_s, _LEAST_WARM_UP_S), _MOST_WARM_UP_S)))
    drain_s = max(drain_of(plan), min(_MOST_DRAIN_S, float(math.ceil(2 * lasts_s))))
    phases = (
        Phase(name="warm-up", kind="warm-up", duration_s=warm_up_s, level=(level, level)),
        Phase(name="blocks", kind="plateau", duration_s=2 * design.pairs * design.block_s, level=(level, level)),
        Phase(name="drain", kind="drain", duration_s=drain_s),
    )
    try:
        return plan.model_validate({**plan.model_dump(), "phases": phases})
    except ValueError as error:
        raise BadInput(f"a comparison of {plan.name} can't be played: {error}") from error


def minutes_of(plan: Plan) -> int:
    """Return how many minutes the whole job takes at most: its run, and what starting and ending one takes."""
    return math.ceil((plan.duration_s + RUN_BESIDE_MOST_S) / 60)


def check_time(plan: Plan, max_minutes: float) -> None:
    """Raise BadInput when the whole job may take longer than is allowed."""
    if plan.duration_s + RUN_BESIDE_MOST_S > max_minutes * 60:
        raise BadInput(
            f"this comparison would take up to {minutes_of(plan)} minutes, and --max-minutes is {max_minutes:g}: allow"
            " more, or play a plan with a higher rate, whose blocks can be shorter"
        )
