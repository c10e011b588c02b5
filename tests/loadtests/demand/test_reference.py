"""What of a plan its reference may be compared with, and when its causes are known."""

from typing import Any

import pytest

from loadtests.demand.demo import demo_plan
from loadtests.demand.plan import Plan
from loadtests.demand.reference import Comparison, causes_known_s, comparison, why_no_causes

Phase = tuple[str, float, float, float]


def plan_of(plan_data: dict[str, Any], *phases: Phase, **changed: object) -> Plan:
    """Return the plan with phases of a kind, length, level at the start and at the end, and a drain."""
    made = [
        {"name": f"{kind}-{number}", "kind": kind, "duration_s": length, "level": [start, end]}
        for number, (kind, length, start, end) in enumerate(phases)
    ]
    drain = {"name": "drain", "kind": "drain", "duration_s": 8}
    quick = {"think_time": {"median_s": 0.5, "sigma": 0.5, "max_s": 3}}
    return Plan.model_validate({**plan_data, **quick, "phases": [*made, drain], **changed})


def found(plan: Plan, until_s: float | None = None) -> Comparison:
    one = comparison(plan, until_s)
    assert one is not None
    return one


REFERENCE: Phase = ("reference", 40, 1, 1)
WARM_UP: Phase = ("warm-up", 8, 0.5, 0.5)
RAMP: Phase = ("ramp", 15, 0.5, 1)
PLATEAU: Phase = ("plateau", 85, 1, 1)


def test_only_what_is_judged_at_the_references_level_is_compared(plan_data: dict[str, Any]) -> None:
    one = found(plan_of(plan_data, REFERENCE, WARM_UP, RAMP, PLATEAU))
    assert (one.reference, one.judged) == ((0, 40), ((63, 148),))
    assert (one.reference_levels, one.judged_levels) == ((1, 1), (0.5, 1))
    assert (one.unlike, one.too_short) == (None, None)


def test_plateaus_at_one_level_are_compared_as_one_and_those_at_others_left_out(plan_data: dict[str, Any]) -> None:
    phases = (REFERENCE, WARM_UP, ("plateau", 25, 1, 1), ("plateau", 15, 1, 1.005), ("plateau", 30, 1.5, 1.5))
    assert found(plan_of(plan_data, *phases, ("plateau", 20, 1, 1))).judged == ((48, 88), (118, 138))


def test_a_reference_at_another_level_is_compared_with_nothing(plan_data: dict[str, Any]) -> None:
    one = found(plan_of(plan_data, ("reference", 40, 0.5, 0.5), WARM_UP, RAMP, PLATEAU))
    assert one.judged == ()
    assert one.unlike == "the reference is at level 0.5, the judged time at 0.5 to 1"


def test_a_reference_without_one_level_is_compared_with_nothing(plan_data: dict[str, Any]) -> None:
    one = found(plan_of(plan_data, ("reference", 40, 0.8, 1), WARM_UP, PLATEAU))
    assert one.unlike == "the reference is at level 0.8 to 1, the judged time at 1"


def test_a_run_that_ended_in_its_ramp_is_compared_with_nothing(plan_data: dict[str, Any]) -> None:
    one = found(plan_of(plan_data, REFERENCE, WARM_UP, RAMP, PLATEAU), until_s=54)
    assert one.unlike == "the reference is at level 1, the judged time at 0.5 to 0.7"


def test_a_run_that_ended_early_is_compared_as_far_as_it_was_played(plan_data: dict[str, Any]) -> None:
    plan = plan_of(plan_data, REFERENCE, WARM_UP, RAMP, PLATEAU)
    assert found(plan, until_s=103).judged == ((63, 103),)
    assert found(plan, until_s=103).too_short is None
    assert found(plan, until_s=102).too_short == (
        "4 in the reference and 3 in the judged time at its level, 4 of 10 s needed on either side"
    )


@pytest.mark.parametrize(("until_s", "phases"), [(None, (WARM_UP, PLATEAU)), (45, (REFERENCE, WARM_UP, PLATEAU))])
def test_without_a_reference_or_anything_judged_there_is_no_comparison(
    until_s: float | None, phases: tuple[Phase, ...], plan_data: dict[str, Any]
) -> None:
    assert comparison(plan_of(plan_data, *phases), until_s) is None


def test_a_plan_whose_reference_can_name_no_cause_says_why(plan_data: dict[str, Any]) -> None:
    assert why_no_causes(plan_of(plan_data, ("reference", 40, 0.5, 0.5), WARM_UP, RAMP, PLATEAU)) == (
        "the reference is at level 0.5, the judged time at 0.5 to 1: give the reference the plateau's level"
    )
    assert why_no_causes(plan_of(plan_data, ("reference", 25, 1, 1), WARM_UP, PLATEAU)) == (
        "too few blocks: 2 in the reference and 8 in the judged time at its level, 4 of 10 s needed on either side;"
        " lengthen it"
    )
    assert why_no_causes(plan_of(plan_data, REFERENCE, WARM_UP, PLATEAU)) is None


def test_a_plan_that_isnt_to_name_causes_is_no_reason_to_say_so(plan_data: dict[str, Any]) -> None:
    assert why_no_causes(plan_of(plan_data, WARM_UP, PLATEAU)) is None
    assert why_no_causes(plan_of(plan_data, ("reference", 5, 1, 1), WARM_UP, PLATEAU, trace_sampling=0.0)) is None


def test_causes_are_known_once_four_blocks_were_judged_at_the_references_level(plan_data: dict[str, Any]) -> None:
    assert causes_known_s(plan_of(plan_data, REFERENCE, WARM_UP, RAMP, PLATEAU)) == 63 + 40
    parts: tuple[Phase, ...] = (("plateau", 25, 1, 1), ("plateau", 9, 2, 2), ("plateau", 30, 1, 1))
    assert causes_known_s(plan_of(plan_data, REFERENCE, WARM_UP, *parts)) == 48 + 25 + 9 + 20


@pytest.mark.parametrize(
    ("phases", "sampling"),
    [
        ((WARM_UP, PLATEAU), 1.0),
        ((("reference", 40, 0.5, 0.5), WARM_UP, PLATEAU), 1.0),
        ((REFERENCE, WARM_UP, ("plateau", 30, 1, 1)), 1.0),
        ((REFERENCE, WARM_UP, PLATEAU), 0.0),
    ],
    ids=["no reference", "another level", "too short", "no trace"],
)
def test_a_run_that_never_knows_its_causes_may_stop_at_once(
    phases: tuple[Phase, ...], sampling: float, plan_data: dict[str, Any]
) -> None:
    assert causes_known_s(plan_of(plan_data, *phases, trace_sampling=sampling)) == 0


def test_the_demo_can_name_causes() -> None:
    plan = demo_plan()
    assert why_no_causes(plan) is None
    assert causes_known_s(plan) > 0


@pytest.mark.parametrize(
    ("median_s", "length_s", "filling_s"),
    [(0.5, 40, 0), (0.5, 49, 0), (0.5, 50, 10), (0.5, 600, 10), (4, 40, 20), (4, 70, 20), (30, 70, 70)],
)
def test_the_time_in_which_the_shop_fills_with_sessions_is_no_part_of_the_reference(
    median_s: float, length_s: float, filling_s: int, plan_data: dict[str, Any]
) -> None:
    """Between the requests of a session lie four think times on average: 2, 16 and 123 s."""
    think = {"median_s": median_s, "sigma": 0.1, "max_s": 60}
    one = found(plan_of(plan_data, ("reference", length_s, 1, 1), WARM_UP, PLATEAU, think_time=think))
    assert (one.filling_s, one.reference) == (filling_s, (filling_s, length_s))


def test_a_reference_that_ends_before_the_shop_is_full_is_too_short(plan_data: dict[str, Any]) -> None:
    think = {"median_s": 4, "sigma": 0.1, "max_s": 60}
    assert why_no_causes(plan_of(plan_data, REFERENCE, WARM_UP, PLATEAU, think_time=think)) == (
        "too few blocks: 2 in the reference after the 20 s in which sessions begin and 8 in the judged time at its"
        " level, 4 of 10 s needed on either side; lengthen it"
    )


def test_where_visits_arent_counted_a_longer_references_first_block_is_left_out(plan_data: dict[str, Any]) -> None:
    unknown = {"journeys": {"own": 1.0}}
    assert found(plan_of(plan_data, ("reference", 60, 1, 1), WARM_UP, PLATEAU, **unknown)).filling_s == 10
    assert found(plan_of(plan_data, REFERENCE, WARM_UP, PLATEAU, **unknown)).filling_s == 0
