"""A run that was played is audited and judged itself, once, whatever else lies in the folder."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from loadtests.results.inputs import hash_inputs
from loadtests.results.recorded_run import read_run
from loadtests.results.run_directory import RunDirectory, write_json
from scripts.cli import build_parser
from scripts.running.auditing import audit_finished
from scripts.running.finished_run import FinishedRun
from scripts.running.judging import invalid_because, judge_finished
from tests.loadtests.cleanup.test_journal import written
from tests.scripts.made_run import listed_anew
from tests.scripts.verbs.test_judge_damaged import change_json
from tests.scripts.world import World, targets

Runs = dict[str, Path]
OUTCOMES = (("PASS", 0), ("FAIL", 99), ("INCONCLUSIVE", 75))


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(folder=tmp_path)


@pytest.fixture(autouse=True)
def no_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave the page empty: drawing it takes longer than all else here."""
    monkeypatch.setattr("scripts.running.judging.report_page", lambda _path: b"")


def copied(made_runs: Runs, outcome: str, folder: Path, **changed: Any) -> FinishedRun:
    """Return a copy of a made run below `folder`, with keys of its run.json changed."""
    directory = RunDirectory(path=shutil.copytree(made_runs[outcome], folder / "runs" / made_runs[outcome].name))
    write_json(directory.run, json.loads(directory.run.read_text()) | changed)
    listed_anew(directory.path)
    return FinishedRun(directory=directory, run=read_run(directory))


@pytest.mark.parametrize(("outcome", "code"), OUTCOMES)
def test_the_last_line_is_the_outcome_with_the_page_and_the_one_before_the_run(
    outcome: str, code: int, made_runs: Runs, world: World
) -> None:
    finished = copied(made_runs, outcome, world.folder)
    path = finished.directory.path
    assert judge_finished(finished, world.context()) == code
    assert world.said[-2:] == [f"run={path}", f"{outcome}  {path / 'report.html'}"]
    assert json.loads((path / "verdict.json").read_text())["exit_code"] == code


def test_what_a_cleanup_removed_and_left_is_in_the_verdict_and_changes_no_outcome(
    made_runs: Runs, world: World
) -> None:
    finished = copied(made_runs, "PASS", world.folder)
    with written(finished.directory.cleanup) as journal:
        journal.ended(6, 2, 0)
    listed_anew(finished.directory.path)
    assert judge_finished(finished, world.context()) == 0
    said = "removed: 1 account, 1 order; 2 things of the run are left"
    assert said in " ".join(" ".join(world.said).split())
    assert said in (finished.directory.path / "summary.md").read_text()
    (found,) = [
        one for one in json.loads(finished.directory.verdict.read_text())["findings"] if one["kind"] == "cleanup"
    ]
    assert (found["severity"], found["message"].endswith(said)) == ("note", True)


def test_what_is_judged_is_the_run_that_was_played_and_not_the_latest(made_runs: Runs, world: World) -> None:
    finished = copied(made_runs, "PASS", world.folder)
    later = world.folder / "runs" / "99991231T235959Z-small-ffff"
    shutil.copytree(made_runs["FAIL"], later)
    assert judge_finished(finished, world.context()) == 0
    assert not (later / "verdict.json").exists()


def test_a_run_that_was_interrupted_is_neither_audited_nor_judged(made_runs: Runs, world: World) -> None:
    stopped = {"ended": "stopped", "ended_because": "by hand or signal"}
    finished = copied(made_runs, "FAIL", world.folder, **stopped)
    path = finished.directory.path
    audited = (path / "audit.json").read_bytes()
    audit_finished(finished, world.context())
    assert judge_finished(finished, world.context()) == 75
    assert (path / "audit.json").read_bytes() == audited
    assert not (path / "verdict.json").exists()
    left = f"peakproof audit {path.name}, then peakproof judge {path.name}"
    assert world.said == [f"run={path}", f"INCONCLUSIVE  stopped by hand or signal, not judged: {left}"]


@pytest.mark.parametrize(
    ("ended", "because", "code"),
    [("aborted", "checkout-waits will be missed whatever comes", 99), ("stopped", "the kill URL says stop", 75)],
)
def test_a_run_that_a_breach_or_the_kill_url_ended_is_judged(
    ended: str, because: str, code: int, made_runs: Runs, world: World
) -> None:
    finished = copied(made_runs, "FAIL", world.folder, ended=ended, ended_because=because)
    assert judge_finished(finished, world.context()) == code


def test_without_shop_records_there_is_no_audit_and_that_is_said(made_runs: Runs, world: World) -> None:
    finished = copied(made_runs, "PASS", world.folder)
    finished.directory.audit.unlink()
    finished.directory.targets.write_text(targets(shop_records=None))
    change_json(finished.directory.run, "inputs", hash_inputs(finished.directory))
    audit_finished(finished, world.context())
    assert world.said == ["nothing to audit: the environment declares no orders, payments or stock"]
    assert not finished.directory.audit.exists()
    listed_anew(finished.directory.path)
    assert judge_finished(finished, world.context()) == 0


def test_what_can_not_be_audited_is_said_and_the_run_is_judged_without(made_runs: Runs, world: World) -> None:
    finished = copied(made_runs, "PASS", world.folder)
    finished.directory.audit.unlink()
    world.environment.pop("SHOP_TOKEN")
    audit_finished(finished, world.context())
    assert world.said[-1].startswith("not audited: ")
    assert judge_finished(finished, world.context()) == 75


@pytest.mark.parametrize(
    "changed",
    [
        {},
        {"ended": "stopped", "ended_because": "the kill URL says stop"},
        {"ended": "aborted", "ended_because": "checkout-waits will be missed whatever comes"},
        {"notes": ["Prometheus at http://127.0.0.1:9 doesn't answer: ConnectionError"]},
        {"page_gaps": ["1 of the dashboards' 2 queries have no answer"]},
        {"orders": {"attempted": 3, "accepted": 0, "refused": 0, "unknown": 3}},
        {"account": None},
    ],
    ids=lambda changed: next(iter(changed), "as it is"),
)
def test_run_calls_a_run_invalid_for_the_reasons_of_its_verdict(
    changed: dict[str, Any], made_runs: Runs, world: World
) -> None:
    finished = copied(made_runs, "PASS", world.folder, **changed)
    told = [finding.message for finding in invalid_because(finished.directory.path)]
    judge_finished(finished, world.context())
    findings = json.loads((finished.directory.path / "verdict.json").read_text())["findings"]
    assert told == [
        one["message"] for one in findings if (one["kind"], one["severity"]) == ("validity", "inconclusive")
    ]
    assert bool(told) == (next(iter(changed), "page_gaps") != "page_gaps")


def test_gate_takes_what_run_takes_and_a_policy() -> None:
    arguments = ["plan.yaml", "--on", "staging", "--workers", "2", "--release", "7", "--objectives", "mine.yaml"]
    gate, run = (vars(build_parser(verb).parse_args([verb, *arguments])) for verb in ("gate", "run"))
    assert gate.pop("policy") is None
    assert {key: value for key, value in gate.items() if key != "run"} == {
        key: value for key, value in run.items() if key != "run"
    }
