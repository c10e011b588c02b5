"""How the shoppers of one worker reach the shop: each over connections of its own, or all over some that they share."""

import itertools
from collections.abc import Callable, Mapping

import gevent.ssl

from loadtests.client.access import Access
from loadtests.client.http1_client import ShopperClient
from loadtests.client.http2.client import Http2Client
from loadtests.client.shared_pool import Pool, SharingClient
from loadtests.environment.destinations import host_of
from loadtests.environment.firewalls import Firewall
from loadtests.environment.resolved_environment import ResolvedEnvironment

REPLY_DEADLINE_S = 30.0


def access_to(resolved: ResolvedEnvironment, url: str, tags: Mapping[str, str], *, secret: bool = True) -> Access:
    """Return how `url` is reached, each request with `tags`; no credential goes there unless it may be `secret`.

    Raises BadInput for a file of TLS that can't be used.
    """
    host = host_of(url)
    return Access(
        base_url=url,
        addresses=resolved.asked_for(host),
        headers=resolved.headers(tags, secret=secret),
        masks=resolved.credentials.masks(),
        tls=resolved.tls(url, gevent.ssl.create_default_context, secret=secret),
        firewall=Firewall(resolved.environment.blocked),
        proxy=resolved.proxy_to(host),
        http2=resolved.environment.http2,
    )


class Clients:
    """Makes the shoppers' clients; with `shared` they share that many connections to each origin."""

    def __init__(self, shared: int | None) -> None:
        self._shared = shared
        self._pools: list[Pool] = []

    def of(self, access: Access, first: int) -> Callable[[], ShopperClient]:
        """Return what makes a client for one origin; its addresses take turns, beginning with the `first`."""
        turn = itertools.count(first)
        if access.http2:
            return lambda: Http2Client(access.turned(next(turn)), REPLY_DEADLINE_S)
        if self._shared is None:
            return lambda: ShopperClient(access.turned(next(turn)), REPLY_DEADLINE_S)
        pool = Pool(self._shared)
        self._pools.append(pool)
        return lambda: SharingClient(access.turned(next(turn)), REPLY_DEADLINE_S, pool)

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
