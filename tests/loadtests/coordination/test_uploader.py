"""A worker's uploads over a wire that is cut, mended and cut for good: all arrives as it was written, or is named."""

import json
import os
import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from random import Random

import gevent
import pytest

from exporters.spans.recorder import Recorder
from loadtests.coordination import uploader as module
from loadtests.coordination.uploader import PIECE_BYTES, Uploader
from loadtests.coordination.uploads import token_for
from loadtests.results.run_directory import RunDirectory, write_bytes
from tests.end_to_end.relay import Relay, relaying

KEY, RUN = "a-key-for-uploads", "20261127T000000Z-small-abcd"


class Ends:
    """A worker's own folder, a server, and a relay between them."""

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        self.here, self.there = (RunDirectory(path=folder / end / RUN) for end in ("worker", "master"))
        for directory in (self.here, self.there):
            directory.path.mkdir(parents=True)
        recorder = Recorder(self.there, upload_key=KEY)
        recorder.start()
        stack.callback(recorder.stop)
        host, _, port = recorder.url.removeprefix("http://").partition(":")
        self.relay: Relay = stack.enter_context(relaying((host, int(port))))
        self._stack = stack

    def uploader(self, token: str | None = None, port: int | None = None) -> Uploader:
        server = f"http://127.0.0.1:{port or self.relay.address[1]}"
        uploader = Uploader(self.here, "w0", server, token or token_for(KEY, RUN, "w0"))
        self._stack.callback(uploader.close)
        return uploader

    def write_part(self, kind: str, number: int, size: int) -> None:
        path = self.here.part(kind, "w0", f"{number:05d}")
        write_bytes(path, Random(number).randbytes(size))  # noqa: S311 - any bytes

    def write_rows(self, count: int) -> None:
        with self.here.ledger("w0").open("ab") as file:
            file.write((json.dumps({"event": "attempt", "key": os.urandom(16).hex()}).encode() + b"\n") * count)

    def write_status(self, ended: str | None) -> None:
        write_bytes(self.here.worker("w0"), json.dumps({"ended": ended}).encode())

    def write_a_run(self) -> None:
        """Write parts below, at and above the size of a piece, and rows between them, as time goes by."""
        for number, size in enumerate((1, PIECE_BYTES - 1, PIECE_BYTES, PIECE_BYTES + 1, 20 * PIECE_BYTES + 7)):
            self.write_part("requests", number, size)
            self.write_part("sessions", number, 1000 + number)
            self.write_rows(200)
            self.write_status(None)
            gevent.sleep(0.05)
        self.write_status("completed")


@pytest.fixture
def ends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Ends]:
    monkeypatch.setattr(module, "_REPLY_S", 0.5)
    with ExitStack() as stack:
        yield Ends(tmp_path, stack)


def written(directory: RunDirectory) -> dict[str, bytes]:
    files = (path for path in directory.path.rglob("*") if path.is_file() and not path.name.endswith(".tmp"))
    return {path.relative_to(directory.path).as_posix(): path.read_bytes() for path in files}


def test_all_that_is_written_arrives_as_it_was_written(ends: Ends) -> None:
    uploader = ends.uploader()
    ends.write_a_run()
    assert uploader.drain(30, 30) == ()
    assert written(ends.there) == written(ends.here)
    assert ends.relay.taken == [2]  # connections, each kept


def test_what_it_keeps_of_errors_is_uploaded_and_again_when_it_has_grown(ends: Ends) -> None:
    ends.here.errors.mkdir()
    samples, tracebacks = ends.here.error_samples("w0"), ends.here.storefront_failures("w0")
    samples.write_bytes(b"{}\n")
    uploader = ends.uploader()
    assert uploader.left() == ("errors/w0.jsonl",)
    assert uploader.drain(30, 30) == ()
    samples.write_bytes(b"{}\n{}\n")
    tracebacks.write_bytes(b"mine.py:3\n")
    ends.here.hang("w0").write_bytes(b"its own machine's\n")
    assert uploader.drain(30, 30) == ()
    assert written(ends.there) == {"errors/w0.jsonl": b"{}\n{}\n", "errors/storefront-w0.txt": b"mine.py:3\n"}


@pytest.mark.parametrize("seed", range(3))
def test_whatever_breaks_on_the_way_all_arrives_once(ends: Ends, seed: int) -> None:
    """Connections are held and dropped at random while a run is written: what had arrived is not written twice."""
    random, uploader = Random(seed), ends.uploader()  # noqa: S311 - a test's own chance
    writing = gevent.spawn(ends.write_a_run)
    for _ in range(15):
        gevent.sleep(random.random() / 10)
        ends.relay.hold()
        gevent.sleep(random.random() / 10)
        if random.random() < 2 / 3:
            ends.relay.drop()
        ends.relay.go_on()
    writing.join()
    assert uploader.drain(60, 30) == ()
    assert written(ends.there) == written(ends.here)


def test_after_a_wire_was_still_for_longer_than_a_reply_may_take_the_rest_is_uploaded(ends: Ends) -> None:
    ends.relay.hold()
    ends.write_rows(10)
    ends.write_part("requests", 0, 1000)
    uploader = ends.uploader()
    assert uploader.drain(30, 1.2) == ("ledger-w0.jsonl", "requests-w0-00000.parquet")
    ends.write_status("completed")
    ends.relay.go_on()  # what was sent before arrives now, too late and again
    assert uploader.drain(30, 30) == ()
    gevent.sleep(0.2)
    assert written(ends.there) == written(ends.here)


def test_a_server_that_is_gone_is_not_waited_for_and_what_it_lacks_is_named(ends: Ends) -> None:
    uploader = ends.uploader(port=1)
    ends.write_part("requests", 0, 10)
    ends.write_part("requests", 1, 10)
    ends.write_part("sessions", 0, 10)
    ends.write_rows(1)
    ends.write_status("completed")
    lacks = (
        *("ledger-w0.jsonl", "sessions-w0-00000.parquet"),
        *("requests-w0-00000.parquet", "requests-w0-00001.parquet", "worker-w0.json"),
    )
    assert uploader.drain(1e6, 0.3) == lacks
    assert uploader.drain(0.1, 1e6) == lacks
    assert uploader.last_failure == "Connection refused"
    assert written(ends.there) == {}


def test_a_wrong_token_uploads_nothing_and_the_reason_is_kept(ends: Ends) -> None:
    uploader = ends.uploader(token_for(KEY, RUN, "w1"))
    ends.write_rows(1)
    assert uploader.drain(30, 0.3) == ("ledger-w0.jsonl",)
    assert uploader.last_failure == "ledger-w0.jsonl: answered with 401"
    assert written(ends.there) == {}


def test_a_row_does_not_wait_for_a_part(ends: Ends) -> None:
    """The first connection, a part's, is not answered for as long as the test lasts."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        taken: list[socket.socket] = []
        threading.Thread(target=pass_on_ledgers, args=(listener, ends.relay.address, taken), daemon=True).start()
        ends.write_part("requests", 0, 10 * PIECE_BYTES)
        uploader = ends.uploader(port=listener.getsockname()[1])
        gevent.sleep(0.2)
        ends.write_rows(3)
        with gevent.Timeout(10):
            while written(ends.there) != {"ledger-w0.jsonl": ends.here.ledger("w0").read_bytes()}:
                gevent.sleep(0.01)
            while uploader.left() != ("requests-w0-00000.parquet",):
                gevent.sleep(0.01)
        for one in taken:
            one.close()


def pass_on_ledgers(listener: socket.socket, target: tuple[str, int], taken: list[socket.socket]) -> None:
    """Pass on the connections whose first request is for a ledger; leave the others unanswered."""
    while True:
        try:
            near, _ = listener.accept()
        except OSError:
            return
        taken.append(near)
        first = near.recv(65_536)
        if b"/ledger-" not in first.partition(b"\r\n")[0]:
            continue
        far = socket.create_connection(target)
        taken.append(far)
        far.sendall(first)
        near.sendall(far.recv(65_536))


def test_only_whole_rows_are_sent(ends: Ends) -> None:
    row = b'{"key":"' + b"k" * 1000 + b'"}\n'
    ends.here.ledger("w0").write_bytes(row * (PIECE_BYTES // len(row) + 2))
    sent = module._rows_from(ends.here.ledger("w0"), 0)
    assert sent.endswith(b"\n")
    assert 0 < len(sent) < PIECE_BYTES


def test_of_a_worker_that_is_killed_stays_what_had_arrived_and_nothing_half(ends: Ends) -> None:
    ends.write_part("sessions", 0, 5000)
    ends.write_rows(100)
    uploader = ends.uploader()
    assert uploader.drain(30, 30) == ()
    ends.relay.hold()
    ends.write_part("requests", 0, 5_000_000)
    ends.write_rows(100)
    gevent.sleep(0.2)
    uploader.close()  # the worker is gone
    ends.relay.drop()
    arrived, own = written(ends.there), written(ends.here)
    assert sorted(arrived) == ["ledger-w0.jsonl", "sessions-w0-00000.parquet"]
    assert own["ledger-w0.jsonl"].startswith(arrived["ledger-w0.jsonl"])
    assert uploader.left() == ("ledger-w0.jsonl", "requests-w0-00000.parquet")


def test_a_part_counts_as_left_from_the_moment_it_is_closed(ends: Ends) -> None:
    uploader = ends.uploader()
    gevent.sleep(0.1)
    ends.write_part("sessions", 0, 10)
    assert uploader.left() == ("sessions-w0-00000.parquet",)


def test_the_hub_is_not_held_while_a_large_part_is_uploaded(ends: Ends) -> None:
    ends.write_part("requests", 0, 20_000_000)
    late: list[float] = []

    def beat() -> None:
        loop = gevent.get_hub().loop
        while True:
            loop.update_now()
            before = loop.now()
            gevent.sleep(0.01)
            loop.update_now()
            late.append(loop.now() - before - 0.01)

    beating = gevent.spawn(beat)
    gevent.sleep(0.5)
    idle, late[:] = sorted(late)[len(late) // 2], []  # what a busy machine is late by without an upload
    assert ends.uploader().drain(60, 60) == ()
    beating.kill()
    assert sorted(late)[len(late) // 2] < 0.01 + 2 * idle
    assert max(late) < 0.25
