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
