"""One request and its response as a stream (RFC 9113, 5), and how a greenlet waits for it."""

from collections.abc import Callable
from typing import Any

from gevent import get_hub, getcurrent

from loadtests.client import response as reading
from loadtests.client.errors import BrokenOffError, ProtocolError, SilentError
from loadtests.client.http2.frames import FLOW_CONTROL_ERROR, MOST_WINDOW, FaultError
from loadtests.client.response_head import UNTIL_CLOSED, Head
from loadtests.runtime.hub import switch_to_hub

_OK, _MAX_INTERIM = 200, 10
# A window that holds MAX_BODY and some padding needs no WINDOW_UPDATE, except for an OpenStream.
WINDOW = reading.MAX_BODY + (1 << 20)


class Wait:
    """A greenlet's wait in the hub, until `ends_at` of the monotonic clock: DeadlineError is thrown into it then."""

    __slots__ = ("_sleep", "ends_at", "waiter")

    def __init__(self, ends_at: float) -> None:
        self._sleep: Callable[[], object] = switch_to_hub()
        self.ends_at = ends_at
        self.waiter: Any = None

    def sleep(self) -> None:
        """Wait until woken; wake-ups may be spurious."""
        self.waiter = getcurrent()
        try:
            self._sleep()
        finally:
            self.waiter = None

    def wake(self) -> None:
        """Wake it from the hub."""
        if self.waiter is not None:
            self.waiter.switch()

    def wake_soon(self) -> None:
        """Wake it from a greenlet."""
        get_hub().loop.run_callback(self.wake)


class Stream(Wait):
    """A stream; `over` is whether its response is complete or has failed with `failure`.

    `number` is 0 until it is sent. `ended_at` is when the response was received (ns of the monotonic clock), 0 for now.
    `window` is the flow-control window for our content.
    """

    __slots__ = (
        "_held", "_interim", "_is_head", "_left", "_pieces", "_size", "ended_at", "failure", "head", "number", "over",
        "sent_all", "window",
    )  # fmt: skip

    _is_bounded = True

    def __init__(self, ends_at: float, method: str) -> None:
        super().__init__(ends_at)
        self._is_head = method == "HEAD"
        self._held = self._interim = 0
        self._left = WINDOW
        self._pieces: list[bytes] = []
        self._size = 0
        self.ended_at = 0
        self.failure: Exception | None = None
        self.head: Head | None = None
        self.number = 0
        self.over = False
        self.sent_all = False
        self.window = 0

    @property
    def answered(self) -> bool:
        """Whether the response is complete or has failed."""
        return self.over

    @property
    def body(self) -> bytes:
        """What came of the body."""
        return self._pieces[0] if len(self._pieces) == 1 else b"".join(self._pieces)

    def open_window(self, by: int) -> None:
        """Enlarge the window; raises FaultError above the maximum."""
        self.window += by
        if self.window > MOST_WINDOW:
            raise FaultError(FLOW_CONTROL_ERROR, "a window above the maximum")

    def take_head(self, head: Head, *, last: bool) -> None:
        """Handle the response's head, or an interim one; raises ProtocolError."""
        if head.status < _OK:
            self._interim += 1
            if last or self._interim > _MAX_INTERIM:
                raise ProtocolError(f"an interim reply at the end, or over {_MAX_INTERIM}")
            return
        if head.size > reading.MAX_BODY and self._is_bounded and not self._is_head:
            raise ProtocolError(f"a body of over {reading.MAX_BODY} bytes")
        self.head = head
        if last:
            self._finish(head)

    def take_data(self, data: bytes, flow: int, *, last: bool) -> None:
        """Handle a piece of the body that used `flow` of the window; raises ProtocolError."""
        head = self.head
        if head is None:
            raise ProtocolError("a body before its head")
        self._left -= flow
        self._size += len(data)
        if self._left < 0:
            raise FaultError(FLOW_CONTROL_ERROR, "more than the stream's flow-control window allows")
        self._held += len(data)
        if self._held > reading.MAX_BODY:
            raise ProtocolError(f"a body of over {reading.MAX_BODY} bytes")
        if data:
            self._pieces.append(data)
        if last:
            self._finish(head)

    def take_trailers(self, head: Head, *, last: bool) -> None:
        """Handle trailers; raises ProtocolError."""
        if not last:
            raise ProtocolError("trailers that aren't the end")
        self._finish(head)

    def fail(self, failure: Exception) -> None:
        """End the stream without a response."""
        self.failure, self.over = failure, True

    def break_off(self, silent: SilentError) -> None:
        """Fail because the connection ended, before the response or within it."""
        failed = BrokenOffError if self.head is not None or self._interim else SilentError
        self.fail(failed(str(silent)))

    def _finish(self, head: Head) -> None:
        expected = 0 if self._is_head else head.size
        if expected not in (self._size, UNTIL_CLOSED):
            raise ProtocolError(f"a body of {self._size} bytes, content-length {expected}")
        self.over = True


class OpenStream(Stream):
    """A stream whose response may be endless: it is answered with its head, and its body is read piece by piece.

    One that `is_wanted_whole` is answered at its end, as any other.
    """

    __slots__ = ("is_wanted_whole",)
    _is_bounded = False

    def __init__(self, ends_at: float, method: str) -> None:
        super().__init__(ends_at, method)
        self.is_wanted_whole = False

    @property
    def answered(self) -> bool:
        """Whether what is waited for has come, or the stream has failed."""
        return self.over or (self.head is not None and not self.is_wanted_whole)

    def take(self) -> bytes:
        """Return what was received and not yet read."""
        data, self._pieces, self._held = self.body, [], 0
        return data

    def is_taken(self) -> bool:
        """Whether it has ended and all of it was read."""
        return self.over and self.failure is None and not self._pieces

    def window_increment(self) -> int:
        """Return the increment of a WINDOW_UPDATE, 0 when none is due."""
        room = WINDOW - self._left - self._held
        if room < WINDOW // 2:
            return 0
        self._left += room
        return room
