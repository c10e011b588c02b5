"""A wire that can be cut: a relay that takes TCP connections and passes on what they say, for as long as it may."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from threading import Event, Lock, Thread

_CHUNK = 65_536
HERE = "127.0.0.1"


class Relay:
    """Takes connections on to `targets`, each a host and a port: on the same port of the host `at`, else on any."""

    def __init__(self, *targets: tuple[str, int], at: str | None = None) -> None:
        self._flows, self._lock = Event(), Lock()
        self._flows.set()
        self._ends: list[socket.socket] = []
        places = [(HERE, 0) if at is None else (at, port) for _, port in targets]
        self._listeners = [socket.create_server(place) for place in places]
        self.address: tuple[str, int] = self._listeners[0].getsockname()
        self.taken = [0] * len(targets)  # connections, by target
        for number, target in enumerate(targets):
            Thread(target=self._take, args=(number, target), daemon=True).start()

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
        for listener in self._listeners:
            listener.close()
        self.drop()
        self._flows.set()

    def _take(self, number: int, target: tuple[str, int]) -> None:
        with suppress(OSError):
            while True:
                near, _ = self._listeners[number].accept()
                Thread(target=self._join, args=(near, number, target), daemon=True).start()

    def _join(self, near: socket.socket, number: int, target: tuple[str, int]) -> None:
        self._flows.wait()
        try:
            far = socket.create_connection(target)
        except OSError:
            near.close()
            return
        with self._lock:
            self._ends += [near, far]
            self.taken[number] += 1
        Thread(target=self._pass, args=(near, far), daemon=True).start()
        self._pass(far, near)

    def _pass(self, source: socket.socket, target: socket.socket) -> None:
        with suppress(OSError):
            while chunk := source.recv(_CHUNK):
                self._flows.wait()
                target.sendall(chunk)
            target.shutdown(socket.SHUT_WR)


@contextmanager
def relaying(*targets: tuple[str, int], at: str | None = None) -> Iterator[Relay]:
    """Relay to `targets` for as long as the block lasts."""
    relay = Relay(*targets, at=at)
    try:
        yield relay
    finally:
        relay.close()
