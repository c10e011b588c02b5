"""The shopper's client over HTTP/1.1: one connection, cookies, typed outcomes, retries of idempotent methods alone.

It runs in gevent's hub; nothing of Locust is needed. It connects to the addresses it is given and to no other: no
name is looked up, no redirect followed, and no proxy used but the one that the environment declares.
"""

from collections.abc import Sequence
from time import monotonic, time

from loadtests.client import response as reading
from loadtests.client.access import Access
from loadtests.client.content_encoding import decoded
from loadtests.client.cookies import Crossing, HostCookies, Jar
from loadtests.client.errors import SilentError, UnsentError, word_of
from loadtests.client.interface import Reply, Request, json_of
from loadtests.client.locations import UndeclaredHostError
from loadtests.client.response import exchange
from loadtests.client.response_head import Head
from loadtests.client.sockets.connect import Route, opened_by
from loadtests.client.sockets.connection import Connection, first_that_opens
from loadtests.client.sockets.tls_connection import TlsConnection
from loadtests.client.sse.body_stream import BodyStream, Http1BodyStream
from loadtests.client.sse.event_stream import EventStream
from loadtests.environment.credentials import masked
from loadtests.environment.proxy import ProxyError

CONNECT_S = 10.0
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
IDEMPOTENT = frozenset({"GET", "HEAD", "OPTIONS", "PUT", "DELETE"})
_OK, _CLIENT_ERROR, _SERVER_ERROR = 200, 400, 500
_PROXY_AUTHENTICATION_REQUIRED = 407


class ShopperClient:
    """A client with a connection of its own, as a shopper's browser has, and with that shopper's cookies.

    Those are in `jar`, which the shopper's clients to other hosts share; without one it has a jar of its own.
    `deadline_s` is for the whole of a request, connecting included. `at_proxy` is whether a request waits for the
    environment's proxy to open its connection: the shop got nothing yet. `head` is that of the last reply.
    """

    __slots__ = ("_access", "_connection", "_cookies", "_deadline_s", "at_proxy", "crossing", "head")

    def __init__(self, access: Access, deadline_s: float, jar: Jar | None = None) -> None:
        self._access = access
        self._deadline_s = deadline_s
        self._connection: Connection | None = None
        self._cookies: HostCookies | None = None if jar is None else self._cookies_in(jar)
        self.at_proxy = False
        self.crossing: Crossing | None = None
        self.head: Head | None = None

    def send(self, request: Request, traceparent: str) -> Reply:
        """Send `request`; a failed socket, a missed deadline or a malformed reply is an outcome, no exception.

        So is a request that HTTP can't express (`protocol`): its path may come from the shop.
        """
        access = self._access
        try:
            held = self._cookies
            cookies = "" if held is None else held.pairs(access.origin.prefix + request.path, self.crossing)
            data = access.serialiser.of(request, traceparent, cookies)
            head, body, read_delay_ns = self._ask(request.method, data)
            self.head = head
            status, _, _, _, _, _, _, _, plain, html = head
            if plain and not access.masks and not request.graphql and status in request.accept:
                facts = (status, body, None, None, html, None, read_delay_ns, 0)
                return tuple.__new__(Reply, facts)  # half the time of Reply(...)
            reply = self._reply_of(request, head, body)
            return reply._replace(read_delay_ns=read_delay_ns) if read_delay_ns else reply
        except (OSError, ValueError) as error:
            self.at_proxy, self.head = False, None
            self._close_connection()
            return Reply(getattr(error, "status", 0), error=word_of(error))
        except BaseException:
            self._close_connection()
            raise

    def beside(self) -> "ShopperClient":
        """Return another connection of the same shopper to the same origin, with the same cookies.

        Its paths begin at the origin's root.
        """
        return ShopperClient(self._access.at_root, self._deadline_s, self._own_cookies().jar)

    def listener(self) -> EventStream:
        """Return an event stream on a connection of its own, never a shared one."""
        crossing: Crossing | None = None if self.crossing is None else "subresource"
        cookies = self._own_cookies()
        return EventStream(self._access, cookies, crossing, self._open_body, self._reply_of, self._deadline_s)

    def hold(self, cookies: Sequence[str]) -> None:
        """Hold cookies as if the shop's root had set them."""
        self._own_cookies().keep(cookies, "/")

    @property
    def cookies(self) -> HostCookies:
        """The shopper's cookies as they go to its host."""
        return self._own_cookies()

    def close(self) -> None:
        """Close the connection; the next request opens another."""
        self._close_connection()

    def _ask(self, method: str, data: bytes) -> tuple[Head, bytes, int]:
        """Return the reply's head, its body and its read delay (ns).

        Retries once if the kept connection was stale and the method is idempotent, or no byte was sent. A kept
        connection is closed on its first failure.
        """
        connection, ends_at, silent = self._connection, monotonic() + self._deadline_s, None
        if connection is not None and not connection.closed:
            connection.ends_at = ends_at
            try:
                head, body = exchange(connection, data, method, self._access.heads)
                return head, body, connection.read_delay_ns  # noqa: TRY300 - the usual way, in as few steps as can be
            except (UnsentError, SilentError) as error:
                if isinstance(error, SilentError):
                    if method not in IDEMPOTENT:
                        raise
                    silent = error
                self._close_connection()
        connection = self._connection = self._open(silent, ends_at)
        head, body = exchange(connection, data, method, self._access.heads)
        return head, body, connection.read_delay_ns

    def _open(self, silent: SilentError | None, ends_at: float) -> Connection:
        """Return a connection; on a retry after `silent`, that is raised instead of the proxy's failure."""
        self.at_proxy = self._access.proxy is not None and silent is None
        try:
            connection = self._connect(ends_at)
        except ProxyError as error:
            raise silent or error from error
        self.at_proxy = False
        return connection

    def _connect(self, ends_at: float) -> Connection:
        """Return a connection to the first address that takes one; raises OSError."""
        return first_that_opens(self._access.routes, lambda route: self._connect_by(route, ends_at), ends_at)

    def _connect_by(self, route: Route, ends_at: float) -> Connection:
        (family, _), _ = route
        origin, tls = self._access.origin, self._access.tls
        soon = min(ends_at, monotonic() + CONNECT_S)
        connection = TlsConnection(family, soon) if origin.secure else Connection(family, soon)
        opened_by(connection, route, tls, origin.host.rstrip("."))
        connection.ends_at = ends_at
        return connection

    def _open_body(self, data: bytes, _: str, ends_at: float) -> BodyStream:
        """Open a response that is read piece by piece; raises OSError and ProtocolError."""
        return Http1BodyStream(self._connect(ends_at), data, self._access.heads)

    def _close_connection(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _reply_of(self, request: Request, head: Head, body: bytes) -> Reply:
        """Return the reply for a response that isn't plain."""
        access = self._access
        if head.cookies:
            self._own_cookies().keep(head.cookies, access.origin.prefix + request.path, self.crossing)
        if head.encoding:
            body = decoded(body, head.encoding, reading.MAX_BODY)
        body = masked(body, access.masks)
        status, accepted = head.status, head.status in request.accept
        if status == _PROXY_AUTHENTICATION_REQUIRED and access.in_absolute_form:
            return Reply(status, body, "proxy")
        if head.marked or (not accepted and access.firewall.takes_for_attack(status, body)):
            return Reply(status, body, "blocked")
        if status in _REDIRECTS and head.location is not None:
            return self._redirect_reply(request, status, head.location, body)
        if not accepted:
            return Reply(status, body, _status_error(status))
        return Reply(status, body, _graphql_error(body) if request.graphql and status == _OK else None, None, head.html)

    def _redirect_reply(self, request: Request, status: int, location: str, body: bytes) -> Reply:
        access, error = self._access, "wrong_reply"
        host, target = None, None
        try:
            host, target = access.places.redirect(location, access.label, request.path)
        except UndeclaredHostError as away:
            host, error = away.origin, "redirected_away"
        except ValueError:
            pass  # it leads nowhere
        followed = request.follow is not None and target is not None
        return Reply(status, body, None if status in request.accept or followed else error, target, host=host)

    def _own_cookies(self) -> HostCookies:
        if self._cookies is None:
            self._cookies = self._cookies_in(Jar(time))
        return self._cookies

    def _cookies_in(self, jar: Jar) -> HostCookies:
        origin = self._access.origin
        return jar.at(origin.host, secure=origin.secure)


def _status_error(status: int) -> str:
    if status >= _SERVER_ERROR:
        return "http_5xx"
    return "http_4xx" if status >= _CLIENT_ERROR else "wrong_reply"


def _graphql_error(body: bytes) -> str | None:
    """Return the error of a GraphQL operation that was answered with 200, None for none."""
    try:
        answer = json_of(body)
    except ValueError:
        return "wrong_reply"
    if not isinstance(answer, dict):
        return "wrong_reply"
    return "graphql" if answer.get("errors") else None


def with_cookies(client: ShopperClient, cookies: Sequence[str]) -> ShopperClient:
    """Return the client, which holds cookies from the start."""
    client.hold(cookies)
    return client
