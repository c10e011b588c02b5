"""The shopper's client over HTTP/2: all its requests to an origin are streams of one connection."""

from collections.abc import Callable
from time import monotonic, monotonic_ns
from typing import TypeVar

from loadtests.client import http1_client as shopper
from loadtests.client.cookies import Jar
from loadtests.client.errors import SilentError, UnsentError
from loadtests.client.http1_client import IDEMPOTENT, ShopperClient
from loadtests.client.http2.access import Http2Access
from loadtests.client.http2.body_stream import Http2BodyStream
from loadtests.client.http2.connection import Http2Connection
from loadtests.client.http2.stream import Stream, Wait
from loadtests.client.http2.streams import RefusedError
from loadtests.client.http2.transport import Transport, open_transport
from loadtests.client.response_head import Head
from loadtests.client.sockets.connect import Route
from loadtests.client.sockets.connection import first_that_opens
from loadtests.client.sockets.deadlines import deadlines
from loadtests.client.sse.body_stream import BodyStream
from loadtests.client.sse.event_stream import EventStream
from loadtests.environment.proxy import ProxyError

Sent = TypeVar("Sent")


class OriginConnection:
    """One shopper's connection to an origin, opened when it is first wanted and whenever the last one ended."""

    __slots__ = ("_access", "_failure", "_opening", "_waiting", "connection")

    def __init__(self, access: Http2Access) -> None:
        self._access = access
        self._failure: Exception | None = None
        self._opening = False
        self._waiting: list[Wait] = []
        self.connection: Http2Connection | None = None

    @property
    def is_open(self) -> bool:
        """Whether there is a connection that a request may go over."""
        return self.connection is not None and not self.connection.retiring

    def take(self, ends_at: float) -> Http2Connection:
        """Return the connection; the first caller opens it for all. Raises OSError and ProtocolError."""
        while True:
            held = self.connection
            if held is not None and not held.retiring:
                return held
            if not self._opening:
                return self._open(ends_at)
            self._wait(ends_at)

    def close(self) -> None:
        """Close the connection; the next request opens another."""
        if self.connection is not None:
            self.connection.close()
            self.connection = None

    def _open(self, ends_at: float) -> Http2Connection:
        access, self._opening, self._failure = self._access, True, None
        try:
            transport = first_that_opens(access.routes, lambda route: self._open_transport(route, ends_at), ends_at)
            self.connection = Http2Connection(transport, access.response_headers)
            if self.connection.failure is not None:
                raise self.connection.failure
        except (OSError, ValueError) as error:
            self._failure = error
            raise
        finally:
            self._opening = False
            for wait in self._waiting:
                wait.wake_soon()
        return self.connection

    def _open_transport(self, route: Route, ends_at: float) -> Transport:
        origin = self._access.origin
        tls = self._access.tls if origin.secure else None
        return open_transport(route, min(ends_at, monotonic() + shopper.CONNECT_S), tls, origin.host.rstrip("."))

    def _wait(self, ends_at: float) -> None:
        """Wait until another caller has opened the connection; its failure is raised here too."""
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

    __slots__ = ("_origin_connection",)

    _access: Http2Access

    def __init__(
        self,
        access: Http2Access,
        deadline_s: float,
        origin_connection: OriginConnection | None = None,
        jar: Jar | None = None,
    ) -> None:
        super().__init__(access, deadline_s, jar)
        self._origin_connection = origin_connection or OriginConnection(access)

    def beside(self) -> "Http2Client":
        """Return another client of the same shopper, with the same cookies and the same connection."""
        return self._with_the_same(self._access.at_root)

    def listener(self) -> EventStream:
        """Return what listens for the shop's events beside the requests, over the same connection."""
        other = self._with_the_same(self._access)  # `at_proxy` is of the visit's own requests
        other.crossing = self.crossing
        return ShopperClient.listener(other)

    def close(self) -> None:
        """Close the connection, for the clients beside it too."""
        self._origin_connection.close()

    def _with_the_same(self, access: Http2Access) -> "Http2Client":
        return Http2Client(access, self._deadline_s, self._origin_connection, self._own_cookies().jar)

    def _ask(self, method: str, data: bytes) -> tuple[Head, bytes, int]:
        """Return the reply's head, its body and its read delay (ns)."""
        ends_at = monotonic() + self._deadline_s
        stream = self._retried(lambda over: over.exchange(data, method, ends_at), method, ends_at)
        read_delay_ns = max(0, monotonic_ns() - stream.ended_at) if stream.ended_at else 0
        return _head_of(stream), stream.body, read_delay_ns

    def _open_body(self, data: bytes, method: str, ends_at: float) -> BodyStream:
        """Open a response that is read piece by piece; raises OSError and ProtocolError."""
        return self._retried(lambda over: _opened(over, data, method, ends_at), method, ends_at)

    def _retried(self, send: Callable[[Http2Connection], Sent], method: str, ends_at: float) -> Sent:
        """Send a request; retry once if the server did not process it, or the connection was stale and that is safe."""
        connection, silent = self._connection_for(None, ends_at), None
        kept = connection.has_replied
        try:
            return send(connection)
        except RefusedError:
            pass
        except (UnsentError, SilentError) as error:
            if not kept or (isinstance(error, SilentError) and method not in IDEMPOTENT):
                raise
            silent = error if isinstance(error, SilentError) else None
        return send(self._connection_for(silent, ends_at))

    def _connection_for(self, silent: SilentError | None, ends_at: float) -> Http2Connection:
        """Return the connection; on a retry after `silent`, that is raised instead of the proxy's failure."""
        self.at_proxy = self._access.proxy is not None and silent is None and not self._origin_connection.is_open
        try:
            connection = self._origin_connection.take(ends_at)
        except ProxyError as error:
            raise silent or error from error
        self.at_proxy = False
        return connection

    def _close_connection(self) -> None:
        """Do nothing: a failure has ended its stream, or the connection, already."""


def _opened(connection: Http2Connection, data: bytes, method: str, ends_at: float) -> Http2BodyStream:
    stream = connection.open(data, method, ends_at)
    return Http2BodyStream(connection, stream, _head_of(stream))


def _head_of(stream: Stream) -> Head:
    if stream.head is None:
        raise AssertionError("a stream that is answered has a head, or failed")
    return stream.head
