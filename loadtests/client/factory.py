"""Makes the clients of one worker's shoppers: over own or shared connections, in the environment's HTTP version."""

import itertools
from collections.abc import Callable

from loadtests.client.access import Access
from loadtests.client.http1_client import ShopperClient
from loadtests.client.http2.access import Http2Access
from loadtests.client.http2.client import Http2Client
from loadtests.client.shared_pool import Pool, SharingClient

REPLY_DEADLINE_S = 30.0


class Clients:
    """Makes the shoppers' clients; with `shared` they share that many connections to each origin."""

    def __init__(self, shared: int | None) -> None:
        self._shared = shared
        self._pools: list[Pool] = []

    def of(self, access: Access, first: int) -> Callable[[], ShopperClient]:
        """Return what makes a client for one origin; its addresses take turns, beginning with the `first`."""
        turn = itertools.count(first)
        if access.http2:
            over_http2 = Http2Access.of(access)
            return lambda: Http2Client(over_http2.turned(next(turn)), REPLY_DEADLINE_S)
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
