"""The objectives a run can follow while it goes on: those that are read from its own records."""

import math
from functools import partial

from loadtests.demand.plan import Plan
from loadtests.demand.visits import expected_events
from loadtests.live.worker_figures import Watch
from loadtests.results.records import StepRecord
from loadtests.results.run_directory import RunDirectory
from slo.objectives.objective import Objective
from slo.objectives.reading import read_objectives
from slo.statistics import ALPHA, breach_is_certain


def watches_of(directory: RunDirectory, plan: Plan) -> tuple[Watch, ...]:
    """Return a watch for each objective of the run that is read from records; raises BadInput."""
    objectives = read_objectives(sorted(directory.objectives.glob("*.yaml")))
    expected = expected_events(plan)
    return tuple(
        _watch(objective, sum(expected.get(step, 0.0) for step in objective.steps), plan, ALPHA / len(objectives))
        for objective in objectives
        if objective.indicator.source.kind == "records"
    )


def _watch(objective: Objective, planned: float, plan: Plan, alpha: float) -> Watch:
    def is_certain(bad: int, total: int) -> bool:
        if math.isnan(planned):  # there may be any number of good ones to come
            return False
        return breach_is_certain(bad, max(planned, total), objective.target, plan.design_effect_prior, alpha)

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
