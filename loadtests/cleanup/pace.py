"""How fast a cleanup may ask: one request in so many seconds, over all that is removed at once."""

from loadtests.runtime.alarms import Alarms
from loadtests.runtime.clock import Clock


class EvenPace(Alarms):
    """Lets a session go on when it is due and it is its turn: turns are `every_s` apart, and each is given once."""

    def __init__(self, clock: Clock, every_s: float) -> None:
        super().__init__(clock)
        self._now, self._every_ns, self._next_at = clock.now, round(every_s * 1e9), 0

    def sleep_until(self, due_at: int) -> int:
        """Sleep until `due_at` (ns), and until the next turn, which is taken; return the time (ns)."""
        turn = max(due_at, self._next_at, self._now())
        self._next_at = turn + self._every_ns
        return super().sleep_until(turn)
