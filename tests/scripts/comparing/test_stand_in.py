"""The stand-in's releases by turns in one run."""

from pathlib import Path

import pytest

from loadtests.comparison.job import BlockEntry, Variant
from scripts.comparing import one_run, order, stand_in
from scripts.comparing.asked import Asked
from scripts.comparing.both_up import BothUp
from scripts.comparing.job_folder import policy_of
from scripts.comparing.stand_in import Switched
from scripts.context import Context
from scripts.local_stack.ports import Ports
from scripts.running.read_inputs import read_inputs
from tests.scripts.comparing.two_releases import by_header, write_inputs

S = 1_000_000_000


class Shop:
    """A stand-in whose release is its name."""

    def set_release(self, name: str) -> str:
        """Return the version."""
        return name


def test_looks_go_by_the_policy_that_is_kept_and_leave_out_what_the_plan_does_not_judge(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_inputs(tmp_path, "http://127.0.0.1:9", by_header())
    (tmp_path / "own.yaml").write_text("format: peakproof/policy/v1\ncomparison: {fail_ratio: 1.2, pass_ratio: 1.4}\n")
    with (tmp_path / "plan.yaml").open("a") as plan:
        plan.write("\nnot_judged: [{objective: home-answers, because: too short}]\n")
    files = {"plan": tmp_path / "plan.yaml", "objectives": (tmp_path / "objectives.yaml",)}
    asked = Asked(
        **files,  # type: ignore[arg-type]
        targets=tmp_path / "targets.yaml",
        on="staging",
        ports=Ports(base=28400),
        policy=tmp_path / "own.yaml",
    )
    inputs = read_inputs(asked.plan, asked.objectives, asked.targets, asked.on)
    said: list[str] = []
    context = Context(environment={}, folder=tmp_path, say=said.append, is_terminal=False, command="peakproof compare")
    played: list[BothUp] = []
    monkeypatch.setattr(one_run, "_play", lambda _inputs, _setting, both: played.append(both))
    file = stand_in.play_releases(asked, inputs, Shop(), {"a": "stable", "b": "oversell"}, context)  # type: ignore[arg-type]
    compared, settings = played[0].compared, played[0].settings
    assert settings == policy_of(file.folder).comparison
    assert settings.fail_ratio == 1.2
    assert "home-answers" not in {one.name for one in compared.measures}
    assert file.job.seed, "the order of the blocks is the job's own"
    assert played[0].turns.order == "".join(order.draw(12, file.job.seed))
    assert ("home-answers", "the plan doesn't judge it: too short") in {(o.name, o.because) for o in compared.left_out}


def told(*ups: tuple[float, Variant], variant: Variant = "b") -> BlockEntry:
    """Return a block from second 100 to 130, of which the first 5 aren't judged, after releases were put up."""
    switched = Switched(now=lambda: 0, skip_s=5.0, versions={"a": "1", "b": "2"})
    switched.ups.extend((round(at_s * S), one) for at_s, one in ups)
    return switched.told(BlockEntry(pair=1, variant=variant, run="r", starts_at=100 * S, ends_at=130 * S))


def test_a_block_says_which_release_was_up_in_it() -> None:
    block = told((0, "a"), (100.1, "b"), (130.1, "a"))
    assert (block.release, block.invalid_because) == ("2", None)


def test_a_release_that_stays_up_needs_no_switch() -> None:
    assert told((0, "a"), (60, "b")).invalid_because is None


@pytest.mark.parametrize(
    "ups", [((0, "a"),), ((0, "a"), (105.2, "b")), ((0, "a"), (100, "b"), (129.9, "a")), ()], ids=str
)
def test_a_block_in_whose_judged_time_the_other_release_was_up_does_not_count(
    ups: tuple[tuple[float, Variant], ...],
) -> None:
    assert told(*ups).invalid_because == "the other release was up in it"
