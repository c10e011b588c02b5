"""The porter gives the run's papers to who knows the token, and lets in as many as there are seats."""

from pathlib import Path

import pytest

from loadtests.coordination import shared_path as sight
from loadtests.coordination.admission import STRANGER, Admission, AdmissionHandler, proof
from loadtests.coordination.messages import ADMITTED, ASK, DONE, JOIN, PAPERS, REFUSED
from loadtests.coordination.run_bundle import BundleServer, asking
from loadtests.results.run_directory import RunDirectory
from tests.loadtests.prepared import prepared_run

TOKEN = "canary-of-the-run"


class Gate:
    """A run for one worker, and who was told to stream."""

    def __init__(self, folder: Path) -> None:
        self.directory = prepared_run(folder, "http://127.0.0.1:9")
        self.door = Admission(TOKEN, self.directory.name, 1)
        self.streaming: list[str] = []
        self.porter = AdmissionHandler(
            self.door, BundleServer(TOKEN, self.directory, 1), self.directory, self.streaming.append
        )

    def say(self, client: str, kind: str, told: object) -> list[tuple[str, dict[str, object]]]:
        return list(self.porter.answers(client, kind, told))

    def ask(self, client: str, token: str = TOKEN) -> list[tuple[str, dict[str, object]]]:
        self.door.knock(client)
        return self.say(client, ASK, {"nonce": "n", "at": 0, "proof": asking(token, client, "n")})

    def join(self, client: str, sees: object, token: str = TOKEN) -> list[tuple[str, dict[str, object]]]:
        self.door.knock(client)
        return self.say(client, JOIN, {"proof": proof(token, self.directory.name, client), "sees": sees})


@pytest.fixture
def gate(tmp_path: Path) -> Gate:
    return Gate(tmp_path)


def test_a_worker_that_is_here_joins_and_writes_here(gate: Gate) -> None:
    assert gate.join("one", sight.look(gate.directory, "one")) == [(ADMITTED, {"streams": False})]
    assert (gate.door.has_joined("one"), gate.streaming) == (True, [])


def test_a_worker_that_is_elsewhere_joins_and_streams(gate: Gate, tmp_path: Path) -> None:
    there = RunDirectory(path=tmp_path / "there")
    assert gate.join("one", sight.look(there, "one")) == [(ADMITTED, {"streams": True})]
    assert (gate.door.has_joined("one"), gate.streaming) == (True, ["one"])


def test_a_stranger_gets_neither_papers_nor_a_seat(gate: Gate) -> None:
    refused = [(REFUSED, {"because": STRANGER})]
    assert gate.ask("one", "another-token-altogether") == refused
    assert gate.join("one", "", "another-token-altogether") == refused
    assert gate.say("one", JOIN, "nonsense") == refused
    assert (gate.door.has_joined("one"), gate.streaming, gate.door.strangers) == (False, [], ("one",))


def test_who_only_fetched_the_papers_is_no_stranger_and_has_no_seat(gate: Gate) -> None:
    ((kind, _),) = gate.ask("one")
    assert (kind, gate.door.strangers, gate.door.has_joined("one")) == (PAPERS, (), False)
    assert gate.join("another", "") == [(ADMITTED, {"streams": True})]


def test_a_run_that_has_its_workers_gives_no_papers_and_no_seat(gate: Gate) -> None:
    gate.join("one", "")
    full = [(REFUSED, {"because": "the run has its 1 workers"})]
    assert gate.ask("another") == full
    assert gate.join("another", "") == full
    assert gate.streaming == ["one"]


def test_what_else_is_said_at_the_door_has_no_answer(gate: Gate) -> None:
    assert gate.say("one", DONE, {"worker": "w0", "ended": "completed"}) == []
