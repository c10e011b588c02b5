"""Which environments are production: those that are declared so, and every other of the same host or address.

An alias or the bare address of production leads the load to the same machines.
"""

from collections.abc import Iterable, Mapping, Sequence

from loadtests.environment.addresses import Address, innermost, readable
from loadtests.environment.destinations import Destinations, LookUp, UnresolvableError, host_of, look_up, resolve_host
from loadtests.environment.proxy_rules import is_address
from loadtests.environment.targets import Environment
from slo.outcomes import EnvironmentLacks


def is_production(environment: Environment, known: Iterable[Environment]) -> bool:
    """Whether an environment, or a known one with a host in common, sets `production: true`."""
    hosts = set(_hosts(environment))
    return any(one.production and hosts.intersection(_hosts(one)) for one in (environment, *known))


def production_at(
    environment: Environment,
    destinations: Destinations,
    productions: Mapping[str, Environment],
    lookup: LookUp = look_up,
) -> dict[str, list[str]]:
    """Return the productions whose addresses the load would reach, with those: `{name: addresses}`.

    The proxy's own addresses count, too. What only the proxy resolves has no address here: only its name can match.

    Raises EnvironmentLacks for a production whose addresses aren't known here.
    """
    own = {_plain(text) for url in _loaded(environment) for text in destinations.of(host_of(url))}
    by_name_alone = not own
    own |= {_plain(text) for text in (destinations.proxy.addresses if destinations.proxy else ())}
    found: dict[str, list[Address]] = {}
    for name, one in productions.items():
        try:
            found[name] = sorted(own & _addresses(name, one, lookup), key=str)
        except EnvironmentLacks:
            if not by_name_alone:  # else its address couldn't match anything
                raise
    return {name: [str(address) for address in same] for name, same in found.items() if same}


def undeclared(environment: Environment, reached: Mapping[str, Sequence[str]]) -> dict[str, Sequence[str]]:
    """Return those of `reached` that the environment doesn't say it shares addresses with.

    A front that serves both tells them apart by their names; a bare address can't be declared.
    """
    shared = () if any(map(is_address, _hosts(environment))) else environment.shares_addresses_with
    return {name: addresses for name, addresses in reached.items() if name not in shared}


def _addresses(name: str, production: Environment, lookup: LookUp) -> set[Address]:
    """Return a production's addresses, its CDN's included: those of its `resolve`, and those of DNS."""
    return {address for url in _loaded(production) for address in _addresses_of(name, production, host_of(url), lookup)}


def _addresses_of(name: str, production: Environment, host: str, lookup: LookUp) -> set[Address]:
    anywhere = production.model_copy(update={"network": None})
    found: set[Address] = set()
    failure: UnresolvableError | None = None
    for one in (anywhere, anywhere.model_copy(update={"resolve": {}})):
        try:
            found |= {_plain(text) for text in resolve_host(one, host, lookup)}
        except UnresolvableError as error:
            failure = error
    if not found:
        raise EnvironmentLacks(
            f"can't tell whether this is production: the address of the production environment {name} isn't known"
            f" ({failure}); add it to environments.{name} in the targets file: resolve: {{{host}: ADDRESS}}"
        )
    return found


def _plain(text: str) -> Address:
    return innermost(readable(text))


def _loaded(environment: Environment) -> list[str]:
    """Return the URLs that take load: the shop's, and its CDN's, where a plan may fetch assets."""
    return [url for url in (environment.base_url, environment.cdn_url) if url is not None]


def _hosts(environment: Environment) -> list[str]:
    return [host_of(url).rstrip(".") for url in _loaded(environment)]
