"""A worker joins the runs that are announced where it stands, each once, and ends as its load generator ends."""

from pathlib import Path

import pytest

from loadtests.environment.credentials import Secret
from loadtests.results.run_directory import RunDirectory
from loadtests.runtime.guarded_child import python
from scripts.local_stack.processes import Child, Children
from scripts.running.rendezvous import Rendezvous, announced
from scripts.verbs import worker
from tests.loadtests.prepared import prepared_run
from tests.scripts.world import Command

TOKEN = "canary-of-the-run"
RUN = "20261127T000000Z-small-abcd"


@pytest.fixture
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PEAKPROOF_RUN_TOKEN", TOKEN)
    assert prepared_run(tmp_path / "runs", "http://127.0.0.1:9").name == RUN
    return tmp_path / "runs"


def joined(monkeypatch: pytest.MonkeyPatch, code: int) -> list[tuple[str, int, tuple[str, int]]]:
    """Put a process that ends with `code` in the place of Locust's, and return what it was told."""
    told: list[tuple[str, int, tuple[str, int]]] = []

    def start(
        children: Children, directory: RunDirectory, seat: int, master: tuple[str, int], _: object, token: Secret
    ) -> Child:
        assert token.reveal() == TOKEN
        told.append((directory.name, seat, master))
        return children.start("locust", python("-c", f"raise SystemExit({code})"))

    monkeypatch.setattr(worker, "start_worker", start)
    return told


@pytest.mark.parametrize(("code", "expected"), [(0, 0), (75, 75), (1, 75)])
def test_it_takes_a_seat_and_ends_with_what_became_of_it(
    runs: Path, monkeypatch: pytest.MonkeyPatch, peakproof: Command, code: int, expected: int
) -> None:
    told = joined(monkeypatch, code)
    with announced(runs, Rendezvous(run=RUN, host="master", port=18091, workers=2)):
        done = peakproof("worker", "--once")
    assert told == [(RUN, 0, ("master", 18091))]
    assert (done.code, done.out.splitlines()[1:]) == (
        expected,
        [f"joining run {RUN} at master:18091, seat 0", f"run {RUN}: this worker ended with {code}"],
    )


def test_a_machine_that_allows_too_few_descriptors_takes_no_seat(
    runs: Path, monkeypatch: pytest.MonkeyPatch, peakproof: Command
) -> None:
    monkeypatch.setattr("loadtests.runtime.resource_limits.most", lambda: 280)
    with announced(runs, Rendezvous(run=RUN, host="master", port=18091, workers=2)):
        done = peakproof("worker", "--once")
    assert done.err == (
        "peakproof: 50 open sessions over 2 workers need 281 descriptors each, and 280 are allowed:"
        " ulimit -n 281 first, or add workers, or lower the plan's limits.open_sessions\n"
    )
    assert (done.code, list((runs / RUN).glob("seat-*"))) == (75, [])


def test_a_machine_with_another_file_of_accounts_takes_no_seat(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, peakproof: Command
) -> None:
    monkeypatch.setenv("PEAKPROOF_RUN_TOKEN", TOKEN)
    accounts = tmp_path / "accounts.csv"
    accounts.write_text("user,password\nada,hunter2\n")
    runs = tmp_path / "runs"
    prepared_run(runs, "http://127.0.0.1:9", declared={"accounts": {"file": str(accounts)}})
    accounts.write_text("user,password\nada,hunter3\n")
    with announced(runs, Rendezvous(run=RUN, host="master", port=18091, workers=1)):
        done = peakproof("worker", "--once")
    assert done.err == (
        f"peakproof: {accounts}: isn't the file that the run was started with: copy it from there"
        " (rows here: 1, there: 1)\n"
    )
    assert (done.code, list((runs / RUN).glob("seat-*"))) == (2, [])


def test_it_stays_out_of_a_run_that_has_its_workers(
    runs: Path, monkeypatch: pytest.MonkeyPatch, peakproof: Command
) -> None:
    told = joined(monkeypatch, 0)
    (runs / RUN / "seat-0").touch()
    calls: list[float] = []

    def interrupt(seconds: float) -> None:
        calls.append(seconds)
        raise KeyboardInterrupt

    monkeypatch.setattr("scripts.verbs.worker.time.sleep", interrupt)
    with announced(runs, Rendezvous(run=RUN, host="master", port=18091, workers=1)):
        done = peakproof("worker")
    assert (told, done.code) == ([], 75)
    assert f"run {RUN} has its 1 workers" in done.out


def test_without_the_token_of_the_runs_it_waits_for_none(peakproof: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PEAKPROOF_RUN_TOKEN", raising=False)
    done = peakproof("worker", "--once")
    assert (done.code, done.out) == (2, "")
    assert done.err == (
        "peakproof: the environment variable PEAKPROOF_RUN_TOKEN is not set: a master lets in only workers that know"
        " the token of its run; PEAKPROOF_RUN_TOKEN_FILE may name a file that holds it\n"
    )
