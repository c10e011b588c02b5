"""A read that a source is asked for at most every so often; until then its last answer, or failure, stands."""

import threading
import time
from collections.abc import Callable
from typing import Generic, TypeVar

from exporters.serving.scrape import Read
from exporters.serving.source import Deadline, Unreadable

Value = TypeVar("Value")


class AtMostEvery(Generic[Value]):
    """Asks `read` at most every `every_s` seconds, for a source that each scrape would be too much for.

    After a failure it is asked again after `retry_s`, or `every_s` where that isn't given.
    """

    def __init__(
        self,
        every_s: float,
        read: Read[Value],
        clock: Callable[[], float] = time.monotonic,
        retry_s: float | None = None,
    ) -> None:
        self._every_s, self._read, self._clock = every_s, read, clock
        self._retry_s = every_s if retry_s is None else retry_s
        self._lock = threading.Lock()
        self._asked_at = float("-inf")
        self._answer: list[Value] = []
        self._failure = ""

    def __call__(self, deadline: Deadline) -> Value:
        """Return the answer; raises Unreadable as the last read did."""
        if not self._lock.acquire(timeout=deadline.left_s()):
            raise Unreadable("another read is still under way")
        try:
            if self._clock() - self._asked_at >= (self._every_s if self._answer else self._retry_s):
                self._ask(deadline)
            if not self._answer:
                raise Unreadable(self._failure)
            return self._answer[0]
        finally:
            self._lock.release()

    def _ask(self, deadline: Deadline) -> None:
        self._answer = []
        try:
            self._answer = [self._read(deadline)]
        except Unreadable as error:
            self._failure = str(error)
        self._asked_at = self._clock()
