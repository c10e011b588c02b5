"""A shopper's event stream (WHATWG HTML, 9.2), as a browser's EventSource opens it, over any version of HTTP.

It neither waits for events by itself nor reconnects: its caller does both.
"""

from collections.abc import Callable
from time import monotonic

from loadtests.client.access import Access
from loadtests.client.content_encoding import ContentDecoder, Plain, content_decoder
from loadtests.client.cookies import Crossing, HostCookies
from loadtests.client.errors import ProtocolError, word_of
from loadtests.client.interface import Event, Received, Reply, Request
from loadtests.client.response_head import Head
from loadtests.client.sse.body_stream import BodyStream
from loadtests.client.sse.parser import EventParser
from loadtests.environment.credentials import masked

KIND = "text/event-stream"
_OK = 200
_ASKED_FOR = {"Accept": KIND, "Cache-Control": "no-store"}


class EventStream:
    """One stream at a time; opening it again resumes after the last event (Last-Event-ID).

    `open_body` sends a request and returns its response, by a moment of the monotonic clock, once its head is there.
    `first` holds the events that came with its head: those are there when the opening is. `deadline_s` is for the
    opening, until its head is there, or an error's whole reply. A stream that was opened has no end but its server's,
    and its own bounds.
    """

    __slots__ = (
        "_access",
        "_body",
        "_cookies",
        "_crossing",
        "_deadline_s",
        "_decoder",
        "_failure",
        "_open_body",
        "_parser",
        "_reply_of",
        "first",
        "last_id",
        "retry_ms",
    )  # fmt: skip

    def __init__(
        self,
        access: Access,
        cookies: HostCookies,
        crossing: Crossing | None,
        open_body: Callable[[bytes, str, float], BodyStream],
        reply_of: Callable[[Request, Head, bytes], Reply],
        deadline_s: float,
    ) -> None:
        self._access, self._cookies, self._crossing, self._open_body, self._reply_of = (
            access,
            cookies,
            crossing,
            open_body,
            reply_of,
        )
        self._deadline_s = deadline_s
        self._body: BodyStream | None = None
        self._parser = EventParser()
        self._decoder: ContentDecoder = Plain()
        self._failure: ProtocolError | None = None
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
        body = self._body
        if self._failure is not None:
            raise self._failure
        if body is None or body.has_ended():
            return None
        data = body.more()
        read_delay_ns = body.read_delay_ns()
        found = self._events(data)
        return None if body.has_ended() and not found else Received(found, read_delay_ns)

    def close(self) -> None:
        """Close the stream; events that weren't received are dropped."""
        self.first, self._failure = [], None
        if self._body is not None:
            self._body.close()
            self._body = None

    def _open(self, request: Request, traceparent: str) -> Reply:
        access = self._access
        resuming = {"Last-Event-ID": self.last_id} if self.last_id else {}
        opening = request._replace(headers={**_ASKED_FOR, **(request.headers or {}), **resuming})
        data = access.serialiser.of(
            opening, traceparent, self._cookies.pairs(access.origin.prefix + request.path, self._crossing)
        )
        body = self._body = self._open_body(data, request.method, monotonic() + self._deadline_s)
        head = body.head
        whole, read_delay_ns = b"", body.read_delay_ns()
        if head.status not in request.accept:
            whole = body.whole()
            read_delay_ns = body.read_delay_ns()
        reply = self._reply_of(request, head, whole)._replace(read_delay_ns=read_delay_ns)
        if head.status != _OK or _kind_of(head) != KIND or reply.error is not None:
            self.close()
            healthy = head.status in request.accept - {_OK}
            return reply if healthy else reply._replace(error=reply.error or "wrong_reply", location=None)
        self._parser, self._decoder = EventParser(self.last_id), content_decoder(head.encoding)
        try:
            self.first = self._events(body.first())
        except ProtocolError as error:  # of the stream, which is open: whether its bytes came with the head is chance
            self._failure = error
        return reply

    def _events(self, data: bytes) -> list[Event]:
        parser = self._parser
        found = parser.feed(self._decoder.feed(data))
        self.last_id, self.retry_ms = parser.last_id, parser.retry_ms if parser.retry_ms is not None else self.retry_ms
        return [self._masked(event) for event in found] if self._access.masks else found

    def _masked(self, event: Event) -> Event:
        return event._replace(data=masked(event.data.encode(), self._access.masks).decode("utf-8", "replace"))


def _kind_of(head: Head) -> str:
    content_type = next((value for name, value in head.fields if name == "content-type"), "")
    return content_type.partition(";")[0].strip().lower()
