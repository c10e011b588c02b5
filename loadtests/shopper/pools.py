"""Which rows of a file a worker may give out to whom: pure arithmetic on row numbers.

Of a file whose rows go to one session at a time, or to one at all, worker `index` of `workers` owns the rows whose
number, divided by `workers`, leaves `index`: so no two workers give out the same one, and none needs to ask another.
Of a file that is shared each worker gives out any row.
"""

from collections import deque
from itertools import chain

from loadtests.demand.splitmix import SplitMix64
from loadtests.environment.data_targets import Use

_SHORTEST_NS = 1_000_000_000


class Pool:
    """The rows of one file that one worker gives out; moments are in ns.

    `given` counts how often a row was given out, `lacked` how often none was free, `locked` how many are out of use.
    `in_use_peak` rows were in sessions at once. `short_peak` is about how many more would have been: each session that
    found none is counted as if it had one for as long as they are kept on average. Of rows used once it is `lacked`.
    """

    def __init__(self, rows: int, use: Use, index: int = 0, workers: int = 1) -> None:
        self.use = use
        self._numbers = range(rows) if use == "shared" else range(index, rows, workers)
        self._next = 0
        self._given_back: deque[int] = deque()
        self._in_use: dict[int, int] = {}
        self._locked: set[int] = set()
        self._kept_ns, self._kept = 0, 0
        self._without: deque[int] = deque()
        self.given = self.lacked = self.in_use_peak = self.short_peak = 0

    def __len__(self) -> int:
        """Return how many rows are this worker's."""
        return len(self._numbers)

    @property
    def locked(self) -> int:
        """How many rows are out of use."""
        return len(self._locked)

    def take(self, now: int, random: SplitMix64) -> int | None:
        """Return the number of a row, None when none is free. Of exclusive ones, that which is unused the longest."""
        row = self._drawn(random) if self.use == "shared" else self._free()
        if row is None:
            self._count_lack(now)
            return None
        self.given += 1
        if self.use == "exclusive":
            self._in_use[row] = now
            self.in_use_peak = max(self.in_use_peak, len(self._in_use))
        return row

    def give_back(self, row: int, now: int) -> None:
        """Take a row back at its session's end; giving it back again does nothing."""
        taken_at = self._in_use.pop(row, None)
        if taken_at is None:
            return
        self._kept_ns, self._kept = self._kept_ns + now - taken_at, self._kept + 1
        if row not in self._locked:
            self._given_back.append(row)

    def lock(self, row: int) -> None:
        """Give the row out no more."""
        self._locked.add(row)

    def _free(self) -> int | None:
        if self._next < len(self._numbers):
            self._next += 1
            return self._numbers[self._next - 1]
        return self._given_back.popleft() if self._given_back else None

    def _drawn(self, random: SplitMix64) -> int | None:
        first = int(random.random() * len(self._numbers))
        if not self._locked:
            return first
        if len(self._locked) >= len(self._numbers):
            return None
        rest = chain(range(first, len(self._numbers)), range(first))
        return next((row for row in rest if row not in self._locked), None)

    def _count_lack(self, now: int) -> None:
        self.lacked += 1
        while self._without and self._without[0] <= now:
            self._without.popleft()
        kept_ns, kept = self._kept_ns, self._kept
        if not kept:
            kept_ns, kept = sum(now - taken_at for taken_at in self._in_use.values()), len(self._in_use)
        if self.use == "once":
            self.short_peak = self.lacked
            return
        self._without.append(now + max(_SHORTEST_NS, kept_ns // kept if kept else 0))
        self.short_peak = max(self.short_peak, len(self._without))
