"""How a run reaches its environment: hosts resolved once, secrets read late, one careful way to ask over HTTP."""

import socket
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from loadtests.environment.credentials import Credentials, Secret, check_length, credentials_of, token_of
from loadtests.environment.destinations import Destinations, UnresolvableError, resolve
from loadtests.environment.pinned_http import PinnedHttp
from loadtests.environment.proxy import Proxy, open_tunnel, proxy_to
from loadtests.environment.targets import Environment
from loadtests.environment.tls import context_of
from slo.outcomes import EnvironmentLacks

_TIMEOUT_S = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ResolvedEnvironment:
    """What every request of a run rests on; `destinations` may be recorded, the rest shows nothing."""

    environment: Environment
    destinations: Destinations
    credentials: Credentials = field(repr=False)
    token: Secret | None = field(repr=False)

    def asking(self) -> PinnedHttp:
        """Return a new session to the environment's hosts, for all that isn't load."""
        return PinnedHttp(self.environment, self.credentials, self.destinations)

    def proxy_to(self, host: str) -> Proxy | None:
        """Return the proxy that one of the environment's hosts is reached through, None when there is none."""
        return proxy_to(host, self.environment, self.destinations, self.credentials)

    def bearer(self) -> str | None:
        """Return the token as it goes on the wire."""
        return None if self.token is None else self.token.reveal()


def reach_of(environment: Environment, variables: Mapping[str, str]) -> ResolvedEnvironment:
    """Resolve and read everything, before anything is sent.

    Raises BadInput for what may not be loaded or isn't given, EnvironmentLacks for a host without an address.
    """
    credentials, token = credentials_of(environment, variables), token_of(environment, variables)
    context_of(environment)
    try:
        destinations = resolve(environment)
    except UnresolvableError as error:
        raise EnvironmentLacks(str(error)) from error
    held = (*credentials.hidden, *([token] if token is not None else []))
    check_length(held, destinations.kind)
    return ResolvedEnvironment(environment=environment, destinations=destinations, credentials=credentials, token=token)


def connected(reach: ResolvedEnvironment, host: str, port: int) -> socket.socket:
    """Return a connection to the first address that takes one, as the load does; raises OSError."""
    asked_for, proxy = reach.destinations.at(host).asked_for(host), reach.proxy_to(host)
    if proxy is None:
        return _straight(asked_for, port)
    failure = OSError("no address")
    for target in asked_for:
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
