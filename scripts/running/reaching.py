"""How a run reaches its environment: hosts resolved once, secrets read late, one careful way to ask over HTTP."""

from dataclasses import dataclass, field

from loadtests.asking import Asking
from loadtests.credentials import Credentials, Secret, check_length, credentials_of, token_of
from loadtests.destinations import Destinations, UnresolvableError, resolve
from loadtests.proxy import Proxy, proxy_to
from loadtests.targets import Environment
from loadtests.tls import context_of
from scripts.context import Context
from scripts.refusals import EnvironmentLacks


@dataclass(frozen=True, slots=True, kw_only=True)
class Reach:
    """What every request of a run rests on; `destinations` may be recorded, the rest shows nothing."""

    environment: Environment
    destinations: Destinations
    credentials: Credentials = field(repr=False)
    token: Secret | None = field(repr=False)

    def asking(self) -> Asking:
        """Return a new session to the environment's hosts, for all that isn't load."""
        return Asking(self.environment, self.credentials, self.destinations)

    def proxy_to(self, host: str) -> Proxy | None:
        """Return the proxy that one of the environment's hosts is reached through, None when there is none."""
        return proxy_to(host, self.environment, self.destinations, self.credentials)

    def bearer(self) -> str | None:
        """Return the token as it goes on the wire."""
        return None if self.token is None else self.token.reveal()


def reach_of(environment: Environment, context: Context) -> Reach:
    """Resolve and read everything, before anything is sent.

    Raises BadInput for what may not be loaded or isn't given, EnvironmentLacks for a host without an address.
    """
    credentials, token = credentials_of(environment, context.environment), token_of(environment, context.environment)
    context_of(environment)
    try:
        destinations = resolve(environment)
    except UnresolvableError as error:
        raise EnvironmentLacks(str(error)) from error
    held = (*credentials.hidden, *([token] if token is not None else []))
    check_length(held, destinations.kind)
    return Reach(environment=environment, destinations=destinations, credentials=credentials, token=token)
