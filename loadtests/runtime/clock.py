"""The one clock of a process: wall time that never jumps."""

import time
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Clock:
    """Nanoseconds since the epoch: one wall offset taken at the start, plus the monotonic clock."""

    offset_ns: int

    @classmethod
    def start(cls) -> "Clock":
        """Take the wall offset now."""
        return cls(offset_ns=time.time_ns() - time.perf_counter_ns())

    def now(self) -> int:
        """Return the time in ns since the epoch."""
        return self.offset_ns + time.perf_counter_ns()
