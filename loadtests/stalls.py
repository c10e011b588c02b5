"""How long the hub was held up: by a computation of ours, a busy machine, or a process that was paused.

While it is, no session starts, no request is sent and no reply is read, so every time that is measured is too long.
"""

from collections.abc import Callable

from gevent.event import Event

from loadtests.histogram import Histogram

_BEAT_S = 0.05
_NS = 1_000_000_000


class Stalls:
    """How much later than it should a greenlet that sleeps 50 ms at a time wakes; `clock` tells ns.

    What happens after `ends_at` (ns), when everyone is cut off at once, holds nobody up and isn't counted.
    """

    def __init__(self, clock: Callable[[], int], ends_at: int) -> None:
        self._clock, self._ends_at = clock, ends_at
        self._late = Histogram()

    def watch(self, over: Event) -> None:
        """Look until it is `over`, or the end has come."""
        while (due := self._clock() + round(_BEAT_S * _NS)) < self._ends_at:
            if over.wait(timeout=_BEAT_S):
                return
            self._late.add((min(self._clock(), self._ends_at) - due) / _NS)

    def to_json(self) -> dict[str, float | None]:
        """Return the 99th percentile and the longest, in seconds; None before the first look."""
        return {"p99": self._late.quantile(0.99), "max": self._late.quantile(1.0)}
