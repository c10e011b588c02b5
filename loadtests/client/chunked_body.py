"""A chunked body (RFC 9112, 7.1), read piece by piece, within bounds.

Where the bytes were cut changes nothing: not what is read, not what is refused. llhttp is several times as fast, but
refuses what the grammar allows, and doesn't say where a body ends: a whole body is read by it as long as nothing is out
of the ordinary, and else from its first byte by `Chunks`.
"""

import re
from collections.abc import Callable

from httptools import HttpParserError, HttpResponseParser

from loadtests.client.errors import ProtocolError

MAX_LINE = 16 << 10
# Framing that is allowed ahead of content, and how much each byte of content adds: a chunk of one byte takes five more.
_FRAMING, _FRAMING_PER_BYTE = 64 << 10, 8
_SIZE = re.compile(rb"([0-9A-Fa-f]{1,16})[ \t]*(?:;[\t\x20-\x7e\x80-\xff]*)?")
_SIZE_BEGUN = re.compile(rb"[0-9A-Fa-f]{0,16}[ \t]*(?:;[\t\x20-\x7e\x80-\xff]*)?\r?")
_TRAILER = re.compile(rb"(?:[!#$%&'*+.^_`|~0-9A-Za-z-]+:|[ \t])[\t\x20-\x7e\x80-\xff]*")
_LINE_END = b"\r\n"
# llhttp reads bodies behind a head only: this one stands for the head that was read already.
_HEAD = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
_END = b"\r\n\r\n"
_BEYOND_END = b"\r\n\r\n\r\n"


def read_chunks(data: bytes, more: Callable[[], bytes], limit: int) -> tuple[bytes, bool]:
    """Return a body of at most `limit` bytes, and whether bytes came behind it.

    `data` begins it, and `more` waits for the next bytes. Raises ProtocolError, and what `more` raises.
    """
    usual = _UsualChunks(limit)
    as_usual = usual.takes(data)
    if as_usual and usual.complete:
        return bytes(usual.body), False
    pieces = [data]
    while as_usual:
        pieces.append(more())
        as_usual = usual.takes(pieces[-1])
        if as_usual and usual.complete:
            return bytes(usual.body), False
    chunks = Chunks(limit)
    for piece in pieces:
        chunks.feed(piece)
    while not chunks.complete:
        chunks.feed(more())
    return chunks.whole(), chunks.goes_on


class Chunks:
    """Collects a body of at most `limit` bytes; its sizes, extensions and trailers are bounded too.

    `complete` is whether its end has come, `goes_on` whether bytes came behind it: they are dropped.
    """

    __slots__ = ("_allowed", "_body", "_framing", "_left", "_limit", "_rest", "_take_line", "complete", "goes_on")

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._body = bytearray()
        self._allowed = _FRAMING
        self._framing = self._left = 0
        self._rest = b""
        self._take_line: Callable[[bytes], None] = self._take_size
        self.complete = self.goes_on = False

    def feed(self, data: bytes) -> None:
        """Read on; raises ProtocolError."""
        data, place = self._rest + data, 0
        self._rest = b""
        while place < len(data) and not self.complete:
            if self._left:
                place = self._take_content(data, place)
                continue
            end = data.find(_LINE_END, place, place + MAX_LINE)
            if end < 0:
                self._rest = self._begun(data[place:])
                return
            self._count_framing(end + len(_LINE_END) - place)
            self._take_line(data[place:end])
            place = end + len(_LINE_END)
        self.goes_on = self.goes_on or place < len(data)

    def whole(self) -> bytes:
        """Return the body."""
        return bytes(self._body)

    def take(self) -> bytes:
        """Return what has come since the last call and forget it: `limit` is for what comes in between."""
        body = bytes(self._body)
        self._body.clear()
        self._framing = 0
        return body

    def _count_framing(self, size: int) -> None:
        self._allowed -= size
        self._framing += size
        if self._allowed < 0 or self._framing > self._limit:
            raise ProtocolError("chunks that hold next to nothing")

    def _take_content(self, data: bytes, place: int) -> int:
        piece = data[place : place + self._left]
        self._body += piece
        self._left -= len(piece)
        self._allowed = min(_FRAMING, self._allowed + _FRAMING_PER_BYTE * len(piece))
        if len(self._body) > self._limit:
            raise ProtocolError(f"a body of over {self._limit} bytes")
        if not self._left:
            self._take_line = self._take_content_end
        return place + len(piece)

    def _begun(self, line: bytes) -> bytes:
        """Return a line that isn't whole yet; raises ProtocolError for one that is too long, or can't be one."""
        if len(line) >= MAX_LINE or b"\n" in line:
            raise ProtocolError("a line of a chunked body that is too long, or ends in a line feed alone")
        if self._take_line == self._take_size and not _SIZE_BEGUN.fullmatch(line):
            raise ProtocolError(f"not a chunk's size: {line[:40]!r}")
        if self._take_line == self._take_content_end and line not in (b"", b"\r"):
            raise ProtocolError("a chunk that is longer than its size")
        return line

    def _take_size(self, line: bytes) -> None:
        found = _SIZE.fullmatch(line)
        if found is None:
            raise ProtocolError(f"not a chunk's size: {line[:40]!r}")
        self._left = int(found[1], 16)
        if not self._left:
            self._take_line = self._take_trailer

    def _take_content_end(self, line: bytes) -> None:
        if line:
            raise ProtocolError("a chunk that is longer than its size")
        self._take_line = self._take_size

    def _take_trailer(self, line: bytes) -> None:
        if not line:
            self.complete = True
        elif not _TRAILER.fullmatch(line):
            raise ProtocolError(f"not a trailer: {line[:40]!r}")


class _UsualChunks:
    """Reads a body by llhttp, as long as there is nothing to it that llhttp can't take or is near a bound."""

    __slots__ = ("_begun_again", "_limit", "_parser", "_size", "_tail", "body", "complete")

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._size = 0
        self._tail = b""
        self._begun_again = self.complete = False
        self.body = bytearray()
        self._parser = HttpResponseParser(self)
        self._parser.feed_data(_HEAD)

    def takes(self, data: bytes) -> bool:
        """Read on; return whether that was as usual, which nothing is that comes behind the end."""
        self._size += len(data)
        self._tail = (self._tail + data[-len(_BEYOND_END) :])[-len(_BEYOND_END) :]
        try:
            self._parser.feed_data(data)
        except HttpParserError:
            return False
        size = len(self.body)
        if size > self._limit or self._size - size > _FRAMING:
            return False
        if not self.complete:
            return True
        return not self._begun_again and self._tail.endswith(_END) and self._tail != _BEYOND_END

    def on_message_begin(self) -> None:
        """Notice a second reply."""
        self._begun_again = self.complete

    def on_body(self, piece: bytes) -> None:
        """Take a piece of the body."""
        self.body += piece

    def on_message_complete(self) -> None:
        """Take note of the end."""
        self.complete = True
