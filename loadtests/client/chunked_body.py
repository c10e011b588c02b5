"""A chunked body, read by llhttp piece by piece, within bounds."""

from httptools import HttpParserError, HttpResponseParser

from loadtests.client.errors import ProtocolError

# llhttp reads bodies behind a head only: this one stands for the head that was read already.
_HEAD = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
# Bytes of framing that are allowed: a chunk of one byte takes five more.
_FRAMING, _FRAMING_PER_BYTE = 64 << 10, 8
_END = b"\r\n\r\n"
_BEYOND_END = b"\r\n\r\n\r\n"


class Chunks:
    """Collects a body of at most `limit` bytes; its sizes, extensions and trailers are bounded too."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._body = bytearray()
        self._framing_size = 0
        self._tail = b""
        self._begun_again = False
        self.complete = False
        self._parser = HttpResponseParser(self)
        self._parser.feed_data(_HEAD)

    def feed(self, data: bytes) -> None:
        """Read on; raises ProtocolError, also on bytes beyond the end."""
        self._framing_size += len(data)
        self._tail = (self._tail + data[-len(_BEYOND_END) :])[-len(_BEYOND_END) :]
        try:
            self._parser.feed_data(data)
        except HttpParserError as error:
            raise ProtocolError(str(error)) from error
        size = len(self._body)
        if size > self._limit or self._framing_size > min(self._limit, _FRAMING + _FRAMING_PER_BYTE * size):
            raise ProtocolError(f"a body of over {self._limit} bytes, or chunks that hold next to nothing")
        if self.complete and (self._begun_again or not self._tail.endswith(_END) or self._tail == _BEYOND_END):
            raise ProtocolError("bytes after the end of the reply")

    def whole(self) -> bytes:
        """Return the body."""
        return bytes(self._body)

    def take(self) -> bytes:
        """Return what has come since the last call and forget it: the bounds are for what comes in between."""
        body = bytes(self._body)
        self._body.clear()
        if body:
            self._framing_size = 0
        return body

    def on_message_begin(self) -> None:
        """Notice a second reply."""
        self._begun_again = self.complete

    def on_body(self, piece: bytes) -> None:
        """Take a piece of the body."""
        self._body += piece
        self._framing_size -= len(piece)

    def on_message_complete(self) -> None:
        """Take note of the end."""
        self.complete = True
