"""Which environments are production: those that are declared so, and every other with a host or address in common.

An alias or the bare address of production leads the load to the same machines.
"""

from collections.abc import Iterable, Mapping, Sequence

from loadtests.environment.addresses import Address, innermost, readable
from loadtests.environment.destinations import Destinations, LookUp, UnresolvableError, host_of, look_up, resolve_host
from loadtests.environment.proxy_rules import is_address
from loadtests.environment.targets import Environment
from slo.outcomes import EnvironmentLacks


def is_production(environment: Environment, known: Iterable[Environment]) -> bool:
    """Whether a host that an environment loads is production, by its own word or by that of a known environment."""
    hosts = _names(_loaded(environment))
    return any(hosts.intersection(_names(production_urls(one))) for one in (environment, *known))


def production_urls(environment: Environment) -> list[str]:
    """Return the addresses that an environment says are production: all that it loads, or single hosts."""
    if environment.production:
        return _loaded(environment)
    return [host.url for host in environment.hosts.values() if host.production]


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
    shared = () if any(map(is_address, _names(_loaded(environment)))) else environment.shares_addresses_with
    return {name: addresses for name, addresses in reached.items() if name not in shared}


def _loaded(environment: Environment) -> list[str]:
    return [*environment.loaded.values(), *environment.variant_urls]


def _addresses(name: str, production: Environment, lookup: LookUp) -> set[Address]:
    """Return the addresses of all that is production in an environment: those of its `resolve`, and those of DNS."""
    hosts = {host_of(url) for url in production_urls(production)}
    return {address for host in hosts for address in _addresses_of(name, production, host, lookup)}


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


def _names(urls: Iterable[str]) -> set[str]:
    return {host_of(url).rstrip(".") for url in urls}
