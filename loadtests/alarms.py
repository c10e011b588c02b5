"""Waking sessions when their next step is due: one timer in the hub for all of them.

A timer and a waiter of gevent's for each pause cost 2 µs and 400 bytes more, for tens of thousands of sessions that
think. A session that is woken is switched to at once; sessions that are due together are woken some at a time, so that
replies are read in between.
"""

from heapq import heappop, heappush
from itertools import count
from typing import Any

from gevent import get_hub, getcurrent

from loadtests.clock import Clock

_AT_ONCE = 64

_Entry = list[Any]  # [due_at, number, greenlet or None for one that waits no more]


class Alarms:
    """Wakes greenlets at moments of `clock`."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._entries: list[_Entry] = []
        self._numbers = count()
        self._timer: Any = None
        self._rings_at: int | None = None

    def sleep_until(self, due_at: int) -> int:
        """Sleep until `due_at` (ns), never less, and return the time; what is thrown into the sleep ends it."""
        now = self._clock.now()
        while now < due_at:
            self._sleep(due_at, now)
            now = self._clock.now()
        return now

    def _sleep(self, due_at: int, now: int) -> None:
        entry: _Entry = [due_at, next(self._numbers), getcurrent()]
        heappush(self._entries, entry)
        if self._rings_at is None or due_at < self._rings_at:
            self._set(due_at, now)
        try:
            get_hub().switch()
        finally:
            entry[2] = None

    def _set(self, at: int, now: int) -> None:
        if self._timer is not None:
            self._timer.stop()
            self._timer.close()
        self._rings_at = at
        self._timer = get_hub().loop.timer(max(0, at - now) / 1e9)
        self._timer.start(self._ring)

    def _ring(self) -> None:
        entries, now = self._entries, self._clock.now()
        self._rings_at = now  # nobody who goes to sleep meanwhile sets the timer: that is done below
        for _ in range(_AT_ONCE):
            while entries and entries[0][2] is None:
                heappop(entries)
            if not entries or entries[0][0] > now:
                break
            heappop(entries)[2].switch()
        self._rings_at = None
        if entries:
            self._set(entries[0][0], self._clock.now())
