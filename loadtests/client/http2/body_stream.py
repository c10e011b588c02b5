"""A stream of events as HTTP/2 brings it: one stream among the others of the shopper's connection."""

from time import monotonic_ns

from loadtests.client.http2.connection import Http2Connection
from loadtests.client.http2.stream import OpenStream
from loadtests.client.response_head import Head


class Http2BodyStream:
    """A reply over a connection that others share; it alone is broken off when it is closed."""

    __slots__ = ("_conversation", "_stream", "head")

    def __init__(self, conversation: Http2Connection, stream: OpenStream, head: Head) -> None:
        self._conversation, self._stream, self.head = conversation, stream, head

    def whole(self) -> bytes:
        """Wait for all of it; raises OSError and ProtocolError."""
        return self._conversation.whole(self._stream)

    def first(self) -> bytes:
        """Return what came with the head."""
        return self._stream.take()

    def more(self) -> bytes:
        """Wait for more; raises OSError and ProtocolError."""
        return self._conversation.more(self._stream)

    def has_ended(self) -> bool:
        """Whether all came, and was taken."""
        return self._stream.is_taken()

    def close(self) -> None:
        """Break the stream off when it isn't over."""
        self._conversation.leave(self._stream)

    def read_delay_ns(self) -> int:
        """Return how long what was read last had been here, once for each read."""
        here_since, self._stream.ended_at = self._stream.ended_at, 0
        return max(0, monotonic_ns() - here_since) if here_since else 0
