"""An outbox and an inbox on a line that loses, doubles, swaps and changes what goes over it: all arrives, as it was."""

import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from random import Random
from typing import Any

import pytest

from loadtests.coordination.streaming.pieces import PIECE_BYTES, Piece, Receipt, kind_of, read_piece
from loadtests.coordination.streaming.receiver import Inbox
from loadtests.coordination.streaming.sender import WINDOW_BYTES, Outbox
from loadtests.results.run_directory import RunDirectory

SECOND = 1_000_000_000
Message = dict[str, Any]
Harm = Callable[[Message], list[Message]]


def unharmed(told: Message) -> list[Message]:
    return [told]


class Line:
    """Both ends, and what becomes of each message on its way there and back; a step is 50 ms."""

    def __init__(self, folder: Path, there: "Harm | None" = None, back: "Harm | None" = None) -> None:
        self.here, self.there = RunDirectory(path=folder / "worker"), RunDirectory(path=folder / "master")
        for directory in (self.here, self.there):
            directory.path.mkdir()
        self.at, self.going, self.coming = 0, there or unharmed, back or unharmed
        self.pieces: list[Message] = []
        self.most_under_way = 0
        self.outbox = Outbox(self.here, "w0", self._send, lambda: self.at, lambda work: work())
        self.inbox = Inbox(self.there, "w0")

    def _send(self, told: Mapping[str, Any]) -> None:
        self.pieces.append(dict(told))

    def step(self) -> None:
        """Let the worker send what it may, the line carry it, and the master answer."""
        for _ in range(20):
            if not self.outbox.step():
                break
        self.at += SECOND // 20
        under_way, self.pieces = self.pieces, []
        self.most_under_way = max(self.most_under_way, sum(len(one["data"]) for one in under_way))
        for told in [arrived for sent in under_way for arrived in self.going(sent)]:
            piece = read_piece(told)
            receipt = None if piece is None else self.inbox.take(piece)
            if receipt is not None:
                for answer in self.coming(receipt.to_message()):
                    self.outbox.hear(answer)

    def play_until_all_is_there(self) -> None:
        """Step until nothing is left; a line that carries anything at all gets there."""
        for _ in range(20_000):
            self.step()
            if not self.outbox.left():
                return
        raise AssertionError(self.outbox.left())

    def written(self, directory: RunDirectory) -> dict[str, bytes]:
        return {path.name: path.read_bytes() for path in directory.path.iterdir()}


def write_part(line: Line, kind: str, number: int, size: int) -> None:
    line.here.part(kind, "w0", f"{number:05d}").write_bytes(Random(number).randbytes(size))  # noqa: S311 - any bytes


def write_row(line: Line, number: int) -> None:
    with line.here.ledger("w0").open("ab") as file:
        file.write(json.dumps({"event": "attempt", "key": f"k{number}"}).encode() + b"\n")


def say(line: Line, ended: str | None) -> None:
    """Write the worker's account anew, as `write_bytes` does: another file takes the name."""
    beside = line.here.path / "beside"
    beside.write_text(json.dumps({"ended": ended, "at": line.at}))
    beside.replace(line.here.worker("w0"))


def write_a_run(line: Line) -> None:
    """Write parts below, at and above the sizes of a piece and a window, and rows between them, as time goes by."""
    sizes = (1, PIECE_BYTES - 1, PIECE_BYTES, PIECE_BYTES + 1, WINDOW_BYTES, 3 * WINDOW_BYTES + 7)
    for number, size in enumerate(sizes):
        write_part(line, "requests", number, size)
        write_part(line, "sessions", number, 1000 + number)
        for row in range(20):
            write_row(line, 20 * number + row)
            line.step()
        say(line, None)
    say(line, "completed")


def harms(seed: int) -> dict[str, Harm]:
    """Return what may befall a message, each a third of the time."""
    random, kept = Random(seed), list[Message]()  # noqa: S311 - a test's own chance

    def swapped(told: Message) -> list[Message]:
        if random.random() < 1 / 3:
            kept.append(told)
            return []
        late = [*kept]
        kept.clear()
        return [told, *late]

    def changed(told: Message) -> list[Message]:
        if "data" not in told or random.random() > 1 / 3:
            return [told]
        data = bytearray(told["data"] or b"\0")
        data[random.randrange(len(data))] ^= 1 << random.randrange(8)
        return [{**told, "data": bytes(data)}]

    return {
        "lost": lambda told: [] if random.random() < 1 / 3 else [told],
        "doubled": lambda told: [told] * random.choice((1, 1, 2)),
        "swapped": swapped,
        "changed": changed,
        "swapped, doubled, lost and changed": lambda told: [
            third
            for first in swapped(told)
            for second in ([first] * random.choice((0, 1, 2)))
            for third in changed(second)
        ],
    }


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("harm", list(harms(0)))
def test_whatever_befalls_a_message_all_arrives_as_it_was_written(tmp_path: Path, harm: str, seed: int) -> None:
    line = Line(tmp_path, harms(seed)[harm], harms(seed + 100)[harm])
    write_a_run(line)
    line.play_until_all_is_there()
    assert line.written(line.there) == line.written(line.here)
    assert json.loads(line.there.worker("w0").read_text())["ended"] == "completed"


def test_on_a_line_without_harm_nothing_is_sent_twice(tmp_path: Path) -> None:
    line = Line(tmp_path)
    write_a_run(line)
    line.play_until_all_is_there()
    assert line.outbox.bytes_again == 0
    assert line.written(line.there) == line.written(line.here)


def test_what_is_under_way_is_bounded_however_much_is_waiting(tmp_path: Path) -> None:
    line = Line(tmp_path, lambda _told: [])
    for number in range(5):
        write_part(line, "requests", number, 4 * WINDOW_BYTES)
    line.here.ledger("w0").write_bytes(b"{}\n" * (2 * WINDOW_BYTES))
    for _ in range(10):
        line.step()
    assert line.most_under_way <= 2 * WINDOW_BYTES


def test_a_row_of_the_ledger_is_on_its_way_at_the_next_look_whatever_part_is_being_sent(tmp_path: Path) -> None:
    line = Line(tmp_path)
    write_part(line, "requests", 0, 20 * WINDOW_BYTES)
    line.step()
    write_row(line, 1)
    line.step()
    assert line.there.ledger("w0").read_bytes() == line.here.ledger("w0").read_bytes()
    assert line.outbox.left() == ("requests-w0-00000.parquet",)


def test_only_whole_rows_of_a_ledger_are_sent(tmp_path: Path) -> None:
    line = Line(tmp_path)
    row = b'{"key":"' + b"k" * 1000 + b'"}\n'
    line.here.ledger("w0").write_bytes(row * (PIECE_BYTES // len(row) + 2))
    line.outbox.step()
    assert line.pieces[0]["data"].endswith(b"\n")
    assert 0 < len(line.pieces[0]["data"]) < PIECE_BYTES


def test_of_a_worker_that_is_killed_stays_what_it_had_streamed_and_nothing_half(tmp_path: Path) -> None:
    line = Line(tmp_path)
    write_part(line, "sessions", 0, 5000)
    write_part(line, "requests", 0, 4 * WINDOW_BYTES)
    for number in range(100):
        write_row(line, number)
    line.step()
    line.step()
    assert ".requests-w0-00000.parquet.streamed.tmp" in line.written(line.there)
    line.inbox.close()  # the worker is gone, and the run over
    arrived, own = line.written(line.there), line.written(line.here)
    assert sorted(arrived) == ["ledger-w0.jsonl", "sessions-w0-00000.parquet"]
    assert all(own[name] == data for name, data in arrived.items())


def test_a_whole_that_is_not_what_the_worker_wrote_gets_no_name_and_is_asked_for_again(tmp_path: Path) -> None:
    line = Line(tmp_path)
    wrong = Piece(file="requests-w0-00000.parquet", at=0, data=b"abc", size=3, sha256="0" * 64)
    assert line.inbox.take(wrong) == Receipt(file=wrong.file, have=0, again=True)
    assert not (line.there.path / wrong.file).exists()
    write_part(line, "requests", 0, 3)
    line.play_until_all_is_there()
    assert line.written(line.there) == line.written(line.here)


def test_a_gap_is_asked_for_from_where_it_begins(tmp_path: Path) -> None:
    inbox = Line(tmp_path).inbox
    first = Piece(file="ledger-w0.jsonl", at=0, data=b"{}\n")
    assert inbox.take(first) == Receipt(file=first.file, have=3)
    assert inbox.take(Piece(file=first.file, at=6, data=b"{}\n")) == Receipt(file=first.file, have=3, again=True)
    assert inbox.take(first) == Receipt(file=first.file, have=3)


@pytest.mark.parametrize(
    "name",
    [
        "requests-w1-00000.parquet",
        "ledger-w1.jsonl",
        "worker-w1.json",
        "run.json",
        "verdict.json",
        "../requests-w0-00000.parquet",
        "requests-w0-../../x.parquet",
        "requests-w0-00000.parquet\n",
        "spans-w0-00000.parquet",
        "",
    ],
)
def test_a_worker_writes_its_own_files_and_no_other(tmp_path: Path, name: str) -> None:
    line = Line(tmp_path)
    assert kind_of(name, "w0") is None
    assert line.inbox.take(Piece(file=name, at=0, data=b"x", size=1)) is None
    assert line.written(line.there) == {}


GOOD = Piece(file="requests-w0-00000.parquet", at=7, data=b"abc", size=10, sha256="0" * 64).to_message()


@pytest.mark.parametrize(
    "told",
    [
        None,
        [],
        {},
        {**GOOD, "at": 8},
        {**GOOD, "at": "7"},
        {**GOOD, "data": "abc"},
        {**GOOD, "data": b"abd"},
        {**GOOD, "file": "requests-w0-00001.parquet"},
        {**GOOD, "size": 11},
        {**GOOD, "sha256": "1" * 64},
        {**GOOD, "version": 1},
        {**GOOD, "digest": b""},
        {**GOOD, "more": 1},
        {name: value for name, value in GOOD.items() if name != "digest"},
        Piece(file="ledger-w0.jsonl", at=-1, data=b"").to_message(),
        Piece(file="ledger-w0.jsonl", at=0, data=b"x" * (PIECE_BYTES + 1)).to_message(),
        Piece(file="requests-w0-00000.parquet", at=0, data=b"x", size=1 << 40).to_message(),
    ],
)
def test_what_is_no_piece_or_was_changed_by_one_bit_is_no_piece(told: object) -> None:
    assert read_piece(told) is None


def test_a_piece_survives_its_message() -> None:
    piece = read_piece(GOOD)
    assert piece is not None
    assert piece.to_message() == GOOD


def test_an_older_account_never_takes_the_place_of_a_newer(tmp_path: Path) -> None:
    inbox, name = Line(tmp_path).inbox, "worker-w0.json"
    newer = Piece(file=name, at=0, data=b"2", size=1, version=2)
    assert inbox.take(newer) == Receipt(file=name, have=1, version=2)
    assert inbox.take(Piece(file=name, at=0, data=b"1", size=1, version=1)) == Receipt(file=name, have=1, version=2)
    assert (tmp_path / "master" / name).read_bytes() == b"2"


def test_a_piece_that_was_lost_is_sent_again_as_soon_as_the_next_shows_it(tmp_path: Path) -> None:
    sent: list[Message] = []

    def lose_the_second(told: Message) -> list[Message]:
        sent.append(told)
        return [] if len(sent) == 2 else [told]

    line = Line(tmp_path, lose_the_second)
    write_part(line, "requests", 0, WINDOW_BYTES)
    line.play_until_all_is_there()
    assert line.written(line.there) == line.written(line.here)
    assert line.at < 2 * SECOND  # its patience with a silent master never came to an end
    assert line.outbox.bytes_again == 3 * PIECE_BYTES


def test_a_part_counts_as_left_from_the_moment_it_is_closed(tmp_path: Path) -> None:
    line = Line(tmp_path)
    line.step()
    write_part(line, "sessions", 0, 10)
    assert line.outbox.left() == ("sessions-w0-00000.parquet",)


def test_what_a_silent_master_has_not_acknowledged_is_named(tmp_path: Path) -> None:
    line = Line(tmp_path, lambda _told: [])
    write_part(line, "requests", 0, 10)
    write_part(line, "sessions", 0, 10)
    write_row(line, 1)
    say(line, "completed")
    line.step()
    assert sorted(line.outbox.left()) == [
        "ledger-w0.jsonl",
        "requests-w0-00000.parquet",
        "sessions-w0-00000.parquet",
        "worker-w0.json",
    ]


def test_a_part_is_on_disk_before_it_has_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    line, synced = Line(tmp_path), list[bool]()
    path = line.there.part("requests", "w0", "00000")
    sync = os.fsync

    def seen(descriptor: int) -> None:
        synced.append(path.exists())
        sync(descriptor)

    monkeypatch.setattr(os, "fsync", seen)
    write_part(line, "requests", 0, 10)
    line.play_until_all_is_there()
    assert (synced, path.exists()) == ([False], True)
