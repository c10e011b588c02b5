"""Receive timestamps of the kernel: when a response arrived, though the hub read it later.

Linux timestamps each packet of a socket with SO_TIMESTAMPNS (socket(7) and the kernel's networking/timestamping.rst),
for TCP too: a read gets that of its last byte. Elsewhere a response counts as received when it is read. The kernel
begins shortly after the first socket of the machine asks (net_enable_timestamp), and stops after the last such socket
is closed; one that stays open keeps it enabled between connections.
"""

import sys
from _socket import SOCK_DGRAM, SOL_SOCKET, socket
from collections.abc import Sequence
from functools import cache
from struct import Struct, calcsize
from time import monotonic, time_ns

from loadtests.runtime.hub import PerHub

_TIMESTAMPNS = 35
_timespec = Struct("qq")
_SECOND = 1_000_000_000
_FEW, _AT_EASE_S = 8, 200e-6
_A_SECOND, _MOST = 1_000, 10_000
_IS_SUPPORTED = sys.platform == "linux" and calcsize("l") == _timespec.size // 2
ANCILLARY_SIZE = 64
"""Room for the ancillary data of a read (recvmsg)."""
ControlMessage = tuple[int, int, bytes]


def enable_timestamps(connection: socket) -> None:
    """Have the kernel timestamp what `connection` receives."""
    if _IS_SUPPORTED:
        _keep_enabled(connection.family)
        connection.setsockopt(SOL_SOCKET, _TIMESTAMPNS, 1)


@cache
def _keep_enabled(family: int) -> int:
    """Open a socket that keeps timestamps enabled as long as the process lives; return its descriptor."""
    keeper = socket(family, SOCK_DGRAM)
    keeper.setsockopt(SOL_SOCKET, _TIMESTAMPNS, 1)
    return keeper.detach()


def read_delay_of(notes: Sequence[ControlMessage]) -> int:
    """Return the time (ns) between the kernel receiving what was read just now and this call; 0 without a timestamp.

    Both times are the kernel's wall clock's: only what it is set to in between is an error.
    """
    for _, kind, note in notes:
        if kind == _TIMESTAMPNS and len(note) == _timespec.size:
            seconds, rest = map(int, _timespec.unpack(note))
            return max(0, time_ns() - seconds * _SECOND - rest)
    return 0


class TimestampSampler:
    """Decides whether timestamps are read: only while responses come so fast that they wait for each other in the hub.

    Reading one takes 2 us of a request's 30. So the clock is read once every few responses, `left` of which remain, and
    timestamps are read (`is_on`) while those come faster than a hub handles them without queueing. In the long run that
    is at most `_A_SECOND` a second: a generator that is always overloaded shows that by its CPU, and would get slower.
    """

    __slots__ = ("_looked_at", "_may_read", "is_on", "left")

    def __init__(self) -> None:
        self._looked_at = monotonic()
        self._may_read = float(_MOST)
        self.is_on = False
        self.left = _FEW

    def look(self) -> None:
        """Decide anew by how long the last few responses took."""
        now = monotonic()
        took, self._looked_at, self.left = now - self._looked_at, now, _FEW
        self._may_read = min(_MOST, self._may_read + took * _A_SECOND)
        self.is_on = took < _FEW * _AT_EASE_S and self._may_read >= _FEW
        if self.is_on:
            self._may_read -= _FEW


sampler = PerHub(lambda _hub: TimestampSampler())
