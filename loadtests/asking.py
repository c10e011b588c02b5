"""HTTP for all that isn't load: the probe, the sources, the kill switch; as careful as the load itself.

Nothing of the process's environment has a say (no proxy, no .netrc, no bundle), no redirect is followed, TLS is
verified, and each host is resolved once.
"""

from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlsplit

import requests
import urllib3
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import ConnectTimeoutError, NewConnectionError

from loadtests.credentials import Credentials, masked
from loadtests.destinations import Destinations, resolve_host
from loadtests.targets import Environment
from loadtests.tls import authorities
from slo.documents import BadInput

AddressesOf = Callable[[str], tuple[str, ...]]

_PORTS = {"http": 80, "https": 443}


class Asking(requests.Session):
    """A session to the hosts of one environment; its credentials go to the origin of `base_url` and nowhere else.

    `masks` are those credentials as a reply may repeat them.
    """

    def __init__(
        self,
        environment: Environment,
        credentials: Credentials | None = None,
        destinations: Destinations | None = None,
    ) -> None:
        super().__init__()
        self.trust_env = False
        self.verify = authorities(environment)
        held = credentials or Credentials()
        self.masks = held.masks()
        self.auth = _OwnHeaders(environment.base_url, held.revealed())
        adapter = _PinnedAdapter(environment, destinations)
        self.mount("http://", adapter)
        self.mount("https://", adapter)

    def send(self, request: requests.PreparedRequest, **options: Any) -> requests.Response:  # noqa: ANN401 - theirs
        """Send one request; where a redirect leads is for the caller to read. Who streams masks what comes itself."""
        reply = super().send(request, **{**options, "allow_redirects": False})
        if self.masks and not options.get("stream"):
            reply._content = masked(reply.content, self.masks)  # noqa: SLF001 - it has no other way to be replaced
        return reply

    def get_redirect_target(self, _reply: requests.Response) -> None:
        """Say that there is none: requests would read where it leads all the same, and raise when it's no address."""


class _OwnHeaders(requests.auth.AuthBase):
    def __init__(self, base_url: str, headers: Mapping[str, str]) -> None:
        self._origin, self._headers = origin_of(base_url), headers

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        if origin_of(request.url or "") == self._origin:
            bearer = "Authorization" in request.headers
            request.headers.update({n: v for n, v in self._headers.items() if not (bearer and n == "Authorization")})
        return request


class _PinnedAdapter(HTTPAdapter):
    def __init__(self, environment: Environment, destinations: Destinations | None) -> None:
        self._environment, self._destinations = environment, destinations
        self._found: dict[str, tuple[str, ...]] = {}
        super().__init__()

    def init_poolmanager(self, *places: Any, **named: Any) -> None:  # noqa: ANN401 - theirs
        super().init_poolmanager(*places, **named)
        self.poolmanager.pool_classes_by_scheme = {
            "http": _pinned(urllib3.HTTPConnectionPool, HTTPConnection, self.addresses_of),
            "https": _pinned(urllib3.HTTPSConnectionPool, HTTPSConnection, self.addresses_of),
        }

    def send(self, request: requests.PreparedRequest, *places: Any, **named: Any) -> requests.Response:  # noqa: ANN401
        pair = self._environment.client_certificate
        if pair is not None and origin_of(request.url or "") == origin_of(self._environment.base_url):
            named["cert"] = (pair.certificate, pair.key)
        return super().send(request, *places, **named)

    def addresses_of(self, host: str) -> tuple[str, ...]:
        if self._destinations is not None:
            return self._destinations.of(host)
        if host not in self._found:
            self._found[host] = resolve_host(self._environment, host)
        return self._found[host]


class _Pinned(HTTPConnection):
    """A connection to the addresses of its host that are known; the name stays for TLS and for the header."""

    addresses_of: AddressesOf

    def _new_conn(self) -> Any:  # noqa: ANN401 - urllib3's socket
        name = self._dns_host
        failure: Exception = NewConnectionError(self, f"{name}: has no address")
        try:
            for address in self.addresses_of(name.strip("[]").lower()):
                self._dns_host = address
                try:
                    return super()._new_conn()
                except (NewConnectionError, ConnectTimeoutError) as error:
                    failure = error
        except BadInput as error:
            failure = NewConnectionError(self, str(error))
        finally:
            self._dns_host = name
        raise failure


def _pinned(pool: type[Any], connection: type[Any], addresses_of: AddressesOf) -> type[Any]:
    made = type("Pinned", (_Pinned, connection), {"addresses_of": staticmethod(addresses_of)})
    return type("PinnedPool", (pool,), {"ConnectionCls": made})


def origin_of(url: str) -> tuple[str, str | None, int | None]:
    """Return scheme, host and port of an address; two with the same are one origin (RFC 6454)."""
    parts = urlsplit(url)
    return parts.scheme, parts.hostname, parts.port or _PORTS.get(parts.scheme)
