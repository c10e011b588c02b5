"""Evidence is planned: what a run can prove is known before it is played."""

import dataclasses
import math

from slo.objectives.objective import Objective
from slo.objectives.planning import proofs

EXPECTED = {"checkout": 800.0, "home": 900.0, "search": 1200.0, "product": 2000.0}


def test_a_plan_tells_what_it_can_prove_how_likely_and_in_how_many_minutes(shipped: dict[str, Objective]) -> None:
    names = ("checkout-latency", "checkout-availability", "browse-availability")
    summaries = [proof.summary for proof in proofs([shipped[name] for name in names], EXPECTED, 75.0, 2.0)]
    assert summaries == [
        (
            "checkout-latency: proven with a chance of 100% by 800 requests; needs 118 requests without a bad one, "
            "0.2 minutes at this rate"
        ),
        (
            "checkout-availability: proven with a chance of 37% by 800 requests; needs 598 requests without a bad one, "
            "0.9 minutes at this rate"
        ),
        (
            "browse-availability: can't be proven, needs 5,990 requests without a bad one, 1.8 minutes at this rate; "
            "the plan has 4,100"
        ),
    ]


def test_an_objective_whose_step_is_not_in_the_plan_can_not_be_proven(shipped: dict[str, Objective]) -> None:
    (proof,) = proofs([shipped["browse-latency"]], {"checkout": 800.0}, 75.0, 2.0)
    assert (proof.possible, proof.chance, proof.minutes_needed) == (False, 0.0, None)
    assert proof.summary == "browse-latency: can't be proven, the plan has no home or search or product request"


def test_an_objective_without_steps_says_so(shipped: dict[str, Objective]) -> None:
    objective = shipped["checkout-server-latency"]
    indicator = dataclasses.replace(
        objective.indicator, source=dataclasses.replace(objective.indicator.source, steps=())
    )
    (proof,) = proofs([dataclasses.replace(objective, indicator=indicator)], EXPECTED, 75.0, 2.0)
    assert proof.summary == (
        "checkout-server-latency: names no steps, so its events can't be planned; add steps to its total"
    )


def test_twice_the_design_effect_needs_twice_the_events(shipped: dict[str, Objective]) -> None:
    (one,), (two,) = (proofs([shipped["checkout-latency"]], EXPECTED, 75.0, effect) for effect in (1.0, 2.0))
    assert (one.needed_events, two.needed_events) == (59, 118)


def test_what_nobody_can_plan_is_said_to_be_unplanned_and_not_impossible(shipped: dict[str, Objective]) -> None:
    (proof,) = proofs([shipped["checkout-latency"]], {"checkout": math.nan}, 75.0, 2.0)
    assert (proof.unplanned, proof.planned_events, proof.minutes_needed, proof.chance) == (True, 0.0, None, 0.0)
    assert proof.summary == (
        "checkout-latency: needs 118 requests without a bad one; how many there will be of checkout depends on the"
        " shop's pages and isn't planned"
    )
    assert not any(one.unplanned for one in proofs(shipped.values(), EXPECTED, 75.0, 2.0))
