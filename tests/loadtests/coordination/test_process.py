"""A stage on a line of the test's own: what it says when, and for whom it waits."""

import json
from collections.abc import Callable, Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

import gevent
import pytest

from loadtests.coordination import worker_side as module
from loadtests.coordination.clock_offset import SAME_CLOCK
from loadtests.coordination.messages import ALONE, DONE, PIECE, PING, PLAY, PONG, RECEIPT, STOP, Client, Role
from loadtests.coordination.process import Stage
from loadtests.coordination.streaming.pieces import Receipt, read_piece
from loadtests.coordination.streaming.receiver import Inbox
from loadtests.results.run_directory import RunDirectory
from loadtests.runtime.clock import Clock
from loadtests.worker.job import read_job
from slo.outcomes import ExitCode
from tests.loadtests import fake_shop
from tests.loadtests.prepared import prepared_run

ME = "me"


class Wire:
    """One end of a line: it keeps what is told, and lets it be answered."""

    def __init__(self, role: Role) -> None:
        self._role = role
        self.told: list[tuple[str, Mapping[str, Any], Client | None]] = []
        self.there: set[Client] = set()
        self.answer: Callable[[str, Mapping[str, Any]], None] = lambda _kind, _told: None
        self.ended: list[ExitCode | None] = []

    @property
    def role(self) -> Role:
        return self._role

    def tell(self, kind: str, value: Mapping[str, Any], client: Client | None = None) -> None:
        self.told.append((kind, dict(value), client))
        self.answer(kind, dict(value))

    def heard(self) -> Collection[Client]:
        return self.there

    def silent(self) -> Collection[Client]:
        return ()

    def leave(self) -> None:
        self.ended.append(None)

    def end(self, code: ExitCode) -> None:
        self.ended.append(code)

    def kinds(self) -> list[str]:
        return [kind for kind, _, _ in self.told]


@pytest.fixture
def run(tmp_path: Path) -> Iterator[RunDirectory]:
    with fake_shop.running() as shop:
        yield prepared_run(tmp_path / "worker", shop.url)


def until(condition: Callable[[], object]) -> None:
    with gevent.Timeout(60):
        while not condition():
            gevent.sleep(0.01)


class Worker:
    """A worker that streams, and a master that writes what it hears once it may."""

    def __init__(self, run: RunDirectory, folder: Path, *, streams: bool = True) -> None:
        self.wire, self.own, self.arrived = Wire("worker"), run, RunDirectory(path=folder / "master")
        self.arrived.path.mkdir()
        self.inbox, self.answers = Inbox(self.arrived, "w0"), False
        self.stage = Stage(read_job(run.path, {}), self.wire)
        if streams:
            self.stage.stream()
        self.wire.answer = self._answer

    def _answer(self, kind: str, told: Mapping[str, Any]) -> None:
        piece = read_piece(told) if kind == PIECE and self.answers else None
        receipt: Receipt | None = None if piece is None else self.inbox.take(piece)
        if receipt is not None:
            self.stage.ears()[RECEIPT]("", receipt.to_message())
        if kind == PING:
            self.stage.ears()[PONG]("", {"sent": told["sent"], "at": told["sent"] - 3_000_000_000})

    def play(self) -> "gevent.Greenlet[..., None]":
        started_at = Clock.start().now()
        self.stage.ears()[PLAY]("", {"workers": 1, "started_at": started_at, "seats": {ME: 0}})
        return gevent.spawn(self.stage.perform, ME)

    def records(self, directory: RunDirectory) -> dict[str, bytes]:
        paths = (*directory.parts("sessions"), *directory.parts("requests"), *directory.ledgers())
        return {path.name: path.read_bytes() for path in paths}

    def has_said_its_last(self) -> bool:
        """Whether the account that says how it ended is on its way."""
        pieces = [told for kind, told, _ in self.wire.told if kind == PIECE]
        return any(told["file"] == "worker-w0.json" and b'"ended": "completed"' in told["data"] for told in pieces)


def test_a_worker_that_streams_is_done_only_when_all_is_acknowledged(run: RunDirectory, tmp_path: Path) -> None:
    worker = Worker(run, tmp_path)
    playing = worker.play()
    until(worker.has_said_its_last)
    gevent.sleep(0.2)
    assert DONE not in worker.wire.kinds()
    worker.answers = True
    playing.join()
    assert worker.wire.told[-1] == (DONE, {"worker": "w0", "ended": "completed"}, None)
    assert len(worker.records(worker.own)) == 3
    assert worker.records(worker.arrived) == worker.records(worker.own)
    assert b'"offset_s": 3.0' in worker.arrived.worker("w0").read_bytes()


def test_a_master_that_acknowledges_nothing_is_not_waited_for_and_the_worker_says_what_it_lacks(
    run: RunDirectory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(module, "_NO_RECEIPT_S", 0.2)
    worker = Worker(run, tmp_path)
    worker.play().join()
    assert worker.wire.told[-1] == (DONE, {"worker": "w0", "ended": "completed"}, None)
    assert worker.records(worker.arrived) == {}
    assert capsys.readouterr().out == (
        "the master hasn't got ledger-w0.jsonl, sessions-w0-00000.parquet, requests-w0-00000.parquet, worker-w0.json:"
        f" kept in {run.path}\n"
    )


def test_a_worker_that_does_not_stream_sends_no_piece(run: RunDirectory, tmp_path: Path) -> None:
    worker = Worker(run, tmp_path, streams=False)
    worker.play().join()
    assert PIECE not in worker.wire.kinds()
    assert worker.wire.kinds()[-1] == DONE


class Master:
    """A master of one worker, which has been opened."""

    def __init__(self, run: RunDirectory, *, streams: bool) -> None:
        self.wire = Wire("master")
        self.stage = Stage(read_job(run.path, {}), self.wire)
        self.wire.there = {"far"}
        if streams:
            self.stage.streams_from("far")
        self.stage.open(["far"])


def test_a_master_that_is_ended_waits_for_the_last_words_of_who_streams(run: RunDirectory) -> None:
    master = Master(run, streams=True)
    closing = gevent.spawn(master.stage.close)
    until(lambda: STOP in master.wire.kinds())
    gevent.sleep(0.2)
    assert not closing.ready()
    master.stage.ears()[DONE]("far", {"worker": "w0", "ended": "stopped"})
    closing.join()
    assert run.live.exists()


def test_a_master_whose_workers_are_all_here_does_not_wait(run: RunDirectory) -> None:
    master = Master(run, streams=False)
    master.stage.close()
    assert STOP not in master.wire.kinds()


def test_alone_one_half_hears_the_other_and_nothing_goes_over_the_line(run: RunDirectory) -> None:
    wire = Wire("alone")
    wire.there = {ALONE}
    stage = Stage(read_job(run.path, {}), wire)
    told: list[str] = []
    stage.tell_changes(lambda worker, _: told.append(worker))
    playing = gevent.spawn(stage.perform, ALONE)
    stage.open([ALONE])
    playing.join()
    until(lambda: wire.ended)
    assert wire.ended == [ExitCode.OK]
    assert set(told) == {"w0"}
    assert stage.shown()["state"] == "ended"
    assert wire.told == []
    assert json.loads(run.worker("w0").read_text())["clock_offset"] == SAME_CLOCK
