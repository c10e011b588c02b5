"""The shopper's HTTP client: one connection a session, cookies, typed outcomes, no retry of what isn't safe.

It runs in gevent's hub on geventhttpclient; nothing of Locust is needed.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from http.cookies import CookieError, SimpleCookie
from typing import Any, Protocol
from urllib.parse import SplitResult, urlsplit

import gevent
import orjson
from geventhttpclient import HTTPClient
from geventhttpclient.response import HTTPParseError

MAX_BODY = 16 << 20
_READ_BLOCK = 64 << 10
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_TOO_MANY_REQUESTS = 429
_CLIENT_ERROR = 400
_SERVER_ERROR = 500
_PORTS = {"http": 80, "https": 443}
# What geventhttpclient says of a reply that ended too soon; everything else it refuses is not HTTP.
_BROKEN_OFF = ("closed", "Incomplete response", "EOF")


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


class GeventClient:
    """A client with a connection and a cookie jar of its own, as a shopper's browser has."""

    def __init__(self, base_url: str, headers: Mapping[str, str], deadline_s: float) -> None:
        parts = urlsplit(base_url)
        self._origin = _origin(parts)
        self._prefix = parts.path.rstrip("/")
        self._deadline_s = deadline_s
        self._cookies: dict[str, str] = {}
        self._connect = partial(
            HTTPClient.from_url,
            base_url,
            headers=dict(headers),
            connection_timeout=deadline_s,
            network_timeout=deadline_s,
        )
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
            sent["Cookie"] = "; ".join(f"{name}={value}" for name, value in self._cookies.items())
        target = self._prefix + request.path
        if not target.isascii():  # geventhttpclient finds out when it has a connection, and leaks it
            raise ValueError(f"not a request's target: {target!r}")
        self._http = self._http or self._connect()
        response = self._http.request(request.method, target, body=body, headers=sent)
        content = self._read(response)
        fields = [(name.lower(), value) for name, value in response.headers]
        self._keep_cookies([value for name, value in fields if name == "set-cookie"])
        location = next((value for name, value in fields if name == "location"), None)
        error = self._judge(response.status_code, request.accept, location)
        return Reply(status=response.status_code, body=content, error=error)

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

    def _judge(self, status: int, accept: frozenset[int], location: str | None) -> str | None:
        if status in accept:
            return None
        if status in _REDIRECTS and location is not None:
            return "redirected_away" if self._leads_away(location) else "wrong_reply"
        if status == _TOO_MANY_REQUESTS:
            return "blocked"
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


def _failure(error: Exception) -> str:
    if isinstance(error, TimeoutError):
        return "timeout"
    broken_off = isinstance(error, OSError) or any(words in str(error) for words in _BROKEN_OFF)
    return "connection" if broken_off else "protocol"
