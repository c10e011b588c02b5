"""Waking sessions when their next step is due: one timer in the hub for all of them.

A timer and a waiter of gevent's for each pause would be 376 bytes more for each of tens of thousands of sessions that
think, and all that are due would be woken in one go. Here a session that is woken is switched to at once, and sessions
that are due together are woken some at a time, so that replies are read in between.
"""

from heapq import heappop, heappush
from itertools import count
from sys import maxsize
from typing import Any

from gevent import get_hub, getcurrent

from loadtests.runtime.clock import Clock
from loadtests.runtime.hub import switch_to_hub

_AT_ONCE = 64
_NUMBER_BITS = 24
_NUMBERS = (1 << _NUMBER_BITS) - 1
_NEVER = maxsize


class Alarms:
    """Wakes greenlets at moments of `clock`.

    A sleeper's key is its moment and, below that, a number that keeps those who are due together apart and in order:
    whole numbers are what a heap compares fastest.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._keys: list[int] = []
        self._sleepers: dict[int, Any] = {}
        self._numbers = count()
        self._timer: Any = None
        self._rings_at = _NEVER
        self._sleep = switch_to_hub()

    def sleep_until(self, due_at: int) -> int:
        """Sleep until `due_at` (ns), never less, and return the time; what is thrown into the sleep ends it."""
        now = self._clock.now()
        while now < due_at:
            key = due_at << _NUMBER_BITS | next(self._numbers) & _NUMBERS
            self._sleepers[key] = getcurrent()
            heappush(self._keys, key)
            if due_at < self._rings_at:
                self._set(due_at, now)
            try:
                self._sleep()
            finally:
                self._sleepers.pop(key, None)
            now = self._clock.now()
        return now

    def _set(self, at: int, now: int) -> None:
        if self._timer is not None:
            self._timer.stop()
            self._timer.close()
        self._rings_at = at
        self._timer = get_hub().loop.timer(max(0, at - now) / 1e9)
        self._timer.start(self._ring)

    def _ring(self) -> None:
        keys, sleepers, now = self._keys, self._sleepers, self._clock.now()
        self._rings_at = now  # a greenlet that goes to sleep meanwhile mustn't set the timer
        for _ in range(_AT_ONCE):
            while keys and keys[0] not in sleepers:
                heappop(keys)
            if not keys or keys[0] >> _NUMBER_BITS > now:
                break
            sleepers.pop(heappop(keys)).switch()
        self._rings_at = _NEVER
        if keys:
            self._set(keys[0] >> _NUMBER_BITS, self._clock.now())
