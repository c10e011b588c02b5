"""The environment's ceiling at run time: what one worker may send of it, however the plan was worked out.

An open model can't wait: what would exceed the ceiling isn't sent, its session ends there, and it is counted.
"""

import math
from array import array
from collections import Counter
from typing import Literal

from loadtests.environment.targets import Ceiling

_SECOND = 1_000_000_000
_NEVER = -(1 << 62)
_UNREACHABLE = 1_000_000  # no process sends as many in a second: nothing is kept of more
Reason = Literal["ceiling_requests", "ceiling_orders"]
_BROWSER_SHARE = 10


def split(ceiling: Ceiling) -> tuple[Ceiling, Ceiling]:
    """Return the load's share of a ceiling and a real browser's beside it: one session, a tenth of the rate, no order.

    Raises ValueError when there isn't enough for both.
    """
    least = max(1.0, ceiling.requests_per_s / _BROWSER_SHARE)
    if ceiling.open_sessions == 1 or ceiling.requests_per_s <= least:
        raise ValueError("has no room for a browser beside the load")
    load = {"requests_per_s": ceiling.requests_per_s - least, "open_sessions": ceiling.open_sessions - 1}
    browser = {"requests_per_s": least, "open_sessions": 1, "orders": 0}
    return ceiling.model_copy(update=load), ceiling.model_copy(update=browser)


class CeilingReachedError(Exception):
    """A request or an order that isn't sent: the ceiling is reached. The message is the reason."""


class Ceilings:
    """The share of worker `index` of `workers`; the shares of all add up to no more than the ceiling.

    All workers together send no more than `requests_per_s` requests in any one second, its whole part; when that is
    less than one each, every worker sends one in `workers / requests_per_s` seconds.
    """

    def __init__(self, ceiling: Ceiling, index: int, workers: int) -> None:
        whole = int(ceiling.requests_per_s)
        most = whole // workers + (index < whole % workers) if whole >= workers else 1
        self._window_ns = _SECOND if whole >= workers else math.ceil(_SECOND * workers / ceiling.requests_per_s)
        self._most = min(most, _UNREACHABLE)
        self._sent = array("q", [_NEVER]) * self._most  # a ring: the oldest is the next to be overwritten
        self._oldest = 0
        self._orders_left = ceiling.orders // workers + (index < ceiling.orders % workers)
        self.refused: Counter[Reason] = Counter()

    def has_room(self, now: int) -> bool:
        """Whether a request may be sent at `now` (ns)."""
        return now - self._sent[self._oldest] >= self._window_ns

    def take_request(self, now: int) -> None:
        """Count one request that is about to be sent; raises CeilingReachedError when it may not be."""
        oldest = self._oldest
        if now - self._sent[oldest] < self._window_ns:
            raise self._refusal("ceiling_requests")
        self._sent[oldest] = now
        self._oldest = oldest + 1 if oldest + 1 < self._most else 0

    def take_order(self) -> None:
        """Count one order that is about to be attempted; raises CeilingReachedError when it may not be."""
        if self._orders_left <= 0:
            raise self._refusal("ceiling_orders")
        self._orders_left -= 1

    def _refusal(self, reason: Reason) -> CeilingReachedError:
        self.refused[reason] += 1
        return CeilingReachedError(reason)
