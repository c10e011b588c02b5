"""How a run ended is read from what its workers said at last, and for a command that was killed it is made up for."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import pytest

from loadtests.results.abandoned import ABANDONED, account_for_abandoned
from loadtests.results.run_directory import RunDirectory, write_json
from loadtests.results.run_json import account_for, write_run
from loadtests.results.worker_status import WorkerStatus
from scripts.running.locust_processes import LocustProcesses, how_it_ended
from slo.validity.run_document import RunDocument
from tests.loadtests.results.test_run_json import given, told
from tests.scripts.made_run import SECOND, START, facts, live_snapshot, make_run, worker_account

LAST = START + 28 * SECOND


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """Locust's process that decides, as it ended."""

    code: int = 75
    name: str = "locust-master"

    def last_log_line(self) -> str:
        return "good bye"


def ended(code: int, *workers: dict[str, Any], expected: int = 2) -> tuple[str, str | None]:
    accounts = [WorkerStatus(**worker_account(index, 5, **changed)) for index, changed in enumerate(workers)]
    return how_it_ended(accounts, expected, cast("LocustProcesses", type("Made", (), {"head": Head(code=code)})))


@pytest.mark.parametrize(
    ("code", "workers", "expected"),
    [
        (0, ({}, {}), ("completed", None)),
        (75, ({}, {"ended": "stopped", "because": "blocked"}), ("stopped", "blocked")),
        (75, ({}, {"ended": "aborted", "because": "missed"}), ("aborted", "missed")),
        (75, ({}, {"ended": None}), ("failed", "w1 was lost in mid-run")),
        (75, ({"ended": None}, {"ended": None}), ("failed", "w0 and w1 were lost in mid-run")),
        (75, ({},), ("failed", "locust-master ended with 75: good bye")),
        (75, ({}, {"ended": "stopped"}), ("failed", "locust-master ended with 75: good bye")),
        (-9, ({}, {"ended": "stopped", "because": "over"}), ("failed", "locust-master ended with -9: good bye")),
        (-9, ({}, {}), ("failed", "locust-master ended with -9: good bye")),
    ],
)
def test_why_a_run_ended_is_the_first_thing_that_went_wrong(
    code: int, workers: tuple[dict[str, Any], ...], expected: tuple[str, str | None]
) -> None:
    assert ended(code, *workers) == expected


@pytest.fixture
def abandoned(tmp_path: Path) -> RunDirectory:
    """Return a run whose command was killed: `run.json` is the one from before the load."""
    run = RunDirectory(path=make_run(tmp_path, "PASS"))
    write_run(run, given(tmp_path), facts()[0])
    run.manifest.unlink()
    for index in range(2):
        requests = json.loads(run.worker(f"w{index}").read_text())["requests"]
        write_json(run.worker(f"w{index}"), worker_account(index, requests, at=LAST, ended="stopped"))
    snapshot(run)
    return run


def snapshot(run: RunDirectory, state: str = "ended") -> None:
    write_json(run.live, live_snapshot(at=LAST - SECOND, state=state))


def document(run: RunDirectory) -> dict[str, Any]:
    value: dict[str, Any] = json.loads(run.run.read_text())
    return value


def test_a_run_whose_command_was_killed_is_accounted_for_from_its_directory(abandoned: RunDirectory) -> None:
    before = document(abandoned)
    assert account_for_abandoned(abandoned, LAST + SECOND)
    after = document(abandoned)
    account = after["account"]
    assert (after["ended"], after["ended_because"]) == ("failed", ABANDONED)
    assert (after["started_at"], after["ended_at"]) == (START, LAST)
    assert (told(account), account["completed"]) == (account["planned"],) * 2
    assert (after["judged"]["ends_at"], len(after["phases"])) == (START + 27 * SECOND, 4)
    assert {name: after[name] for name in ("inputs", "seed", "command", "environment")} == {
        name: before[name] for name in ("inputs", "seed", "command", "environment")
    }
    assert not account_for_abandoned(abandoned, LAST + SECOND)


@pytest.mark.parametrize(("state", "last_word"), [("running", "stopped"), ("ended", None)])
def test_a_run_that_may_still_go_on_is_left_alone_until_it_is_silent(
    abandoned: RunDirectory, state: str, last_word: str | None
) -> None:
    snapshot(abandoned, state)
    write_json(abandoned.worker("w1"), worker_account(1, 5, at=LAST, ended=last_word))
    before = abandoned.run.read_bytes()
    assert not account_for_abandoned(abandoned, LAST + 10 * SECOND)
    assert abandoned.run.read_bytes() == before
    assert account_for_abandoned(abandoned, LAST + 10 * SECOND + 1)


def test_a_run_whose_command_says_how_it_ended_meanwhile_is_left_alone(
    abandoned: RunDirectory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def while_the_command_tells(*told: Any) -> RunDocument:
        write_run(abandoned, given(tmp_path), *facts(ended="stopped"))
        return account_for(*told)

    monkeypatch.setattr("loadtests.results.abandoned.account_for", while_the_command_tells)
    assert not account_for_abandoned(abandoned, LAST + 60 * SECOND)
    assert document(abandoned)["ended"] == "stopped"


def test_a_run_that_said_how_it_ended_or_never_began_is_left_alone(abandoned: RunDirectory, tmp_path: Path) -> None:
    abandoned.live.unlink()
    assert not account_for_abandoned(abandoned, LAST + 60 * SECOND)
    snapshot(abandoned)
    write_run(abandoned, given(tmp_path), *facts(ended="stopped"))
    assert not account_for_abandoned(abandoned, LAST + 60 * SECOND)
    assert document(abandoned)["ended"] == "stopped"
