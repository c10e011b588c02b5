"""A comparison of two releases that are both up: its design, its looks, its blocks."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from loadtests.comparison.compared import Compared, compared_by
from loadtests.comparison.job import ComparisonJob, DesignEntry, VariantEntry, read_job
from loadtests.comparison.turns import Turns
from loadtests.demand.plan import Plan, read_plan
from scripts.comparing import both_up
from scripts.comparing.asked import Asked
from scripts.comparing.both_up import BothUp
from scripts.comparing.both_up_design import design_of, job_plan, short_of
from scripts.comparing.one_at_a_time import JobFile
from scripts.comparing.release_probes import ReleaseProbes, Seen
from scripts.comparing.variants import compare_variants
from scripts.context import Context
from scripts.local_stack.ports import Ports
from slo.documents import BadInput
from slo.objectives.objective import Objective
from slo.objectives.reading import read_objectives
from slo.outcomes import Outcome
from slo.regression.comparison import Comparison
from slo.regression.design import Design
from slo.regression.limits import error_measure
from slo.regression.settings import ComparisonSettings
from tests.scripts.comparing.two_releases import by_header, write_inputs

S = 1_000_000_000


@pytest.fixture
def inputs(tmp_path: Path) -> Path:
    write_inputs(tmp_path, "http://127.0.0.1:9", by_header())
    return tmp_path


def plan_of(folder: Path, rate: float = 30.0) -> Plan:
    text = (folder / "plan.yaml").read_text()
    changed = text.replace("peak_sessions_per_s: 30", f"peak_sessions_per_s: {rate}")
    changed = changed.replace("forecast_orders_per_hour: 108000", f"forecast_orders_per_hour: {3600 * rate}")
    (folder / "plan.yaml").write_text(changed)
    return read_plan(folder / "plan.yaml")


def objectives_of(folder: Path) -> tuple[Objective, ...]:
    return read_objectives([folder / "objectives.yaml"])


def context(folder: Path, said: list[str]) -> Context:
    return Context(environment={}, folder=folder, say=said.append, is_terminal=False, command="peakproof compare")


def asked(folder: Path, **more: object) -> Asked:
    files = {"plan": folder / "plan.yaml", "objectives": (folder / "objectives.yaml",)}
    given = {**files, "targets": folder / "targets.yaml", "on": "staging", "ports": Ports(base=28400), **more}
    return Asked(**given)  # type: ignore[arg-type]


@pytest.mark.parametrize(("rate", "block_s"), [(30.0, 30.0), (6.0, 55.0)])
def test_blocks_are_longer_where_a_step_has_under_300_requests(inputs: Path, rate: float, block_s: float) -> None:
    assert design_of(plan_of(inputs, rate), objectives_of(inputs)).block_s == block_s


def test_an_objective_that_is_given_up_takes_no_step_from_one_that_is_judged(inputs: Path) -> None:
    plan, (first, *rest) = plan_of(inputs, 6.0), objectives_of(inputs)
    judged = (first, *rest, *(replace(one, name=f"{one.name}-strict") for one in (first, *rest)))
    given_up = [{"objective": one.name, "because": "too short"} for one in judged if one.name.endswith("-strict")]
    less = plan.model_validate({**plan.model_dump(), "not_judged": given_up})
    assert design_of(less, judged).block_s == 55.0
    assert short_of(less, Design(block_s=5.5, skip_s=5.0), judged) == ("checkout-fast", "home-answers")


def test_steps_that_no_block_can_hold_enough_of_are_named(inputs: Path) -> None:
    plan, objectives = plan_of(inputs, 0.2), objectives_of(inputs)
    assert short_of(plan, design_of(plan, objectives), objectives) == ("checkout-fast", "home-answers")


def test_the_jobs_plan_is_one_level_for_all_blocks_and_keeps_the_mix(inputs: Path) -> None:
    plan = plan_of(inputs)
    made = job_plan(plan, Design(looks=(4, 6)))
    assert [(phase.kind, phase.duration_s, phase.level) for phase in made.phases][1] == ("plateau", 360.0, (1.0, 1.0))
    assert (made.journeys, made.think_time, made.seed) == (plan.journeys, plan.think_time, plan.seed)


def test_a_job_that_would_take_longer_than_allowed_is_refused(inputs: Path) -> None:
    wanted = asked(inputs, max_minutes=5.0)
    with pytest.raises(BadInput, match="would take up to 13 minutes, and --max-minutes is 5"):
        compare_variants(wanted, context(inputs, []))
    assert not (inputs / "runs").exists()


def test_an_environment_without_variants_is_refused_with_the_way(tmp_path: Path) -> None:
    write_inputs(tmp_path, "http://127.0.0.1:9", {})
    wanted = asked(tmp_path)
    with pytest.raises(BadInput, match="declares no variants: say how each release is reached"):
        compare_variants(wanted, context(tmp_path, []))


class Clock:
    def __init__(self) -> None:
        self.at = 0

    def now(self) -> int:
        return self.at


def watching(folder: Path, said: list[str], **more: object) -> tuple[BothUp, Clock]:
    job = ComparisonJob(
        name="job",
        how="variants",
        a=VariantEntry(variant="a", label="old"),
        b=VariantEntry(variant="b", label="new"),
        design=DesignEntry(looks=(4, 6), block_s=30, skip_s=5),
    )
    clock = Clock()
    measure = error_measure("good", ("home",), 0.01, ComparisonSettings())
    both = BothUp(
        file=JobFile(folder=folder, job=job),
        turns=Turns.of(("old", "new"), 10.0, 30.0, ("a", "b") * 6),
        asked=asked(folder),
        settings=ComparisonSettings(),
        compared=Compared(measures=(measure,), counters={}, left_out=()),
        context=context(folder, said),
        probes=ReleaseProbes(now=clock.now),
        clock=clock,  # type: ignore[arg-type]
        **more,  # type: ignore[arg-type]
    )
    both.run = "run"
    return both, clock


def deciding(outcome: Outcome, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    seen: list[int] = []

    def observe(job: ComparisonJob, *_: object, live: bool) -> tuple[()]:
        assert live
        seen.append(len(job.blocks))
        return ()

    found = Comparison(outcome=outcome, is_final=True, pairs=4, results=(), because="so it is")
    monkeypatch.setattr(both_up, "observe", observe)
    monkeypatch.setattr(both_up, "compare", lambda *_: found)
    return seen


def test_a_look_waits_until_every_request_of_its_pairs_is_in_a_closed_part(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    both, clock = watching(tmp_path, [])
    seen = deciding(Outcome.FAIL, monkeypatch)
    begun = 1000 * S
    assert both.why_stop(begun) is None
    for at_s in (250, 291):
        clock.at = begun + at_s * S
        both.look()
    assert (seen, both.why_stop(begun)) == ([], None)
    clock.at = begun + 292 * S
    both.look()
    assert (seen, both.why_stop(begun)) == ([8], "decided after 4 pairs")
    assert len(read_job(tmp_path).blocks) == 8


def test_a_look_that_cannot_read_the_records_decides_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []
    both, clock = watching(tmp_path, said)

    def observe(*_: object, **__: object) -> None:
        raise BadInput("requests-w0-3.parquet: can't be read")

    monkeypatch.setattr(both_up, "observe", observe)
    both.why_stop(0)
    clock.at = 400 * S
    both.look()
    assert (both.why, said) == (None, ["after 4 pairs: no look: requests-w0-3.parquet: can't be read"])


def test_objectives_that_cannot_be_told_apart_are_named_and_not_compared() -> None:
    shipped = Path(__file__).parents[3] / "slo" / "objectives" / "twisted-threads.yaml"
    found = compared_by(read_objectives([shipped]), ComparisonSettings(), None, buys=True)
    left = {one.name: one.because for one in found.left_out}
    assert "metric_labels" in left["checkout-server-availability"]
    assert found.measures[-1].name == "orders-per-session"


@pytest.mark.parametrize(
    ("seen", "release", "why"),
    [
        ({5: "1.1", 20: "1.1"}, "1.1", None),
        ({5: "1.1", 20: None}, "1.1", None),
        ({5: "1.1", 20: "2.0"}, "2.0", "its probe named 2.0, not 1.1"),
        ({5: None}, None, "its probe named no release in the block, so nothing shows which one was met"),
        ({60: "1.1"}, None, "its probe named no release in the block, so nothing shows which one was met"),
    ],
)
def test_a_block_is_only_valid_with_the_release_that_its_probe_named(
    tmp_path: Path, seen: Mapping[int, str | None], release: str | None, why: str | None
) -> None:
    both, _ = watching(tmp_path, [])
    told = [Seen(at=-60 * S, variant="b", release="1.1"), Seen(at=8 * S, variant="a", release="2.0")]
    told += [Seen(at=at * S, variant="b", release=one) for at, one in seen.items()]

    class Declared(ReleaseProbes):
        declared = True

    probes = Declared(now=lambda: 0, seen=told)
    both.started_at = 0
    block = both.blocks(200 * S)[1].model_copy(update={"starts_at": 0, "ends_at": 30 * S})
    found = probes.told(block)
    assert (found.release, found.invalid_because) == (release, why)
