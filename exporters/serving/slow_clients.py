"""Clients that are slow to say what they want, or to take what they get, wait here and hold no thread of the pool.

One thread waits for all of them. Each has a deadline; where there are too many, whoever came first goes.
"""

import contextlib
import logging
import selectors
import socket
import ssl
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal, Protocol

_LOG = logging.getLogger(__name__)
HEAD_S, TAKE_S = 5.0, 30.0  # to have said what one wants, TLS handshake included; to have taken the answer
MOST_ARRIVING, MOST_UNTAKEN_BYTES = 256, 256 << 20
_TICK_S = 0.1
Wants = Literal["read", "write", "done", "gone"]
_EVENTS: dict[Wants, int] = {"read": selectors.EVENT_READ, "write": selectors.EVENT_WRITE}


class SlowConnection(Protocol):
    """A connection that gets on without blocking."""

    socket: socket.socket

    def arrive(self) -> Wants:
        """Read what is there of handshake and head; `done` when both are whole."""

    def hand_over(self) -> Wants:
        """Send what the client takes of the answer; `done` when it has all of it."""

    @property
    def untaken(self) -> int:
        """How many bytes of the answer haven't been taken."""

    def refuse(self, status: str) -> None:
        """Answer `status` if that can be done without waiting."""

    def drop(self) -> None:
        """Close it, whatever is under way."""


@dataclass(slots=True)
class _Waiting:
    connection: SlowConnection
    step: Callable[[], Wants]
    done: Callable[[], None]
    until: float
    is_arriving: bool
    events: int = field(default=0)


class SlowClients:
    """The thread that waits for them, from `start` to `stop`."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._new: list[_Waiting] = []
        self._waiting: dict[int, _Waiting] = {}
        self._selector = selectors.DefaultSelector()
        self._wake, self._woken = socket.socketpair()
        self._wake.setblocking(False)  # noqa: FBT003 - the socket module's own
        self._stopped = False
        self._thread = threading.Thread(target=self._run, name="slow-clients", daemon=True)

    def start(self) -> None:
        """Begin to wait."""
        self._selector.register(self._woken, selectors.EVENT_READ)
        self._thread.start()

    def stop(self) -> None:
        """Drop everyone who still waits."""
        self._stopped = True
        self._rouse()
        if self._thread.is_alive():
            self._thread.join()
        for waiting in (*self._new, *self._waiting.values()):
            waiting.connection.drop()
        self._selector.close()
        self._wake.close()
        self._woken.close()

    def arriving(self, connection: SlowConnection, then: Callable[[], None]) -> None:
        """Call `then` once the head of a request is whole: at once when it is there already."""
        connection.socket.settimeout(0)
        self._begin(_Waiting(connection, connection.arrive, then, self._clock() + HEAD_S, is_arriving=True))

    def taking(self, connection: SlowConnection) -> None:
        """Send the rest of an answer as fast as the client takes it, and close the connection."""
        connection.socket.settimeout(0)
        until = self._clock() + TAKE_S
        self._begin(_Waiting(connection, connection.hand_over, connection.drop, until, is_arriving=False))

    def _begin(self, waiting: _Waiting) -> None:
        if self._stopped:
            waiting.connection.drop()
        elif (wants := _stepped(waiting)) in _EVENTS:
            waiting.events = _EVENTS[wants]
            with self._lock:
                self._new.append(waiting)
            self._rouse()

    def _rouse(self) -> None:
        with contextlib.suppress(OSError):
            self._wake.send(b"\0")

    def _run(self) -> None:
        while not self._stopped:
            try:
                self._turn()
            except Exception:  # noqa: BLE001 - a defect of ours must not leave every slow client waiting for ever
                _LOG.exception("slow clients: a turn failed")
                time.sleep(_TICK_S)

    def _turn(self) -> None:
        for key, _ in self._selector.select(_TICK_S if self._waiting else None):
            if key.fileobj is self._woken:
                self._woken.recv(4096)
            else:
                self._step(key.fd)
        self._take_in()
        self._let_go()

    def _take_in(self) -> None:
        with self._lock:
            new, self._new = self._new, []
        for waiting in new:
            fd = waiting.connection.socket.fileno()
            if fd < 0:
                continue
            self._waiting[fd] = waiting
            self._selector.register(fd, waiting.events)

    def _step(self, fd: int) -> None:
        waiting = self._waiting[fd]
        self._selector.unregister(fd)
        wants = _stepped(waiting, before_done=lambda: self._waiting.pop(fd))
        if wants in _EVENTS:
            waiting.events = _EVENTS[wants]
            self._selector.register(fd, waiting.events)

    def _let_go(self) -> None:
        """Drop those whose time is over, and the first ones where there are too many."""
        now = self._clock()
        arriving = [fd for fd, waiting in self._waiting.items() if waiting.is_arriving]
        late = {fd for fd, waiting in self._waiting.items() if waiting.until <= now}
        late |= set(arriving[: max(0, len(arriving) - MOST_ARRIVING)])
        untaken = {fd: w.connection.untaken for fd, w in self._waiting.items() if not w.is_arriving and fd not in late}
        held = sum(untaken.values())
        for fd, size in untaken.items():
            if held <= MOST_UNTAKEN_BYTES:
                break
            held -= size
            late.add(fd)
        for fd in late:
            self._selector.unregister(fd)
            waiting = self._waiting.pop(fd)
            if waiting.is_arriving:
                waiting.connection.refuse("408 Request Timeout")
            waiting.connection.drop()


def _stepped(waiting: _Waiting, before_done: Callable[[], object] = lambda: None) -> Wants:
    try:
        wants = waiting.step()
    except (OSError, ValueError, ssl.SSLError):
        wants = "gone"
    if wants not in _EVENTS:
        before_done()
        (waiting.done if wants == "done" else waiting.connection.drop)()
    return wants
