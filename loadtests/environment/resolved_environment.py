"""An environment, ready for use: hosts resolved once, secrets read, and how each of its addresses is reached.

A command makes one from DNS (`resolve_environment`), a worker from what the command wrote down for it
(`recorded_environment`); load, probes and audit all rest on it.
"""

import socket
import ssl
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from loadtests.environment.credentials import (
    Credentials,
    Secret,
    check_length,
    credentials_of,
    notice_tokens_of,
    token_of,
)
from loadtests.environment.destinations import Destinations, UnresolvableError, host_of, resolve
from loadtests.environment.pinned_http import PinnedHttp, origin_of
from loadtests.environment.proxy import Proxy, open_tunnel, proxy_at
from loadtests.environment.targets import Environment
from loadtests.environment.tls import MakeContext, context_of
from slo.outcomes import EnvironmentLacks

_TIMEOUT_S = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ResolvedEnvironment:
    """What every request of a run rests on; `destinations` may be recorded, the rest shows nothing.

    `token` is the bearer token of the shop's sources, `notice_tokens` those of the Alertmanager and of Grafana by their
    address; no worker is given any of them.
    """

    environment: Environment
    destinations: Destinations
    credentials: Credentials = field(repr=False)
    token: Secret | None = field(default=None, repr=False)
    notice_tokens: Mapping[str, Secret] = field(default_factory=dict, repr=False)

    def http(self) -> PinnedHttp:
        """Return a new session to the environment's hosts, for all that isn't load."""
        return PinnedHttp(self.environment, self.credentials, self.destinations)

    def variant(self, label: str, *, with_cookie: bool = True) -> "ResolvedEnvironment":
        """Return it as the release `label` is reached: its host, and its header or cookie to that host alone.

        The load keeps cookies in jars: `with_cookie` is for all that isn't load. Raises KeyError.
        """
        chosen = self.environment.variants[label]
        own = chosen.headers if with_cookie or chosen.cookie is None else {}
        credentials = replace(self.credentials, headers={**self.credentials.headers, **own})
        return replace(self, environment=self.environment.as_variant(label), credentials=credentials)

    def endpoints(self, host: str) -> tuple[str, ...]:
        """Return the addresses of one of the environment's hosts, or the name that only its proxy resolves."""
        return self.destinations.at(host).endpoints(host)

    def proxy_to(self, host: str) -> Proxy | None:
        """Return the proxy that one of the environment's hosts is reached through, None when there is none."""
        found, proxy = self.destinations.hosts.get(host), self.destinations.proxy
        if proxy is None or found is None or not found.through_proxy:
            return None
        return proxy_at(self.environment, proxy, self.credentials)

    def headers(self, tags: Mapping[str, str], label: str | None = None) -> dict[str, str]:
        """Return the headers of every request to the host `label`: `tags`, and its own credentials over them."""
        own = self.credentials.at(label).revealed()
        given = {name.lower() for name in own}
        return {**{name: value for name, value in tags.items() if name.lower() not in given}, **own}

    def tls(self, label: str | None = None, make: MakeContext = ssl.create_default_context) -> ssl.SSLContext | None:
        """Return the TLS context for the host `label`, None for http; raises BadInput for a file that can't be used."""
        if not self.environment.loaded[label].startswith("https:"):
            return None
        return context_of(self.environment.protection(label), make)

    def bearer(self) -> str | None:
        """Return the token as it goes on the wire."""
        return None if self.token is None else self.token.reveal()


def resolve_environment(environment: Environment, variables: Mapping[str, str]) -> ResolvedEnvironment:
    """Resolve and read everything, before anything is sent.

    Raises BadInput for what may not be loaded or isn't given, EnvironmentLacks for a host without an address.
    """
    credentials, token = credentials_of(environment, variables), token_of(environment, variables)
    notice_tokens = notice_tokens_of(environment, variables)
    for label in environment.loaded:
        context_of(environment.protection(label))
    try:
        destinations = resolve(environment)
    except UnresolvableError as error:
        raise EnvironmentLacks(str(error)) from error
    check_length((*credentials.hidden, *([token] if token is not None else [])), destinations.kind)
    for label, host in environment.hosts.items():
        check_length(credentials.at(label).hidden, destinations.at(host_of(host.url)).kind)
    for url, secret in notice_tokens.items():
        if (notified := destinations.hosts.get(host_of(url))) is not None:
            check_length((secret,), notified.kind)
    return ResolvedEnvironment(
        environment=environment,
        destinations=destinations,
        credentials=credentials,
        token=token,
        notice_tokens=notice_tokens,
    )


def recorded_environment(
    environment: Environment, destinations: Destinations, variables: Mapping[str, str]
) -> ResolvedEnvironment:
    """Return an environment whose hosts were resolved before; nothing is looked up, and the token stays unread.

    Raises BadInput for a secret that isn't given.
    """
    credentials = credentials_of(environment, variables)
    return ResolvedEnvironment(environment=environment, destinations=destinations, credentials=credentials)


def connect(resolved: ResolvedEnvironment, url: str) -> socket.socket:
    """Return a connection to the first address of `url` that takes one, as the load does; raises OSError."""
    host, port = host_of(url), origin_of(url)[2] or 0
    endpoints, proxy = resolved.endpoints(host), resolved.proxy_to(host)
    if proxy is None:
        return _straight(endpoints, port)
    failure = OSError("no address")
    for target in endpoints:
        try:
            return _through(proxy, target, port)
        except OSError as error:
            failure = error
    raise failure


def _straight(addresses: Sequence[str], port: int) -> socket.socket:
    failure = OSError("no address")
    for address in addresses:
        try:
            return socket.create_connection((address, port), timeout=_TIMEOUT_S)
        except OSError as error:
            failure = error
    raise failure


def _through(proxy: Proxy, target: str, port: int) -> socket.socket:
    connection = _straight(proxy.addresses, proxy.port)
    try:
        open_tunnel(connection, proxy.opening(target, port))
    except OSError:
        connection.close()
        raise
    return connection
