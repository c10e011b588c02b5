"""How far a worker's clock is from its master's, measured as NTP does: the shortest of several round trips counts.

The master answered at some moment of the round trip: taken for its middle, the offset is wrong by half the round trip
at most, however uneven the two ways are.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

_WINDOW_NS = 60_000_000_000
_MOST_OPEN = 100


class Measured(NamedTuple):
    """A worker's clock less its master's, give or take `uncertainty_s`."""

    offset_s: float
    uncertainty_s: float

    @property
    def shown(self) -> float:
        """By how much the two differ at least; below 0 when they may agree."""
        return abs(self.offset_s) - self.uncertainty_s


class ClockOffsets:
    """What a worker measures; `now` is the clock that its records are written by (ns).

    Clocks drift: of each minute the shortest round trip counts, and of the minutes the one that shows the most.
    """

    def __init__(self, now: Callable[[], int]) -> None:
        self._now = now
        self._open: dict[int, None] = {}
        self._best: Measured | None = None
        self._worst: Measured | None = None
        self._window_ends = 0
        self._pings = 0

    def ping(self) -> dict[str, int]:
        """Return the ping, to be sent to the master at once."""
        sent = self._now()
        self._open[sent] = None
        if len(self._open) > _MOST_OPEN:
            del self._open[next(iter(self._open))]
        return {"sent": sent}

    def pong(self, pong: dict[str, int]) -> None:
        """Take the master's answer; one to no open ping counts for nothing."""
        here, sent = self._now(), pong["sent"]
        if sent not in self._open or here < sent:
            return
        del self._open[sent]
        self._pings += 1
        measured = Measured(offset_s=((sent + here) // 2 - pong["at"]) / 1e9, uncertainty_s=(here - sent) / 2e9)
        if here >= self._window_ends:
            self._worst, self._best = self._most(), None
            self._window_ends = here + _WINDOW_NS
        if self._best is None or measured.uncertainty_s < self._best.uncertainty_s:
            self._best = measured

    def to_json(self) -> dict[str, float] | None:
        """Return what was measured until now; None before the first answer."""
        most = self._most()
        return None if most is None else {**most._asdict(), "pings": self._pings}

    def _most(self) -> Measured | None:
        known = [one for one in (self._worst, self._best) if one is not None]
        return max(known, key=lambda one: one.shown, default=None)


SAME_CLOCK: dict[str, float] = {"offset_s": 0.0, "uncertainty_s": 0.0, "pings": 0}


def pong_to(ping: dict[str, Any], now: int) -> dict[str, int]:
    """Return the master's answer to a ping that it received just `now` (ns)."""
    return {"sent": int(ping["sent"]), "at": now}
