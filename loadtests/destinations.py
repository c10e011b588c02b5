"""Where a run's requests go: each host of the environment, resolved once and checked, and no other address.

An answer of DNS that changes later can't lead load elsewhere: connections go to what stands here.
"""

import socket
from collections.abc import Callable, Mapping, Sequence
from urllib.parse import urlsplit

from pydantic import field_validator

from loadtests.addresses import Kind, kind_of, networks, readable, refusal
from loadtests.targets import AddressText, Environment
from slo.documents import BadInput, Document

LookUp = Callable[[str], Sequence[str]]
_WIDER: tuple[Kind, ...] = ("loopback", "private", "public")
_MAX_ADDRESSES = 64


class UnresolvableError(BadInput):
    """A host that has no address now: the environment lacks something, no file is wrong."""


class Destination(Document):
    """The addresses of one host, in the order they are tried, and the widest kind among them."""

    addresses: tuple[AddressText, ...]
    kind: Kind

    @field_validator("addresses")
    @classmethod
    def _there_is_one(cls, addresses: tuple[str, ...]) -> tuple[str, ...]:
        if not addresses:
            raise ValueError("must hold an address")
        return addresses


class Destinations(Document):
    """The destinations of an environment by host; `kind` is that of the host which takes the load."""

    hosts: Mapping[str, Destination]
    kind: Kind

    def of(self, host: str) -> tuple[str, ...]:
        """Return the addresses of `host`; raises BadInput for a host that the environment doesn't name."""
        if host not in self.hosts:
            raise BadInput(f"{host}: not a host of the environment; there are: {', '.join(sorted(self.hosts))}")
        return self.hosts[host].addresses


def look_up(host: str) -> list[str]:
    """Return the addresses that this machine's resolver knows for `host`; raises OSError."""
    return [str(answer[4][0]) for answer in socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)]


def resolve(environment: Environment, ask: LookUp = look_up) -> Destinations:
    """Resolve every host that the environment names, once.

    Raises BadInput for an address that may not be loaded, lies outside `network.allow`, or would carry a secret in
    the clear over the internet; UnresolvableError for a host without an address.
    """
    addresses = {host: resolve_host(environment, host, ask) for host in hosts_of(environment)}
    found = {host: Destination(addresses=told, kind=_widest(told)) for host, told in addresses.items()}
    _check_in_the_clear(environment, found)
    return Destinations(hosts=found, kind=found[host_of(environment.base_url)].kind)


def resolve_host(environment: Environment, host: str, ask: LookUp = look_up) -> tuple[str, ...]:
    """Return the addresses of one host, those of `resolve` first of all; raises like `resolve`."""
    overridden = {name.lower(): address for name, address in environment.resolve.items()}
    try:
        told = [overridden[host]] if host in overridden else ask(host)
    except (OSError, UnicodeError) as error:
        raise UnresolvableError(f"{host}: has no address: {getattr(error, 'strerror', None) or error}") from error
    addresses = tuple(dict.fromkeys(told))[:_MAX_ADDRESSES]
    if not addresses:
        raise UnresolvableError(f"{host}: has no address")
    for address in addresses:
        _check_address(environment, host, address)
    return addresses


def hosts_of(environment: Environment) -> tuple[str, ...]:
    """Return every host that the environment names, the one that takes the load first."""
    named = (
        environment.base_url, environment.orders_url, environment.stock_url, environment.funnel_url,
        environment.payments_url, environment.cdn_url, environment.kill_url,
        *(target.url for target in environment.metrics),
    )  # fmt: skip
    return tuple(dict.fromkeys(host_of(url) for url in named if url is not None))


def host_of(url: str) -> str:
    """Return the host of an address, in lower case and without brackets."""
    return urlsplit(url).hostname or ""


def _check_address(environment: Environment, host: str, text: str) -> None:
    try:
        address = readable(text)
    except ValueError:
        raise BadInput(f"{host}: resolves to {text!r}, which is no address") from None
    if why := refusal(address):
        raise BadInput(f"{host}: resolves to {text}, {why}: nothing may be sent there")
    allowed = environment.network.allow if environment.network else None
    if allowed is not None and not any(address in network for network in networks(allowed)):
        told = ", ".join(allowed) or "none"
        raise BadInput(f"{host}: resolves to {text}, outside the networks of network.allow: {told}")


def _check_in_the_clear(environment: Environment, found: Mapping[str, Destination]) -> None:
    own = bool(environment.basic_auth or any(held.value is None for held in environment.headers.values()))
    bearer = environment.token_env is not None or environment.token_file is not None
    sources = (environment.orders_url, environment.stock_url, environment.funnel_url, environment.payments_url)
    urls = [environment.base_url] * own + [url for url in sources if url is not None and bearer]
    for url in urls:
        if url.startswith("http:") and found[host_of(url)].kind == "public":
            raise BadInput(f"{url}: a secret would go over the internet in the clear; use https://")


def _widest(addresses: Sequence[str]) -> Kind:
    return max((kind_of(readable(address)) for address in addresses), key=_WIDER.index)
