"""One block of a comparison as a run."""

from pathlib import Path

import pytest

from loadtests.demand.demo import PLAN_PATH
from loadtests.demand.plan import Plan, read_plan
from scripts.comparing.blocks import beside_of, block_plan, drain_of, least_measured_s, skip_of
from slo.objectives.reading import read_objectives

DEMO = read_plan(PLAN_PATH)
OBJECTIVES = read_objectives((Path("slo/objectives/twisted-threads.yaml"),))


def changed(**keys: object) -> Plan:
    """Return the demo's plan with other keys."""
    return DEMO.model_validate({**DEMO.model_dump(), **keys})


def test_a_block_is_a_warm_up_and_a_plateau_at_the_plans_highest_level() -> None:
    phases = [*DEMO.model_dump()["phases"]]
    phases.insert(3, {"name": "half", "kind": "plateau", "duration_s": 10, "level": (0.5, 0.5)})
    plan = block_plan(changed(phases=phases), 30.0, 8.0)
    assert [(phase.kind, phase.duration_s, phase.level) for phase in plan.phases] == [
        ("warm-up", 8.0, (1, 1)),
        ("plateau", 22.0, (1, 1)),
        ("drain", 12.0, None),
    ]


def test_the_blocks_of_a_pair_have_the_same_arrivals_and_another_pair_has_others() -> None:
    assert block_plan(DEMO, 30.0, 8.0, 2) == block_plan(DEMO, 30.0, 8.0, 2)
    assert block_plan(DEMO, 30.0, 8.0, 2).seed != block_plan(DEMO, 30.0, 8.0, 3).seed


def test_a_blocks_plan_can_be_written_and_read(tmp_path: Path) -> None:
    plan = block_plan(DEMO, 31.5, 8.0, 1)
    (tmp_path / "plan.yaml").write_text(plan.to_yaml())
    assert read_plan(tmp_path / "plan.yaml") == plan


def test_the_unjudged_start_lasts_until_the_shop_is_filled() -> None:
    slow = changed(think_time={"median_s": 5.0, "sigma": 0.5, "max_s": 20.0})
    assert skip_of(slow) > skip_of(DEMO) == 8.0


def test_the_plans_own_warm_up_is_kept_up_to_a_minute() -> None:
    def with_warm_up(duration_s: float) -> Plan:
        phases = DEMO.model_dump()["phases"]
        phases[1]["duration_s"] = duration_s
        return changed(phases=phases)

    assert skip_of(with_warm_up(30.0)) == 30.0
    assert skip_of(with_warm_up(600.0)) == 60.0


def test_a_block_costs_its_drain_and_the_start_and_end_of_a_run() -> None:
    assert beside_of(DEMO) == drain_of(DEMO) + 12.0 == 24.0


def test_a_block_is_long_enough_for_300_events_of_each_judged_objective() -> None:
    assert least_measured_s(DEMO, OBJECTIVES) == pytest.approx(300 / (306.06 / 30), rel=0.001)
    busy = {**DEMO.model_dump()["demand"], "factor": 30.0, "peak_sessions_per_s": 110.89}
    assert least_measured_s(changed(demand=busy), OBJECTIVES) == 25.0
