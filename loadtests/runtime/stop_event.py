"""A bell that several greenlets listen for while each does something of its own from time to time.

They can't share one of gevent's events: of two waiters whose timeouts run out in the turn of the hub in which it is
set, the first would wait on for ever (gevent 26.9: the second takes away the notice that the first relies on).
"""

from gevent.event import Event


class StopEvent:
    """Rings once; who listens has an event of its own, set when it rings, at once if it has rung."""

    def __init__(self) -> None:
        self._events: list[Event] = []
        self._rung = False

    def listen(self) -> Event:
        """Return an event for one greenlet to wait for."""
        event = Event()
        self._events.append(event)
        if self._rung:
            event.set()
        return event

    def ring(self) -> None:
        """Set every event."""
        self._rung = True
        for event in self._events:
            event.set()
