"""The shopper's HTTP client: one connection a session, cookies, typed outcomes, no retry of what isn't safe.

It runs in gevent's hub on geventhttpclient; nothing of Locust is needed. It connects to the addresses it is given
and to no other: no name is looked up, no proxy used, no redirect followed.
"""

import errno
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from http.cookies import CookieError, SimpleCookie
from socket import AF_INET, AF_INET6, IPPROTO_TCP, SOCK_STREAM
from ssl import SSLContext
from typing import Any, Protocol
from urllib.parse import SplitResult, urlsplit

import gevent
import orjson
from geventhttpclient import HTTPClient
from geventhttpclient.response import HTTPParseError

from loadtests.credentials import masked
from loadtests.firewalls import Firewall
from loadtests.targets import Blocked

MAX_BODY = 16 << 20
_READ_BLOCK = 64 << 10
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_CLIENT_ERROR = 400
_SERVER_ERROR = 500
_PORTS = {"http": 80, "https": 443}
# What geventhttpclient says of a reply that ended too soon; everything else it refuses is not HTTP.
_BROKEN_OFF = ("closed", "Incomplete response", "EOF")
# What this machine lacks: nothing was sent, and the shop has no part in it.
_LACKING = {errno.EMFILE: "no_descriptor", errno.ENFILE: "no_descriptor", errno.EADDRNOTAVAIL: "no_port"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One request as a storefront words it; `accept` holds the statuses a healthy shop may answer with."""

    step: str
    method: str
    path: str
    body: Mapping[str, Any] | None = None
    headers: Mapping[str, str] | None = None
    accept: frozenset[int] = frozenset({200})


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What came back; `error` is None when it is what the request accepts, else a word of `docs/contracts.md`."""

    status: int = 0
    body: bytes = b""
    error: str | None = None

    def json(self) -> dict[str, Any]:
        """Return the body as a JSON object; raises ValueError when it isn't one."""
        value = orjson.loads(self.body)
        if not isinstance(value, dict):
            raise ValueError(f"expected a JSON object, found {type(value).__name__}")  # noqa: TRY004 - one error type
        return value


class Client(Protocol):
    """What journeys need of a client: send one request, get one typed reply, never an exception of the network's."""

    def send(self, request: Request, headers: Mapping[str, str]) -> Reply:
        """Send `request` with extra `headers` and read the reply whole."""

    def close(self) -> None:
        """Close the connection."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """How the shop is reached, the same for every shopper.

    `addresses` are tried in turn; `headers` go with every request; `tls` is the context for https; `masks` are the
    secrets that no reply may repeat.
    """

    base_url: str
    addresses: tuple[str, ...]
    headers: Mapping[str, str] = field(repr=False)
    masks: tuple[bytes, ...] = field(default=(), repr=False)
    tls: SSLContext | None = None
    firewall: Firewall = field(default_factory=lambda: Firewall(Blocked()))

    def turned(self, turn: int) -> "Access":
        """Return it with another of the addresses first, of the kind that was first: each takes its turn."""
        first = [address for address in self.addresses if (":" in address) == (":" in self.addresses[0])]
        if len(first) < 2:  # noqa: PLR2004 - two to take turns
            return self
        rest = [address for address in self.addresses if address not in first]
        start = turn % len(first)
        return replace(self, addresses=(*first[start:], *first[:start], *rest))


class GeventClient:
    """A client with a connection and a cookie jar of its own, as a shopper's browser has."""

    def __init__(self, access: Access, deadline_s: float) -> None:
        parts = urlsplit(access.base_url)
        self._access = access
        self._origin = _origin(parts)
        self._prefix = parts.path.rstrip("/")
        self._deadline_s = deadline_s
        self._own_cookie = [value for name, value in access.headers.items() if name.lower() == "cookie"]
        self._cookies: dict[str, str] = {}
        self._http: Any = None

    def send(self, request: Request, headers: Mapping[str, str]) -> Reply:
        """Send `request`; a failed socket, a missed deadline or a malformed reply is an outcome, no exception.

        So is a request that can't be worded in HTTP (`protocol`): what a path holds may come from the shop.
        """
        deadline = gevent.Timeout(self._deadline_s)
        try:
            with deadline:
                return self._exchange(request, headers)
        except (gevent.Timeout, gevent.GreenletExit) as ended:
            self.close()
            if ended is not deadline:
                raise
            return Reply(error="timeout")
        except (HTTPParseError, OSError, ValueError) as error:
            self.close()
            return Reply(error=_failure(error))

    def close(self) -> None:
        """Close the connection; the next request opens another."""
        if self._http is not None:
            self._http.close()
            self._http = None

    def _exchange(self, request: Request, headers: Mapping[str, str]) -> Reply:
        body = b"" if request.body is None else orjson.dumps(request.body)
        sent = {**headers, **(request.headers or {})}
        if body:
            sent["Content-Type"] = "application/json"
        if self._cookies:
            sent["Cookie"] = "; ".join([*self._own_cookie, *(f"{n}={value}" for n, value in self._cookies.items())])
        target = self._prefix + request.path
        if not target.isascii():  # geventhttpclient finds out when it has a connection, and leaks it
            raise ValueError(f"not a request's target: {target!r}")
        self._http = self._http or self._connect()
        response = self._http.request(request.method, target, body=body, headers=sent)
        content = masked(self._read(response), self._access.masks)
        fields = [(name.lower(), value) for name, value in response.headers]
        self._keep_cookies([value for name, value in fields if name == "set-cookie"])
        location = next((value for name, value in fields if name == "location"), None)
        status, accepted = response.status_code, response.status_code in request.accept
        if self._access.firewall.has_answered(status, fields, content, accepted=accepted):
            return Reply(status=status, body=content, error="blocked")
        return Reply(status=status, body=content, error=None if accepted else self._judge(status, location))

    def _connect(self) -> Any:  # noqa: ANN401 - geventhttpclient's client
        scheme, host, port = self._origin
        secure: dict[str, Any] = {}
        if scheme == "https":
            if self._access.tls is None:
                raise ValueError("https without a TLS context")
            name = str(host).rstrip(".")
            secure = {"ssl": True, "ssl_options": {"server_hostname": name}, "ssl_context_factory": self._tls}
        http: Any = HTTPClient(
            str(host),
            port,
            headers=dict(self._access.headers),
            connection_timeout=self._deadline_s,
            network_timeout=self._deadline_s,
            **secure,
        )
        places = [_place(address, port) for address in self._access.addresses]
        http._connection_pool._resolve = lambda: places  # noqa: SLF001 - its only way to be told an address
        return http

    def _tls(self, **_: Any) -> SSLContext | None:  # noqa: ANN401 - a bundle that geventhttpclient would trust
        return self._access.tls

    def _read(self, response: Any) -> bytes:  # noqa: ANN401 - geventhttpclient's response
        blocks, size = [], 0
        while block := response.read(_READ_BLOCK):
            size += len(block)
            if size > MAX_BODY:
                raise HTTPParseError(f"a body of over {MAX_BODY} bytes")
            blocks.append(block)
        if not response.message_complete:
            raise HTTPParseError("connection closed before the end of the body")
        return b"".join(blocks)

    def _keep_cookies(self, headers: list[str]) -> None:
        for header in headers:
            try:
                cookie = SimpleCookie(header)
            except CookieError:
                continue
            self._cookies.update({name: morsel.coded_value for name, morsel in cookie.items()})

    def _judge(self, status: int, location: str | None) -> str:
        if status in _REDIRECTS and location is not None:
            return "redirected_away" if self._leads_away(location) else "wrong_reply"
        if status >= _SERVER_ERROR:
            return "http_5xx"
        return "http_4xx" if status >= _CLIENT_ERROR else "wrong_reply"

    def _leads_away(self, location: str) -> bool:
        try:
            target = urlsplit(location)
            return bool(target.netloc) and _origin(target, self._origin[0]) != self._origin
        except ValueError:
            return False  # no address at all


def _origin(address: SplitResult, scheme: str = "") -> tuple[str, str | None, int | None]:
    scheme = address.scheme or scheme
    return scheme, address.hostname, address.port or _PORTS.get(scheme)


def _place(address: str, port: int | None) -> tuple[Any, ...]:
    """Return an address as `getaddrinfo` would."""
    if ":" in address:
        return AF_INET6, SOCK_STREAM, IPPROTO_TCP, "", (address, port, 0, 0)
    return AF_INET, SOCK_STREAM, IPPROTO_TCP, "", (address, port)


def _failure(error: Exception) -> str:
    if isinstance(error, TimeoutError):
        return "timeout"
    if isinstance(error, OSError) and error.errno in _LACKING:
        return _LACKING[error.errno]
    broken_off = isinstance(error, OSError) or any(words in str(error) for words in _BROKEN_OFF)
    return "connection" if broken_off else "protocol"
