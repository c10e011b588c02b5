"""While a run plays its phases are announced once and in order, and it is stopped when a guard rail says why."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import cast

import pytest

from loadtests.demand.plan import read_plan
from loadtests.results.run_directory import RunDirectory, write_json
from loadtests.runtime.clock import Clock
from scripts.running.guards import Watches
from scripts.running.keyboard import Unsuspended
from scripts.running.locust_processes import LocustProcesses
from scripts.running.supervision import Supervision
from scripts.running.what_failed import failure_lines, why_hung
from tests.scripts.made_run import SECOND, START, live_snapshot
from tests.scripts.world import World, write_inputs


@dataclass(slots=True)
class Generator:
    """Is over when its looks are used up."""

    looks: int

    @property
    def is_over(self) -> bool:
        self.looks -= 1
        return self.looks < 0

    def change_rate(self, change: str, who: str) -> None:
        raise AssertionError(f"nobody pressed a key, and {who} changes the rate: {change}")


@dataclass(slots=True)
class Rails:
    """Has a reason to stop from one look on."""

    reasons: Iterator[str | None] = field(default_factory=lambda: iter(()))

    def why_stop(self) -> str | None:
        return next(self.reasons, None)


@dataclass(slots=True)
class Times:
    """A clock that shows one moment after the other, in s after the start of the load."""

    seconds: list[float]

    def now(self) -> int:
        return START + round(self.seconds.pop(0) * SECOND)


@pytest.fixture
def run(world: World) -> RunDirectory:
    write_inputs(world.folder)
    return RunDirectory(path=world.folder)


def follow(
    run: RunDirectory, world: World, times: list[float], rails: Rails | None = None
) -> tuple[str | None, list[str]]:
    """Follow a run that is looked at in each of `times`; return why it was stopped, and the phases announced."""
    announced: list[str] = []
    supervision = Supervision(read_plan(run.plan), cast("Clock", Times(list(times))), world.context(), announced.append)
    generator, watches = cast("LocustProcesses", Generator(len(times))), cast("Watches", rails or Rails())
    with Unsuspended(world.said.append) as unsuspended:
        why = supervision.follow(run, generator, watches, unsuspended)
    return why, announced


def test_each_phase_is_announced_once_when_it_has_begun(run: RunDirectory, world: World) -> None:
    write_json(run.live, live_snapshot(started_at=START))
    why, announced = follow(run, world, [0.1, 0.2, 5.5, 5.6])
    assert (why, announced) == (None, ["reference", "warm-up"])


def test_phases_that_began_between_two_looks_are_announced_in_order(run: RunDirectory, world: World) -> None:
    write_json(run.live, live_snapshot(started_at=START))
    assert follow(run, world, [28.0])[1] == ["reference", "warm-up", "plateau", "drain"]


def test_before_the_load_no_phase_is_announced(run: RunDirectory, world: World) -> None:
    assert follow(run, world, [1.0, 2.0]) == (None, [])


def test_a_reason_to_stop_is_printed_and_returned(run: RunDirectory, world: World) -> None:
    rails = Rails(reasons=iter((None, "the kill URL says stop")))
    why, _ = follow(run, world, [0.1, 0.2, 0.3], rails)
    assert why == "the kill URL says stop"
    assert world.said[-1] == "stopping: the kill URL says stop"


def test_a_run_that_ends_by_itself_has_no_reason_to_stop(run: RunDirectory, world: World) -> None:
    write_json(run.live, live_snapshot())
    assert follow(run, world, [0.1])[0] is None
    assert not [line for line in world.said if line.startswith("stopping")]


def test_a_run_whose_generator_is_silent_ends_and_one_that_was_itself_held_up_goes_on(
    run: RunDirectory, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("scripts.running.supervision._SILENT_S", 0.0)

    def told() -> Iterator[None]:
        for sequence in (7, 8, 9):
            write_json(run.live, live_snapshot(sequence=sequence))
            yield None

    assert follow(run, world, [0.1, 0.2, 0.3], Rails(reasons=told()))[0] is None
    why, _ = follow(run, world, [0.1, 0.2, 0.3, 0.4, 0.5], Rails(reasons=told()))
    assert why == "nothing was heard of the load generator for 0 s: live.json stands still"


HANG = """\
Thread 0x2 (most recent call first):
  File "/somewhere/else.py", line 3 in wait
  File "{file}", line 2 in buy
"""


def hung(run: RunDirectory, worker: str) -> None:
    """Leave what a worker leaves that hung in the second line of the storefront's copy."""
    run.storefront.mkdir(exist_ok=True)
    copy = run.storefront / "mine.py"
    copy.write_text("def buy(self):\n    while True: pass\n")
    run.errors.mkdir(exist_ok=True)
    run.hang(worker).write_text(HANG.format(file=copy))


def test_a_worker_that_hung_ends_the_run_named_by_its_storefront_s_line(run: RunDirectory, world: World) -> None:
    run.errors.mkdir()
    run.hang("w0").write_text("")
    assert (why_hung(run), follow(run, world, [0.1])[0]) == (None, None)
    hung(run, "w1")
    why = "w1 hung in mine.py:2, buy: while True: pass"
    assert follow(run, world, [0.1])[0] == why
    assert world.said[-1] == f"stopping: {why}"


def test_the_storefront_s_tracebacks_are_shown_up_to_a_screen(run: RunDirectory) -> None:
    assert failure_lines(run) == []
    run.errors.mkdir()
    for worker in ("w0", "w1"):
        run.storefront_failures(worker).write_text("".join(f"{worker} line {n}\n" for n in range(25)))
    lines = failure_lines(run)
    assert (lines[0], lines[39], lines[40]) == ("w0 line 0", "w1 line 14", f"… and 10 lines more in {run.errors}")
