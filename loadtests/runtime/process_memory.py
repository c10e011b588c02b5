"""The most memory a process has had.

Linux hands `getrusage`'s peak on through exec: a small process that a large one started reports the large one's. The
kernel's own word of it, `VmHWM`, is that of the program alone.
"""

import platform
import resource
from pathlib import Path

_STATUS = "/proc/{}/status"
_KEY = "VmHWM:"
_UNIT = 1 if platform.system() == "Darwin" else 1024


def peak_rss_bytes() -> int:
    """Return this process's largest resident set so far, in bytes; where no system tells, `getrusage`'s."""
    try:
        return peak_rss_bytes_of("self")
    except (OSError, ValueError):
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * _UNIT


def peak_rss_bytes_of(pid: int | str) -> int:
    """Return the largest resident set of another process, in bytes.

    Raises OSError where there is no such process or no Linux, and ValueError where the kernel doesn't say.
    """
    kib, _, _ = Path(_STATUS.format(pid)).read_text().partition(_KEY)[2].strip().partition(" ")
    return int(kib) * 1024
