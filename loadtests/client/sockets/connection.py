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
from loadtests.client.sockets.kernel_timestamps import ANCILLARY_SIZE, enable_timestamps, read_delay_of, sampler
from loadtests.runtime.hub import switch_to_hub

READ_BLOCK = 64 << 10
_READ, _WRITE = 1, 2
SocketAddress = tuple[int, tuple[Any, ...]]
"""An address family and a socket address of it; no name."""
Route = TypeVar("Route")
Opened = TypeVar("Opened", bound="Connection")


def first_that_opens(routes: Iterable[Route], connect: Callable[[Route], Opened], ends_at: float) -> Opened:
    """Return what `connect` makes of the first of `routes` that takes a connection; raises OSError.

    After `ends_at` of the monotonic clock no further one is tried.
    """
    failure: OSError = ConnectionError("no address")
    for route in routes:
        try:
            return connect(route)
        except OSError as error:
            failure = error
            if monotonic() >= ends_at:
                break
    raise failure


class Connection:
    """One connection. Between requests any received byte closes it: the server hung up, or sent what wasn't asked for.

    `ends_at` is the deadline of a wait, `is_spent` whether it can't be reused for another request, `read_delay_ns` the
    time between the kernel receiving what was read last and our reading it (0 if unknown).
    """

    __slots__ = (
        "_sampler", "_sleep", "_socket", "_watcher", "closed", "ends_at", "is_spent", "read_delay_ns", "waiter",
    )  # fmt: skip

    def __init__(self, family: int, ends_at: float) -> None:
        self._sleep, self._sampler = switch_to_hub(), sampler()
        self._socket = socket(family, SOCK_STREAM)
        self._watcher: Any = None
        self.closed = False
        self.ends_at = ends_at
        self.read_delay_ns = 0
        self.is_spent = False
        self.waiter: Any = None

    def connect(self, address: tuple[Any, ...]) -> None:
        """Connect by `ends_at`; raises OSError."""
        self._socket.settimeout(0.0)
        self._socket.setsockopt(IPPROTO_TCP, TCP_NODELAY, 1)
        enable_timestamps(self._socket)
        deadlines().watch(self)
        failure = self._socket.connect_ex(address)
        if failure == EINPROGRESS:
            self._watch(_WRITE)
            self._wait()
            failure = self._socket.getsockopt(SOL_SOCKET, SO_ERROR)
        if failure:
            raise OSError(failure, os.strerror(failure))
        self._watch(_READ)

    def send(self, data: bytes) -> None:
        """Send a request; raises UnsentError when no byte of it was sent.

        When the server closes or responds before it has read the whole request, the connection is spent, and the
        response is read all the same.
        """
        try:
            sent = self._socket.send(data)
        except BlockingIOError:
            sent = 0
        except OSError as error:
            raise UnsentError(str(error)) from error
        if sent != len(data):
            self._send_rest(memoryview(data)[sent:])

    def receive(self) -> bytes:
        """Wait for bytes and return them; b"" when the server has closed the connection; raises OSError."""
        timestamps = self._sampler
        while True:
            self.waiter = getcurrent()
            try:
                self._sleep()
            finally:
                self.waiter = None
            timestamps.left -= 1
            if timestamps.left <= 0:
                timestamps.look()
            try:
                if timestamps.is_on:
                    data, notes, _, _ = self._socket.recvmsg(READ_BLOCK, ANCILLARY_SIZE)
                    self.read_delay_ns = read_delay_of(notes)
                    return data
                self.read_delay_ns = 0
                return self._socket.recv(READ_BLOCK)
            except BlockingIOError:
                continue  # a spurious wake-up

    def pause_reading(self) -> None:
        """Leave what comes in the socket until `resume_reading`, instead of closing on it."""
        self._unwatch()

    def resume_reading(self) -> None:
        """Watch the socket again after `pause_reading`."""
        if self._watcher is None and not self.closed:
            self._watch(_READ)

    def release(self) -> None:
        """Be ready for another request, or close if it is spent."""
        if self.is_spent:
            self.close()

    def close(self) -> None:
        """Close it; calling it again does nothing."""
        if self.closed:
            return
        self.closed = True
        self._unwatch()
        deadlines().forget(self)
        self._socket.close()

    def _send_rest(self, data: memoryview) -> None:
        self._watch(_READ | _WRITE)
        while data:
            self._wait()
            try:
                data = data[self._socket.send(data) :]
            except BlockingIOError:  # it is readable then
                self.is_spent = self._is_answering()
            except ConnectionError:
                self.is_spent = True
            if self.is_spent:
                break
        self._watch(_READ)

    def _is_answering(self) -> bool:
        """Whether what can be read is part of a response."""
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
            self._on_readable()

    def _on_readable(self) -> None:
        self.close()
