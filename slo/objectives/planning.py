"""What a run of a plan can prove about each objective, with which chance, and how long it would have to be."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from slo.objectives.objective import Objective
from slo.statistics import ALPHA, chance_of_proof, events_needed

_HEALTHY = 0.25


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """What a plan can prove about one objective.

    `needed_events` is what a run without a single bad event needs; `chance` supposes a true bad ratio of
    `assumed_bad_ratio`. `minutes_needed` is None when the plan has none of its events; `unplanned` says that their
    number can't be known before the run.
    """

    objective: str
    planned_events: float
    needed_events: float
    possible: bool
    assumed_bad_ratio: float
    chance: float
    minutes_needed: float | None
    summary: str
    unplanned: bool = False


def proofs(
    objectives: Iterable[Objective],
    expected_events: Mapping[str, float],
    judged_s: float,
    design_effect: float,
    *,
    alpha: float = ALPHA,
    assumed_share_of_budget: float = _HEALTHY,
) -> tuple[Proof, ...]:
    """Return what a plan proves of each objective.

    `expected_events` maps a step to its expected requests in the judged window of `judged_s` seconds, and a step
    whose number can't be planned to nan; `design_effect` is the plan's prior; the shop is assumed to spend
    `assumed_share_of_budget` of each budget.
    """
    return tuple(
        _proof(objective, expected_events, judged_s, design_effect, alpha, assumed_share_of_budget)
        for objective in objectives
    )


def _proof(
    objective: Objective, expected: Mapping[str, float], judged_s: float, deff: float, alpha: float, share: float
) -> Proof:
    deff = max(1.0, deff)
    planned = sum(expected.get(step, 0.0) for step in objective.steps)
    unplanned = math.isnan(planned)
    planned = 0.0 if unplanned else planned
    needed = events_needed(objective.budget, 0, alpha) * deff
    assumed = objective.budget * share
    chance = chance_of_proof(planned, deff, objective.budget, assumed, alpha)
    minutes = needed / (planned / judged_s) / 60 if planned > 0 and judged_s > 0 else None
    return Proof(
        objective=objective.name,
        planned_events=planned,
        needed_events=needed,
        possible=chance > 0,
        assumed_bad_ratio=assumed,
        chance=chance,
        minutes_needed=minutes,
        unplanned=unplanned,
        summary=_unplanned(objective, needed) if unplanned else _summary(objective, planned, needed, minutes, chance),
    )


def _unplanned(objective: Objective, needed: float) -> str:
    steps = " or ".join(objective.steps)
    return (
        f"{objective.name}: needs {needed:,.0f} requests without a bad one; how many there will be of {steps}"
        " depends on the shop's pages and isn't planned"
    )


def _summary(objective: Objective, planned: float, needed: float, minutes: float | None, chance: float) -> str:
    if not objective.steps:
        return f"{objective.name}: names no steps, so its events can't be planned; add steps to its total"
    if minutes is None:
        return f"{objective.name}: can't be proven, the plan has no {' or '.join(objective.steps)} request"
    needs = f"needs {needed:,.0f} requests without a bad one, {minutes:.1f} minutes at this rate"
    if chance <= 0:
        return f"{objective.name}: can't be proven, {needs}; the plan has {planned:,.0f}"
    return f"{objective.name}: proven with a chance of {chance:.0%} by {planned:,.0f} requests; {needs}"
