"""The halves of a process on a transport of the test's own: what they send when, and for whom they wait."""

import json
from collections.abc import Callable, Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

import gevent
import pytest

from exporters.spans.recorder import Recorder
from loadtests.coordination import worker_side as module
from loadtests.coordination.clock_offset import SAME_CLOCK
from loadtests.coordination.messages import ALONE, DONE, FAILED, PING, PLAY, PONG, STOP, ClientId, Role
from loadtests.coordination.process import Process
from loadtests.coordination.uploads import UploadPermits, token_for
from loadtests.results.run_directory import RunDirectory
from loadtests.runtime.clock import Clock
from loadtests.worker.job import read_job
from slo.outcomes import ExitCode
from tests.loadtests import fake_shop
from tests.loadtests.prepared import prepared_run

KEY = "a-key-for-uploads"


class Wire:
    """One end of a transport: it keeps what is sent, and lets it be answered."""

    def __init__(self, role: Role) -> None:
        self._role = role
        self.sent: list[tuple[str, Mapping[str, Any], ClientId | None]] = []
        self.there: set[ClientId] = set()
        self.answer: Callable[[str, Mapping[str, Any]], None] = lambda _kind, _value: None
        self.ended: list[ExitCode | None] = []

    @property
    def role(self) -> Role:
        return self._role

    def send(self, kind: str, value: Mapping[str, Any], client: ClientId | None = None) -> None:
        self.sent.append((kind, dict(value), client))
        self.answer(kind, dict(value))

    def responsive(self) -> Collection[ClientId]:
        return self.there

    def unresponsive(self) -> Collection[ClientId]:
        return ()

    def leave(self) -> None:
        self.ended.append(None)

    def end(self, code: ExitCode) -> None:
        self.ended.append(code)

    def kinds(self) -> list[str]:
        return [kind for kind, _, _ in self.sent]


@pytest.fixture
def run(tmp_path: Path) -> Iterator[RunDirectory]:
    with fake_shop.running() as shop:
        yield prepared_run(tmp_path / "worker", shop.url)


def until(condition: Callable[[], object]) -> None:
    with gevent.Timeout(60):
        while not condition():
            gevent.sleep(0.01)


class Worker:
    """A worker that uploads, and the server that takes it once it listens."""

    def __init__(self, run: RunDirectory, folder: Path, *, uploads: bool = True) -> None:
        self.wire, self.own = Wire("worker"), run
        self.arrived = RunDirectory(path=folder / "master" / run.name)
        self.arrived.path.mkdir(parents=True)
        self.server = Recorder(self.arrived, "127.0.0.1", 0, upload_key=KEY)
        self.process, self._uploads = Process(read_job(run.path, {}), self.wire), uploads
        self.wire.answer = self._answer

    def _answer(self, kind: str, value: Mapping[str, Any]) -> None:
        if kind == PING:
            self.process.handlers()[PONG]("", {"sent": value["sent"], "at": value["sent"] - 3_000_000_000})

    def play(self, port: int = 1) -> "gevent.Greenlet[..., None]":
        assert self.process.worker is not None
        self.process.worker.host = "127.0.0.1"
        permit = {"port": port, "token": token_for(KEY, self.own.name, "w0")} if self._uploads else None
        start = {"workers": 1, "started_at": Clock.start().now(), "seat": 0, "upload": permit}
        self.process.handlers()[PLAY]("", start)
        return gevent.spawn(self.process.worker.play)

    def listen(self) -> int:
        """Take uploads; return the port."""
        self.server.start()
        return int(self.server.url.rpartition(":")[2])

    def records(self, directory: RunDirectory) -> dict[str, bytes]:
        paths = (*directory.parts("sessions"), *directory.parts("requests"), *directory.ledgers())
        return {path.name: path.read_bytes() for path in paths}


def test_a_worker_that_uploads_is_done_only_when_all_has_arrived(run: RunDirectory, tmp_path: Path) -> None:
    worker = Worker(run, tmp_path)
    port = worker.listen()
    worker.server.stop()  # the port is known now, and free
    playing = worker.play(port)
    until(lambda: b'"ended": "completed"' in run.worker("w0").read_bytes() if run.worker("w0").exists() else False)
    gevent.sleep(0.2)
    assert DONE not in worker.wire.kinds()
    again = Recorder(worker.arrived, "127.0.0.1", port, upload_key=KEY)
    again.start()
    playing.join()
    again.stop()
    assert worker.wire.sent[-1] == (DONE, {"worker": "w0", "ended": "completed"}, None)
    assert len(worker.records(worker.own)) == 3
    assert worker.records(worker.arrived) == worker.records(worker.own)
    assert b'"offset_s": 3.0' in worker.arrived.worker("w0").read_bytes()


def test_a_server_that_takes_nothing_is_not_waited_for_and_the_worker_names_what_it_lacks(
    run: RunDirectory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(module, "_NO_UPLOAD_S", 0.2)
    worker = Worker(run, tmp_path)
    worker.play(1).join()
    assert worker.wire.sent[-1] == (DONE, {"worker": "w0", "ended": "completed"}, None)
    assert worker.records(worker.arrived) == {}
    assert capsys.readouterr().out == (
        "the master hasn't got ledger-w0.jsonl, sessions-w0-00000.parquet, requests-w0-00000.parquet, worker-w0.json"
        f" (Connection refused): kept in {run.path}\n"
    )


def test_a_worker_that_has_no_permit_uploads_nothing(run: RunDirectory, tmp_path: Path) -> None:
    worker = Worker(run, tmp_path, uploads=False)
    worker.listen()
    worker.play().join()
    worker.server.stop()
    assert list(worker.arrived.path.iterdir()) == []
    assert worker.wire.kinds()[-1] == DONE


class Master:
    """A master of one worker, which has been opened."""

    def __init__(self, run: RunDirectory, *, uploads: bool) -> None:
        self.wire = Wire("master")
        self.permits = UploadPermits(key=KEY, run=run.name, port=18086, clients={"far"} if uploads else set())
        self.process = Process(read_job(run.path, {}), self.wire, permits=self.permits)
        self.wire.there = {"far"}
        assert self.process.master is not None
        self.process.master.open(["far"])


def test_only_a_worker_that_uploads_gets_a_permit_with_its_start(run: RunDirectory) -> None:
    ((kind, start, client),) = Master(run, uploads=True).wire.sent
    assert (kind, client, start["seat"], start["workers"]) == (PLAY, "far", 0, 1)
    assert start["upload"] == {"port": 18086, "token": token_for(KEY, run.name, "w0")}
    assert Master(run, uploads=False).wire.sent[0][1]["upload"] is None


def test_a_master_that_is_ended_waits_for_the_last_uploads(run: RunDirectory) -> None:
    master = Master(run, uploads=True)
    closing = gevent.spawn(master.process.close)
    until(lambda: STOP in master.wire.kinds())
    gevent.sleep(0.2)
    assert not closing.ready()
    master.process.handlers()[DONE]("far", {"worker": "w0", "ended": "stopped"})
    closing.join()
    assert run.live.exists()


def test_a_master_whose_workers_are_all_here_does_not_wait(run: RunDirectory) -> None:
    master = Master(run, uploads=False)
    master.process.close()
    assert STOP not in master.wire.kinds()


def test_alone_one_half_hears_the_other_and_nothing_is_sent(run: RunDirectory) -> None:
    wire = Wire("alone")
    process = Process(read_job(run.path, {}), wire)
    assert process.master is not None
    assert process.worker is not None
    changed: list[str] = []
    process.master.on_change = lambda worker, _: changed.append(worker)
    playing = gevent.spawn(process.worker.play)
    process.master.open([ALONE])
    playing.join()
    until(lambda: wire.ended)
    assert wire.ended == [ExitCode.OK]
    assert set(changed) == {"w0"}
    assert process.master.shown()["state"] == "ended"
    assert wire.sent == []
    assert json.loads(run.worker("w0").read_text())["clock_offset"] == SAME_CLOCK


def test_a_worker_whose_storefront_fails_ends_the_run_everywhere(tmp_path: Path) -> None:
    directory = prepared_run(tmp_path, "http://127.0.0.1:9")
    wire = Wire("master")
    process = Process(read_job(directory.path), wire)
    process.handlers()[FAILED]("c1", {"because": "the storefront fails buy: mine.py:3: KeyError: 'sku'"})
    stop = {"ended": "failed", "because": "the storefront fails buy: mine.py:3: KeyError: 'sku'"}
    assert wire.sent == [(STOP, stop, None)]
    assert process.master is not None
    assert process.master.exit_code == ExitCode.INCONCLUSIVE
