"""The blocks of a comparison whose releases run one after the other."""

from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from loadtests.comparison.job import BlockEntry, ComparisonJob, DesignEntry, Variant, VariantEntry, read_job
from scripts.comparing.one_at_a_time import BlockStopped, JobFile, OneAtATime
from scripts.comparing.switch_command import SwitchFailed
from scripts.comparing.switch_design import LOOK_MOST_S, Costs, at_most_s
from scripts.comparing.time_allowed import TimeAllowed
from slo.outcomes import EnvironmentLacks, Outcome
from slo.regression.comparison import Comparison
from slo.regression.design import Design

ORDER: tuple[Variant, ...] = ("a", "b", "b", "a", "b", "a", "a", "b")
BLOCK_S = 30.0
COSTS = Costs(switch_s=20, beside_s=14, beside_most_s=32, skip_s=5, least_measured_s=25)
AT_MOST_S = at_most_s(ORDER, Design(looks=(3, 4), block_s=BLOCK_S, skip_s=5.0), COSTS)


@dataclass(kw_only=True)
class Stage:
    """A switcher, a player and a judge that do as they are told; `played` is what happened, in order."""

    folder: Path
    invalid: dict[int, str] = field(default_factory=dict)
    raises: dict[int, BaseException] = field(default_factory=dict)
    final_after: int = 99
    switch_fails: bool = False
    played: list[str] = field(default_factory=list)
    said: list[str] = field(default_factory=list)
    up: Variant | None = "a"
    blocks: int = 0
    now_s: float = 0.0
    until_s: float = AT_MOST_S
    slower: tuple[float, ...] = (1.0,)

    def put_up(self, variant: Variant) -> str | None:
        """Put a release up."""
        if variant != self.up:
            self.now_s += COSTS.switch_most_s * self._factor
        self.up = None
        if self.switch_fails:
            raise SwitchFailed("the switch command ended with 1")
        self.up = variant
        return f"release {variant}"

    def put_back(self) -> str | None:
        """Put A back."""
        if self.up == "a":
            return None
        self.now_s += COSTS.switch_most_s * self._factor
        self.up = "a"
        return "A was put back in 4 s"

    def play(self, variant: Variant, pair: int) -> BlockEntry:
        """Play a block."""
        assert self.up == variant
        self.blocks += 1
        self.now_s += (BLOCK_S + COSTS.beside_most_s) * self._factor
        self.played.append(f"{variant}{pair}")
        if self.blocks in self.raises:
            raise self.raises[self.blocks]
        invalid = self.invalid.get(self.blocks)
        return BlockEntry(
            pair=pair, variant=variant, run=f"run {self.blocks}", starts_at=1, ends_at=2, invalid_because=invalid
        )

    @property
    def _factor(self) -> float:
        """How many times as long as it may take everything takes in this pair."""
        return self.slower[min((self.blocks - 1) // 2, len(self.slower) - 1) if self.blocks else 0]

    def judge(self, job: ComparisonJob) -> Comparison:
        """Look at what was played."""
        self.now_s += LOOK_MOST_S * self._factor
        pairs = len(job.blocks) // 2
        self.played.append(f"look{pairs}")
        is_final = pairs >= self.final_after
        return Comparison(outcome=Outcome.FAIL, is_final=is_final, pairs=pairs, results=(), because="slower")

    def perform(self, looks: tuple[int, ...] = (3, 4)) -> ComparisonJob:
        """Play a comparison; return its document as it is on disk."""
        job = ComparisonJob(
            name="one",
            how="switch",
            a=VariantEntry(variant="a", label="a"),
            b=VariantEntry(variant="b", label="b"),
            design=DesignEntry(looks=looks, block_s=30, skip_s=5),
        )
        file = JobFile(folder=self.folder, job=job)
        OneAtATime(
            file=file,
            order=ORDER,
            switcher=self,
            play=self.play,
            judge=self.judge,
            say=self.said.append,
            allowed=TimeAllowed(
                design=job.design.design(), costs=COSTS, until_s=self.until_s, clock=lambda: self.now_s
            ),
        ).perform()
        return read_job(self.folder)


def test_blocks_are_played_in_their_order_and_looked_at_after_the_pairs_of_the_design(tmp_path: Path) -> None:
    stage = Stage(folder=tmp_path)
    job = stage.perform()
    assert stage.played == ["a1", "b1", "b2", "a2", "b3", "a3", "look3", "a4", "b4", "look4"]
    assert (job.ended, job.because) == ("played_out", None)
    assert [block.run for block in job.blocks] == [f"run {n}" for n in range(1, 9)]
    assert (job.a.release, job.b.release) == ("release a", "release b")


def test_a_look_that_decides_is_the_last(tmp_path: Path) -> None:
    stage = Stage(folder=tmp_path, final_after=3)
    job = stage.perform()
    assert stage.played[-1] == "look3"
    assert (job.ended, job.because) == ("decided", "slower")


def test_a_block_that_is_not_valid_is_kept_with_why_and_said(tmp_path: Path) -> None:
    stage = Stage(folder=tmp_path, invalid={2: "the generator was busy"})
    job = stage.perform()
    assert job.blocks[1].invalid_because == "the generator was busy"
    assert "pair 1, B: doesn't count: the generator was busy" in stage.said


def test_when_too_few_pairs_can_count_any_more_the_comparison_ends(tmp_path: Path) -> None:
    stage = Stage(folder=tmp_path, invalid={1: "x", 3: "the generator was busy"})
    job = stage.perform()
    assert stage.played == ["a1", "b1", "b2", "a2"]
    assert (job.ended, job.because) == (
        "failed",
        "2 of 2 pairs don't count, so too few are left; the last: the generator was busy",
    )
    assert stage.up == "a"


@pytest.mark.parametrize(
    ("error", "ended", "because"),
    [
        (KeyboardInterrupt(), "stopped", "by hand or signal"),
        (BlockStopped("the kill URL says stop"), "stopped", "the kill URL says stop"),
        (EnvironmentLacks("the shop doesn't answer"), "failed", "the shop doesn't answer"),
    ],
)
def test_whatever_ends_a_block_a_is_put_back_and_the_document_says_so(
    tmp_path: Path, error: BaseException, ended: str, because: str
) -> None:
    stage = Stage(folder=tmp_path, raises={2: error})
    job = stage.perform()
    assert (job.ended, job.because, job.notes) == (ended, because, ("A was put back in 4 s",))
    assert stage.up == "a"
    assert [block.run for block in job.blocks] == ["run 1"]


def test_an_error_of_ours_is_raised_once_a_is_back(tmp_path: Path) -> None:
    stage = Stage(folder=tmp_path, raises={3: ZeroDivisionError("division by zero")})
    with pytest.raises(ZeroDivisionError):
        stage.perform()
    job = read_job(tmp_path)
    assert (job.ended, job.because, job.notes) == (
        "failed",
        "ZeroDivisionError: division by zero",
        ("A was put back in 4 s",),
    )


def test_a_switch_that_fails_ends_the_comparison_with_a_put_back(tmp_path: Path) -> None:
    stage = Stage(folder=tmp_path, switch_fails=True)
    job = stage.perform()
    assert stage.played == []
    assert (job.ended, job.because, job.notes) == (
        "failed",
        "the switch command ended with 1",
        ("A was put back in 4 s",),
    )


def test_when_a_was_up_at_the_end_nothing_is_put_back(tmp_path: Path) -> None:
    stage = Stage(folder=tmp_path, final_after=3)
    assert stage.perform().notes == ()


FASTER = st.floats(0.05, 0.999)


@given(st.lists(FASTER, min_size=4, max_size=4))
def test_what_takes_no_longer_than_it_was_given_is_played_whole_within_the_time_told(factors: list[float]) -> None:
    with TemporaryDirectory() as folder:
        stage = Stage(folder=Path(folder), slower=tuple(factors))
        job = stage.perform()
    assert job.ended == "played_out"
    assert stage.now_s <= AT_MOST_S


@given(st.floats(1.01, 3.0))
@example(1.3828125)  # the first look would be beyond the time, were it taken to last as long as on a free machine
def test_a_machine_that_is_slower_than_was_reckoned_with_ends_the_job_in_the_time_told_with_a_back(
    factor: float,
) -> None:
    with TemporaryDirectory() as folder:
        stage = Stage(folder=Path(folder), slower=(factor,))
        job = stage.perform()
    assert (job.ended, stage.up) == ("stopped", "a")
    assert "s are left of the time that was told; it took: load" in str(job.because)
    assert 0 < len(job.blocks) < len(ORDER)
    assert stage.now_s <= AT_MOST_S


def test_where_the_time_went_is_said(tmp_path: Path) -> None:
    stage = Stage(folder=tmp_path)
    stage.perform()
    assert stage.said[-1] == "it took: load 240 s, beside it 256 s, switches 145 s, looks 10 s"
