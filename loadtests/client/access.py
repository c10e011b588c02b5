"""How the shop is reached: the same for all shoppers, with what is derived from it once."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from ipaddress import ip_address
from ssl import SSLContext
from typing import ClassVar, Self

from loadtests.client.locations import Locations
from loadtests.client.origin import Origin
from loadtests.client.request_bytes import RequestBytes
from loadtests.client.response_head import ResponseHeads
from loadtests.client.sockets.connect import Route, routes, socket_address
from loadtests.client.sockets.connection import SocketAddress
from loadtests.environment.firewalls import Firewall
from loadtests.environment.proxy import Proxy, absolute
from loadtests.environment.targets import Blocked


@dataclass(frozen=True, kw_only=True)  # no slots: what is made of the fields is kept beside them
class Access:
    """How the shop is reached, the same for every shopper.

    `addresses` are tried in turn; `headers` go with every request; `tls` is the context for https; `masks` are the
    secrets that no reply may repeat. Through a `proxy` the addresses are what it is asked for; one may be a name.
    `http2` is whether the environment wants HTTP/2, and nothing else: not to an http origin through a proxy. `label`
    is the declared host's, None for `base_url`'s, and `locations` are all of them: redirects lead there alone.
    """

    alpn: ClassVar[str] = "http/1.1"

    base_url: str
    addresses: tuple[str, ...]
    headers: Mapping[str, str] = field(repr=False)
    masks: tuple[bytes, ...] = field(default=(), repr=False)
    tls: SSLContext | None = None
    firewall: Firewall = field(default_factory=lambda: Firewall(Blocked()))
    proxy: Proxy | None = None
    http2: bool = False
    label: str | None = None
    locations: Locations | None = None

    def turned(self, turn: int) -> Self:
        """Return it with another address of the same family first, round-robin."""
        return self._turns[turn % len(self._turns)]

    @cached_property
    def origin(self) -> Origin:
        """The base address; raises ValueError when it is none, or https without a TLS context."""
        origin = Origin.of(self.base_url)
        if origin.secure:
            if self.tls is None:
                raise ValueError("https without a TLS context")
            self.tls.set_alpn_protocols([self.alpn])
        return origin

    @cached_property
    def serialiser(self) -> RequestBytes:
        """What turns requests into bytes."""
        if not self.in_absolute_form:
            return RequestBytes(self.origin, self.headers)
        for_proxy = {} if self.proxy is None else self.proxy.headers
        return RequestBytes(self.origin, {**self.headers, **for_proxy}, absolute(self.addresses[0], self.origin.port))

    @cached_property
    def in_absolute_form(self) -> bool:
        """Whether a proxy reads each request, and may answer it itself."""
        return self.proxy is not None and not self.origin.secure

    @cached_property
    def heads(self) -> ResponseHeads:
        """The heads of its replies."""
        return ResponseHeads(self.firewall)

    @cached_property
    def routes(self) -> tuple[Route, ...]:
        """The routes to the addresses; raises ValueError on what would have to be looked up."""
        if self.proxy is not None:
            return routes(self.proxy, self.origin, self.addresses)
        return tuple((_socket_address(address, self.origin.port), None) for address in self.addresses)

    @cached_property
    def at_root(self) -> Self:
        """The same without the base address's path: anything of the origin is below it."""
        rooted = self.places.at_root
        return self if rooted is self.places else replace(self, base_url=self.origin.name, locations=rooted)

    @cached_property
    def places(self) -> Locations:
        """Where its redirects may lead: the declared hosts, or its own origin alone."""
        return self.locations or Locations({self.label: self.origin})

    @cached_property
    def _turns(self) -> tuple[Self, ...]:
        first = [address for address in self.addresses if (":" in address) == (":" in self.addresses[0])]
        if len(first) < 2:  # noqa: PLR2004 - two to take turns
            return (self,)
        rest = [address for address in self.addresses if address not in first]
        turns = (replace(self, addresses=(*first[i:], *first[:i], *rest)) for i in range(len(first)))
        return tuple(turns)


def _socket_address(address: str, port: int) -> SocketAddress:
    ip_address(address)
    return socket_address(address, port)
