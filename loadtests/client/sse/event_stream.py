"""A shopper's event stream (WHATWG HTML, 9.2), as a browser's EventSource opens it, over any version of HTTP.

Nothing here waits for events by itself, and nothing reconnects: who listens does both.
"""

from collections.abc import Callable
from time import monotonic

from loadtests.client.access import Access
from loadtests.client.content_encoding import Plain, Unfolding, unfolding
from loadtests.client.cookies import Jar
from loadtests.client.errors import word_of
from loadtests.client.interface import Event, Received, Reply, Request
from loadtests.client.response_head import Head
from loadtests.client.sse.body_stream import BodyStream
from loadtests.client.sse.parser import EventParser
from loadtests.environment.credentials import masked

KIND = "text/event-stream"
_OK = 200
_ASKED_FOR = {"Accept": KIND, "Cache-Control": "no-store"}


class EventStream:
    """One stream at a time; a stream that is opened again goes on where it was.

    `ask` sends the words of a request and returns its reply by a moment of the monotonic clock, once its head is there.
    `first` holds the events that came with its head: those are there when the opening is. `deadline_s` is for the
    opening, until its head is there, or an error's whole reply. A stream that was opened has no end but its server's,
    and its own bounds.
    """

    __slots__ = (
        "_access", "_ask", "_deadline_s", "_inflow", "_jar", "_parser", "_told", "_unfolding", "first", "last_id",
        "retry_ms",
    )  # fmt: skip

    def __init__(
        self,
        access: Access,
        jar: Jar,
        ask: Callable[[bytes, str, float], BodyStream],
        told: Callable[[Request, Head, bytes], Reply],
        deadline_s: float,
    ) -> None:
        self._access, self._jar, self._ask, self._told = access, jar, ask, told
        self._deadline_s = deadline_s
        self._inflow: BodyStream | None = None
        self._parser = EventParser()
        self._unfolding: Unfolding = Plain()
        self.first: list[Event] = []
        self.last_id = ""
        self.retry_ms: int | None = None

    def send(self, request: Request, traceparent: str) -> Reply:
        """Open the stream; a failed socket, a missed deadline or a malformed reply is an outcome, no exception.

        A healthy stream is 200 and of type text/event-stream: any other type is `wrong_reply`.
        """
        self.close()
        try:
            return self._open(request, traceparent)
        except (OSError, ValueError) as error:
            self.close()
            return Reply(getattr(error, "status", 0), error=word_of(error))
        except BaseException:
            self.close()
            raise

    def receive(self) -> Received | None:
        """Wait for bytes and return the events they complete, if any; None when the server has ended the stream."""
        inflow = self._inflow
        if inflow is None or inflow.has_ended():
            return None
        data = inflow.more()
        read_delay_ns = inflow.read_delay_ns()
        found = self._events(data)
        return None if inflow.has_ended() and not found else Received(found, read_delay_ns)

    def close(self) -> None:
        """Let go of the stream; what it had brought and nobody took is gone."""
        self.first = []
        if self._inflow is not None:
            self._inflow.close()
            self._inflow = None

    def _open(self, request: Request, traceparent: str) -> Reply:
        access = self._access
        resuming = {"Last-Event-ID": self.last_id} if self.last_id else {}
        asked = request._replace(headers={**_ASKED_FOR, **(request.headers or {}), **resuming})
        words = access.serialiser.of(asked, traceparent, self._jar.pairs(access.origin.prefix + request.path))
        inflow = self._inflow = self._ask(words, request.method, monotonic() + self._deadline_s)
        head = inflow.head
        whole, read_delay_ns = b"", inflow.read_delay_ns()
        if head.status not in request.accept:
            whole = inflow.whole()
            read_delay_ns = inflow.read_delay_ns()
        reply = self._told(request, head, whole)._replace(read_delay_ns=read_delay_ns)
        if head.status != _OK or _kind_of(head) != KIND or reply.error is not None:
            self.close()
            healthy = head.status in request.accept - {_OK}
            return reply if healthy else reply._replace(error=reply.error or "wrong_reply", location=None)
        self._parser, self._unfolding = EventParser(self.last_id), unfolding(head.encoding)
        self.first = self._events(inflow.first())
        return reply

    def _events(self, data: bytes) -> list[Event]:
        parser = self._parser
        found = parser.feed(self._unfolding.feed(data))
        self.last_id, self.retry_ms = parser.last_id, parser.retry_ms if parser.retry_ms is not None else self.retry_ms
        return [self._masked(event) for event in found] if self._access.masks else found

    def _masked(self, event: Event) -> Event:
        return event._replace(data=masked(event.data.encode(), self._access.masks).decode("utf-8", "replace"))


def _kind_of(head: Head) -> str:
    told = next((value for name, value in head.fields if name == "content-type"), "")
    return told.partition(";")[0].strip().lower()
