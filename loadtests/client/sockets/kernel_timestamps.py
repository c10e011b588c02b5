"""When bytes arrived here, as the kernel noted it: a reply that waits for its turn in the hub has come all the same.

Linux notes the time of each packet on a socket that asks for it (SO_TIMESTAMPNS, socket(7) and the kernel's
networking/timestamping.rst), for TCP too: that of the last byte that a read returns. Elsewhere nothing is noted, and
a reply has come when it is read. The kernel begins to note a moment after the first socket on the machine asks
(net_enable_timestamp), and stops after the last such is closed; one that stays open keeps it at it between connections.
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
_IS_NOTED = sys.platform == "linux" and calcsize("l") == _timespec.size // 2
NOTE_ROOM = 64
"""Room for the kernel's notes in a read."""
Note = tuple[int, int, bytes]


def ask_for_notes(connection: socket) -> None:
    """Let the kernel note when what `connection` reads arrived."""
    if _IS_NOTED:
        _keep_noting(connection.family)
        connection.setsockopt(SOL_SOCKET, _TIMESTAMPNS, 1)


@cache
def _keep_noting(family: int) -> int:
    """Open a socket that asks for notes and stays open for as long as the process lives; return its descriptor."""
    keeper = socket(family, SOCK_DGRAM)
    keeper.setsockopt(SOL_SOCKET, _TIMESTAMPNS, 1)
    return keeper.detach()


def read_delay_of(notes: Sequence[Note]) -> int:
    """Return for how long (ns) what was read just now had been here; 0 when nothing was noted.

    Both times are the kernel's wall clock's: only what it is set to in between is an error.
    """
    for _, kind, note in notes:
        if kind == _TIMESTAMPNS and len(note) == _timespec.size:
            seconds, rest = map(int, _timespec.unpack(note))
            return max(0, time_ns() - seconds * _SECOND - rest)
    return 0


class Rush:
    """Whether so many replies come at once in one hub that they wait for each other, and notes are worth reading.

    A note takes 2 us of the 30 of a whole request. So the clock is looked at for every few replies, `left` of them
    being left, and while those come faster than a hub serves them at ease, notes are read: `is_on`. Over time that
    are no more than `_A_SECOND`: who is in a rush for good has a generator that is too small, which its CPU tells,
    and notes would make it smaller.
    """

    __slots__ = ("_looked_at", "_may_read", "is_on", "left")

    def __init__(self) -> None:
        self._looked_at = monotonic()
        self._may_read = float(_MOST)
        self.is_on = False
        self.left = _FEW

    def look(self) -> None:
        """Look how long the last few replies took."""
        now = monotonic()
        took, self._looked_at, self.left = now - self._looked_at, now, _FEW
        self._may_read = min(_MOST, self._may_read + took * _A_SECOND)
        self.is_on = took < _FEW * _AT_EASE_S and self._may_read >= _FEW
        if self.is_on:
            self._may_read -= _FEW


rush = PerHub(lambda _hub: Rush())
