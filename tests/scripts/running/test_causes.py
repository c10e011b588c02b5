"""Which of a run's traces are compared, and what is said where none may be."""

from typing import Any

import pytest
import yaml

from loadtests.demand.plan import Plan
from scripts.running.causes import Windows, windows_to_compare
from slo.objectives.indicators import Window
from slo.validity.run_document import Phase, PlanRevision, RunDocument
from tests.scripts.world import PLAN

START = 1_795_780_800_000_000_000
SECOND = 1_000_000_000
PHASES: tuple[tuple[str, float, list[float]], ...] = (
    ("reference", 40, [1, 1]),
    ("warm-up", 5, [0.5, 1]),
    ("ramp", 15, [0.5, 1]),
    ("plateau", 60, [1, 1]),
)


def window(start_s: float, end_s: float) -> Window:
    return Window(starts_at=START + round(start_s * SECOND), ends_at=START + round(end_s * SECOND))


def compared(ended_s: float, *phases: tuple[str, float, list[float]], **run: Any) -> Windows | str:
    """Return what is compared of a run that was judged until `ended_s`."""
    listed = [{"name": kind, "kind": kind, "duration_s": length, "level": level} for kind, length, level in phases]
    drain = {"name": "drain", "kind": "drain", "duration_s": 2}
    plan = Plan.model_validate({**yaml.safe_load(PLAN), "phases": [*listed, drain]})
    played = tuple(
        Phase(name=phase.name, kind=phase.kind, starts_at=START + round(start * SECOND))
        for phase, start in zip(plan.phases, plan.starts_s(), strict=False)
    )
    judged = window(plan.judged_span()[0], ended_s)
    return windows_to_compare(plan, RunDocument(**{"phases": played, **run}), judged)


def test_the_reference_is_compared_with_the_plateau_at_its_level_and_not_with_the_ramp() -> None:
    assert compared(120, *PHASES) == Windows(reference=(window(0, 40),), judged=(window(60, 120),))


def test_of_a_run_that_was_stopped_what_was_played_is_compared() -> None:
    assert compared(101, *PHASES) == Windows(reference=(window(0, 40),), judged=(window(60, 101),))


def test_a_run_that_was_judged_on_its_ramp_alone_names_no_cause_but_the_levels() -> None:
    assert compared(54, *PHASES) == (
        "what grew may have grown with load: the reference is at level 1, the judged time at 0.5 to 0.8"
    )


def test_a_reference_at_another_level_names_no_cause_but_the_levels() -> None:
    assert compared(120, ("reference", 40, [0.5, 0.5]), *PHASES[1:]) == (
        "what grew may have grown with load: the reference is at level 0.5, the judged time at 0.5 to 1"
    )


def test_a_run_stopped_before_its_fourth_block_has_too_few() -> None:
    assert compared(95, *PHASES) == (
        "too few blocks to name a cause: 4 in the reference and 3 in the judged time at its level,"
        " 4 of 10 s needed on either side"
    )


def test_a_run_whose_rate_was_changed_names_no_cause() -> None:
    revisions = (PlanRevision(number=1, at_s=70.0, factor=1.5),)
    assert compared(120, *PHASES, plan_revisions=revisions) == (
        "what grew may have grown with load: the rate was changed during the run"
    )


@pytest.mark.parametrize("phases", [(), None])
def test_a_run_that_doesnt_say_when_it_began_names_no_cause(phases: object) -> None:
    assert compared(120, *PHASES, phases=phases) == "the plan has no reference phase to compare with"


def test_a_plan_without_a_reference_names_no_cause() -> None:
    assert compared(80, *PHASES[1:]) == "the plan has no reference phase to compare with"
