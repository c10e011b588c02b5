"""The local ports of a load generator: each connection that it closed holds one for a minute."""

from pathlib import Path

_RANGE = Path("/proc/sys/net/ipv4/ip_local_port_range")
_TIME_WAIT_S = 60


def hint(connections_per_s: float, addresses: int, range_file: Path = _RANGE) -> str | None:
    """Return a warning when one machine may run out of local ports, None when it won't or nobody knows.

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
