"""Ports for the servers of tests, below those that the system gives to outgoing connections.

Each process of pytest-xdist has a range of its own and hands no port out twice before it has gone round: two tests that
run at the same time never pick the same one.
"""

import os
import socket
from contextlib import ExitStack, suppress

FIRST, LAST = 20_000, 32_000
MOST_PROCESSES = 8  # the Makefile starts no more
BLOCK = 20  # what one `--port-base` takes, and some


class _Range:
    """A process's own ports, taken one after the other."""

    def __init__(self, process: int) -> None:
        size = (LAST - FIRST) // MOST_PROCESSES
        self._first = FIRST + process % MOST_PROCESSES * size
        self._size = size
        self._next = os.getpid() % size  # another test session on this machine begins elsewhere

    def take(self, count: int) -> int:
        """Return the first of `count` ports in a row that nothing listens on."""
        for _ in range(self._size):
            first = self._first + self._next
            fits = self._next + count <= self._size
            self._next = (self._next + count) % self._size if fits else 0
            if fits and _are_free(first, count):
                return first
        raise AssertionError(f"no {count} ports in a row are free from {self._first} on")


def _are_free(first: int, count: int) -> bool:
    with ExitStack() as held, suppress(OSError):
        for port in range(first, first + count):
            held.enter_context(socket.socket()).bind(("127.0.0.1", port))
        return True
    return False


_OWN = _Range(int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")))


def free_port() -> int:
    """Return a port that nothing listens on."""
    return _OWN.take(1)


def free_base() -> int:
    """Return a `--port-base` whose ports nothing listens on."""
    return _OWN.take(BLOCK)
