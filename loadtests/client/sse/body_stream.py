"""The body of an event stream, read piece by piece: what any version of HTTP offers, and HTTP/1.1's."""

from math import inf
from typing import Protocol

from loadtests.client.chunked_body import Chunks
from loadtests.client.errors import BrokenOffError, ProtocolError
from loadtests.client.response import open_response, rest_of
from loadtests.client.response_head import CHUNKED, UNTIL_CLOSED, Head, ResponseHeads
from loadtests.client.sockets.connection import Connection

_MOST_HELD = 1 << 20


class BodyStream(Protocol):
    """A response whose head has come, over some version of HTTP."""

    @property
    def head(self) -> Head:
        """Return its head."""

    def whole(self) -> bytes:
        """Read the whole body of a response that is no event stream, by its deadline; raises as its client does."""

    def first(self) -> bytes:
        """Return what came with the head, b"" for nothing; there is no deadline from now on."""

    def more(self) -> bytes:
        """Wait for more of the stream and return it; raises OSError and ProtocolError."""

    def read_delay_ns(self) -> int:
        """Return the time between the kernel receiving what was read last and our reading it; call once a read."""

    def has_ended(self) -> bool:
        """Whether the body has ended and all of it was returned."""

    def close(self) -> None:
        """Close it; calling it again does nothing."""


class Http1BodyStream:
    """A response on a connection of its own, which is closed with it."""

    __slots__ = ("_connection", "_data", "_ended", "_failure", "_framing", "head")

    def __init__(self, connection: Connection, data: bytes, heads: ResponseHeads) -> None:
        """Send the request; raises OSError and ProtocolError, and closes the connection then."""
        self._connection = connection
        try:
            self.head, self._data = open_response(connection, data, heads)
        except BaseException:
            connection.close()
            raise
        self._ended = self.head.size == 0
        self._failure: ProtocolError | None = None
        self._framing: _Framing = Chunks(_MOST_HELD) if self.head.size == CHUNKED else _Counted(self.head.size)

    def whole(self) -> bytes:
        """Wait for all of it; raises OSError and ProtocolError."""
        return rest_of(self._connection, self.head, self._data)

    def first(self) -> bytes:
        """Return what came with the head."""
        self._connection.ends_at = inf
        self._connection.pause_reading()
        data, self._data = self._data, b""
        return self._unframed(data) if data else b""

    def more(self) -> bytes:
        """Wait for more; raises OSError and ProtocolError."""
        if self._failure is not None:
            raise self._failure
        connection = self._connection
        connection.resume_reading()
        data = connection.receive()
        if data:
            return self._unframed(data)
        if not isinstance(self._framing, _Counted) or self._framing.left != UNTIL_CLOSED:
            raise BrokenOffError("the connection ended within a chunked or counted body")
        self._ended = True
        return b""

    def read_delay_ns(self) -> int:
        """Return how long what was read last had been here."""
        return self._connection.read_delay_ns

    def has_ended(self) -> bool:
        """Whether that was all."""
        return self._ended

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def _unframed(self, data: bytes) -> bytes:
        """Return what of the body `data` holds; what is wrong behind it is raised by the next `more`."""
        try:
            self._framing.feed(data)
        except ProtocolError as error:
            self._failure = error
        self._ended = self._framing.complete
        return self._framing.take()


class _Framing(Protocol):
    complete: bool

    def feed(self, data: bytes) -> None: ...

    def take(self) -> bytes: ...


class _Counted:
    """A body of so many bytes, or one that ends with its connection."""

    __slots__ = ("_held", "complete", "left")

    def __init__(self, size: int) -> None:
        self.left = size
        self.complete = False
        self._held = b""

    def feed(self, data: bytes) -> None:
        if self.left != UNTIL_CLOSED:
            data = data[: self.left]  # what comes behind is no part of it (RFC 9112, 6.3)
            self.left -= len(data)
        self.complete = self.left == 0
        self._held = data

    def take(self) -> bytes:
        held, self._held = self._held, b""
        return held
