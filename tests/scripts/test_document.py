"""run.json: the account adds up to the plan, and what can't be known is null, never invented."""

import json
from pathlib import Path
from typing import Any

import pytest

from loadtests.demand.arrivals import schedule
from loadtests.run_directory import RunDirectory, write_json
from scripts.running.document import write_run
from scripts.running.preparation import Inputs, prepare, read_inputs
from tests.scripts.made_run import SECOND, START, make_run, progress, worker_account
from tests.scripts.world import World, write_inputs

LEARNT = ("account", "requests", "orders", "scheduling_lag_s", "generator_cpu", "workers", "hook_failures")


def given(folder: Path) -> Inputs:
    return read_inputs(folder / "plan.yaml", (folder / "objectives.yaml",), folder / "targets.yaml", "staging")


def told(account: dict[str, Any]) -> int:
    """Return how many sessions an account tells of."""
    numbers = [account[name] for name in ("completed", "failed", "cut_off", "not_due")]
    return int(sum(numbers) + sum(account["dropped"].values()) + sum(account["lost"].values()))


@pytest.fixture
def run(tmp_path: Path) -> RunDirectory:
    return RunDirectory(path=make_run(tmp_path, "PASS"))


def document(run: RunDirectory, **changed: Any) -> dict[str, Any]:
    folder = run.path.parent.parent
    value = write_run(run, given(folder), progress(**changed))
    assert json.loads(run.run.read_text()) == value
    return value


def test_a_run_that_went_well_is_told_in_full(run: RunDirectory, world: World) -> None:
    value = document(run)
    planned = len(schedule(given(world.folder).plan))
    assert value["account"] == {
        "planned": planned,
        "completed": planned,
        "failed": 0,
        "cut_off": 0,
        "dropped": {},
        "lost": {},
        "not_due": 0,
    }
    assert value["requests"] == {"sent": 5 * planned, "errors": 0}
    assert value["orders"] == {"attempted": planned, "accepted": planned, "refused": 0, "unknown": 0}
    assert value["scheduling_lag_s"] == {"p50": 0.001, "p99": 0.004, "max": 0.02}
    assert value["generator_cpu"] == {"w0": 0.3, "w1": 0.4}
    assert [(w["name"], w["parts_expected"], w["parts_received"], w["lost"]) for w in value["workers"]] == [
        ("w0", 2, 2, False),
        ("w1", 2, 2, False),
    ]
    assert value["judged"] == {"starts_at": START + 7 * SECOND, "ends_at": START + 27 * SECOND}
    assert [(p["name"], p["starts_at"] - START, p["ends_at"] - START) for p in value["phases"]] == [
        ("reference", 0, 5 * SECOND),
        ("warm-up", 5 * SECOND, 7 * SECOND),
        ("plateau", 7 * SECOND, 27 * SECOND),
        ("drain", 27 * SECOND, 29 * SECOND),
    ]
    assert (value["run"], value["seed"], value["ended"], value["notes"]) == (run.name, 7, "completed", [])
    assert sorted(value["inputs"]) == ["objectives/objectives.yaml", "plan.yaml", "targets.redacted.json"]
    assert value["inputs"]["plan.yaml"] == value["plan"]["sha256"]


def test_what_was_left_out_of_the_pages_is_told_for_all_workers(run: RunDirectory) -> None:
    assert document(run)["assets"] == {"fetched": "off", "left_out": {}}
    for path in run.workers():
        told = {**json.loads(path.read_text()), "assets_left_out": {"other_host": 3, path.stem: 1}}
        path.write_text(json.dumps(told))
    left_out = {"other_host": 6, "worker-w0": 1, "worker-w1": 1}
    assert document(run)["assets"] == {"fetched": "off", "left_out": left_out}


def test_before_any_load_nothing_is_invented(world: World) -> None:
    write_inputs(world.folder)
    inputs = given(world.folder)
    run = prepare(inputs, world.context())
    value = write_run(
        run,
        inputs,
        progress(started_at=None, load_ended_at=None, ended=None, release_before=None, release_after=None, spans=None),
    )
    assert (value["phases"], value["judged"]) == ([], {"starts_at": None, "ends_at": None})
    assert (value["ended"], value["ended_at"], value["recorder"]) == (None, None, None)
    assert value["release"] == {"before": None, "after": None, "expected": [], "seen": []}
    assert value["scheduling_lag_s"] == {"p50": None, "p99": None, "max": None}
    assert (value["account"]["not_due"], told(value["account"])) == (value["account"]["planned"],) * 2
    assert [(w["name"], w["arrivals"], w["lost"]) for w in value["workers"]] == [("w0", None, True), ("w1", None, True)]


def test_a_killed_worker_is_lost_with_the_sessions_of_its_open_part_and_the_account_adds_up(run: RunDirectory) -> None:
    part = run.part("sessions", "w1", "00000")
    part.unlink()
    account = json.loads(run.worker("w1").read_text())
    write_json(run.worker("w1"), {**account, "ended": None})
    value = document(run, ended="failed", because="locust ended with -9")
    assert value["account"]["lost"]["w1"] > 0
    assert told(value["account"]) == value["account"]["planned"]
    assert (value["workers"][1]["lost"], value["workers"][1]["parts_received"]) == (True, 1)


def test_a_worker_that_never_spoke_is_lost(run: RunDirectory) -> None:
    for path in (run.worker("w1"), run.part("sessions", "w1", "00000"), run.part("requests", "w1", "00000")):
        path.unlink()
    value = document(run)
    silent = {"name": "w1", "arrivals": None, "parts_expected": None, "parts_received": 0, "lost": True}
    assert value["workers"][1] == silent
    assert value["account"]["lost"]["w1"] > 0
    assert told(value["account"]) == value["account"]["planned"]


def test_a_workers_file_that_can_not_be_read_makes_nulls_and_a_note(run: RunDirectory) -> None:
    path = run.worker("w0")
    path.write_text("{")
    value = document(run)
    assert {name: value[name] for name in LEARNT} == dict.fromkeys(LEARNT)
    (note,) = value["notes"]
    assert note.startswith(f"the workers' files can't be read: {path}: not JSON: ")


def test_a_broken_part_of_sessions_makes_nulls_and_a_note(run: RunDirectory) -> None:
    run.part("sessions", "w0", "00000").write_bytes(b"PAR1")
    value = document(run)
    assert {name: value[name] for name in LEARNT} == dict.fromkeys(LEARNT)
    assert len(value["notes"]) == 1


def test_a_session_recorded_twice_is_no_account(run: RunDirectory) -> None:
    run.part("sessions", "w9", "00000").write_bytes(run.part("sessions", "w0", "00000").read_bytes())
    value = document(run)
    assert value["account"] is None
    assert value["notes"] == ["the workers' files can't be read: a session was recorded twice"]


def test_a_lag_that_one_worker_does_not_tell_is_not_known(run: RunDirectory) -> None:
    lag = {"p50": 0.001, "p99": None, "max": 0.5}
    write_json(run.worker("w1"), worker_account(1, 100, lag_s=lag, cpu_peak=None))
    value = document(run)
    assert value["scheduling_lag_s"] == {"p50": 0.001, "p99": None, "max": 0.5}
    assert value["generator_cpu"] == {"w0": 0.3, "w1": None}


def test_the_judged_time_ends_with_a_run_that_was_stopped(run: RunDirectory) -> None:
    value = document(run, load_ended_at=START + 10 * SECOND, ended="stopped")
    assert value["judged"] == {"starts_at": START + 7 * SECOND, "ends_at": START + 10 * SECOND}
    value = document(run, load_ended_at=START + 3 * SECOND, ended="stopped")
    assert value["judged"] == {"starts_at": START + 7 * SECOND, "ends_at": START + 7 * SECOND}
