"""One objective judged, at the very edge of what shows it, and what a peak like the run would cost in production."""

import dataclasses

import pytest

from slo.design_effect import StepCounts
from slo.objectives.indicators import Evidence
from slo.objectives.objective import Objective
from slo.verdict.objective_results import Basis, ObjectiveResult, judge_objectives
from slo.verdict.policy_lines import spend_lines
from slo.verdict.verdict import Case, judge


def one_judged(objective: Objective, evidence: Evidence, alpha: float = 0.05) -> ObjectiveResult:
    """Judge one objective by itself, of events that are bad each by itself."""
    basis = Basis(assumed_error_burst_s=0.0, window_s=100.0, alpha=alpha)
    (found,) = judge_objectives([objective], {objective.name: evidence}, {}, basis)
    return found


def test_a_bound_that_is_the_budget_itself_shows_it_met(passing: Case) -> None:
    """One event, good: at a level of a half its bound is a half."""
    half = dataclasses.replace(passing.objectives[1], target=0.5)
    evidence = Evidence(counts=(StepCounts(step="checkout", events=(1,), bad=(0,)),))
    assert one_judged(half, evidence, alpha=0.5).bad_ratio_high == 0.5
    assert one_judged(half, evidence, alpha=0.5).outcome == "met"
    assert one_judged(half, evidence, alpha=0.49).outcome == "undecided"


@pytest.mark.parametrize(("alpha", "told"), [(0.05, None), (0.051, 1.0)])
def test_a_last_third_as_bad_as_comes_by_chance_at_the_level_is_not_beyond_doubt(
    passing: Case, alpha: float, told: float | None
) -> None:
    """A single event that is bad has a chance of 5 % where the budget is 5 %."""
    evidence = Evidence(counts=(StepCounts(step="checkout", events=(1, 1, 1), bad=(0, 0, 1)),))
    assert one_judged(passing.objectives[1], evidence, alpha).last_third_bad_ratio == told


def test_time_that_is_not_said_to_be_compressed_is_real(passing: Case) -> None:
    """Each bad event is one of production's: 20 of a budget of 5 % of 28 days' 28 million."""
    objective = dataclasses.replace(passing.objectives[1], production_events_per_day=1e6)
    evidence = Evidence(counts=(StepCounts(step="checkout", events=(1000,) * 20, bad=(1,) * 20),))
    assert one_judged(objective, evidence).production_spend == pytest.approx(20 / (0.05 * 28e6))


def test_what_a_peak_would_spend_in_production_is_said_largest_first(passing: Case) -> None:
    """A run in real time is the peak: each bad event is one, of 28 days of budget."""
    volumes = (1e6, 1e5, 1e5)
    bad = (3, 0, 2)
    objectives = tuple(
        dataclasses.replace(one, production_events_per_day=per_day)
        for one, per_day in zip(passing.objectives, volumes, strict=True)
    )
    evidence = {
        one.name: Evidence(counts=(StepCounts(step="checkout", events=(5000,) * 20, bad=(number,) * 20),))
        for one, number in zip(objectives, bad, strict=True)
    }
    verdict = judge(dataclasses.replace(passing, objectives=objectives, evidence=evidence))
    spent = [one.production_spend for one in verdict.objectives]
    assert spent == pytest.approx([60 / (0.01 * 28e6), 0.0, 40 / (0.05 * 28e5)])
    assert [line.partition(", at")[0] for line in spend_lines(verdict)] == [
        "browse-latency: a peak like this would spend 0.029 % of the 28d budget in production",
        "checkout-availability: a peak like this would spend 0.021 % of the 28d budget in production",
        "checkout-latency: no bad event: a peak like this would spend nothing of the 28d budget in production",
    ]
