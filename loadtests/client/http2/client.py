"""The shopper's client over HTTP/2: as that over HTTP/1.1, but all its requests to an origin share one connection."""

from collections.abc import Callable
from time import monotonic, monotonic_ns
from typing import TypeVar

from loadtests.client import http1_client as shopper
from loadtests.client.errors import SilentError, UnsentError
from loadtests.client.http1_client import REPEATABLE, ShopperClient
from loadtests.client.http2.access import Http2Access
from loadtests.client.http2.body_stream import Http2BodyStream
from loadtests.client.http2.connection import Http2Connection
from loadtests.client.http2.stream import Stream, Wait
from loadtests.client.http2.streams import RefusedError
from loadtests.client.http2.transport import Transport, open_channel
from loadtests.client.response_head import Head
from loadtests.client.sockets.connect import Way
from loadtests.client.sockets.connection import first_that_opens
from loadtests.client.sockets.deadlines import deadlines
from loadtests.client.sse.body_stream import BodyStream
from loadtests.client.sse.event_stream import EventStream
from loadtests.environment.proxy import ProxyError

Asked = TypeVar("Asked")


class Link:
    """One shopper's connection to an origin, opened when it is first wanted and whenever the last one ended."""

    __slots__ = ("_access", "_failure", "_opening", "_waiting", "conversation")

    def __init__(self, access: Http2Access) -> None:
        self._access = access
        self._failure: Exception | None = None
        self._opening = False
        self._waiting: list[Wait] = []
        self.conversation: Http2Connection | None = None

    @property
    def is_open(self) -> bool:
        """Whether there is a connection that a request may go over."""
        return self.conversation is not None and not self.conversation.retiring

    def take(self, ends_at: float) -> Http2Connection:
        """Return the connection, opened by one for all who want it; raises OSError and ProtocolError."""
        while True:
            held = self.conversation
            if held is not None and not held.retiring:
                return held
            if not self._opening:
                return self._open(ends_at)
            self._wait(ends_at)

    def close(self) -> None:
        """Close the connection; the next request opens another."""
        if self.conversation is not None:
            self.conversation.close()
            self.conversation = None

    def _open(self, ends_at: float) -> Http2Connection:
        access, self._opening, self._failure = self._access, True, None
        try:
            channel = first_that_opens(access.ways, lambda way: self._channel(way, ends_at), ends_at)
            self.conversation = Http2Connection(channel, access.response_headers)
            if self.conversation.failure is not None:
                raise self.conversation.failure
        except (OSError, ValueError) as error:
            self._failure = error
            raise
        finally:
            self._opening = False
            for wait in self._waiting:
                wait.wake_soon()
        return self.conversation

    def _channel(self, way: Way, ends_at: float) -> Transport:
        origin = self._access.origin
        tls = self._access.tls if origin.secure else None
        return open_channel(way, min(ends_at, monotonic() + shopper.CONNECT_S), tls, origin.host.rstrip("."))

    def _wait(self, ends_at: float) -> None:
        """Wait for what another's opening comes to; what fails for one fails for all who waited for it."""
        wait = Wait(ends_at)
        self._waiting.append(wait)
        deadlines().watch(wait)
        try:
            while self._opening:
                wait.sleep()
        finally:
            deadlines().forget(wait)
            self._waiting.remove(wait)
        if self._failure is not None:
            raise self._failure


class Http2Client(ShopperClient):
    """A client whose requests are streams of one connection; those of clients beside it are, too."""

    __slots__ = ("_link",)

    _access: Http2Access

    def __init__(self, access: Http2Access, deadline_s: float, link: Link | None = None) -> None:
        super().__init__(access, deadline_s)
        self._link = link or Link(access)

    def beside(self) -> "Http2Client":
        """Return another client of the same shopper, with the same cookies and the same connection."""
        return self._with_the_same(self._access.at_root)

    def listener(self) -> EventStream:
        """Return what listens for the shop's events beside the requests, over the same connection."""
        return ShopperClient.listener(self._with_the_same(self._access))  # `at_proxy` is of the visit's own requests

    def close(self) -> None:
        """Close the connection, for the clients beside it too."""
        self._link.close()

    def _with_the_same(self, access: Http2Access) -> "Http2Client":
        other = Http2Client(access, self._deadline_s, self._link)
        other._jar = self._own_jar()
        return other

    def _ask(self, method: str, words: bytes) -> tuple[Head, bytes, int]:
        """Return the reply's head, its body and its read delay (ns)."""
        ends_at = monotonic() + self._deadline_s
        stream = self._asked(lambda over: over.ask(words, method, ends_at), method, ends_at)
        read_delay_ns = max(0, monotonic_ns() - stream.ended_at) if stream.ended_at else 0
        return _head_of(stream), stream.body, read_delay_ns

    def _flow(self, words: bytes, method: str, ends_at: float) -> BodyStream:
        """Ask for a stream; raises OSError and ProtocolError."""
        return self._asked(lambda over: _opened(over, words, method, ends_at), method, ends_at)

    def _asked(self, ask: Callable[[Http2Connection], Asked], method: str, ends_at: float) -> Asked:
        """Ask, a second time where nothing was done yet, or a stale connection makes that safe."""
        conversation, silent = self._taken(None, ends_at), None
        kept = conversation.brought
        try:
            return ask(conversation)
        except RefusedError:
            pass
        except (UnsentError, SilentError) as error:
            if not kept or (isinstance(error, SilentError) and method not in REPEATABLE):
                raise
            silent = error if isinstance(error, SilentError) else None
        return ask(self._taken(silent, ends_at))

    def _taken(self, silent: SilentError | None, ends_at: float) -> Http2Connection:
        """Return the connection; what the shop was asked before, and fell `silent` on, is no fault of the proxy's."""
        self.at_proxy = self._access.proxy is not None and silent is None and not self._link.is_open
        try:
            conversation = self._link.take(ends_at)
        except ProxyError as error:
            raise silent or error from error
        self.at_proxy = False
        return conversation

    def _hang_up(self) -> None:
        """Do nothing: what failed has ended its own stream, or the connection with it."""


def _opened(conversation: Http2Connection, words: bytes, method: str, ends_at: float) -> Http2BodyStream:
    stream = conversation.open(words, method, ends_at)
    return Http2BodyStream(conversation, stream, _head_of(stream))


def _head_of(stream: Stream) -> Head:
    if stream.head is None:
        raise AssertionError("a stream that is answered has a head, or failed")
    return stream.head
