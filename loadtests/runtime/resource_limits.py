"""The system's limits for a load generator: file descriptors, one a connection, and local ports.

A connection that we close keeps its local port for a minute (TIME_WAIT).
"""

import os
import resource
from pathlib import Path

_RANGE = Path("/proc/sys/net/ipv4/ip_local_port_range")
_TIME_WAIT_S = 60
# What a process needs beside its sessions: the interpreter, parts, the ledger, Locust's sockets, spans.
_BESIDE = 256
_FOLDERS = (Path("/proc/self/fd"), Path("/dev/fd"))


def needed(open_sessions: int, workers: int, connections: int = 1) -> int:
    """Return how many descriptors each of `workers` needs for `open_sessions` of so many connections each at most."""
    return max(1, open_sessions // workers) * connections + _BESIDE


def most() -> int:
    """Return how many this process, and those that it starts, may have at most."""
    return _counted(resource.getrlimit(resource.RLIMIT_NOFILE)[1])


def allowed() -> int:
    """Return how many this process may have now."""
    return _counted(resource.getrlimit(resource.RLIMIT_NOFILE)[0])


def allow_most() -> None:
    """Let this process have as many as it may."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if _counted(hard) > allowed() and hard != resource.RLIM_INFINITY:  # some systems refuse "no limit" here
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def used() -> int | None:
    """Return how many this process has open; None where the system doesn't say."""
    for folder in _FOLDERS:
        try:
            return len(os.listdir(folder)) - 1  # noqa: PTH208 - names alone; one is of the folder itself
        except OSError:
            continue
    return None


def _counted(limit: int) -> int:
    return 1 << 30 if limit == resource.RLIM_INFINITY else limit


def hint(connections_per_s: float, addresses: int, range_file: Path = _RANGE) -> str | None:
    """Return a warning when one machine may run out of local ports, None when it won't or that is unknown.

    A hint only: the system takes some ports sooner, and workers on several machines share the load.
    """
    try:
        first, last = map(int, range_file.read_text().split())
    except (OSError, ValueError):
        return None
    bearable = (last - first + 1) * max(1, addresses) / _TIME_WAIT_S
    if connections_per_s <= bearable:
        return None
    return (
        f"up to {connections_per_s:,.0f} connections a second from one machine: its {last - first + 1:,} local ports"
        f" bear about {bearable:,.0f}; widen net.ipv4.ip_local_port_range, or use workers on several machines"
    )
