"""Makes the clients of one worker's shoppers: over own or shared connections, in the environment's HTTP version."""

import itertools
from collections.abc import Mapping
from typing import Protocol

import gevent.ssl

from loadtests.client.access import Access
from loadtests.client.cookies import Jar
from loadtests.client.http1_client import ShopperClient
from loadtests.client.http2.access import Http2Access
from loadtests.client.http2.client import Http2Client
from loadtests.client.locations import Locations
from loadtests.client.origin import Origin
from loadtests.client.shared_pool import Pool, SharingClient
from loadtests.environment.destinations import host_of
from loadtests.environment.firewalls import Firewall
from loadtests.environment.resolved_environment import ResolvedEnvironment

REPLY_DEADLINE_S = 30.0


class NewClient(Protocol):
    """Makes a client of a shopper whose cookies are in `jar`; without one it is a shopper of its own."""

    def __call__(self, jar: Jar | None = None) -> ShopperClient:
        """Return a client to one host."""


def access_to(resolved: ResolvedEnvironment, tags: Mapping[str, str]) -> dict[str | None, Access]:
    """Return how each host that takes load is reached, `base_url`'s first, under None; each request has `tags`.

    A host gets the credentials that are declared for it and no other. Raises BadInput for a file of TLS that can't be
    used.
    """
    loaded, masks = resolved.environment.loaded, resolved.credentials.masks()
    locations = Locations({label: Origin.of(url) for label, url in loaded.items()})
    return {
        label: Access(
            base_url=url,
            addresses=resolved.endpoints(host_of(url)),
            headers=resolved.headers(tags, label),
            masks=masks,
            tls=resolved.tls(label, gevent.ssl.create_default_context),
            firewall=Firewall(resolved.environment.blocked),
            proxy=resolved.proxy_to(host_of(url)),
            http2=resolved.environment.http2_to(label),
            label=label,
            locations=locations,
        )
        for label, url in loaded.items()
    }


class Clients:
    """Makes the shoppers' clients; with `shared` they share that many connections to each origin."""

    def __init__(self, shared: int | None) -> None:
        self._shared = shared
        self._pools: list[Pool] = []

    def of(self, access: Access, first: int) -> NewClient:
        """Return what makes a client for one origin; its addresses take turns, beginning with the `first`."""
        turn = itertools.count(first)
        if access.http2:
            over_http2 = Http2Access.of(access)
            return lambda jar=None: Http2Client(over_http2.turned(next(turn)), REPLY_DEADLINE_S, jar=jar)
        if self._shared is None:
            return lambda jar=None: ShopperClient(access.turned(next(turn)), REPLY_DEADLINE_S, jar)
        pool = Pool(self._shared)
        self._pools.append(pool)
        return lambda jar=None: SharingClient(access.turned(next(turn)), REPLY_DEADLINE_S, pool, jar)

    def close(self) -> None:
        """Close the shared connections."""
        for pool in self._pools:
            pool.close()


def share_of(connections: int | None, index: int, workers: int) -> int | None:
    """Return how many of the plan's connections worker number `index` has, one at least; None when all have their own.

    The shares add up to `connections` unless there are fewer than workers.
    """
    if connections is None:
        return None
    return max(1, connections // workers + (index < connections % workers))
