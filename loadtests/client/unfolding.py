"""A body's content encoding undone piece by piece, within a bound for each: a few bytes may unfold to gigabytes."""

import zlib
from typing import Protocol

import brotli

from loadtests.client.failures import ProtocolError

MAX_PIECE = 4 << 20
_GZIP = 16 + zlib.MAX_WBITS


class Unfolding(Protocol):
    """What undoes one encoding."""

    def feed(self, piece: bytes) -> bytes:
        """Return what `piece` holds, as far as it can be told by now; raises ProtocolError."""


class Plain:
    """No encoding."""

    def feed(self, piece: bytes) -> bytes:
        """Return it as it is."""
        return piece


class _Gzip:
    def __init__(self) -> None:
        self._member = zlib.decompressobj(_GZIP)

    def feed(self, piece: bytes) -> bytes:
        whole = b""
        try:
            while piece:
                if self._member.eof:  # there may be several members (RFC 1952, 2.2)
                    self._member = zlib.decompressobj(_GZIP)
                whole += self._member.decompress(piece, MAX_PIECE - len(whole) + 1)
                if len(whole) > MAX_PIECE:
                    raise ProtocolError(f"a piece that unfolds to over {MAX_PIECE} bytes")
                piece = self._member.unused_data
        except zlib.error as error:
            raise ProtocolError(f"bad gzip: {error}") from error
        return whole


class _Brotli:
    def __init__(self) -> None:
        self._decoder = brotli.Decompressor()

    def feed(self, piece: bytes) -> bytes:
        try:
            whole = bytearray(self._decoder.process(piece, output_buffer_limit=MAX_PIECE + 1))
            while not self._decoder.can_accept_more_data() and not self._decoder.is_finished():
                if len(whole) > MAX_PIECE:
                    break
                whole += self._decoder.process(b"", output_buffer_limit=MAX_PIECE + 1)
        except brotli.error as error:
            raise ProtocolError(f"bad br: {error}") from error
        if len(whole) > MAX_PIECE:
            raise ProtocolError(f"a piece that unfolds to over {MAX_PIECE} bytes")
        return bytes(whole)


def unfolding(encoding: str) -> Unfolding:
    """Return what undoes `encoding`, "" for none; raises ProtocolError for one that nobody asked for."""
    if not encoding:
        return Plain()
    if encoding in ("gzip", "x-gzip"):
        return _Gzip()
    if encoding == "br":
        return _Brotli()
    raise ProtocolError(f"an encoding that nobody asked for: {encoding[:40]!r}")
