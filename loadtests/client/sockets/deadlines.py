"""Deadlines without a timer for each: one sweep over the open connections, four times a second."""

from time import monotonic
from typing import Any, Protocol

from loadtests.client.errors import DeadlineError
from loadtests.runtime.hub import PerHub

TICK_S = 0.25


class Waiting(Protocol):
    """A connection that may have a greenlet waiting on it, until `ends_at` of the monotonic clock."""

    waiter: Any
    ends_at: float


class Deadlines:
    """The connections of one hub; a wait beyond its deadline ends with DeadlineError, up to a tick late.

    The timer runs while there are connections and keeps no hub from ending.
    """

    def __init__(self, loop: Any) -> None:  # noqa: ANN401 - gevent has no types
        self._loop = loop
        self._timer: Any = None
        self._open: set[Waiting] = set()

    def watch(self, connection: Waiting) -> None:
        """Watch a connection."""
        self._open.add(connection)
        if self._timer is None:
            self._timer = self._loop.timer(TICK_S, TICK_S, ref=False)
            self._timer.start(self._sweep)

    def forget(self, connection: Waiting) -> None:
        """Stop watching it; an unknown one is ignored."""
        self._open.discard(connection)

    def _sweep(self) -> None:
        now = monotonic()
        for connection in tuple(self._open):  # the greenlet may close this one and others
            if connection.ends_at <= now and connection.waiter is not None:
                connection.waiter.throw(DeadlineError("not over in time"))
        if not self._open:
            self._timer.stop()
            self._timer.close()
            self._timer = None


deadlines = PerHub(lambda hub: Deadlines(hub.loop))
