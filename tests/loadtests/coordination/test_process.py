"""The halves of a process on a transport of the test's own: what they send when, and for whom they wait."""

import contextlib
import itertools
import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import gevent
import pytest

from exporters.spans.recorder import Recorder
from loadtests.coordination import master as master_side
from loadtests.coordination import worker_side as module
from loadtests.coordination.clock_offset import SAME_CLOCK
from loadtests.coordination.messages import ALONE, CHANGE, DONE, FAILED, PING, PLAY, PONG, STOP, TAKEN
from loadtests.coordination.process import Process
from loadtests.coordination.uploads import UploadPermits, token_for
from loadtests.live.worker_figures import Gauges, Watch, WorkerFigures
from loadtests.results.revisions import read_revisions
from loadtests.results.run_directory import RunDirectory
from loadtests.runtime.clock import Clock
from loadtests.worker.job import BEGIN, read_job
from slo.outcomes import ExitCode
from tests.loadtests.coordination.wire import Wire, until
from tests.loadtests.fake_shop import FakeShop
from tests.loadtests.fakes import batch
from tests.loadtests.live.test_board import ALWAYS, checkout, gauges
from tests.loadtests.prepared import prepared_run

pytestmark = pytest.mark.usefixtures("halves_end")
KEY = "a-key-for-uploads"
LONG = [
    {"name": "warm-up", "kind": "warm-up", "duration_s": 60, "level": [1.0, 1.0]},
    {"name": "plateau", "kind": "plateau", "duration_s": 60, "level": [1.0, 1.0]},
    {"name": "drain", "kind": "drain", "duration_s": 1.0},
]


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


def test_a_worker_plays_its_arrivals_once_however_often_its_user_is_started(run: RunDirectory, tmp_path: Path) -> None:
    worker = Worker(run, tmp_path, uploads=False)
    playing = worker.play()
    assert worker.process.worker is not None
    again = gevent.spawn(worker.process.worker.play)
    gevent.joinall([playing, again], raise_error=True)
    assert worker.wire.kinds().count(DONE) == 1


def test_a_worker_that_is_stopped_before_it_begins_plays_nothing(
    run: RunDirectory, tmp_path: Path, shop: FakeShop
) -> None:
    worker = Worker(run, tmp_path, uploads=False)
    worker.process.handlers()[STOP]("", {"ended": "aborted", "because": "missed"})
    worker.play().join()
    assert worker.wire.sent[-1] == (DONE, {"worker": "w0", "ended": "aborted"}, None)
    assert json.loads(run.worker("w0").read_text())["because"] == "missed"
    assert shop.asked == []


def test_a_worker_without_a_seat_waits_for_the_end_of_the_run_and_leaves(run: RunDirectory) -> None:
    wire = Wire("worker")
    process = Process(read_job(run.path, {}), wire)
    process.watch()
    assert process.worker is not None
    silence = process.worker.silence
    until(lambda: silence.lasts_s == 2)
    assert wire.ended == []
    run.over.touch()
    until(lambda: wire.ended)
    assert (wire.ended, wire.sent, silence.is_long) == ([None], [], False)


def test_a_worker_of_a_run_that_is_over_leaves_when_its_part_is_written_and_told(
    tmp_path: Path, shop: FakeShop
) -> None:
    worker = Worker(prepared_run(tmp_path / "worker", shop.url, phases=LONG), tmp_path, uploads=False)
    worker.process.watch()
    worker.play()
    until(lambda: shop.asked)
    worker.own.over.touch()
    until(lambda: worker.wire.ended)
    assert worker.wire.ended == [None]
    assert worker.wire.sent_when_left[-1] == DONE
    assert json.loads(worker.own.worker("w0").read_text())["because"] == "the run was over"


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


def change(*errors: str) -> dict[str, Any]:
    """Return what a worker sends each second, whose requests ended with `errors`."""
    figures, now = WorkerFigures([], ALWAYS), gauges(started_total=len(errors))
    figures.steps_ended(batch(*(checkout(1, error=error) for error in errors)))
    values = {name: getattr(now, name) for name in Gauges.__slots__}
    return {"worker": "w0", "change": figures.take(Clock.start().now()), "gauges": values}


def test_what_a_master_hears_before_its_run_is_opened_counts_for_nothing(run: RunDirectory) -> None:
    wire = Wire("master")
    process = Process(read_job(run.path, {}), wire)
    assert process.master is not None
    changed: list[str] = []
    process.master.on_change = lambda worker, _: changed.append(worker)
    handlers = process.handlers()
    handlers[CHANGE]("far", change("blocked"))
    handlers[TAKEN]("far", {"number": 1, "struck": 3, "worker": "w0"})
    handlers[DONE]("far", {"worker": "w0", "ended": "completed"})
    process.master.change_rate("pause", "by hand")
    assert (changed, wire.sent, process.master.shown(), read_revisions(run)) == ([], [], {}, ())
    wire.there = {"far"}
    process.master.open(["far"])
    process.master.close()
    shown = process.master.shown()
    assert (shown["state"], shown["errors"]["total"], shown["message"]) == ("ended", 0, "")
    assert process.master.exit_code == ExitCode.INCONCLUSIVE  # its worker has yet to play


def test_a_run_that_a_firewall_blocks_is_stopped_everywhere_and_ends_with_75(run: RunDirectory) -> None:
    master = Master(run, uploads=False)
    master.process.handlers()[CHANGE]("far", change(*["blocked"] * 20))
    until(lambda: STOP in master.wire.kinds())
    because = (
        "blocked by a firewall or rate limit before the shop: 20 replies in a row; let the generator's address through"
    )
    assert master.wire.sent[1] == (STOP, {"ended": "stopped", "because": because}, None)
    master.process.handlers()[DONE]("far", {"worker": "w0", "ended": "stopped"})
    until(lambda: master.wire.ended)
    assert master.wire.ended == [ExitCode.INCONCLUSIVE]


REFERENCE = {"name": "reference", "kind": "reference", "duration_s": 40, "level": [1.0, 1.0]}
CERTAIN = Watch(name="quick", steps=frozenset({"checkout"}), limit_s=0.5, bad=lambda _: True, is_certain=lambda _: True)


@pytest.mark.parametrize(
    ("phases", "stopped"), [([REFERENCE, *LONG], False), (LONG, True)], ids=["to name", "no cause"]
)
def test_a_run_whose_breach_is_certain_stops_once_its_causes_can_be_named(
    phases: list[dict[str, Any]],
    stopped: bool,  # noqa: FBT001 - a column of the table
    tmp_path: Path,
) -> None:
    run = prepared_run(tmp_path, "http://127.0.0.1:1", declared={"traces": True}, phases=phases)
    wire = Wire("master")
    master_side.Master(read_job(run.path, {}), wire, Clock.start(), [CERTAIN]).open(["far"])
    until(lambda: run.live.exists() and json.loads(run.live.read_text())["objectives"][0]["certain_breach"])
    gevent.sleep(0.1)
    assert (STOP in wire.kinds()) == stopped


def test_a_master_whose_parent_is_gone_stops_its_workers_and_waits_for_them(
    run: RunDirectory, monkeypatch: pytest.MonkeyPatch
) -> None:
    master = Master(run, uploads=False)
    parents = itertools.chain([7], itertools.repeat(1))
    monkeypatch.setattr("loadtests.coordination.watchdog.os.getppid", lambda: next(parents))
    master.process.watch()
    until(lambda: STOP in master.wire.kinds())
    told = {"ended": "stopped", "because": "the process that started the run is gone"}
    assert master.wire.sent[1] == (STOP, told, None)
    assert master.wire.ended == []


@contextlib.contextmanager
def standard_input(*lines: str) -> Iterator[None]:
    """Let this process read `lines` from its standard input, and the end of it."""
    reading, writing = os.pipe()
    os.write(writing, "".join(f"{line}\n" for line in lines).encode())
    os.close(writing)
    kept = os.dup(0)
    os.dup2(reading, 0)
    try:
        yield
    finally:
        os.dup2(kept, 0)
        os.close(kept)
        os.close(reading)


def test_a_master_takes_each_line_of_its_input_for_a_change_and_one_word_for_leave_to_begin(tmp_path: Path) -> None:
    master = Master(prepared_run(tmp_path, "http://127.0.0.1:1", phases=LONG), uploads=False)
    half = master.process.master
    assert half is not None
    assert not half.may_begin.is_set()
    with standard_input(BEGIN, "pause", "0.5\tthe key 5"), gevent.Timeout(60):
        master.process.read_commands()
    assert half.may_begin.is_set()
    played = [(one.factor, one.why) for one in read_revisions(half._job.directory)]
    assert played == [(0.0, "by hand"), (0.5, "the key 5")]


def test_a_worker_takes_no_change_from_its_input(run: RunDirectory) -> None:
    wire = Wire("worker")
    with standard_input(BEGIN, "pause"), gevent.Timeout(60):
        Process(read_job(run.path, {}), wire).read_commands()
    assert (wire.sent, read_revisions(run)) == ([], ())


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
