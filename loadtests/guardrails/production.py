"""Which environments are production: by their own word, by another's of the same host, or of the same address.

An alias or the bare address of production leads the same load to the same machines.
"""

from collections.abc import Iterable, Mapping, Sequence

from loadtests.environment.addresses import Address, innermost, readable
from loadtests.environment.destinations import Destinations, LookUp, UnresolvableError, host_of, look_up, resolve_host
from loadtests.environment.proxy_rules import is_address
from loadtests.environment.targets import Environment
from slo.outcomes import EnvironmentLacks


def is_production(environment: Environment, known: Iterable[Environment]) -> bool:
    """Whether an environment is production: also one that another name, of a host that takes its load, says is."""
    hosts = set(_hosts(environment))
    return any(one.production and hosts.intersection(_hosts(one)) for one in (environment, *known))


def production_at(
    environment: Environment,
    destinations: Destinations,
    productions: Mapping[str, Environment],
    ask: LookUp = look_up,
) -> dict[str, list[str]]:
    """Return the productions whose addresses the load would reach, with those: `{name: addresses}`.

    Reached is the proxy, too. What only the proxy resolves has no address here: its name alone tells it then.

    Raises EnvironmentLacks for a production whose addresses nobody here knows.
    """
    own = {_plain(text) for url in _loaded(environment) for text in destinations.of(host_of(url))}
    by_name_alone = not own
    own |= {_plain(text) for text in (destinations.proxy.addresses if destinations.proxy else ())}
    found: dict[str, list[Address]] = {}
    for name, one in productions.items():
        try:
            found[name] = sorted(own & _addresses(name, one, ask), key=str)
        except EnvironmentLacks:
            if not by_name_alone:  # else its address would tell nothing
                raise
    return {name: [str(address) for address in same] for name, same in found.items() if same}


def undeclared(environment: Environment, reached: Mapping[str, Sequence[str]]) -> dict[str, Sequence[str]]:
    """Return those of `reached` that the environment doesn't say it shares addresses with.

    A front that serves both tells them apart by their names: to a bare address, no word helps.
    """
    shared = () if any(map(is_address, _hosts(environment))) else environment.shares_addresses_with
    return {name: addresses for name, addresses in reached.items() if name not in shared}


def _addresses(name: str, production: Environment, ask: LookUp) -> set[Address]:
    """Return where a production is, its CDN included: by its own `resolve`, and by what the resolver says."""
    return {address for url in _loaded(production) for address in _addresses_of(name, production, host_of(url), ask)}


def _addresses_of(name: str, production: Environment, host: str, ask: LookUp) -> set[Address]:
    anywhere = production.model_copy(update={"network": None})
    found: set[Address] = set()
    failure: UnresolvableError | None = None
    for one in (anywhere, anywhere.model_copy(update={"resolve": {}})):
        try:
            found |= {_plain(text) for text in resolve_host(one, host, ask)}
        except UnresolvableError as error:
            failure = error
    if not found:
        raise EnvironmentLacks(
            f"nobody here can tell whether this is production: {name}, which is, at {failure};"
            f" give its address to environments.{name} in the targets file: resolve: {{{host}: ADDRESS}}"
        )
    return found


def _plain(text: str) -> Address:
    return innermost(readable(text))


def _loaded(environment: Environment) -> list[str]:
    """Return the addresses that take load: the shop's, and its CDN's, from where a plan may want the assets."""
    return [url for url in (environment.base_url, environment.cdn_url) if url is not None]


def _hosts(environment: Environment) -> list[str]:
    return [host_of(url).rstrip(".") for url in _loaded(environment)]
