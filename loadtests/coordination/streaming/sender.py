"""The worker's side of streaming: sends what it writes into its own folder, piece by piece, until the master has it.

It reads files, and costs a request nothing: twenty times a second it looks whether the ledger grew or a part closed.
In memory are a few pieces; a file that the master is slow to take waits on the disk.
"""

import hashlib
import os
from collections import deque
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Protocol, TypeVar

from loadtests.coordination.streaming.pieces import PIECE_BYTES, Piece
from loadtests.results.run_directory import RunDirectory

WINDOW_BYTES = 4 * PIECE_BYTES  # of one file, on its way and not yet acknowledged
_PATIENCE_NS, _LONGEST_NS = 2_000_000_000, 16_000_000_000
_PARTS = ("sessions", "requests")
T = TypeVar("T")


class Aside(Protocol):
    """Calls something that reads or writes the disk, where it holds nobody else up."""

    def __call__(self, work: Callable[[], T], /) -> T:
        """Return what `work` returns."""


class Flow:
    """One file on its way. `whole` is its size and SHA-256; None for a ledger, which grows."""

    def __init__(self, path: Path, whole: tuple[int, str] | None, now: int) -> None:
        self.path, self.whole = path, whole
        self.size = whole[0] if whole else 0
        self.sent = self.have = 0
        self.kept = False
        self._moved_at, self._patience = now, _PATIENCE_NS

    @property
    def is_done(self) -> bool:
        """Whether the master has all that there is."""
        return self.kept if self.whole else self.have >= self.size

    @property
    def may_send(self) -> bool:
        """Whether a piece may be sent now."""
        return self.sent < self.size and self.sent - self.have + self._next_bytes <= WINDOW_BYTES

    @property
    def _next_bytes(self) -> int:
        return min(PIECE_BYTES, self.size - self.sent)

    def piece(self) -> Piece:
        """Read the next piece; of a ledger whole rows only. Reads the disk."""
        with self.path.open("rb") as file:
            file.seek(self.sent)
            data = file.read(self._next_bytes)
        if self.whole is None:
            data = data[: data.rfind(b"\n") + 1] or data
        size, sha256 = self.whole or (0, "")
        return Piece(file=self.path.name, at=self.sent, data=data, size=size, sha256=sha256)

    def was_sent(self, piece: Piece, now: int) -> None:
        """Take note that a piece is on its way."""
        if self.sent == self.have:
            self._moved_at = now
        self.sent = piece.at + len(piece.data)

    def hear(self, told: Mapping[str, Any], now: int) -> int:
        """Take a receipt; return how many bytes are to be sent again."""
        before, self.kept = self.sent, self.kept or bool(told["kept"])
        if told["again"]:
            self.have, self.sent = told["have"], min(self.sent, told["have"])
        elif told["have"] > self.have:
            self.have, self.sent = told["have"], max(self.sent, told["have"])
            self._moved_at, self._patience = now, _PATIENCE_NS
        return before - min(before, self.sent)

    def lose_patience(self, now: int) -> int:
        """Begin again after what the master has, when it says nothing for long; return how many bytes that is."""
        if self.sent == self.have or now - self._moved_at < self._patience:
            return 0
        again = self.sent - self.have
        self.sent = self.have
        self._moved_at, self._patience = now, min(_LONGEST_NS, 2 * self._patience)
        return again


class Outbox:
    """What `worker` wrote below `directory`, and how far it has got.

    `send` sends one piece as a message. Times are ns of `now`.
    """

    def __init__(
        self,
        directory: RunDirectory,
        worker: str,
        send: Callable[[Mapping[str, Any]], None],
        now: Callable[[], int],
        aside: Aside,
    ) -> None:
        self._directory, self._worker, self._send, self._now, self._aside = directory, worker, send, now, aside
        self._ledger = Flow(directory.ledger(worker), None, now())
        self._next = dict.fromkeys(_PARTS, 0)
        self._waiting: deque[Path] = deque()
        self._part: Flow | None = None
        self._account = Account(directory.worker(worker))
        self.bytes_again = 0
        self.moved_at = now()

    def step(self) -> bool:
        """Send what may be sent now, a piece of each file at most; return whether there may be more to send at once."""
        self._look()
        now = self._now()
        flows = [flow for flow in (self._ledger, self._part) if flow is not None]
        for flow in flows:
            self.bytes_again += flow.lose_patience(now)
        if (account := self._account.due(now, self._aside)) is not None:
            self._send(account.to_message())
        for flow in flows:
            if flow.may_send:
                piece = self._aside(flow.piece)
                flow.was_sent(piece, now)
                self._send(piece.to_message())
        return any(flow.may_send for flow in flows)

    def hear(self, told: Mapping[str, Any]) -> None:
        """Take the master's receipt."""
        now = self._now()
        self.moved_at = now
        if told["file"] == self._account.path.name:
            self._account.hear(told)
        for flow in (self._ledger, self._part):
            if flow is not None and told["file"] == flow.path.name:
                self.bytes_again += flow.hear(told, now)

    def left(self) -> tuple[str, ...]:
        """Return the names of the files that the master hasn't acknowledged."""
        self._ledger.size = _size(self._ledger.path)
        flows = [flow for flow in (self._ledger, self._part) if flow is not None and not flow.is_done]
        account = () if self._account.is_done else (self._account.path.name,)
        waiting = [path.name for path in (*self._waiting, *self._closed())]
        return (*dict.fromkeys((*(flow.path.name for flow in flows), *waiting)), *account)

    def _look(self) -> None:
        """Take note of what was written since the last look."""
        self._ledger.size = _size(self._ledger.path)
        for path in self._closed():
            self._waiting.append(path)
            self._next[path.name.partition("-")[0]] += 1
        if (self._part is None or self._part.is_done) and self._waiting:
            path = self._waiting[0]
            self._part = Flow(path, self._aside(lambda: _whole(path)), self._now())
            self._waiting.popleft()

    def _closed(self) -> list[Path]:
        """Return the next part of each kind, if it was closed since the last look."""
        paths = [self._directory.part(kind, self._worker, f"{number:05d}") for kind, number in self._next.items()]
        return [path for path in paths if path.exists()]


class Account:
    """A worker's account of itself: written anew each second, and of no use once there is a newer one."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._seen: tuple[int, int] | None = None
        self._version = self._had = 0
        self._sent_at: int | None = None

    @property
    def is_done(self) -> bool:
        """Whether the master has the newest."""
        return self._had == self._version and self._seen == _identity(self.path)

    def due(self, now: int, aside: Aside) -> Piece | None:
        """Return the newest to be sent: when it is new, or the master doesn't say that it has it."""
        seen = _identity(self.path)
        is_silent = self._had < self._version and self._sent_at is not None and now - self._sent_at > _PATIENCE_NS
        if seen is None or (seen == self._seen and not is_silent):
            return None
        data = aside(self.path.read_bytes)
        self._seen, self._sent_at, self._version = seen, now, self._version + 1
        return Piece(file=self.path.name, at=0, data=data, size=len(data), version=self._version)

    def hear(self, told: Mapping[str, Any]) -> None:
        """Take the master's receipt."""
        self._had = max(self._had, told["version"])


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    return found.st_mtime_ns, found.st_ino


def _whole(path: Path) -> tuple[int, str]:
    with path.open("rb") as file:
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
        return os.fstat(file.fileno()).st_size, sha256
