"""A shopper's event stream (WHATWG HTML, 9.2), as a browser's EventSource opens it: beside the visit's own connection.

Nothing here waits for events by itself, and nothing reconnects: who listens does both.
"""

from collections.abc import Callable
from math import inf
from time import monotonic
from typing import Protocol

from loadtests.client.access import Access
from loadtests.client.chunks import Chunks
from loadtests.client.connection import Connection
from loadtests.client.cookies import Jar
from loadtests.client.events import Event, EventParser
from loadtests.client.exchange import Reply, Request
from loadtests.client.failures import BrokenOffError, ProtocolError, word_of
from loadtests.client.heads import CHUNKED, UNTIL_CLOSED, Head
from loadtests.client.reading import opened, rest_of
from loadtests.client.unfolding import unfolding
from loadtests.credentials import masked

KIND = "text/event-stream"
_OK = 200
_MOST_HELD = 1 << 20
_ASKED_FOR = {"Accept": KIND, "Cache-Control": "no-store"}


class EventStream:
    """One stream at a time over one connection at a time; a stream that is opened again goes on where it was.

    `first` holds the events that came with its head: those are there when the opening is.
    `deadline_s` is for the opening, until its head is there, or an error's whole reply. A stream that was opened has no
    end but its server's, and its own bounds.
    """

    __slots__ = (
        "_access", "_body", "_connect", "_connection", "_deadline_s", "_jar", "_parser", "_told", "first", "last_id",
        "lay_ns", "retry_ms",
    )  # fmt: skip

    def __init__(
        self,
        access: Access,
        jar: Jar,
        connect: Callable[[float], Connection],
        told: Callable[[Request, Head, bytes], Reply],
        deadline_s: float,
    ) -> None:
        self._access, self._jar, self._connect, self._told = access, jar, connect, told
        self._deadline_s = deadline_s
        self._connection: Connection | None = None
        self._parser = EventParser()
        self._body: _Body | None = None
        self.first: list[Event] = []
        self.lay_ns = 0
        self.last_id = ""
        self.retry_ms: int | None = None

    def send(self, request: Request, traceparent: str) -> Reply:
        """Open the stream; a failed socket, a missed deadline or a malformed reply is an outcome, no exception.

        A healthy stream is 200 and of type text/event-stream: any other type is `wrong_reply`.
        """
        self.close()
        self.lay_ns = 0
        try:
            return self._open(request, traceparent)
        except (OSError, ValueError) as error:
            self.close()
            return Reply(getattr(error, "status", 0), error=word_of(error))
        except BaseException:
            self.close()
            raise

    def receive(self) -> list[Event] | None:
        """Wait for bytes and return the events they complete; None when the server has ended the stream."""
        connection, body = self._connection, self._body
        if connection is None or body is None or body.has_ended():
            return None
        connection.go_on()
        data = connection.receive()
        self.lay_ns = connection.lay_ns
        found = self._events(body.feed(data) if data else body.hung_up())
        return None if body.has_ended() and not found else found

    def close(self) -> None:
        """Close the connection; what it had brought and nobody took is gone."""
        self._body, self.first = None, []
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _open(self, request: Request, traceparent: str) -> Reply:
        access = self._access
        connection = self._connection = self._connect(monotonic() + self._deadline_s)
        resuming = {"Last-Event-ID": self.last_id} if self.last_id else {}
        asked = request._replace(headers={**_ASKED_FOR, **(request.headers or {}), **resuming})
        words = access.wording.of(asked, traceparent, self._jar.pairs(access.origin.prefix + request.path))
        head, data = opened(connection, words, access.heads)
        self.lay_ns = connection.lay_ns
        whole = b"" if head.status in request.accept else rest_of(connection, head, data)
        reply = self._told(request, head, whole)
        if head.status != _OK or _kind_of(head) != KIND or reply.error is not None:
            self.close()
            healthy = head.status in request.accept - {_OK}
            return reply if healthy else reply._replace(error=reply.error or "wrong_reply", location=None)
        connection.ends_at = inf
        self._parser = EventParser(self.last_id)
        self._body = _Body(head)
        self.first = self._events(self._body.feed(data)) if data else []
        connection.hold()
        return reply

    def _events(self, text: bytes) -> list[Event]:
        parser = self._parser
        found = parser.feed(text)
        self.last_id, self.retry_ms = parser.last_id, parser.retry_ms if parser.retry_ms is not None else self.retry_ms
        return [self._masked(event) for event in found] if self._access.masks else found

    def _masked(self, event: Event) -> Event:
        return event._replace(data=masked(event.data.encode(), self._access.masks).decode("utf-8", "replace"))


class _Framing(Protocol):
    complete: bool

    def feed(self, data: bytes) -> None: ...

    def take(self) -> bytes: ...


class _Body:
    """A stream's bytes out of what the connection brings: unchunked or counted, and its encoding undone."""

    __slots__ = ("_ended", "_framing", "_unfolding")

    def __init__(self, head: Head) -> None:
        self._framing: _Framing = Chunks(_MOST_HELD) if head.size == CHUNKED else _Counted(head.size)
        self._unfolding = unfolding(head.encoding)
        self._ended = head.size == 0

    def feed(self, data: bytes) -> bytes:
        """Return what of the stream `data` holds; raises ProtocolError."""
        self._framing.feed(data)
        self._ended = self._framing.complete
        return self._unfolding.feed(self._framing.take())

    def has_ended(self) -> bool:
        """Whether the server said that this was all."""
        return self._ended

    def hung_up(self) -> bytes:
        """Take the other side's end of the connection: b"", or BrokenOffError where the stream wasn't over then."""
        if not isinstance(self._framing, _Counted) or self._framing.left != UNTIL_CLOSED:
            raise BrokenOffError("hung up within a stream")
        self._ended = True
        return b""


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


def _kind_of(head: Head) -> str:
    told = next((value for name, value in head.fields if name == "content-type"), "")
    return told.partition(";")[0].strip().lower()
