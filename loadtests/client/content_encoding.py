"""Decodes Content-Encoding, whole or piece by piece, within a bound: a few bytes may decode to gigabytes."""

import zlib
from typing import Protocol

import brotli

from loadtests.client.errors import ProtocolError

OFFERED = "gzip, br"
MAX_PIECE = 4 << 20
_GZIP = 16 + zlib.MAX_WBITS


class ContentDecoder(Protocol):
    """Decodes one content coding."""

    def feed(self, piece: bytes) -> bytes:
        """Decode `piece` as far as possible by now; raises ProtocolError, also above the limit."""

    def is_whole(self) -> bool:
        """Whether what was fed could end there."""


class Plain:
    """No encoding."""

    def feed(self, piece: bytes) -> bytes:
        """Return it as it is."""
        return piece

    def is_whole(self) -> bool:
        """Whether it may end here: always."""
        return True


class _Gzip:
    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._member = zlib.decompressobj(_GZIP)

    def feed(self, piece: bytes) -> bytes:
        whole = b""
        try:
            while piece:
                if self._member.eof:  # there may be several members (RFC 1952, 2.2)
                    self._member = zlib.decompressobj(_GZIP)
                whole += self._member.decompress(piece, self._limit - len(whole) + 1)
                _check_size(whole, self._limit)
                piece = self._member.unused_data
        except zlib.error as error:
            raise ProtocolError(f"bad gzip: {error}") from error
        return whole

    def is_whole(self) -> bool:
        return self._member.eof


class _Brotli:
    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._decoder = brotli.Decompressor()

    def feed(self, piece: bytes) -> bytes:
        decoder, most = self._decoder, self._limit + 1
        try:
            whole = bytearray(decoder.process(piece, output_buffer_limit=most))
            while not decoder.is_finished() and not decoder.can_accept_more_data() and len(whole) < most:
                whole += decoder.process(b"", output_buffer_limit=most - len(whole))
        except brotli.error as error:
            raise ProtocolError(f"bad br: {error}") from error
        _check_size(whole, self._limit)
        return bytes(whole)

    def is_whole(self) -> bool:
        return bool(self._decoder.is_finished())


def content_decoder(encoding: str, limit: int = MAX_PIECE) -> ContentDecoder:
    """Return a decoder for `encoding`, "" for none; raises ProtocolError for one that wasn't offered.

    No piece may decode to over `limit` bytes.
    """
    if not encoding:
        return Plain()
    if encoding in ("gzip", "x-gzip"):
        return _Gzip(limit)
    if encoding == "br":
        return _Brotli(limit)
    raise ProtocolError(f"a content coding that wasn't offered: {encoding[:40]!r}")


def decoded(body: bytes, encoding: str, limit: int) -> bytes:
    """Return `body` without its content encoding; raises ProtocolError, also on over `limit` bytes.

    An empty body is taken as it is: servers name an encoding with nothing to encode.
    """
    if not body:
        return body
    decoder = content_decoder(encoding, limit)
    whole = decoder.feed(body)
    if not decoder.is_whole():
        raise ProtocolError(f"truncated {encoding}")
    return whole


def _check_size(whole: bytes | bytearray, limit: int) -> None:
    if len(whole) > limit:
        raise ProtocolError(f"a body that decodes to over {limit} bytes")
