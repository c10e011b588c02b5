"""The one clock of a process: wall time that never jumps."""

import hashlib
import time
from dataclasses import dataclass
from pathlib import Path

from slo.boot_time import BootTime

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
_PROCESS = Path("/proc/self")
_BOOTTIME = getattr(time, "CLOCK_BOOTTIME", None)  # Linux: goes on in sleep, and no clock that is set moves it


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

    def step_s(self) -> float:
        """Return by how many seconds the machine's wall clock was set since this one was started."""
        return (time.time_ns() - self.now()) / 1e9


def since_boot() -> BootTime:
    """Return this moment by the time since the machine was started; nothing known where the system doesn't tell.

    In a time namespace, as a container may have, that time is another: it counts as another start.
    """
    try:
        boot, offset = _BOOT_ID.read_bytes(), _namespace_offset(_PROCESS)
    except OSError:
        return BootTime()
    if _BOOTTIME is None or offset is None:
        return BootTime()
    return BootTime(boot=hashlib.sha256(boot + offset).hexdigest()[:16], elapsed_ns=time.clock_gettime_ns(_BOOTTIME))


def _namespace_offset(process: Path) -> bytes | None:
    """Return by how much a time namespace shifts the time since the start, nothing for none: time_namespaces(7).

    None where it isn't known: the file tells of the process's children, whose namespace may be another. Raises OSError.
    """
    offsets, namespaces = process / "timens_offsets", process / "ns"
    if not offsets.exists():
        return b""
    if (namespaces / "time").readlink() != (namespaces / "time_for_children").readlink():
        return None
    found = next((line.split()[1:] for line in offsets.read_bytes().splitlines() if line.startswith(b"boottime")), None)
    if found is None:
        return None
    return b"" if {*found} == {b"0"} else b" ".join(found)
