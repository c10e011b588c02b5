"""The body of an event stream over HTTP/2: one stream among the others of the shopper's connection."""

from time import monotonic_ns

from loadtests.client.http2.connection import Http2Connection
from loadtests.client.http2.stream import OpenStream
from loadtests.client.response_head import Head


class Http2BodyStream:
    """A response as one stream of a shared connection; closing it resets that stream alone."""

    __slots__ = ("_connection", "_stream", "head")

    def __init__(self, connection: Http2Connection, stream: OpenStream, head: Head) -> None:
        self._connection, self._stream, self.head = connection, stream, head

    def whole(self) -> bytes:
        """Wait for all of it; raises OSError and ProtocolError."""
        return self._connection.read_all(self._stream)

    def first(self) -> bytes:
        """Return what came with the head."""
        return self._stream.take()

    def more(self) -> bytes:
        """Wait for more; raises OSError and ProtocolError."""
        return self._connection.read_more(self._stream)

    def has_ended(self) -> bool:
        """Whether all came, and was taken."""
        return self._stream.is_taken()

    def close(self) -> None:
        """Reset the stream unless it has ended."""
        self._connection.cancel(self._stream)

    def read_delay_ns(self) -> int:
        """Return how long what was read last had been here, once for each read."""
        here_since, self._stream.ended_at = self._stream.ended_at, 0
        return max(0, monotonic_ns() - here_since) if here_since else 0
