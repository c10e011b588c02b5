"""Where a run's requests go: each host of the environment, resolved once and checked, and no other address.

A DNS answer that changes later can't lead load elsewhere: connections go to the addresses kept here.
"""

import socket
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any, Self
from urllib.parse import urlsplit

from pydantic import model_validator

from loadtests.environment.addresses import Kind, kind_of, networks, readable, refusal
from loadtests.environment.proxy_rules import check_proxy, goes_through, resolved_by_proxy
from loadtests.environment.record_targets import HttpRecords
from loadtests.environment.target_fields import AddressText
from loadtests.environment.targets import Environment
from slo.documents import BadInput, Document

LookUp = Callable[[str], Sequence[str]]
_WIDER: tuple[Kind, ...] = ("loopback", "private", "public")
_MAX_ADDRESSES = 64


class UnresolvableError(BadInput):
    """A host that has no address now: the environment lacks something, no file is wrong."""


class Destination(Document):
    """The addresses of one host, in the order they are tried, and the widest kind among them.

    Through a proxy its own kind counts with them: 127.0.0.1 is its machine then. None are known of a name that only
    the proxy resolves, which may lead anywhere: it is public.
    """

    addresses: tuple[AddressText, ...]
    kind: Kind
    through_proxy: bool = False

    @model_validator(mode="after")
    def _there_is_one(self) -> Self:
        if not self.addresses and not self.through_proxy:
            raise ValueError("must hold an address")
        return self

    def endpoints(self, host: str) -> tuple[str, ...]:
        """Return what is connected to, straight or by the proxy: the addresses, or the name that it alone resolves."""
        return self.addresses or (host,)


class Destinations(Document):
    """The destinations of an environment by host; `kind` is the widest of those that take load."""

    hosts: Mapping[str, Destination]
    kind: Kind
    proxy: Destination | None = None

    def of(self, host: str) -> tuple[str, ...]:
        """Return the addresses of `host`, none when only the proxy knows them; raises like `at`."""
        return self.at(host).addresses

    def address_count(self, host: str) -> int:
        """Return to how many addresses connections to `host` go: its own, or the proxy's."""
        found = self.at(host)
        return len(self.proxy.addresses if self.proxy and found.through_proxy else found.addresses)

    def to_json(self) -> dict[str, Any]:
        """Return them as a run directory keeps them; defaults are left out."""
        return self.model_dump(mode="json", exclude_defaults=True)

    def at(self, host: str) -> Destination:
        """Return the destination of `host`; raises BadInput for a host that the environment doesn't name."""
        if host not in self.hosts:
            raise BadInput(f"{host}: not a host of the environment; there are: {', '.join(sorted(self.hosts))}")
        return self.hosts[host]


def look_up(host: str) -> list[str]:
    """Return the addresses that this machine's resolver knows for `host`; raises OSError."""
    return [str(answer[4][0]) for answer in socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)]


def resolve(environment: Environment, lookup: LookUp = look_up) -> Destinations:
    """Resolve every host that the environment names, once.

    Raises BadInput for an address that may not be loaded, lies outside `network.allow`, or would carry a secret in
    the clear over the internet; UnresolvableError for a host without an address.
    """
    check_proxy(environment, _urls(environment))
    proxy = resolve_proxy(environment, lookup)
    found = {host: destination_of(environment, host, proxy, lookup) for host in hosts_of(environment)}
    if (grafana := environment.grafana_url) is not None:
        with suppress(UnresolvableError):  # a run goes on without its mark in Grafana
            found.setdefault(host_of(grafana), destination_of(environment, host_of(grafana), proxy, lookup))
    _check_in_the_clear(environment, found)
    kinds = [found[host_of(url)].kind for url in (*environment.loaded.values(), *environment.variant_urls)]
    return Destinations(hosts=found, kind=max(kinds, key=_WIDER.index), proxy=proxy)


def resolve_proxy(environment: Environment, lookup: LookUp = look_up) -> Destination | None:
    """Resolve the environment's proxy, None when it has none; raises like `resolve`."""
    proxy = environment.proxy
    if proxy is None:
        return None
    addresses = resolve_host(environment, host_of(proxy.url), lookup)
    found = Destination(addresses=addresses, kind=_widest(addresses))
    if proxy.basic_auth is not None and found.kind == "public":
        raise BadInput(f"{proxy.url}: the proxy's password would go over the internet in the clear")
    return found


def destination_of(
    environment: Environment, host: str, proxy: Destination | None, lookup: LookUp = look_up
) -> Destination:
    """Return how one host is reached, given its environment's proxy; raises like `resolve`."""
    if proxy is None or not goes_through(environment, host):
        addresses = resolve_host(environment, host, lookup)
        return Destination(addresses=addresses, kind=_widest(addresses))
    if resolved_by_proxy(environment, host):
        return Destination(addresses=(), kind="public", through_proxy=True)
    addresses = resolve_host(environment, host, lookup)
    return Destination(addresses=addresses, kind=_widest((*addresses, *proxy.addresses)), through_proxy=True)


def resolve_host(environment: Environment, host: str, lookup: LookUp = look_up) -> tuple[str, ...]:
    """Return the addresses of one host, those of `resolve` first of all; raises like `resolve`."""
    overridden = {name.lower(): address for name, address in environment.resolve.items()}
    try:
        found = [overridden[host]] if host in overridden else lookup(host)
    except (OSError, UnicodeError) as error:
        raise UnresolvableError(f"{host}: has no address: {getattr(error, 'strerror', None) or error}") from error
    addresses = tuple(dict.fromkeys(found))[:_MAX_ADDRESSES]
    if not addresses:
        raise UnresolvableError(f"{host}: has no address")
    for address in addresses:
        _check_address(environment, host, address)
    return addresses


def hosts_of(environment: Environment) -> tuple[str, ...]:
    """Return every host that the environment names, the one that takes the load first."""
    return tuple(dict.fromkeys(host_of(url) for url in _urls(environment)))


def _urls(environment: Environment) -> tuple[str, ...]:
    named = (
        *environment.loaded.values(), *environment.variant_urls,
        *(page.url for page in _record_pages(environment)), environment.kill_url, environment.alertmanager_url,
        *(target.url for target in environment.metrics),
    )  # fmt: skip
    return tuple(url for url in named if url is not None)


def _record_pages(environment: Environment) -> tuple[HttpRecords, ...]:
    return () if environment.shop_records is None else environment.shop_records.pages


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
        names = ", ".join(allowed) or "none"
        raise BadInput(f"{host}: resolves to {text}, outside the networks of network.allow: {names}")


def _check_in_the_clear(environment: Environment, found: Mapping[str, Destination]) -> None:
    protected = {url: environment.protection(label) for label, url in environment.loaded.items()}
    bearer = environment.token_env is not None or environment.token_file is not None
    urls = [url for url, host in protected.items() if host.has_secret]
    urls += list(environment.variant_urls) if environment.has_secret else []
    urls += [page.url for page in _record_pages(environment) if bearer or page.has_secret]
    tokens = {
        environment.alertmanager_url: environment.alertmanager_token,
        environment.grafana_url: environment.grafana_token,
    }
    urls += [url for url, token in tokens.items() if token is not None and url is not None and host_of(url) in found]
    for url in urls:
        if url.startswith("http:") and not found[host_of(url)].addresses:
            raise BadInput(
                f"{url}: a secret would go in the clear to an address that only the proxy knows; use https://"
            )
        if url.startswith("http:") and found[host_of(url)].kind == "public":
            raise BadInput(f"{url}: a secret would go over the internet in the clear; use https://")


def _widest(addresses: Sequence[str]) -> Kind:
    return max((kind_of(readable(address)) for address in addresses), key=_WIDER.index)
