"""The greenlets of streaming: a worker waits for its receipts, but not for ever; a master writes in a thread."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import gevent
import pytest

from loadtests.coordination.streaming.pieces import Piece, Receipt
from loadtests.coordination.streaming.pump import Reception, Stream, in_a_thread
from loadtests.coordination.streaming.receiver import Inbox
from loadtests.coordination.streaming.sender import Outbox
from loadtests.results.run_directory import RunDirectory
from loadtests.runtime.clock import Clock

ROWS = b'{"event":"attempt"}\n' * 100


class Ends:
    """A worker and a master in one process, and a line between them that can be cut."""

    def __init__(self, folder: Path) -> None:
        self.here, self.there = RunDirectory(path=folder / "worker"), RunDirectory(path=folder / "master")
        for directory in (self.here, self.there):
            directory.path.mkdir()
        self.here.ledger("w0").write_bytes(ROWS)
        self.here.worker("w0").write_text("{}")
        self.here.part("requests", "w0", "00000").write_bytes(b"x" * 1_000_000)
        self.is_cut = False
        self.reception = Reception(Inbox(self.there, "w0"), self._answer)
        self.stream = Stream(Outbox(self.here, "w0", self._send, Clock.start().now, in_a_thread))

    def _send(self, told: Mapping[str, Any]) -> None:
        if not self.is_cut:
            self.reception.hear(dict(told))

    def _answer(self, receipt: Receipt) -> None:
        if not self.is_cut:
            self.stream.hear(receipt.to_message())

    def written(self, directory: RunDirectory) -> dict[str, bytes]:
        return {path.name: path.read_bytes() for path in directory.path.iterdir()}


def test_a_worker_has_drained_when_the_master_has_everything(tmp_path: Path) -> None:
    ends = Ends(tmp_path)
    assert ends.stream.drain(30, 30) == ()
    assert ends.written(ends.there) == ends.written(ends.here)


def test_a_master_that_says_nothing_is_not_waited_for_and_what_it_lacks_is_named(tmp_path: Path) -> None:
    ends = Ends(tmp_path)
    ends.is_cut = True
    lacks = ("ledger-w0.jsonl", "requests-w0-00000.parquet", "worker-w0.json")
    assert ends.stream.drain(1e6, 0.2) == lacks
    assert ends.stream.drain(0.1, 1e6) == lacks
    assert ends.written(ends.there) == {}


def test_after_the_line_is_mended_the_rest_goes_over_it(tmp_path: Path) -> None:
    ends = Ends(tmp_path)
    ends.is_cut = True
    ends.stream.drain(30, 0.1)
    ends.is_cut = False
    assert ends.stream.drain(30, 30) == ()
    assert ends.written(ends.there) == ends.written(ends.here)


def test_more_than_the_disk_takes_is_left_to_be_sent_again(tmp_path: Path) -> None:
    answers: list[Receipt] = []
    directory = RunDirectory(path=tmp_path)
    reception = Reception(Inbox(directory, "w0"), answers.append)
    pieces = [Piece(file="ledger-w0.jsonl", at=3 * number, data=b"{}\n") for number in range(100)]
    for piece in pieces:
        reception.hear(piece.to_message())  # no switch to another greenlet: nothing is taken off meanwhile
    reception.close()
    kept = directory.ledger("w0").read_bytes()
    assert kept == b"{}\n" * len(answers)
    assert 0 < len(answers) < len(pieces)


def test_a_disk_that_takes_nothing_gives_no_receipt_and_the_master_goes_on(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    answers: list[Receipt] = []
    gone = RunDirectory(path=tmp_path / "gone")
    reception = Reception(Inbox(gone, "w0"), answers.append)
    piece = Piece(file="ledger-w0.jsonl", at=0, data=b"{}\n").to_message()
    reception.hear(piece)
    while not capsys.readouterr().out.startswith("a piece of ledger-w0.jsonl can't be written: "):
        gevent.sleep(0.01)
    gone.path.mkdir()
    reception.hear(piece)
    reception.close()
    assert answers == [Receipt(file="ledger-w0.jsonl", have=3)]
