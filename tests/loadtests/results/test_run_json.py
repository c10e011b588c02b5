"""run.json: the account adds up to the plan, and what can't be known is null, never invented."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from loadtests.demand.arrivals import schedule
from loadtests.demand.revision import Revision
from loadtests.results.inputs import Inputs, prepare
from loadtests.results.revisions import append_revision
from loadtests.results.run_directory import RunDirectory, write_json
from loadtests.results.run_json import write_run
from scripts.running.read_inputs import read_inputs
from slo.validity.run_document import RunDocument, parse_run
from tests.scripts.made_run import SECOND, START, facts, make_run, worker_account
from tests.scripts.world import World, write_inputs

LEARNT = (
    *("plan_revisions", "account", "requests", "orders", "scheduling_lag_s", "hub_stall_s", "generator_cpu"),
    *("descriptors", "master_silent_s", "clock_offsets", "workers", "hook_failures"),
)


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
    document = write_run(run, given(folder), *facts(**changed))
    value: dict[str, Any] = json.loads(run.run.read_text())
    assert parse_run(value) == document
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
    assert value["plan_revisions"] == []
    assert value["requests"] == {"sent": 5 * planned, "errors": 0, "accepted_5xx": 0}
    assert value["orders"] == {"attempted": planned, "accepted": planned, "refused": 0, "unknown": 0}
    assert value["scheduling_lag_s"] == {"p50": 0.001, "p99": 0.004, "max": 0.02}
    assert value["generator_cpu"] == {"w0": 0.3, "w1": 0.4}
    assert value["hub_stall_s"] == {"p99": 0.004, "max": 0.05}
    assert value["descriptors"] == {key: {"peak": 40, "limit": 1024} for key in ("w0", "w1")}
    assert (value["master_silent_s"], value["live"]) == ({"w0": 1, "w1": 1}, {"gaps": 0})
    assert value["clock_offsets"] == {
        "w0": {"offset_s": 0.0, "uncertainty_s": 0.002, "pings": 20},
        "w1": {"offset_s": 0.001, "uncertainty_s": 0.002, "pings": 20},
    }
    assert [(w["ledger_rows_expected"], w["ledger_rows_received"]) for w in value["workers"]] == [
        (2 * planned, 2 * planned),
        (0, 0),
    ]
    assert [(w["name"], w["parts_expected"], w["parts_received"], w["lost"]) for w in value["workers"]] == [
        ("w0", 2, 2, False),
        ("w1", 2, 2, False),
    ]
    assert [worker["uploaded"] for worker in value["workers"]] == [False, True]
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


def test_every_key_of_the_document_is_written_known_or_not(run: RunDirectory, world: World) -> None:
    assert list(document(run)) == list(RunDocument.model_fields)
    inputs = given(world.folder)
    empty = prepare(inputs, world.context().runs)
    write_run(empty, inputs, facts()[0])
    assert list(json.loads(empty.run.read_text())) == list(RunDocument.model_fields)
    run.worker("w0").write_text("{")
    assert list(document(run)) == list(RunDocument.model_fields)


def test_what_was_left_out_of_the_pages_is_told_for_all_workers(run: RunDirectory) -> None:
    assert document(run)["assets"] == {"fetched": "off", "left_out": {}}
    for path in run.workers():
        told = {**json.loads(path.read_text()), "assets_left_out": {"other_host": 3, path.stem: 1}}
        path.write_text(json.dumps(told))
    left_out = {"other_host": 6, "worker-w0": 1, "worker-w1": 1}
    assert document(run)["assets"] == {"fetched": "off", "left_out": left_out}


def test_where_pages_led_that_nobody_went_is_told_for_all_workers_or_not_known(run: RunDirectory) -> None:
    assert document(run)["undeclared_hosts"] is None
    for path in run.workers():
        led_to = {"https://fonts.example": 3, f"https://{path.stem}.example": 1}
        path.write_text(json.dumps({**json.loads(path.read_text()), "undeclared_hosts": led_to}))
    assert document(run)["undeclared_hosts"] == {
        "https://fonts.example": 6, "https://worker-w0.example": 1, "https://worker-w1.example": 1,
    }  # fmt: skip


def test_shared_connections_are_told(run: RunDirectory) -> None:
    assert document(run)["shared_connections"] is None
    plan = run.path.parent.parent / "plan.yaml"
    plan.write_text(plan.read_text().replace("open_sessions: 100", "open_sessions: 100, connections: 7"))
    assert document(run)["shared_connections"] == 7


def test_before_any_load_nothing_is_invented(world: World) -> None:
    write_inputs(world.folder)
    inputs = given(world.folder)
    run = prepare(inputs, world.context().runs)
    write_run(run, inputs, replace(facts()[0], release=None))
    value = json.loads(run.run.read_text())
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
    silent |= {"ledger_rows_expected": None, "ledger_rows_received": 0, "uploaded": None}
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


def pause(run: RunDirectory, at_s: float = 25.0) -> None:
    append_revision(run, Revision(number=1, at_s=at_s, factor=0.0, why="paused by hand"))


def taken(index: int, heard_at: int, struck: int = 0) -> dict[str, Any]:
    told = {"number": 1, "heard_at": heard_at, "struck": struck}
    return worker_account(index, 100, revisions=[told])


def test_a_change_of_the_plan_is_told_with_those_who_took_it_too_late(run: RunDirectory) -> None:
    pause(run)
    acts_at = START + 25 * SECOND
    write_json(run.worker("w0"), taken(0, acts_at - SECOND, struck=0))
    write_json(run.worker("w1"), taken(1, acts_at + 3 * SECOND + 1, struck=2))
    value = document(run)
    expected = {"number": 1, "at": acts_at, "at_s": 25.0, "factor": 0.0, "why": "paused by hand"}
    assert value["plan_revisions"] == [{**expected, "not_taken": ["w1"], "struck_started": {"w1": 2}}]
    write_json(run.worker("w1"), taken(1, acts_at + 3 * SECOND))
    assert document(run)["plan_revisions"] == [{**expected, "not_taken": [], "struck_started": {}}]


def test_whoever_says_nothing_of_a_change_did_not_take_it(run: RunDirectory) -> None:
    pause(run)
    run.worker("w1").unlink()
    assert document(run)["plan_revisions"][0]["not_taken"] == ["w0", "w1"]


def test_what_a_pause_struck_is_not_planned_and_what_was_started_all_the_same_is(run: RunDirectory) -> None:
    """Everybody is recorded: those after the pause were started by workers that heard too late."""
    arrivals = schedule(given(run.path.parent.parent).plan)
    pause(run)
    account = document(run)["account"]
    assert (account["planned"], account["completed"]) == (len(arrivals), len(arrivals))
    run.part("sessions", "w1", "00000").unlink()
    account = document(run)["account"]
    assert account["planned"] == sum(a.at_s < 25 or a.number % 2 == 0 for a in arrivals)
    assert told(account) == account["planned"]


def test_revisions_that_can_not_be_read_make_nulls_and_a_note(run: RunDirectory) -> None:
    run.revisions.write_text('{"number": 2}\n')
    value = document(run)
    assert {name: value[name] for name in LEARNT} == dict.fromkeys(LEARNT)
    (note,) = value["notes"]
    assert note.startswith(f"the workers' files can't be read: {run.revisions}, line 1: ")


def test_a_lag_that_one_worker_does_not_tell_is_not_known(run: RunDirectory) -> None:
    lag = {"p50": 0.001, "p99": None, "max": 0.5}
    write_json(run.worker("w1"), worker_account(1, 100, lag_s=lag, cpu_peak=None))
    value = document(run)
    assert value["scheduling_lag_s"] == {"p50": 0.001, "p99": None, "max": 0.5}
    assert value["generator_cpu"] == {"w0": 0.3, "w1": None}


@pytest.mark.parametrize("live", [b"", b"{}", b'{"gaps": "many"}', None])
def test_gaps_that_nobody_tells_are_not_known(run: RunDirectory, live: bytes | None) -> None:
    run.live.unlink()
    if live is not None:
        run.live.write_bytes(live)
    assert document(run)["live"] == {"gaps": None}


def test_the_judged_time_ends_with_a_run_that_was_stopped(run: RunDirectory) -> None:
    value = document(run, ended_at=START + 10 * SECOND, ended="stopped")
    assert value["judged"] == {"starts_at": START + 7 * SECOND, "ends_at": START + 10 * SECOND}
    value = document(run, ended_at=START + 3 * SECOND, ended="stopped")
    assert value["judged"] == {"starts_at": START + 7 * SECOND, "ends_at": START + 7 * SECOND}


def test_the_judged_time_of_a_run_whose_end_is_not_known_is_the_plans(run: RunDirectory) -> None:
    value = document(run, ended_at=None, ended=None)
    assert value["judged"] == {"starts_at": START + 7 * SECOND, "ends_at": START + 27 * SECOND}


def test_the_proxy_of_the_environment_is_told_and_no_secret_of_it(run: RunDirectory) -> None:
    assert "proxy" not in document(run)["environment"]
    targets = run.path.parent.parent / "targets.yaml"
    data = yaml.safe_load(targets.read_text())
    basic = {"user_env": "PROXY_USER", "password_env": "PROXY_PASSWORD"}
    proxy = {"url": "http://127.0.0.1:3128", "straight": ["127.0.0.1"], "basic_auth": basic}
    data["environments"]["staging"]["proxy"] = proxy
    targets.write_text(yaml.safe_dump(data))
    expected = {"url": "http://127.0.0.1:3128", "straight": ["127.0.0.1"], "resolves_names": False}
    assert document(run)["environment"]["proxy"] == expected
