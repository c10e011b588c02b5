"""One request and its reply as a stream, and the waits on its way."""

from collections.abc import Callable
from typing import Any

from gevent import get_hub, getcurrent

from loadtests.client import response as reading
from loadtests.client.errors import BrokenOffError, ProtocolError, SilentError
from loadtests.client.http2.frames import FLOW_CONTROL_ERROR, MOST_WINDOW, FaultError
from loadtests.client.response_head import UNTIL_CLOSED, Head
from loadtests.runtime.hub import switch_to_hub

_OK, _MAX_INTERIM = 200, 10
# A body is never longer than MAX_BODY, so a window that holds one needs no updates, but that of an OpenStream; the rest
# is room for padding.
WINDOW = reading.MAX_BODY + (1 << 20)


class Wait:
    """A greenlet's wait in the hub, until `ends_at` of the monotonic clock: DeadlineError is thrown into it then."""

    __slots__ = ("_sleep", "ends_at", "waiter")

    def __init__(self, ends_at: float) -> None:
        self._sleep: Callable[[], object] = switch_to_hub()
        self.ends_at = ends_at
        self.waiter: Any = None

    def sleep(self) -> None:
        """Wait until woken, perhaps by mistake."""
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
    """A stream; `over` is whether its reply is whole or `failure` says why there will be none.

    `number` is 0 until it is begun. `ended_at` is when what was asked for was here (ns of the monotonic clock), 0 when
    that is now. `window` is how much of the content the server lets us send.
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
        """Whether what was asked for is there, or will never be."""
        return self.over

    @property
    def body(self) -> bytes:
        """What came of the body."""
        return self._pieces[0] if len(self._pieces) == 1 else b"".join(self._pieces)

    def open_window(self, by: int) -> None:
        """Let more be sent; raises FaultError when that is more than a window can be."""
        self.window += by
        if self.window > MOST_WINDOW:
            raise FaultError(FLOW_CONTROL_ERROR, "a window that overflows")

    def take_head(self, head: Head, *, last: bool) -> None:
        """Take the reply's head, or an interim one; raises ProtocolError."""
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
        """Take a piece of the body, which took `flow` of the window; raises ProtocolError."""
        head = self.head
        if head is None:
            raise ProtocolError("a body before its head")
        self._left -= flow
        self._size += len(data)
        if self._left < 0:
            raise FaultError(FLOW_CONTROL_ERROR, "more than the window of a stream holds")
        self._held += len(data)
        if self._held > reading.MAX_BODY:
            raise ProtocolError(f"a body of over {reading.MAX_BODY} bytes")
        if data:
            self._pieces.append(data)
        if last:
            self._finish(head)

    def take_trailers(self, head: Head, *, last: bool) -> None:
        """Take note of the end behind the body; raises ProtocolError."""
        if not last:
            raise ProtocolError("trailers that aren't the end")
        self._finish(head)

    def fail(self, failure: Exception) -> None:
        """Take note that there will be no reply."""
        self.failure, self.over = failure, True

    def break_off(self, silent: SilentError) -> None:
        """Take note that the connection ended: before anything of the reply, or within it."""
        failed = BrokenOffError if self.head is not None or self._interim else SilentError
        self.fail(failed(str(silent)))

    def _finish(self, head: Head) -> None:
        expected = 0 if self._is_head else head.size
        if expected not in (self._size, UNTIL_CLOSED):
            raise ProtocolError(f"a body of {self._size} bytes, told as {expected}")
        self.over = True


class OpenStream(Stream):
    """A stream whose reply may never end: it is answered with its head, and its body is taken as it comes.

    One that `is_wanted_whole` is answered with its end, as any other.
    """

    __slots__ = ("is_wanted_whole",)
    _is_bounded = False

    def __init__(self, ends_at: float, method: str) -> None:
        super().__init__(ends_at, method)
        self.is_wanted_whole = False

    @property
    def answered(self) -> bool:
        """Whether what is wanted is there, or will never be."""
        return self.over or (self.head is not None and not self.is_wanted_whole)

    def take(self) -> bytes:
        """Return what came and wasn't taken yet."""
        data, self._pieces, self._held = self.body, [], 0
        return data

    def is_taken(self) -> bool:
        """Tell whether it came to its end, and all of it was taken."""
        return self.over and self.failure is None and not self._pieces

    def widen(self) -> int:
        """Return by how much the server may be told that the window is open again, 0 when that isn't due."""
        room = WINDOW - self._left - self._held
        if room < WINDOW // 2:
            return 0
        self._left += room
        return room
