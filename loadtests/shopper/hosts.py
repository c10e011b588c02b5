"""A session's declared hosts: a client to each, made when it is first wanted, and one shopper's cookies over all."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from time import time
from typing import Protocol

from loadtests.client.cookies import Crossing, Jar
from loadtests.client.interface import Client, Request
from loadtests.client.locations import Locations

_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})


class NewClient(Protocol):
    """Makes a client to one host for the shopper whose cookies are in `jar`."""

    def __call__(self, jar: Jar) -> Client:
        """Return the client; it connects with its first request."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeclaredHosts:
    """What all sessions of one process share of them: where addresses lead, and what makes a session's client to each.

    None is `base_url`'s label. Where no other host is declared, `new_client` holds nothing.
    """

    locations: Locations
    new_client: Mapping[str | None, NewClient] = field(default_factory=dict)


class OnlyHost:
    """The one host of a session whose environment declares no other."""

    __slots__ = ("_client",)

    def __init__(self, client: Client) -> None:
        self._client = client

    def beside(self, _: str | None) -> Client:
        """Return another client to it."""
        return self._client.beside()

    @staticmethod
    def faced(client: Client, _host: str | None, _page: str | None) -> Client:
        """Return the client as it is: nothing leaves the site."""
        return client


class SessionHosts:
    """One session's clients to the declared hosts."""

    __slots__ = ("_clients", "_declared", "_jar")

    def __init__(self, declared: DeclaredHosts) -> None:
        self._declared, self._jar = declared, Jar(time)
        self._clients: dict[str | None, Client] = {}

    def client(self, host: str | None) -> Client:
        """Return the session's client to a declared host; raises KeyError for another."""
        found = self._clients.get(host)
        if found is None:
            found = self._clients[host] = self._declared.new_client[host](self._jar)
        return found

    def client_for(self, request: Request, page: str | None) -> Client:
        """Return the client that sends `request`, which a page at the host `page` causes; raises KeyError."""
        client = self.client(request.host)
        crosses = self._declared.locations.crosses(page, request.host)
        client.crossing = _crossing(request) if crosses else None
        return client

    def beside(self, host: str | None) -> Client:
        """Return another client to a declared host, for what pages ask for."""
        return self.client(host).beside()

    def faced(self, client: Client, host: str | None, page: str | None) -> Client:
        """Return a `client` to `host`, ready to send what a page at the host `page` asks for."""
        client.crossing = "subresource" if self._declared.locations.crosses(page, host) else None
        return client

    @property
    def at_proxy(self) -> bool:
        """Whether a request of one of its clients waits for the environment's proxy."""
        return any(client.at_proxy for client in self._clients.values())

    def close(self) -> None:
        """Close every connection."""
        for client in self._clients.values():
            client.close()


def _crossing(request: Request) -> Crossing:
    """Return how a request leaves its page's site: by its method and body, as nothing else says who sends it."""
    if request.method in _SAFE:
        return "navigation"
    return "post" if request.method == "POST" and request.body is None else "subresource"
