"""The streams of one connection from our side: how they begin, wait, and end (RFC 9113, 5).

A greenlet waits for its own stream only; what the server sends is read elsewhere, in the hub.
"""

from collections import deque
from collections.abc import Callable

from gevent import GreenletExit

from loadtests.client.errors import BrokenOffError, ProtocolError, SilentError, UnsentError
from loadtests.client.http2 import frames
from loadtests.client.http2.frame_writer import FrameWriter
from loadtests.client.http2.frames import frame, number
from loadtests.client.http2.request_headers import Post
from loadtests.client.http2.stream import OpenStream, Stream
from loadtests.client.http2.transport import Transport
from loadtests.client.sockets.deadlines import deadlines

# What counts as the server's limit until it says its own (RFC 9113, 6.5.2, recommends no less).
_STREAMS = 100


class RefusedError(UnsentError):
    """The server says that it did nothing with the request, or it never began: whatever it is, it may be said again."""


class Streams:
    """The streams that go over `channel`; `calm` is called with whatever the server may answer.

    `brought` is whether a reply came over it, `retiring` whether no other request may go over it, `failure` why it
    ended.
    """

    __slots__ = (
        "_channel", "_closed", "_deadlines", "_given_up", "_most_streams", "_next", "_outgoing", "_queue", "_streams",
        "brought", "failure", "retiring",
    )  # fmt: skip

    def __init__(self, channel: Transport, calm: Callable[[], None]) -> None:
        self._channel = channel
        self._deadlines = deadlines()
        self._closed = False
        self._outgoing = FrameWriter(channel, calm)
        self._next = 1
        self._streams: dict[int, Stream] = {}
        self._given_up: set[int] = set()
        self._queue: deque[Stream] = deque()
        self._most_streams = _STREAMS
        self.brought = self.retiring = False
        self.failure: Exception | None = None

    def ask(self, words: bytes, method: str, ends_at: float) -> Stream:
        """Send a request's block, and its content where it is a Post; return its stream when the reply is whole.

        Raises RefusedError, UnsentError, SilentError, other OSErrors and ProtocolError. After all but what the server
        refused or either side broke off no other request goes over it, and it closes after those that are under way.
        """
        stream = Stream(ends_at, method)
        self._see_through(stream, words)
        if stream.failure is not None:
            raise stream.failure
        return stream

    def open(self, words: bytes, method: str, ends_at: float) -> OpenStream:
        """Send a request whose reply may have no end; return its stream when the head is there. Raises as `ask`.

        What goes wrong behind the head is told when it is read.
        """
        stream = OpenStream(ends_at, method)
        self._see_through(stream, words)
        if stream.failure is not None and stream.head is None:
            raise stream.failure
        self.brought = True
        return stream

    def whole(self, stream: OpenStream) -> bytes:
        """Wait for all of an opened stream that should end after all, by its deadline; raises as `ask`."""
        stream.is_wanted_whole = True
        self._see_through(stream)
        if stream.failure is not None:
            raise stream.failure
        return stream.take()

    def more(self, stream: OpenStream) -> bytes:
        """Wait for more of an opened stream and return it, b"" at its end; raises OSError and ProtocolError."""
        while not (data := self._taken(stream)) and not stream.over:
            stream.sleep()
        if not data and stream.failure is not None:
            raise stream.failure
        return data

    def leave(self, stream: Stream) -> None:
        """Break a stream off that nobody waits for any more: the others go on, and its place is another's."""
        if stream in self._queue:
            self._queue.remove(stream)
            return
        if self._streams.get(stream.number) is stream:
            self._reset(stream, frames.CANCEL)
        elif stream.number:
            return  # it is over
        if self.retiring:
            self._retire()
        elif self._queue:
            self._queue.popleft().wake_soon()

    def close(self) -> None:
        """Say goodbye and hang up; who still waits is told, and asks nobody again."""
        self._say_goodbye(BrokenOffError("closed by its own side"))

    def go_on(self) -> None:
        """Let those write on who waited for room."""
        for stream in tuple(self._outgoing.writers):
            stream.wake()

    def end(self, failure: Exception) -> None:
        """Take note that nothing more will come, and tell everybody."""
        if self._closed:
            return
        self._closed = self.retiring = True
        self.failure = failure
        self._channel.close()
        for stream in self._streams.values():
            if isinstance(failure, SilentError):
                stream.break_off(failure)
            else:
                stream.fail((BrokenOffError if isinstance(failure, BrokenOffError) else ProtocolError)(str(failure)))
            stream.wake_soon()
        self._streams.clear()
        self._wake_queue()

    def _see_through(self, stream: Stream, words: bytes | None = None) -> None:
        """Wait until a stream is answered, by its deadline; begin it with `words` when it has a place."""
        self._deadlines.watch(stream)
        try:
            if words is not None:
                while len(self._streams) >= self._most_streams and not self.retiring:
                    self._queue.append(stream)
                    stream.sleep()
                self._begin(stream, words)
            while not stream.answered:
                stream.sleep()
        except BaseException as error:
            is_under_way = self._streams.get(stream.number) is stream
            self.leave(stream)
            if is_under_way and not isinstance(error, GreenletExit):
                self._retire()
            raise
        finally:
            self._deadlines.forget(stream)

    def _begin(self, stream: Stream, block: bytes) -> None:
        if self.retiring:
            if isinstance(self.failure, BrokenOffError):
                raise BrokenOffError(str(self.failure))
            raise RefusedError("no other request may begin")
        stream.number, self._next = self._next, self._next + 2
        self.retiring = self._next > frames.MOST_STREAM_ID
        stream.window = self._outgoing.window
        self._streams[stream.number] = stream
        try:
            at = self._outgoing.begin(stream, block)
        except OSError as error:
            del self._streams[stream.number]
            self.end(SilentError(str(error)))
            raise UnsentError(str(error)) from error
        if type(block) is Post:
            self._outgoing.go_on(stream, block.content, at)
        stream.sent_all = True

    def _taken(self, stream: OpenStream) -> bytes:
        """Return what came and wasn't taken yet, and make room for as much again."""
        data = stream.take()
        if (room := stream.widen()) and self._streams.get(stream.number) is stream:
            self._outgoing.answer(frame(frames.WINDOW_UPDATE, 0, stream.number, number(room)))
        return data

    def _reset(self, stream: Stream, code: int) -> None:
        del self._streams[stream.number]
        self._given_up.add(stream.number)
        self._outgoing.answer(frame(frames.RST_STREAM, 0, stream.number, number(code)))

    def _retire(self) -> None:
        self.retiring = True
        self._wake_queue()
        if not self._streams:
            self._say_goodbye(SilentError("over"))

    def _say_goodbye(self, failure: Exception, code: int = frames.NO_ERROR) -> None:
        if not self._closed:
            self._outgoing.answer(frame(frames.GOAWAY, 0, 0, number(0) + number(code)))
            self.end(failure)

    def _wake_queue(self) -> None:
        for stream in self._queue:
            stream.wake_soon()
        self._queue.clear()
