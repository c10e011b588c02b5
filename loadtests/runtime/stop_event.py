"""A stop event that several greenlets wait for, each with a timeout.

They can't share one gevent Event: if the timeouts of two waiters expire in the hub's iteration in which it is set, the
first would wait for ever (gevent 26.9: the second removes the notification that the first relies on).
"""

from gevent.event import Event


class StopEvent:
    """Is set once; each listener has an Event of its own, which is set with it, or at once if it was set before."""

    def __init__(self) -> None:
        self._events: list[Event] = []
        self._is_set = False

    def listen(self) -> Event:
        """Return an Event for one greenlet to wait for."""
        event = Event()
        self._events.append(event)
        if self._is_set:
            event.set()
        return event

    def ring(self) -> None:
        """Set the events of all listeners, present and future."""
        self._is_set = True
        for event in self._events:
            event.set()
