"""HTTP for all that isn't load: the probe, the sources, the kill switch; as careful as the load itself.

The process's own settings are ignored (proxy variables, .netrc, CA bundles), no redirect is followed, TLS is
verified, and each host is resolved once. A proxy is used where targets.yaml declares one. `bounded_get` reads a reply
up to a size and a deadline, and masks the secrets in it.
"""

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from urllib.parse import urlsplit

import requests
import urllib3
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import ConnectTimeoutError, NewConnectionError
from urllib3.exceptions import ProxyError as ProxyFailedError

from loadtests.environment.credentials import Credentials, masked
from loadtests.environment.destinations import Destination, Destinations, destination_of, resolve_proxy
from loadtests.environment.direct_http import DeadlineAdapter, DirectSession, reply_in_time
from loadtests.environment.proxy import Proxy, ProxyError, absolute, open_tunnel, proxy_at
from loadtests.environment.targets import Environment
from loadtests.environment.tls import authorities
from slo.documents import BadInput

MAX_BYTES = 1 << 20
_PIECE = 64 << 10
_LEAST_S = 0.001
Route = tuple[tuple[str, ...], Proxy | None]
"""How a host is reached: at its addresses, or through a proxy that connects to them, or to its name."""
_PORTS = {"http": 80, "https": 443}
UrlOrigin = tuple[str, str | None, int | None]


class PinnedHttp(DirectSession):
    """A session to the hosts of one environment; credentials go to the origin that they are declared for alone.

    `masks` are those credentials as a reply may repeat them.
    """

    def __init__(
        self,
        environment: Environment,
        credentials: Credentials | None = None,
        destinations: Destinations | None = None,
    ) -> None:
        super().__init__()
        self.verify = authorities(environment)
        held = credentials or Credentials()
        self.masks = held.masks()
        loaded = environment.loaded.items()
        self.auth = _OwnHeaders({origin_of(url): held.at(label).revealed() for label, url in loaded})
        adapter = _PinnedAdapter(environment, held, destinations)
        self.mount("http://", adapter)
        self.mount("https://", adapter)

    def send(self, request: requests.PreparedRequest, **options: Any) -> requests.Response:  # noqa: ANN401 - theirs
        """Send one request; a streamed reply is masked by the caller."""
        reply = super().send(request, **options)
        if self.masks and not options.get("stream"):
            reply._content = masked(reply.content, self.masks)  # noqa: SLF001 - it has no other way to be replaced
        return reply


class _OwnHeaders(requests.auth.AuthBase):
    def __init__(self, headers: Mapping[UrlOrigin, Mapping[str, str]]) -> None:
        self._headers = headers

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        own, bearer = self._headers.get(origin_of(request.url or ""), {}), "Authorization" in request.headers
        request.headers.update({n: v for n, v in own.items() if not (bearer and n == "Authorization")})
        return request


class _PinnedAdapter(DeadlineAdapter):
    def __init__(self, environment: Environment, credentials: Credentials, destinations: Destinations | None) -> None:
        self._environment, self._credentials, self._destinations = environment, credentials, destinations
        self._found: dict[str, Destination] = {}
        loaded = environment.loaded.items()
        self._protected = {origin_of(url): environment.protection(label) for label, url in loaded}
        super().__init__()

    def init_poolmanager(self, *places: Any, **named: Any) -> None:  # noqa: ANN401 - theirs
        super().init_poolmanager(*places, **named)
        self.poolmanager.pool_classes_by_scheme = {
            "http": _pinned(urllib3.HTTPConnectionPool, HTTPConnection, self.route_to),
            "https": _pinned(urllib3.HTTPSConnectionPool, HTTPSConnection, self.route_to),
        }

    def send(self, request: requests.PreparedRequest, *places: Any, **named: Any) -> requests.Response:  # noqa: ANN401
        host = self._protected.get(origin_of(request.url or ""))
        if host is not None and host.client_certificate is not None:
            named["cert"] = (host.client_certificate.certificate, host.client_certificate.key)
        if host is not None and host.ca is not None:
            named["verify"] = host.ca
        return super().send(request, *places, **named)

    def route_to(self, host: str) -> Route:
        found = self._destination(host)
        proxied = found.through_proxy and self._proxy is not None
        proxy = proxy_at(self._environment, self._proxy, self._credentials) if proxied and self._proxy else None
        return found.endpoints(host), proxy

    def _destination(self, host: str) -> Destination:
        if self._destinations is not None:
            return self._destinations.at(host)
        if host not in self._found:
            self._found[host] = destination_of(self._environment, host, self._proxy)
        return self._found[host]

    @cached_property
    def _proxy(self) -> Destination | None:
        return resolve_proxy(self._environment) if self._destinations is None else self._destinations.proxy


class _Pinned(HTTPConnection):
    """A connection to its host at the pinned addresses; the name stays for TLS and for the Host header."""

    response_class: Any = staticmethod(reply_in_time)
    route_to: Callable[[str], Route]

    def _new_conn(self) -> Any:  # noqa: ANN401 - urllib3's socket
        endpoints, proxy = self._route()
        if proxy is None:
            return self._connected(endpoints, self.port)
        failure = ProxyError("has no address")
        for target in endpoints:
            connection = self._to_proxy(proxy)
            if not isinstance(self, HTTPSConnection):
                return connection
            try:
                open_tunnel(connection, proxy.opening(target, self.port))
            except ProxyError as error:
                connection.close()
                failure = error
            else:
                return connection
        raise ProxyFailedError(f"the proxy: {failure}", failure)

    def putrequest(self, method: str, url: str, *options: Any, **named: Any) -> None:  # noqa: ANN401 - theirs
        """Use the absolute form where a proxy reads the request (RFC 9112, 3.2.2), with the proxy's credentials."""
        endpoints, proxy = self._route()
        if proxy is None or isinstance(self, HTTPSConnection):
            return super().putrequest(method, url, *options, **named)
        super().putrequest(method, f"{absolute(endpoints[0], self.port)}{url}", *options, **named)
        for name, value in proxy.headers.items():
            self.putheader(name, value)
        return None

    def _route(self) -> Route:
        try:
            return self.route_to(self._dns_host.strip("[]").lower())
        except BadInput as error:
            raise NewConnectionError(self, str(error)) from error

    def _to_proxy(self, proxy: Proxy) -> Any:  # noqa: ANN401 - urllib3's socket
        try:
            return self._connected(proxy.addresses, proxy.port)
        except (NewConnectionError, ConnectTimeoutError) as error:
            raise ProxyFailedError("the proxy: no connection", error) from error

    def _connected(self, addresses: tuple[str, ...], port: int) -> Any:  # noqa: ANN401 - urllib3's socket
        name, own, timeout_s = self._dns_host, self.port, self.timeout
        ends_at = time.monotonic() + (timeout_s if isinstance(timeout_s, int | float) else math.inf)
        failure: Exception = NewConnectionError(self, f"{name}: has no address")
        try:
            for address in addresses:
                self._dns_host, self.port = address, port
                if ends_at < math.inf:  # one deadline for all addresses
                    self.timeout = max(_LEAST_S, ends_at - time.monotonic())
                try:
                    return super()._new_conn()
                except (NewConnectionError, ConnectTimeoutError) as error:
                    failure = error
        finally:
            self._dns_host, self.port, self.timeout = name, own, timeout_s
        raise failure


def _pinned(pool: type[Any], connection: type[Any], route_to: Callable[[str], Route]) -> type[Any]:
    made = type("Pinned", (_Pinned, connection), {"route_to": staticmethod(route_to)})
    return type("PinnedPool", (pool,), {"ConnectionCls": made})


def why_no_answer(error: Exception) -> str:
    """Return why a request had no reply, in a few words: the proxy's refusal as it is, else the kind of failure."""
    refusal = getattr(error.args[0], "reason", None) if error.args else None
    if isinstance(refusal, ProxyFailedError):
        return str(refusal.args[0])
    broken_off = error.__cause__ if isinstance(error.__cause__, urllib3.exceptions.HTTPError) else None
    return type(broken_off or error).__name__


def origin_of(url: str) -> UrlOrigin:
    """Return scheme, host and port of an address; two with the same are one origin (RFC 6454)."""
    parts = urlsplit(url)
    return parts.scheme, parts.hostname, parts.port or _PORTS.get(parts.scheme)


@dataclass(frozen=True, slots=True, kw_only=True)
class BoundedReply:
    """A reply, read as far as it may be; header names are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    whole: bool
    http_version: int


def bounded_get(
    http: requests.Session,
    url: str,
    timeout_s: float,
    max_bytes: int = MAX_BYTES,
    headers: Mapping[str, str] | None = None,
    masks: tuple[bytes, ...] = (),
) -> BoundedReply:
    """Return the reply to a GET, read up to `max_bytes`: `whole` says whether that was all of it.

    It must be there `timeout_s` after the request, however slowly it comes. The session's secrets and `masks` are
    overwritten in it, no redirect is followed, and where `Accept-Encoding: identity` was asked for no encoding is
    undone. Raises requests.Timeout when it isn't there in time, another requests.RequestException when it breaks off.
    """
    deadline = time.monotonic() + timeout_s
    with http.get(url, timeout=timeout_s, allow_redirects=False, stream=True, headers=headers) as reply:
        return _bounded(http, reply, deadline, max_bytes, headers, masks)


def bounded_request(  # noqa: PLR0913 - a request has as many parts
    http: requests.Session,
    method: str,
    url: str,
    timeout_s: float,
    *,
    json: object = None,
    form: Mapping[str, str] | None = None,
    max_bytes: int = MAX_BYTES,
    headers: Mapping[str, str] | None = None,
    masks: tuple[bytes, ...] = (),
) -> BoundedReply:
    """Return the reply to a request with JSON, a form or no body, as `bounded_get` does; raises as that does."""
    deadline = time.monotonic() + timeout_s
    with http.request(
        method, url, timeout=timeout_s, allow_redirects=False, stream=True, headers=headers, json=json, data=form
    ) as reply:
        return _bounded(http, reply, deadline, max_bytes, headers, masks)


def _bounded(
    http: requests.Session,
    reply: requests.Response,
    deadline: float,
    max_bytes: int,
    headers: Mapping[str, str] | None,
    masks: tuple[bytes, ...],
) -> BoundedReply:
    masks = (*getattr(http, "masks", ()), *masks)
    decodes = (headers or {}).get("Accept-Encoding") != "identity"
    body = _body(reply.raw, deadline, max_bytes, decodes=decodes)
    return BoundedReply(
        status=reply.status_code,
        headers={name.lower(): _masked(value, masks) for name, value in reply.headers.items()},
        body=masked(body, masks)[:max_bytes],
        whole=len(body) <= max_bytes,
        http_version=int(getattr(reply.raw, "version", 11) or 11),
    )


def _masked(value: str, masks: tuple[bytes, ...]) -> str:
    return masked(value.encode("latin-1", "replace"), masks).decode("latin-1") if masks else value


def _body(raw: urllib3.BaseHTTPResponse, deadline: float, max_bytes: int, *, decodes: bool) -> bytes:
    """Return the body, or what is just over `max_bytes` of it."""
    body = bytearray()
    while len(body) <= max_bytes and (piece := _piece(raw, decodes=decodes)):
        body += piece
        if time.monotonic() > deadline:
            raise requests.ReadTimeout("not read in time")
    return bytes(body)


def _piece(raw: urllib3.BaseHTTPResponse, *, decodes: bool) -> bytes:
    """Return what has come, as soon as anything has; empty at the end."""
    try:
        return raw.read1(_PIECE, decode_content=decodes)
    except urllib3.exceptions.TimeoutError as error:
        raise requests.ReadTimeout(error) from error
    except (urllib3.exceptions.HTTPError, OSError) as error:
        raise requests.ConnectionError(error) from error
