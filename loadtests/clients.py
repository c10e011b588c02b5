"""How the shoppers of one worker reach the shop: each over connections of its own, or all over some that they share."""

import itertools
from collections.abc import Callable

from loadtests.client.access import Access
from loadtests.client.http2.shopper import Http2Client
from loadtests.client.pool import Pool
from loadtests.client.sharing import Shared, SharingClient
from loadtests.client.shopper import ShopperClient
from loadtests.records import StepLog, StepRecord

REPLY_DEADLINE_S = 30.0


class Clients:
    """Makes the shoppers' clients; with `shared` they share that many connections to each origin.

    `log` is where their requests are to be logged: a request that waited for a shared connection was sent when it had
    one, not when it was due. `now` is the clock of the records, in ns.
    """

    def __init__(self, shared: int | None, now: Callable[[], int]) -> None:
        self._shared, self._now = shared, now
        self._pools: list[Pool] = []
        self._sent_at: dict[str, int] = {}
        self.log = StepLog() if shared is None else _CorrectedLog(self._sent_at)

    def of(self, access: Access, first: int) -> Callable[[], ShopperClient]:
        """Return what makes a client for one origin; its addresses take turns, beginning with the `first`."""
        turn = itertools.count(first)
        if access.http2:
            return lambda: Http2Client(access.turned(next(turn)), REPLY_DEADLINE_S)
        if self._shared is None:
            return lambda: ShopperClient(access.turned(next(turn)), REPLY_DEADLINE_S)
        pool = Pool(self._shared)
        self._pools.append(pool)
        shared = Shared(pool, self._tell_sent)
        return lambda: SharingClient(access.turned(next(turn)), REPLY_DEADLINE_S, shared)

    def close(self) -> None:
        """Close the shared connections."""
        for pool in self._pools:
            pool.close()

    def _tell_sent(self, traceparent: str) -> None:
        self._sent_at[traceparent] = self._now()


class _CorrectedLog(StepLog):
    """A log that puts in when each request was really sent."""

    __slots__ = ()

    def __init__(self, sent_at: dict[str, int]) -> None:
        super().__init__()
        keep = self.add

        def add(record: StepRecord) -> None:
            keep(record._replace(sent_at=sent_at.pop(record.traceparent, record.sent_at)))

        self.add = add


def share_of(connections: int | None, index: int, workers: int) -> int | None:
    """Return how many of the plan's connections worker number `index` has, one at least; None when all have their own.

    The shares add up to `connections` unless there are fewer than workers.
    """
    if connections is None:
        return None
    return max(1, connections // workers + (index < connections % workers))
