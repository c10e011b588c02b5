"""A shopper whose requests go over connections that all shoppers of the worker share."""

from time import monotonic, monotonic_ns

from loadtests.client.access import Access
from loadtests.client.exchange import Reply, Request
from loadtests.client.failures import DeadlineError
from loadtests.client.pool import Pool
from loadtests.client.shopper import ShopperClient


class SharingClient(ShopperClient):
    """A client with a cookie jar of its own that holds a connection of the `pool` only while a request is under way.

    A request that finds none free waits as long as a reply is waited for, `deadline_s`, and is a `timeout` then,
    unsent; the reply has the whole of `deadline_s` after that.
    """

    __slots__ = ("_pool",)

    def __init__(self, access: Access, deadline_s: float, pool: Pool) -> None:
        super().__init__(access, deadline_s)
        self._pool = pool

    def send(self, request: Request, traceparent: str) -> Reply:
        """Wait for a connection and send `request`; see ShopperClient."""
        began_at = monotonic_ns()
        try:
            connection = self._pool.take(monotonic() + self._deadline_s)
        except DeadlineError:
            self.lay_ns = 0
            return Reply(error="timeout")
        finally:
            self.waited_ns = monotonic_ns() - began_at
        self._connection = connection
        try:
            return super().send(request, traceparent)
        finally:
            connection, self._connection = self._connection, None
            self._pool.give(connection)

    def beside(self) -> "SharingClient":
        """Return another client of the same shopper, with the same cookies and the same pool."""
        other = SharingClient(self._access.at_root, self._deadline_s, self._pool)
        other._jar = self._own_jar()
        return other

    def close(self) -> None:
        """Between requests there is nothing to close; one that is broken off gives its connection back itself."""
