"""A connection to the shop: a raw non-blocking socket with one lasting watcher in the hub.

The watcher switches straight to the greenlet that waits. A descriptor that is closed while its watcher is active
aborts the process, so the watcher always goes first.
"""

import os
from _socket import IPPROTO_TCP, SO_ERROR, SOCK_STREAM, SOL_SOCKET, TCP_NODELAY, socket
from collections.abc import Callable, Iterable
from errno import EINPROGRESS
from time import monotonic
from typing import Any, TypeVar

from gevent import get_hub, getcurrent

from loadtests.client.errors import UnsentError
from loadtests.client.sockets.deadlines import deadlines
from loadtests.client.sockets.kernel_timestamps import NOTE_ROOM, ask_for_notes, read_delay_of, rush
from loadtests.runtime.hub import switch_to_hub

READ_BLOCK = 64 << 10
_READ, _WRITE = 1, 2
Place = tuple[int, tuple[Any, ...]]
"""An address family and a socket address of it; no name."""
Way = TypeVar("Way")
Opened = TypeVar("Opened", bound="Connection")


def first_that_opens(ways: Iterable[Way], connect: Callable[[Way], Opened], ends_at: float) -> Opened:
    """Return what `connect` makes of the first of `ways` that takes a connection; raises OSError.

    After `ends_at` of the monotonic clock no further one is tried.
    """
    failure: OSError = ConnectionError("no address")
    for way in ways:
        try:
            return connect(way)
        except OSError as error:
            failure = error
            if monotonic() >= ends_at:
                break
    raise failure


class Connection:
    """One connection. While nobody waits, whatever comes closes it: the shop hung up, or speaks out of turn.

    `ends_at` is when a wait on it is over, `spoiled` whether it may bring no other reply, `read_delay_ns` for how long
    what was read last had been here.
    """

    __slots__ = ("_rush", "_sleep", "_socket", "_watcher", "closed", "ends_at", "read_delay_ns", "spoiled", "waiter")

    def __init__(self, family: int, ends_at: float) -> None:
        self._sleep, self._rush = switch_to_hub(), rush()
        self._socket = socket(family, SOCK_STREAM)
        self._watcher: Any = None
        self.closed = False
        self.ends_at = ends_at
        self.read_delay_ns = 0
        self.spoiled = False
        self.waiter: Any = None

    def connect(self, address: tuple[Any, ...]) -> None:
        """Connect by `ends_at`; raises OSError."""
        self._socket.settimeout(0.0)
        self._socket.setsockopt(IPPROTO_TCP, TCP_NODELAY, 1)
        ask_for_notes(self._socket)
        deadlines().watch(self)
        failure = self._socket.connect_ex(address)
        if failure == EINPROGRESS:
            self._watch(_WRITE)
            self._wait()
            failure = self._socket.getsockopt(SOL_SOCKET, SO_ERROR)
        if failure:
            raise OSError(failure, os.strerror(failure))
        self._watch(_READ)

    def send(self, words: bytes) -> None:
        """Send a request; raises UnsentError when no byte of it went out.

        Is the other side gone or answering before it has heard all, the connection is spoiled and the reply tells.
        """
        try:
            sent = self._socket.send(words)
        except BlockingIOError:
            sent = 0
        except OSError as error:
            raise UnsentError(str(error)) from error
        if sent != len(words):
            self._send_rest(memoryview(words)[sent:])

    def receive(self) -> bytes:
        """Wait for bytes and return them; b"" when the other side has hung up; raises OSError."""
        rush = self._rush
        while True:
            self.waiter = getcurrent()
            try:
                self._sleep()
            finally:
                self.waiter = None
            rush.left -= 1
            if rush.left <= 0:
                rush.look()
            try:
                if rush.is_on:
                    data, notes, _, _ = self._socket.recvmsg(READ_BLOCK, NOTE_ROOM)
                    self.read_delay_ns = read_delay_of(notes)
                    return data
                self.read_delay_ns = 0
                return self._socket.recv(READ_BLOCK)
            except BlockingIOError:
                continue  # woken by mistake

    def hold(self) -> None:
        """Let what comes wait in the socket, for who will read it, instead of taking it for out of turn."""
        self._unwatch()

    def go_on(self) -> None:
        """Watch it again after `hold`."""
        if self._watcher is None and not self.closed:
            self._watch(_READ)

    def rest(self) -> None:
        """Be ready for another request, or closed when that can't be."""
        if self.spoiled:
            self.close()

    def close(self) -> None:
        """Close it; once is enough."""
        if self.closed:
            return
        self.closed = True
        self._unwatch()
        deadlines().forget(self)
        self._socket.close()

    def _send_rest(self, words: memoryview) -> None:
        self._watch(_READ | _WRITE)
        while words:
            self._wait()
            try:
                words = words[self._socket.send(words) :]
            except BlockingIOError:  # it is readable then
                self.spoiled = self._is_answering()
            except ConnectionError:
                self.spoiled = True
            if self.spoiled:
                break
        self._watch(_READ)

    def _is_answering(self) -> bool:
        """Whether what can be read is meant for us."""
        return True

    def _wait(self) -> None:
        self.waiter = getcurrent()
        try:
            self._sleep()
        finally:
            self.waiter = None

    def _watch(self, events: int) -> None:
        self._unwatch()
        self._watcher = get_hub().loop.io(self._socket.fileno(), events)
        self._watcher.start(self._ready)

    def _unwatch(self) -> None:
        if self._watcher is not None:
            self._watcher.stop()
            self._watcher.close()
            self._watcher = None

    def _ready(self) -> None:
        if self.waiter is not None:
            self.waiter.switch()
        else:
            self._unasked()

    def _unasked(self) -> None:
        self.close()
