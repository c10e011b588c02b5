"""How long the hub was held up: by a computation of ours, a busy machine, or a process that was paused.

While it is, no session starts, no request is sent and no reply is read, so every time that is measured is too long.
"""

from collections.abc import Callable

from loadtests.live.histogram import Histogram

_NS = 1_000_000_000


class HubLag:
    """How much later than it should each beat of a timer of `period_s` comes; `clock` tells ns.

    What happens after `ends_at` (ns), when all sessions are cut off at once, delays no request and isn't counted.
    """

    def __init__(self, clock: Callable[[], int], ends_at: int, period_s: float) -> None:
        self._clock, self._ends_at, self._period_ns = clock, ends_at, round(period_s * _NS)
        self._late = Histogram()
        self._due_at = 0

    def begin(self) -> None:
        """Expect the first beat one period from now."""
        self._due_at = self._clock() + self._period_ns

    def beat(self) -> None:
        """Note how late this beat comes; the next is due one period from now."""
        now = self._clock()
        if self._due_at < self._ends_at:
            self._late.add((min(now, self._ends_at) - self._due_at) / _NS)
        self._due_at = now + self._period_ns

    def to_json(self) -> dict[str, float | None]:
        """Return the 99th percentile and the longest, in seconds; None before the first beat."""
        return {"p99": self._late.quantile(0.99), "max": self._late.quantile(1.0)}
