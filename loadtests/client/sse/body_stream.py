"""What a stream of events is made of: a reply's bytes as HTTP/1.1 brings them, unframed, with no end that is known."""

from math import inf
from typing import Protocol

from loadtests.client.chunked_body import Chunks
from loadtests.client.errors import BrokenOffError, ProtocolError
from loadtests.client.response import opened, rest_of
from loadtests.client.response_head import CHUNKED, UNTIL_CLOSED, Head, Heads
from loadtests.client.sockets.connection import Connection

_MOST_HELD = 1 << 20


class BodyStream(Protocol):
    """One reply whose head is there, as a version of HTTP brings it."""

    @property
    def head(self) -> Head:
        """Return its head."""

    def whole(self) -> bytes:
        """Wait for all of a reply that is no stream, by the deadline of its opening; raises as its client does."""

    def first(self) -> bytes:
        """Return what of the stream came with the head, b"" for nothing; it has no deadline from now on."""

    def more(self) -> bytes:
        """Wait for more of the stream and return it; raises OSError and ProtocolError."""

    def read_delay_ns(self) -> int:
        """Return the time between the kernel receiving what was read last and our reading it; call once a read."""

    def has_ended(self) -> bool:
        """Whether the server said that what was returned was all."""

    def close(self) -> None:
        """Let go of it; once is enough."""


class Http1BodyStream:
    """A reply over a connection of its own, which is closed with it."""

    __slots__ = ("_connection", "_data", "_ended", "_framing", "head")

    def __init__(self, connection: Connection, words: bytes, heads: Heads) -> None:
        """Ask; raises OSError and ProtocolError, and closes the connection then."""
        self._connection = connection
        try:
            self.head, self._data = opened(connection, words, heads)
        except BaseException:
            connection.close()
            raise
        self._ended = self.head.size == 0
        self._framing: _Framing = Chunks(_MOST_HELD) if self.head.size == CHUNKED else _Counted(self.head.size)

    def whole(self) -> bytes:
        """Wait for all of it; raises OSError and ProtocolError."""
        return rest_of(self._connection, self.head, self._data)

    def first(self) -> bytes:
        """Return what came with the head."""
        self._connection.ends_at = inf
        self._connection.hold()
        data, self._data = self._data, b""
        return self._unframed(data) if data else b""

    def more(self) -> bytes:
        """Wait for more; raises OSError and ProtocolError."""
        connection = self._connection
        connection.go_on()
        data = connection.receive()
        if data:
            return self._unframed(data)
        if not isinstance(self._framing, _Counted) or self._framing.left != UNTIL_CLOSED:
            raise BrokenOffError("hung up within a stream")
        self._ended = True
        return b""

    def read_delay_ns(self) -> int:
        """Return how long what was read last had been here."""
        return self._connection.read_delay_ns

    def has_ended(self) -> bool:
        """Whether that was all."""
        return self._ended

    def close(self) -> None:
        """Hang up."""
        self._connection.close()

    def _unframed(self, data: bytes) -> bytes:
        self._framing.feed(data)
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
            self.left -= len(data)
            if self.left < 0:
                raise ProtocolError("bytes after the end of the reply")
        self.complete = self.left == 0
        self._held = data

    def take(self) -> bytes:
        held, self._held = self._held, b""
        return held
