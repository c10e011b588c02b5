"""A steady window: the generator's CPU and the target's count at two moments, and what lies between them."""

import time
from dataclasses import dataclass
from pathlib import Path

from scripts.benches.engine.target import Status

_CPU_CLOCK = 2  # CPUCLOCK_SCHED of Linux's include/linux/posix-timers.h: all threads of a process


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """One reading: when it was, in ns since the epoch as records have it, and the generator's CPU in ns."""

    at_ns: int
    cpu_ns: int
    status: Status
    rss_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """What happened between two moments."""

    before: Moment
    after: Moment

    @property
    def wall_s(self) -> float:
        """How long it was."""
        return (self.after.at_ns - self.before.at_ns) / 1e9

    @property
    def cpu_s(self) -> float:
        """What the generator used."""
        return (self.after.cpu_ns - self.before.cpu_ns) / 1e9

    @property
    def requests(self) -> int:
        """What the target counted."""
        return self.after.status.requests - self.before.status.requests

    @property
    def accepts(self) -> int:
        """How many connections the target accepted: over TLS, as many handshakes."""
        return self.after.status.accepts - self.before.status.accepts

    @property
    def cpu_us(self) -> float:
        """Microseconds of CPU a request."""
        return 1e6 * self.cpu_s / self.requests

    @property
    def rate_per_s(self) -> float:
        """Requests a second."""
        return self.requests / self.wall_s

    @property
    def cpu_share(self) -> float:
        """The share of one core."""
        return self.cpu_s / self.wall_s


def cpu_ns(pid: int) -> int:
    """Return the CPU time of a process and all its threads so far, in ns; raises OSError when it is gone.

    It is /proc/PID/stat's, read from the process's own CPU clock (clock_getcpuclockid(3)): not rounded to ticks.
    """
    return time.clock_gettime_ns((~pid << 3) | _CPU_CLOCK)


def rss_bytes(pid: int) -> int:
    """Return the memory of a process that is resident now."""
    return read_rss(Path(f"/proc/{pid}/status").read_text())


def read_rss(text: str) -> int:
    """Return VmRSS of /proc/PID/status in bytes; raises ValueError when it isn't there."""
    for line in text.splitlines():
        name, _, value = line.partition(":")
        if name == "VmRSS":
            return int(value.split()[0]) << 10
    raise ValueError("no VmRSS: the process has ended")
