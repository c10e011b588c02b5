"""Which workers of a run are still at work, as its master sees them.

A worker that sends nothing may be dead, paused, or cut off; it may also come back, and plays on then. So it is given up
only when it can't be waited for any longer: a run ends when each of its workers is done or given up.
"""

from collections.abc import Collection, Iterable

_NS = 1_000_000_000
# A worker that receives nothing from its master stops by itself after this time, counted while it isn't paused.
ALONE_S = 15
_SILENT_NS = (ALONE_S + 5) * _NS  # so a worker that is silent for longer plays no more, or is paused
_QUIT_NS = 2 * _NS
_GRACE_NS = 5 * _NS
_LONGEST_NS = 60 * _NS


class WorkerLiveness:
    """The `names` of a run's workers and when each was last seen; `ends_at` is when the plan ends. Times in ns.

    All holds as of the last look, so that a master that was paused takes no worker for dead.
    """

    def __init__(self, names: Iterable[str], started_at: int, ends_at: int) -> None:
        self._ends_at, self._now = ends_at, started_at
        self._heard = dict.fromkeys(names, started_at)
        self._known = dict(self._heard)
        self.done: dict[str, str] = {}

    def finished(self, name: str, ended: str) -> None:
        """Take note that a worker's part is over, and how it ended."""
        self.done[name] = ended

    def see(self, now: int, heard: Collection[str], silent: Collection[str]) -> None:
        """Take note of the workers that are `heard` now, and of those that are `silent` but haven't left."""
        self._now = now
        self._heard.update({name: now for name in heard if name in self._heard})
        self._known.update({name: now for name in (*heard, *silent) if name in self._known})

    @property
    def is_over(self) -> bool:
        """Whether each worker is done or given up."""
        return all(name in self.done or self._is_given_up(name) for name in self._heard)

    @property
    def is_complete(self) -> bool:
        """Whether each worker completed its part."""
        return all(self.done.get(name) == "completed" for name in self._heard)

    def _is_given_up(self, name: str) -> bool:
        """Whether a worker that isn't done left, is silent for too long or after the plan's end, or won't end."""
        silent_for, past_the_end = self._now - self._heard[name], self._now - self._ends_at
        has_left = self._now - self._known[name] > _QUIT_NS
        is_silent = silent_for > _SILENT_NS or (silent_for > _QUIT_NS and past_the_end > _GRACE_NS)
        return has_left or is_silent or past_the_end > _LONGEST_NS
