"""Reads a file from front to end in pieces, decompressed: what a check of a dump reads through."""

import gzip
import io
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

import pyarrow as pa

_PIECE = 1 << 20
_GZIP, _ZSTD = b"\x1f\x8b", b"\x28\xb5\x2f\xfd"


class NotWhole(Exception):  # noqa: N818 - it is what the backup is
    """A backup that isn't whole; the message says where it breaks off."""


class Stopped(Exception):  # noqa: N818 - it is what the check was
    """The check was told to stop before it knew."""


class _Stream(Protocol):
    def read(self, size: int = ..., /) -> bytes: ...


class Pieces:
    """A stream that is read once, from front to end; `goes_on` is asked between pieces and may end it."""

    def __init__(self, stream: _Stream, goes_on: Callable[[], bool]) -> None:
        self._stream, self._goes_on = stream, goes_on
        self._buffer, self._at = b"", 0
        self.offset = 0

    def exactly(self, size: int) -> bytes:
        """Return the next `size` bytes; raises NotWhole at the end."""
        if len(self._buffer) - self._at >= size:
            self._at, self.offset = self._at + size, self.offset + size
            return self._buffer[self._at - size : self._at]
        parts = bytearray()
        while len(parts) < size:
            piece = self.some(size - len(parts))
            if not piece:
                raise NotWhole(f"ends at byte {self.offset}")
            parts += piece
        return bytes(parts)

    def some(self, most: int = _PIECE) -> bytes:
        """Return up to `most` bytes; empty at the end."""
        if self._at >= len(self._buffer):
            self._buffer, self._at = self._piece(), 0
        piece = self._buffer[self._at : self._at + most]
        self._at, self.offset = self._at + len(piece), self.offset + len(piece)
        return piece

    def skip(self, size: int) -> None:
        """Read `size` bytes and keep none; raises NotWhole at the end."""
        while size > 0:
            piece = self.some(min(size, _PIECE))
            if not piece:
                raise NotWhole(f"ends at byte {self.offset}")
            size -= len(piece)

    def at_end(self) -> bool:
        """Return whether nothing follows."""
        if self._at >= len(self._buffer):
            self._buffer, self._at = self._piece(), 0
        return not self._buffer

    def peek(self, size: int) -> bytes:
        """Return the next bytes without reading them, fewer than `size` at the end."""
        while len(self._buffer) - self._at < size and (piece := self._piece()):
            self._buffer, self._at = self._buffer[self._at :] + piece, 0
        return self._buffer[self._at : self._at + size]

    def _piece(self) -> bytes:
        if not self._goes_on():
            raise Stopped
        try:
            return self._stream.read(_PIECE)
        except (EOFError, zlib.error, gzip.BadGzipFile, pa.ArrowException) as error:
            raise NotWhole(f"can't be decompressed after byte {self.offset}") from error
        except OSError as error:
            if error.errno is not None:
                raise
            raise NotWhole(f"can't be decompressed after byte {self.offset}") from error


@contextmanager
def opened(path: Path, goes_on: Callable[[], bool]) -> Iterator[Pieces]:
    """Open a file, decompressed where its first bytes say gzip or zstd.

    Raises OSError, and NotWhole where they don't say what the file's name says.
    """
    with path.open("rb") as raw:
        head = raw.read(4)
        raw.seek(0)
        named = {".gz": _GZIP, ".zst": _ZSTD}.get(path.suffix, b"")
        if not head.startswith(named):
            raise NotWhole("isn't compressed as its name says" if head else "is empty")
        if head.startswith(_GZIP):
            with gzip.open(raw) as stream:
                yield Pieces(stream, goes_on)
        elif head == _ZSTD:
            with pa.CompressedInputStream(pa.PythonFile(raw, "r"), "zstd") as compressed:
                yield Pieces(compressed, goes_on)
        else:
            yield Pieces(raw, goes_on)


def of_bytes(content: bytes) -> Pieces:
    """Return bytes as a stream."""
    return Pieces(io.BytesIO(content), lambda: True)
