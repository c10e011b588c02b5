"""The objectives a run can follow while it goes on: those that are read from its own records."""

import math
from functools import partial

from loadtests.demand.plan import Plan
from loadtests.demand.visits import planned_events
from loadtests.live.criteria import criteria_of, criteria_watches
from loadtests.live.so_far import SoFar
from loadtests.live.worker_figures import Watch
from loadtests.results.records import StepRecord
from loadtests.results.run_directory import RunDirectory
from slo.design_effect import design_effects
from slo.objectives.objective import Objective
from slo.objectives.reading import read_objectives
from slo.policy.policy import read_policy
from slo.statistics import ALPHA, miss_is_certain


def watches_of(directory: RunDirectory, plan: Plan) -> tuple[Watch, ...]:
    """Return a watch for each objective of the run that is read from records, and for its criteria; raises BadInput."""
    objectives = read_objectives(sorted(directory.objectives.glob("*.yaml")))
    planned = planned_events(plan, objectives)
    waived = _waived(directory)
    watched = (
        _watch(
            objective, math.nan if objective.name in waived else planned[objective.name], plan, ALPHA / len(objectives)
        )
        for objective in objectives
        if objective.indicator.source.kind == "records" and objective.slices is None
    )
    return (*watched, *criteria_watches(criteria_of(directory), plan))


def _waived(directory: RunDirectory) -> frozenset[str]:
    """Return the objectives that the gate's policy has a waiver for: their miss must not end the run for the others."""
    if not directory.policy.exists():
        return frozenset()
    return frozenset(one.objective for one in read_policy(directory.policy).waivers if one.objective is not None)


def _watch(objective: Objective, planned: float, plan: Plan, alpha: float) -> Watch:
    start_s, end_s = plan.judged_span()

    def is_certain(so_far: SoFar) -> bool:
        bad, total = so_far.now.bad, max(planned, so_far.now.total)
        if math.isnan(planned) or bad <= total * objective.budget:  # nan: any number of good ones may be to come
            return False
        blocks = so_far.blocks()
        if blocks is None:
            return False
        effects = design_effects(
            [blocks],
            rate_per_s=max(planned / (end_s - start_s), so_far.now.total / so_far.judged_s),
            assumed_error_burst_s=plan.assumed_error_burst_s,
            session_scatter=so_far.session_scatter(),
        )
        return miss_is_certain(bad, total, objective.budget, effects.met.value, alpha)

    return Watch(
        name=objective.name,
        steps=frozenset(objective.steps),
        limit_s=objective.indicator.threshold_s,
        bad=partial(_bad, objective),
        is_certain=is_certain,
    )


def _bad(objective: Objective, record: StepRecord) -> bool | None:
    return objective.indicator.bad(
        error=record.error,
        scheduled_at=record.scheduled_at,
        sent_at=record.sent_at,
        finished_at=record.finished_at,
    )
