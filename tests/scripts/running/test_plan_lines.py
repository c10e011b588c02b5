"""What is said of a plan is what a tired person needs to know before it is played."""

from pathlib import Path

import pytest

from loadtests.demand.evidence import with_not_judged
from loadtests.demand.plan import Plan, read_plan
from scripts.running.plan_lines import hidden_hangs, played, proven, to_list
from slo.objectives.objective import Objective
from slo.objectives.reading import read_objectives
from tests.scripts.world import OBJECTIVES, PLAN


@pytest.fixture
def objectives(tmp_path: Path) -> tuple[Objective, ...]:
    (tmp_path / "objectives.yaml").write_text(OBJECTIVES)
    return read_objectives([tmp_path / "objectives.yaml"])


def plan_of(folder: Path, *changes: tuple[str, str]) -> Plan:
    """Return the small plan, each of `changes` made to its text."""
    text = PLAN
    for before, after in changes:
        assert before in text
        text = text.replace(before, after)
    (folder / "plan.yaml").write_text(text)
    return read_plan(folder / "plan.yaml")


def rows(lines: list[str]) -> dict[str, list[str]]:
    """Return the table's cells by objective, of those about checkout."""
    return {cells[0]: cells[1:] for line in lines[2:-5] if (cells := line.split())[0].startswith("checkout-")}


def test_what_a_run_can_prove_is_a_table_that_says_what_its_columns_mean(
    tmp_path: Path, objectives: tuple[Objective, ...]
) -> None:
    plan = plan_of(tmp_path, ("assumed_error_burst_s: 0.05", "assumed_error_burst_s: 0.03"))
    lines = proven(plan, objectives)
    assert lines[0] == "what 20 s of judged time can prove, if errors come in bursts of 30 ms at most:"
    assert " ".join(lines[1].split()) == "objective requests may fail chance in bursts holds to minutes"
    assert rows(lines)["checkout-answers"] == ["400", "10", "99%", "94%", "292", "ms", "0.3"]
    assert [line.split()[0] for line in lines[-5:]] == ["may", "chance", "in", "holds", "minutes"]


@pytest.mark.parametrize(
    ("burst", "status"),
    [
        ("0.03", "0.3"),  # nothing but the last column, its minutes
        ("0.15", "may be undecided"),
        ("1", "will be undecided"),
    ],
)
def test_an_objective_that_will_hardly_be_shown_met_says_so(
    burst: str, status: str, tmp_path: Path, objectives: tuple[Objective, ...]
) -> None:
    plan = plan_of(tmp_path, ("assumed_error_burst_s: 0.05", f"assumed_error_burst_s: {burst}"))
    (line,) = [line for line in proven(plan, objectives) if line.startswith("  checkout-answers")]
    assert line.rpartition("  ")[2] == status
    assert ("none" in line) == (burst == "1")


def test_a_run_without_an_error_holds_to_the_burst_that_is_assumed_where_no_request_may_fail(
    tmp_path: Path, objectives: tuple[Objective, ...]
) -> None:
    plan = plan_of(tmp_path, ("assumed_error_burst_s: 0.05", "assumed_error_burst_s: 0.28"))
    assert rows(proven(plan, objectives))["checkout-answers"][:2] == ["400", "0"]


def test_what_is_not_judged_is_told_apart(tmp_path: Path, objectives: tuple[Objective, ...]) -> None:
    plan = with_not_judged(plan_of(tmp_path, ("assumed_error_burst_s: 0.05", "assumed_error_burst_s: 1")), objectives)
    assert [item.objective for item in plan.not_judged] == [one.name for one in objectives]
    (because,) = {item.because for item in plan.not_judged}
    assert because == (
        "provable in about 2.2 minutes of judged time at this rate; the plan has 0.3;"
        " take this entry out when the plan is longer"
    )
    told = [line.endswith("  not judged: listed in the plan's not_judged") for line in proven(plan, objectives)]
    assert told.count(True) == len(objectives)


def test_what_will_hardly_be_shown_met_is_given_as_the_lines_that_list_it(
    tmp_path: Path, objectives: tuple[Objective, ...]
) -> None:
    plan = plan_of(tmp_path, ("assumed_error_burst_s: 0.05", "assumed_error_burst_s: 0.15"))
    first, *lines = to_list(plan, objectives)
    assert first == (
        "what stays undecided makes the verdict INCONCLUSIVE: lengthen the plan, or add to its not_judged:"
    )
    text = "\n".join([PLAN.rstrip().replace("0.05", "0.15"), "not_judged:", *lines])
    (tmp_path / "plan.yaml").write_text(text)
    assert read_plan(tmp_path / "plan.yaml") == with_not_judged(plan, objectives)
    assert to_list(read_plan(tmp_path / "plan.yaml"), objectives) == []


@pytest.mark.parametrize(("drain_s", "warned"), [(2, True), (9.9, True), (10, False), (40, False)])
def test_a_drain_that_hides_a_hang_at_the_end_is_told(drain_s: float, warned: bool, tmp_path: Path) -> None:  # noqa: FBT001
    plan = plan_of(tmp_path, ("kind: drain, duration_s: 2}", f"kind: drain, duration_s: {drain_s}}}"))
    assert bool(hidden_hangs(plan)) is warned
    assert any("too short to see a shop hang at the end" in line for line in played(plan)) is warned
