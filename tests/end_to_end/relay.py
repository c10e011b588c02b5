"""A wire that can be cut: a relay that takes TCP connections and passes on what they say, for as long as it may."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from threading import Event, Lock, Thread

_CHUNK = 65_536
HERE = "127.0.0.1"


class Relay:
    """Takes connections at `address` on to `target`, host and port."""

    def __init__(self, target: tuple[str, int]) -> None:
        self._target, self._flows, self._lock = target, Event(), Lock()
        self._flows.set()
        self._ends: list[socket.socket] = []
        self._listener = socket.create_server((HERE, 0))
        self.address: tuple[str, int] = (HERE, self._listener.getsockname()[1])
        self.taken = 0
        Thread(target=self._take, daemon=True).start()

    def hold(self) -> None:
        """Pass nothing on, and take nothing more than what the connections' buffers hold."""
        self._flows.clear()

    def go_on(self) -> None:
        """Pass on what was held, and all that follows."""
        self._flows.set()

    def drop(self) -> None:
        """Break every connection, with all that is on its way in it; new ones are taken."""
        with self._lock:
            ends, self._ends = self._ends, []
        for end in ends:
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()

    def close(self) -> None:
        """Break every connection, and take none any more."""
        self._listener.close()
        self.drop()
        self._flows.set()

    def _take(self) -> None:
        with suppress(OSError):
            while True:
                near, _ = self._listener.accept()
                Thread(target=self._join, args=(near,), daemon=True).start()

    def _join(self, near: socket.socket) -> None:
        self._flows.wait()
        try:
            far = socket.create_connection(self._target)
        except OSError:
            near.close()
            return
        with self._lock:
            self._ends += [near, far]
            self.taken += 1
        Thread(target=self._pass, args=(near, far), daemon=True).start()
        self._pass(far, near)

    def _pass(self, source: socket.socket, target: socket.socket) -> None:
        with suppress(OSError):
            while chunk := source.recv(_CHUNK):
                self._flows.wait()
                target.sendall(chunk)
            target.shutdown(socket.SHUT_WR)


@contextmanager
def relaying(target: tuple[str, int]) -> Iterator[Relay]:
    """Relay to `target` for as long as the block lasts."""
    relay = Relay(target)
    try:
        yield relay
    finally:
        relay.close()
