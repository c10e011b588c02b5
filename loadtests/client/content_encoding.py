"""Decodes Content-Encoding, whole or piece by piece, within a bound: a few bytes may decode to gigabytes."""

import zlib
from collections.abc import Iterable, Sequence
from typing import Protocol

import brotli

from loadtests.client.errors import ProtocolError

OFFERED = "gzip, br"
MAX_PIECE = 4 << 20
# https://www.iana.org/assignments/http-parameters, content codings, and the names before them (RFC 9110, 8.4.1).
_CODINGS = frozenset(
    {
        "aes128gcm", "br", "compress", "dcb", "dcz", "deflate", "exi", "gzip", "pack200-gzip", "x-compress", "x-gzip",
        "zstd",
    }
)  # fmt: skip
_MOST_CODINGS = 4
_GZIP = 16 + zlib.MAX_WBITS
_MEMBER = b"\x1f\x8b\x08"
_AT_ONCE = 4 << 10
_FINER = 16


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
    """Members one after the other (RFC 1952, 2.2); what is none behind the first is left out, as browsers do."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._member = zlib.decompressobj(_GZIP)
        self._behind = b""
        self._has_ended = self._is_over = False

    def feed(self, piece: bytes) -> bytes:
        parts: list[bytes] = []
        size = place = 0
        while place < len(piece) and not self._is_over:
            # zlib copies what is behind a member: little is given to it once there may be many of them.
            ahead = piece[place : place + _AT_ONCE] if self._has_ended else piece[place:]
            place += len(ahead)
            if self._member.eof:
                ahead = self._next_member(ahead)
            if not ahead:
                continue
            parts.append(self._decompressed(ahead, self._limit - size))
            size += len(parts[-1])
            place -= len(self._member.unused_data)
            self._has_ended = self._has_ended or self._member.eof
        return b"".join(parts)

    def _decompressed(self, ahead: bytes, limit: int) -> bytes:
        try:
            part = self._member.decompress(ahead, limit + 1)
        except zlib.error as error:
            raise ProtocolError(f"bad gzip: {error}") from error
        if len(part) > limit:
            raise ProtocolError(f"a body that decodes to over {self._limit} bytes")
        return part

    def is_whole(self) -> bool:
        return self._member.eof

    def _next_member(self, piece: bytes) -> bytes:
        """Return what the next member begins with, b"" while that isn't known or when there is none."""
        self._behind += piece[: len(_MEMBER)]
        begun = self._behind[: len(_MEMBER)]
        if not _MEMBER.startswith(begun):
            self._is_over = True
        elif begun == _MEMBER:
            held, self._behind = len(self._behind) - len(piece[: len(_MEMBER)]), b""
            self._member = zlib.decompressobj(_GZIP)
            return _MEMBER[:held] + piece
        return b""


class _Brotli:
    """One stream (RFC 7932); what comes behind it is left out, as browsers do.

    The library refuses bytes behind a stream and doesn't say where it ends: what was fed is held, up to the limit, so
    that the end can be looked for.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._decoder = brotli.Decompressor()
        self._held: list[bytes] | None = []
        self._held_bytes = 0

    def feed(self, piece: bytes) -> bytes:
        if self._decoder.is_finished():
            return b""
        try:
            whole = _undone(self._decoder, piece, self._limit)
        except brotli.error as error:
            ended = None if self._held is None else _ended(self._held, piece, self._limit)
            if ended is None:
                raise ProtocolError(f"bad br: {error}") from error
            self._decoder, whole = ended
        if len(whole) > self._limit:
            raise ProtocolError(f"a body that decodes to over {self._limit} bytes")
        self._hold(piece, len(whole))
        return whole

    def is_whole(self) -> bool:
        return bool(self._decoder.is_finished())

    def _hold(self, piece: bytes, decoded_bytes: int) -> None:
        self._held_bytes += max(len(piece), decoded_bytes)
        if self._held is not None and self._held_bytes <= self._limit:
            self._held.append(piece)
        else:
            self._held = None


def _undone(decoder: brotli.Decompressor, piece: bytes, limit: int) -> bytes:
    """Return what `piece` decodes to, up to a byte over `limit`; raises brotli.error."""
    whole = bytearray(decoder.process(piece, output_buffer_limit=limit + 1))
    while not decoder.is_finished() and not decoder.can_accept_more_data() and len(whole) <= limit:
        whole += decoder.process(b"", output_buffer_limit=limit + 1 - len(whole))
    return bytes(whole)


def _ended(held: Sequence[bytes], piece: bytes, limit: int) -> tuple[brotli.Decompressor, bytes] | None:
    """Find where in `piece` the stream ends that began with `held`; None when it is no such stream.

    A decoder that has failed can't go on: a new one is fed all that is known to be sound, then ever smaller parts.
    """
    sound, step = 0, len(piece)
    while step > 1:
        step = -(-step // _FINER)
        decoder = brotli.Decompressor()
        for earlier in held:
            _undone(decoder, earlier, limit)
        parts = [_undone(decoder, piece[:sound], limit)]
        try:
            while not decoder.is_finished():
                parts.append(_undone(decoder, piece[sound : sound + step], limit))
                sound += step
        except brotli.error:
            continue
        return decoder, b"".join(parts)
    return None


class _Several:
    """Codings upon one another: the last that was applied is undone first."""

    def __init__(self, decoders: Iterable[ContentDecoder]) -> None:
        self._decoders = tuple(decoders)

    def feed(self, piece: bytes) -> bytes:
        for decoder in self._decoders:
            piece = decoder.feed(piece)
        return piece

    def is_whole(self) -> bool:
        return all(decoder.is_whole() for decoder in self._decoders)


def named(values: Sequence[str]) -> str:
    """Return the codings that fields Content-Encoding name, in lower case, "" when the body is taken as it is.

    That is so as soon as one of them is no content coding: `utf-8`, `none` (Fetch, "handle content codings", and
    browsers).
    """
    if not values:
        return ""
    listed = [one.strip(" \t").lower() for value in values for one in value.split(",")]
    codings = [one for one in listed if one not in ("", "identity")]
    return ", ".join(codings) if _CODINGS.issuperset(codings) else ""


def content_decoder(encoding: str, limit: int = MAX_PIECE) -> ContentDecoder:
    """Return a decoder for `encoding`, as `named` returns it; raises ProtocolError for one that wasn't offered.

    No piece may decode to over `limit` bytes.
    """
    if not encoding:
        return Plain()
    if encoding == "gzip":
        return _Gzip(limit)
    codings = encoding.split(", ")
    if len(codings) > _MOST_CODINGS:
        raise ProtocolError(f"over {_MOST_CODINGS} content codings")
    decoders = [_decoder(coding, limit) for coding in reversed(codings)]
    return decoders[0] if len(decoders) == 1 else _Several(decoders)


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


def _decoder(coding: str, limit: int) -> ContentDecoder:
    if coding in ("gzip", "x-gzip"):
        return _Gzip(limit)
    if coding == "br":
        return _Brotli(limit)
    raise ProtocolError(f"a content coding that wasn't offered: {coding!r}")
