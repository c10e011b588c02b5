"""Kept connections that all shoppers of a worker share, for a plan that wants them; what a browser never does."""

from collections import deque
from time import monotonic, monotonic_ns
from typing import Any

from gevent import GreenletExit, get_hub, getcurrent

from loadtests.client.access import Access
from loadtests.client.errors import CutOffError, DeadlineError
from loadtests.client.http1_client import ShopperClient
from loadtests.client.interface import Reply, Request
from loadtests.client.sockets.connection import Connection
from loadtests.client.sockets.deadlines import deadlines


class Pool:
    """At most `size` connections at a time, to one origin; who finds none free waits for a turn, first come first.

    Each `take` is followed by one `give`. One that its server closes while it rests leaves by itself. Only connections
    are shared: cookies stay the shopper's.
    """

    def __init__(self, size: int) -> None:
        self._size = size
        self._taken = 0
        self._resting: list[Connection] = []
        self._queue: deque[_Turn] = deque()

    def take(self, ends_at: float) -> Connection | None:
        """Return an open connection, the last given first; None for leave to open one.

        Waits until `ends_at` of the monotonic clock; raises DeadlineError then.
        """
        if self._taken < self._size:
            self._taken += 1
        else:
            self._wait(ends_at)
        while self._resting:
            connection = self._resting.pop()
            if not connection.closed:
                return connection
        return None

    def give(self, connection: Connection | None) -> None:
        """Take back what was taken or opened, None when nothing is left of it."""
        if connection is not None:
            self._resting.append(connection)
        self._pass_on()

    def close(self) -> None:
        """Close those that rest."""
        while self._resting:
            self._resting.pop().close()

    def _wait(self, ends_at: float) -> None:
        """Wait for a turn; whatever is thrown into the wait, a turn that was given isn't lost."""
        turn = _Turn(ends_at)
        self._queue.append(turn)
        deadlines().watch(turn)
        try:
            get_hub().switch()
        except BaseException:
            if turn.given:
                self._pass_on()
            else:
                self._queue.remove(turn)
            raise
        finally:
            turn.waiter = None
            deadlines().forget(turn)

    def _pass_on(self) -> None:
        """Let the next in the queue have the place, or leave it free."""
        if self._queue:
            self._queue.popleft().give()
        else:
            self._taken -= 1


class _Turn:
    """One who waits, woken by the hub; `ends_at` is when it waits no more."""

    __slots__ = ("ends_at", "given", "waiter")

    def __init__(self, ends_at: float) -> None:
        self.ends_at = ends_at
        self.given = False
        self.waiter: Any = getcurrent()

    def give(self) -> None:
        self.given = True
        get_hub().loop.run_callback(self._wake)

    def _wake(self) -> None:
        if self.waiter is not None:  # who was thrown out meanwhile has passed the turn on
            self.waiter.switch()


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
        other = SharingClient(self._access.at_root, self._deadline_s, self._pool)
        other._jar = self._own_jar()
        return other

    def close(self) -> None:
        """Between requests there is nothing to close; one that is broken off gives its connection back itself."""
