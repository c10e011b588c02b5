"""The master's side of streaming: writes what one worker's pieces bring into the run directory.

Nothing appears under its name before it is whole, right and on disk. Pieces may be lost, doubled, overtaken or changed:
what isn't the next of its file is not written, and the receipt says from where on it is wanted again.
"""

import hashlib
import os
from pathlib import Path

from loadtests.coordination.streaming.pieces import Piece, Receipt, kind_of
from loadtests.results.run_directory import RunDirectory, write_bytes

_MOST_OPEN = 4


class Inbox:
    """What comes from `worker`; each call writes to the disk, and no two may be at work at once."""

    def __init__(self, directory: RunDirectory, worker: str) -> None:
        self._directory, self._worker = directory, worker
        self._open: dict[str, int] = {}  # how much of each part that isn't whole yet is there
        self._version = -1

    def take(self, piece: Piece) -> Receipt | None:
        """Write a piece and return the receipt; None for a file that this worker has no business with."""
        kind = kind_of(piece.file, self._worker)
        if kind == "part":
            return self._take_part(piece)
        if kind == "ledger":
            return self._take_rows(piece)
        return self._take_account(piece) if kind == "account" else None

    def close(self) -> None:
        """Remove what never became whole."""
        for name in self._open:
            self._beside(name).unlink(missing_ok=True)
        self._open.clear()

    def _take_part(self, piece: Piece) -> Receipt | None:
        path = self._directory.path / piece.file
        if path.exists():
            return Receipt(file=piece.file, have=piece.size, kept=True)
        have = self._open.get(piece.file)
        if have is None:
            if len(self._open) >= _MOST_OPEN:
                return None  # a worker sends one after the other
            have = self._open[piece.file] = 0
            self._beside(piece.file).write_bytes(b"")
        if piece.at != have or have + len(piece.data) > piece.size:
            return Receipt(file=piece.file, have=have, again=piece.at > have)
        with self._beside(piece.file).open("ab") as file:
            file.write(piece.data)
        have = self._open[piece.file] = have + len(piece.data)
        return Receipt(file=piece.file, have=have) if have < piece.size else self._keep(piece, path)

    def _keep(self, piece: Piece, path: Path) -> Receipt:
        """Give a part its name, if it is what the worker wrote; else ask for all of it again."""
        beside = self._beside(piece.file)
        with beside.open("r+b") as file:
            if hashlib.file_digest(file, "sha256").hexdigest() != piece.sha256:
                file.truncate(0)
                self._open[piece.file] = 0
                return Receipt(file=piece.file, have=0, again=True)
            os.fsync(file.fileno())
        beside.replace(path)
        del self._open[piece.file]
        return Receipt(file=piece.file, have=piece.size, kept=True)

    def _take_rows(self, piece: Piece) -> Receipt:
        with (self._directory.path / piece.file).open("ab") as file:
            have = file.tell()
            if piece.at != have:
                return Receipt(file=piece.file, have=have, again=piece.at > have)
            file.write(piece.data)
            file.flush()
            os.fsync(file.fileno())
        return Receipt(file=piece.file, have=have + len(piece.data))

    def _take_account(self, piece: Piece) -> Receipt:
        if piece.version > self._version:
            write_bytes(self._directory.path / piece.file, piece.data)
            self._version = piece.version
        return Receipt(file=piece.file, have=len(piece.data), version=self._version)

    def _beside(self, name: str) -> Path:
        return self._directory.path / f".{name}.streamed.tmp"
