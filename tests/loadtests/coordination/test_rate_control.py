"""A change of the plan is checked, on disk before it is told, and never more than the environment bears."""

from pathlib import Path
from typing import Any

import gevent
import numpy as np
import pytest

from loadtests.coordination.rate_control import LEAD_S, RateControl
from loadtests.demand.arrivals import revised
from loadtests.demand.revision import Revision
from loadtests.live.board import Board
from loadtests.results.revisions import read_revisions
from loadtests.results.run_directory import RunDirectory
from loadtests.worker.job import read_job, write_job
from tests.loadtests.fakes import SECOND
from tests.loadtests.prepared import prepared_run

START = 1000 * SECOND
PHASES = [
    {"name": "warm-up", "kind": "warm-up", "duration_s": 20, "level": [1.0, 1.0]},
    {"name": "plateau", "kind": "plateau", "duration_s": 40, "level": [1.0, 1.0]},
    {"name": "drain", "kind": "drain", "duration_s": 5},
]


class Stage:
    """A control over a run of 10 sessions a second, at a second that the test chooses."""

    def __init__(self, folder: Path, **declared: Any) -> None:
        self.directory: RunDirectory = prepared_run(folder, "http://127.0.0.1:1", phases=PHASES, declared=declared)
        production = declared.pop("production", False)
        write_job(self.directory, None, "0.1.0", production=production)
        self.job = read_job(self.directory.path)
        self.elapsed_s = 10.0
        self.told: list[tuple[Revision, bool]] = []
        self.board = Board(self.job.timetable(), (), START)
        self.control = RateControl(self.job, self.board, (START, 2), self.now, self.tell)

    def now(self) -> int:
        return START + round(self.elapsed_s * SECOND)

    def tell(self, revision: Revision) -> None:
        self.told.append((revision, revision in read_revisions(self.directory)))

    def factors(self) -> list[float]:
        return [revision.factor for revision in read_revisions(self.directory)]


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    return Stage(tmp_path)


def test_a_change_acts_a_little_later_and_is_on_disk_before_anybody_is_told(stage: Stage) -> None:
    assert stage.control.apply("1.5", "by hand") == "1.5 x the plan from second 11.2 on (by hand)"
    expected = Revision(number=1, at_s=10.0 + LEAD_S, factor=1.5, why="by hand")
    assert stage.told == [(expected, True)]
    assert read_revisions(stage.directory) == (expected,)
    assert LEAD_S >= 1


def test_the_keys_go_up_and_down_by_a_tenth_and_resume_what_was_paused(stage: Stage) -> None:
    for change in ("more", "more", "less", "pause or resume", "pause or resume", "pause", "resume", "less", "less"):
        assert not stage.control.apply(change, "the key").startswith("refused")
    assert stage.factors() == [1.1, 1.2, 1.1, 0.0, 1.1, 0.0, 1.1, 1.0, 0.9]


@pytest.mark.parametrize(
    ("wishes", "told"),
    [
        (["resume"], "refused: the run isn't paused"),
        (["pause", "pause"], "refused: it is so already: paused"),
        (["pause", "more"], "refused: the run is paused: resume it first"),
        (["0.1", "less"], "refused: no session would arrive any more: pause the run instead"),
        (["1"], "refused: it is so already: 1 x the plan"),
        (["nan"], "refused: a multiple of the plan is from 0 to 100, not nan"),
        (["-1"], "refused: a multiple of the plan is from 0 to 100, not -1"),
        (["101"], "refused: a multiple of the plan is from 0 to 100, not 101"),
        (["<b>"], "refused: a multiple of the plan is a number such as 1.2, not '<b>'"),
    ],
)
def test_what_makes_no_sense_is_refused_in_plain_words(stage: Stage, wishes: list[str], told: str) -> None:
    for change in wishes:
        stage.control.apply(change, "by hand")
    assert stage.control.message == told
    assert len(stage.told) == len(stage.factors()) == len(wishes) - 1


def test_more_than_the_environment_bears_is_refused_however_little_is_left(stage: Stage) -> None:
    stage.elapsed_s = 58
    told = stage.control.apply("50", "by hand")
    assert told.startswith("refused: 50 x the plan plays up to 2")
    assert told.endswith("requests a second; the environment's ceiling.requests_per_s is 500")
    assert stage.factors() == []


def test_orders_are_counted_over_the_whole_plan(tmp_path: Path) -> None:
    stage = Stage(tmp_path, ceiling={"requests_per_s": 500, "open_sessions": 50, "orders": 600})
    stage.elapsed_s = 40
    assert "places about" in stage.control.apply("3", "by hand")
    assert stage.factors() == []
    assert stage.control.apply("1.2", "by hand").startswith("1.2 x the plan from")


def test_production_is_never_asked_for_more_than_the_plan(tmp_path: Path) -> None:
    stage = Stage(tmp_path, production=True)
    assert stage.control.apply("more", "by hand") == (
        "refused: production is loaded by a permission for this plan: no more than the plan"
    )
    stage.control.apply("0.5", "by hand")
    assert stage.factors() == [0.5]


def test_when_nobody_arrives_any_more_there_is_nothing_to_change(stage: Stage) -> None:
    stage.elapsed_s = 60 - LEAD_S
    assert stage.control.apply("pause", "by hand") == "refused: no session arrives any more"
    stage.elapsed_s -= 0.01
    assert stage.control.apply("pause", "by hand").startswith("paused")


def test_a_plan_is_changed_so_many_times_and_no_more(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("loadtests.coordination.rate_control.MAX_REVISIONS", 2)
    told = [stage.control.apply(change, "by hand") for change in ("pause", "resume", "pause")]
    assert told[2] == "refused: a plan can be changed 2 times, and was"
    assert stage.factors() == [0.0, 1.0]


def test_the_live_snapshot_measures_against_the_changed_plan(stage: Stage) -> None:
    stage.control.apply("pause", "by hand")
    assert stage.control.snapshot() == {
        "factor": 1.0,
        "paused": False,
        "message": "paused from second 11.2 on (by hand)",
    }
    stage.elapsed_s = 20
    assert (stage.control.snapshot()["factor"], stage.control.snapshot()["paused"]) == (0.0, True)
    planned = stage.board.snapshot(stage.now(), "running").model_dump()["planned"]
    arrivals = revised(stage.job.plan, read_revisions(stage.directory))
    assert planned == {"sessions_per_s": 0.0, "sessions_total": int(np.count_nonzero(arrivals.at_s <= 20))}
    assert planned["sessions_total"] == len(arrivals)


def test_a_change_that_can_not_be_written_is_not_told(stage: Stage) -> None:
    stage.directory.revisions.mkdir()
    assert stage.control.apply("pause", "by hand") == (
        f"refused: {stage.directory.revisions} can't be written: Is a directory"
    )
    assert stage.told == []


def test_who_heard_too_late_and_who_says_nothing_is_told(stage: Stage) -> None:
    stage.control.apply("pause", "by hand")
    stage.control.taken(1, 0, "w0")
    assert stage.control.message.startswith("paused")
    stage.elapsed_s = 20  # long after the three seconds: nothing is left to wait for
    gevent.sleep(0)
    stage.control._await_workers(stage.told[0][0])
    assert stage.control.message == "1 of 2 workers did not take the change in time: the run isn't valid"
    stage.control.taken(1, 3, "w1")
    assert stage.control.message == "w1 got a change too late and had started 3 sessions: the run isn't valid"
