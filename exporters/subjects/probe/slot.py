"""The probes of one target and module: no two at once, no more often than the interval, and what they found."""

import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass

from loadtests.probe.result import ProbeResult

RECENT = 3
EARLY_S = 5.0
"""A scrape may come so much before its interval is over: a scraper's clock isn't ours. The mean is kept."""
Play = Callable[[float], ProbeResult]


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What is known of a target and module: the last probe, the last that was played, and the last three.

    `now_s` is when it was asked (Unix time), `recent_failures` None without a probe that was played.
    """

    every_s: float
    now_s: float
    last: ProbeResult | None = None
    played: ProbeResult | None = None
    succeeded_at_s: float | None = None
    recent_failures: int | None = None

    def fresh(self, result: ProbeResult | None) -> ProbeResult | None:
        """Return a result that is there and young enough to say how things are, else None."""
        if result is None or self.now_s - result.began_at_s > RECENT * self.every_s:
            return None
        return result


class Slot:
    """One target and module: `play` plays a probe within so many seconds and raises nothing."""

    def __init__(self, every_s: float, play: Play, clock: Callable[[], float], now: Callable[[], float]) -> None:
        self._every_s, self._play, self._clock, self._now = every_s, play, clock, now
        self._lock = threading.Lock()
        self._due_at = float("-inf")
        self._under_way: Future[None] | None = None
        self._recent: deque[bool] = deque(maxlen=RECENT)
        self._last: ProbeResult | None = None
        self._played: ProbeResult | None = None
        self._succeeded_at_s: float | None = None

    def change(self, every_s: float, play: Play) -> None:
        """Play by another configuration from the next probe on; what was found and what is under way stays."""
        with self._lock:
            self._every_s, self._play = every_s, play

    def first_at(self, at: float) -> None:
        """Let the first probe on the timer be due at `at`."""
        self._due_at = at

    def begin(self, within_s: float, early_s: float = EARLY_S) -> "Future[None] | None":
        """Begin a probe when one is due, within `early_s`, and return it or the one under way; None when none is."""
        with self._lock:
            now = self._clock()
            if self._under_way is not None or now < self._due_at - early_s:
                return self._under_way
            self._due_at = max(self._due_at, now) + self._every_s
            under_way = self._under_way = Future[None]()
        threading.Thread(target=self._run, args=(under_way, within_s), name="probe", daemon=True).start()
        return under_way

    def seen(self) -> Seen:
        """Return what is known now."""
        with self._lock:
            return Seen(
                every_s=self._every_s,
                now_s=self._now(),
                last=self._last,
                played=self._played,
                succeeded_at_s=self._succeeded_at_s,
                recent_failures=sum(not success for success in self._recent) if self._recent else None,
            )

    def _run(self, under_way: "Future[None]", within_s: float) -> None:
        result = self._play(within_s)
        with self._lock:
            self._last, self._under_way = result, None
            if result.success is not None:
                self._played = result
                self._recent.append(result.success)
            if result.success:
                self._succeeded_at_s = result.began_at_s
        under_way.set_result(None)
