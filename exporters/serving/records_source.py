"""Reads a user's shop records for an exporter: gently, and from a process that ends with the run."""

import threading
import time
from collections.abc import Callable
from typing import Literal

from exporters.serving.source import Deadline, Unreadable
from loadtests.audit.readers import Reader
from loadtests.audit.unavailable import SourceUnavailableError

EVERY_S = 10.0


class RecordsSource:
    """One kind of shop records, asked at most every 10 s; until then its last answer stands.

    `turn` is held while the process is asked: sources of one process share it. `now` is the time in ns.
    """

    def __init__(
        self,
        records: Reader,
        kind: Literal["stock", "funnel"],
        turn: threading.Lock,
        now: Callable[[], int],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._records, self._kind, self._turn, self._now, self._clock = records, kind, turn, now, clock
        self.shown = f"shop_records: {kind}()"
        self._asked_at = float("-inf")
        self._answer: object = None
        self._failure: str | None = None

    def read(self, deadline: Deadline) -> object:
        """Return the answer as a page would give it; raises Unreadable."""
        if self._clock() - self._asked_at >= EVERY_S:
            if not self._turn.acquire(timeout=deadline.left_s()):
                raise Unreadable(f"{self.shown}: another is still asked")
            try:
                self._ask()
            finally:
                self._turn.release()
        if self._failure is not None:
            raise Unreadable(self._failure)
        return self._answer

    def _ask(self) -> None:
        try:
            self._answer, self._failure = self._asked(), None
        except SourceUnavailableError as error:
            self._failure = str(error)
        self._asked_at = self._clock()

    def _asked(self) -> object:
        if self._kind == "stock":
            return self._records.stock(self._now()).model_dump(mode="json")
        return {"funnel": dict(self._records.funnel(self._now())), "orders": {}, "orders_by_location": {}}
