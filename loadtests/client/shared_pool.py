"""A pool of keep-alive connections shared by all shoppers of a worker, for a plan that wants it; no browser does it."""

from collections import deque
from time import monotonic, monotonic_ns
from typing import Any

from gevent import GreenletExit, get_hub, getcurrent

from loadtests.client.access import Access
from loadtests.client.cookies import Jar
from loadtests.client.errors import CutOffError, DeadlineError
from loadtests.client.http1_client import ShopperClient
from loadtests.client.interface import Reply, Request
from loadtests.client.sockets.connection import Connection
from loadtests.client.sockets.deadlines import deadlines


class Pool:
    """At most `size` connections to one origin; a request that finds none free queues, first in, first out.

    Each `take` is followed by one `give`. A connection that its server closes while idle is dropped. Cookies are not
    shared.
    """

    def __init__(self, size: int) -> None:
        self._size = size
        self._taken = 0
        self._idle: list[Connection] = []
        self._queue: deque[_QueuedRequest] = deque()

    def take(self, ends_at: float) -> Connection | None:
        """Return an idle connection, the last given first; None when the caller may open one.

        Waits until `ends_at` of the monotonic clock; raises DeadlineError then.
        """
        if self._taken < self._size:
            self._taken += 1
        else:
            self._wait(ends_at)
        while self._idle:
            connection = self._idle.pop()
            if not connection.closed:
                return connection
        return None

    def give(self, connection: Connection | None) -> None:
        """Take back a connection, None when it was lost."""
        if connection is not None:
            self._idle.append(connection)
        self._pass_on()

    def close(self) -> None:
        """Close the idle connections."""
        while self._idle:
            self._idle.pop().close()

    def _wait(self, ends_at: float) -> None:
        """Wait in the queue; a place that was granted isn't lost when the wait is interrupted."""
        queued = _QueuedRequest(ends_at)
        self._queue.append(queued)
        deadlines().watch(queued)
        try:
            get_hub().switch()
        except BaseException:
            if queued.granted:
                self._pass_on()
            else:
                self._queue.remove(queued)
            raise
        finally:
            queued.waiter = None
            deadlines().forget(queued)

    def _pass_on(self) -> None:
        """Grant the place to the next in the queue, or leave it free."""
        if self._queue:
            self._queue.popleft().give()
        else:
            self._taken -= 1


class _QueuedRequest:
    """A request in the queue, resumed by the hub; `ends_at` is its deadline."""

    __slots__ = ("ends_at", "granted", "waiter")

    def __init__(self, ends_at: float) -> None:
        self.ends_at = ends_at
        self.granted = False
        self.waiter: Any = getcurrent()

    def give(self) -> None:
        self.granted = True
        get_hub().loop.run_callback(self._wake)

    def _wake(self) -> None:
        if self.waiter is not None:  # an interrupted one has passed its place on
            self.waiter.switch()


class SharingClient(ShopperClient):
    """A client with a cookie jar of its own that holds a connection of the `pool` only while a request is under way.

    A request that finds none free waits as long as a reply is waited for, `deadline_s`, and is a `timeout` then,
    unsent; the reply has the whole of `deadline_s` after that.
    """

    __slots__ = ("_pool",)

    def __init__(self, access: Access, deadline_s: float, pool: Pool, jar: Jar | None = None) -> None:
        super().__init__(access, deadline_s, jar)
        self._pool = pool

    def send(self, request: Request, traceparent: str) -> Reply:
        """Wait for a connection and send `request`; see ShopperClient."""
        began_at = monotonic_ns()
        try:
            self._connection = self._pool.take(monotonic() + self._deadline_s)
        except DeadlineError:
            return Reply(error="timeout", waited_ns=monotonic_ns() - began_at)
        except GreenletExit as error:
            raise CutOffError(monotonic_ns() - began_at) from error
        waited_ns = monotonic_ns() - began_at
        try:
            reply = super().send(request, traceparent)
        except GreenletExit as error:
            raise CutOffError(waited_ns) from error
        finally:
            connection, self._connection = self._connection, None
            self._pool.give(connection)
        return tuple.__new__(Reply, (*reply[:-1], waited_ns))  # a third of the time of _replace

    def beside(self) -> "SharingClient":
        """Return another client of the same shopper, with the same cookies and the same pool."""
        return SharingClient(self._access.at_root, self._deadline_s, self._pool, self._own_cookies().jar)

    def close(self) -> None:
        """Do nothing: a request that is cut off gives its connection back itself."""
