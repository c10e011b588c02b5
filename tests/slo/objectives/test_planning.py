"""Evidence is planned: what a run can prove is known before it is played."""

import dataclasses
import math

import pytest

from slo.objectives.indicators import Latency
from slo.objectives.objective import Objective
from slo.objectives.planning import PROVABLE, Proof, allowed_bad, proofs, provable_s, why_not_provable
from slo.objectives.sources import Counters
from slo.statistics import upper_bad_ratio

EXPECTED = {"checkout": 800.0, "home": 900.0, "search": 1200.0, "product": 2000.0}
JUDGED_S = 75.0


def one(objective: Objective, expected: dict[str, float], judged_s: float = JUDGED_S, burst_s: float = 0.1) -> Proof:
    (proof,) = proofs([objective], expected, judged_s, burst_s)
    return proof


def test_a_plan_tells_what_it_can_prove_and_how_likely_of_a_healthy_shop(shipped: dict[str, Objective]) -> None:
    names = ("checkout-latency", "checkout-availability", "browse-availability")
    made = [one(shipped[name], EXPECTED) for name in names]
    assert [(proof.possible, proof.allowed_bad) for proof in made] == [(True, 24), (False, 1), (False, None)]
    assert [f"{proof.chance:.0%}, {proof.chance_in_bursts:.0%}" for proof in made] == [
        "100%, 100%",
        "41%, 38%",
        "0%, 0%",
    ]


@pytest.mark.parametrize(("budget", "floor_s"), [(0.05, 60), (0.01, 300), (0.001, 3000)])
def test_no_rate_makes_up_for_time_bursts_of_a_second_need_three_seconds_over_the_budget(
    budget: float, floor_s: float
) -> None:
    for rate in (1, 10, 100, 10_000):
        effect = 1 + rate
        assert allowed_bad(0.95 * floor_s * rate, effect, budget) is None
    assert allowed_bad(floor_s * 10_000, 10_001, budget) is not None


def test_as_many_as_may_be_bad_show_it_met_and_one_more_does_not() -> None:
    allowed = allowed_bad(10_000, 3.0, 0.01)
    assert allowed is not None
    assert upper_bad_ratio(allowed, 10_000, 3.0) <= 0.01 < upper_bad_ratio(allowed + 1, 10_000, 3.0)


@pytest.mark.parametrize(("budget", "rate"), [(0.05, 8.0), (0.01, 6.0), (0.001, 20.0), (0.2, 0.1)])
def test_a_plan_as_long_as_is_said_is_provable_and_one_of_three_quarters_is_not(
    budget: float, rate: float, shipped: dict[str, Objective]
) -> None:
    objective = dataclasses.replace(shipped["checkout-latency"], target=1 - budget)
    judged_s = provable_s(budget, rate, 1.0)
    for share, possible in ((1.0, True), (0.75, False)):
        proof = one(objective, {"checkout": math.ceil(share * judged_s * rate)}, share * judged_s, 1.0)
        assert (proof.possible, proof.chance >= PROVABLE) == (possible, possible)
    assert proof.provable_minutes == pytest.approx(judged_s / 60, rel=0.02)


def test_a_run_without_an_error_holds_to_longer_bursts_than_were_assumed_if_it_may_have_some(
    shipped: dict[str, Objective],
) -> None:
    proof = one(shipped["checkout-latency"], EXPECTED)
    assert proof.holds_to_burst_s == pytest.approx((800 / 59 - 1) / (800 / JUDGED_S), rel=0.02)
    assert one(shipped["browse-availability"], EXPECTED).holds_to_burst_s < 0.1


def test_an_objective_whose_step_is_not_in_the_plan_can_not_be_proven(shipped: dict[str, Objective]) -> None:
    proof = one(shipped["browse-latency"], {"checkout": 800.0})
    assert (proof.possible, proof.chance, proof.provable_minutes, proof.allowed_bad) == (False, 0.0, None, None)
    assert why_not_provable(proof, JUDGED_S) == "the plan has no home or search or product"


def test_an_objective_without_steps_says_so(shipped: dict[str, Objective]) -> None:
    objective = shipped["checkout-server-latency"]
    source = objective.indicator.source
    assert isinstance(source, Counters)
    assert isinstance(objective.indicator, Latency)
    indicator = dataclasses.replace(objective.indicator, source=dataclasses.replace(source, steps=()))
    proof = one(dataclasses.replace(objective, indicator=indicator), EXPECTED)
    assert why_not_provable(proof, JUDGED_S) == (
        "it names no steps, so its requests can't be planned: add steps to its total"
    )


def test_what_nobody_can_plan_is_said_to_be_unplanned_and_not_impossible(shipped: dict[str, Objective]) -> None:
    proof = one(shipped["checkout-latency"], {"checkout": math.nan})
    assert (proof.unplanned, proof.planned_events, proof.provable_minutes, proof.chance) == (True, 0.0, None, 0.0)
    assert why_not_provable(proof, JUDGED_S) == (
        "how many of its requests there will be depends on the shop's pages and isn't planned"
    )
    assert not any(each.unplanned for each in proofs(shipped.values(), EXPECTED, JUDGED_S, 2.0))


def test_what_can_not_be_proven_says_how_long_it_takes(shipped: dict[str, Objective]) -> None:
    assert why_not_provable(one(shipped["checkout-availability"], EXPECTED, burst_s=1.0), JUDGED_S) == (
        "provable in about 13 minutes of judged time at this rate; the plan has 1.2"
    )
