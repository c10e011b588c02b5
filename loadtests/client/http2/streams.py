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
from loadtests.client.http2.request_headers import HeaderBlockWithContent
from loadtests.client.http2.stream import OpenStream, Stream
from loadtests.client.http2.transport import Transport
from loadtests.client.sockets.deadlines import deadlines

# The limit of concurrent streams until the server sets one (RFC 9113, 6.5.2, recommends no less).
_STREAMS = 100


class RefusedError(UnsentError):
    """The server did not process the request: it may be retried, whatever the method.

    REFUSED_STREAM, a stream above GOAWAY's last one, or a request that was never sent.
    """


class Streams:
    """The streams of one connection; `reset_idle_count` is called whenever a frame goes out that may be answered.

    `has_replied` is whether a response came, `retiring` whether no new stream may begin, `failure` why it ended.
    """

    __slots__ = (
        "_closed", "_deadlines", "_most_streams", "_next", "_queue", "_reset_ids", "_streams", "_transport", "_writer",
        "failure", "has_replied", "retiring",
    )  # fmt: skip

    def __init__(self, transport: Transport, reset_idle_count: Callable[[], None]) -> None:
        self._transport = transport
        self._deadlines = deadlines()
        self._closed = False
        self._writer = FrameWriter(transport, reset_idle_count)
        self._next = 1
        self._streams: dict[int, Stream] = {}
        self._reset_ids: set[int] = set()
        self._queue: deque[Stream] = deque()
        self._most_streams = _STREAMS
        self.has_replied = self.retiring = False
        self.failure: Exception | None = None

    def exchange(self, block: bytes, method: str, ends_at: float) -> Stream:
        """Send a request's header block, and its content if any; return its stream when the response is complete.

        Raises RefusedError, UnsentError, SilentError, other OSErrors and ProtocolError. After a failure other than a
        refused or reset stream the connection takes no new stream, and closes when the open ones have ended.
        """
        stream = Stream(ends_at, method)
        self._see_through(stream, block)
        if stream.failure is not None:
            raise stream.failure
        return stream

    def open(self, block: bytes, method: str, ends_at: float) -> OpenStream:
        """Send a request whose response may be endless; return its stream when the head has come. Raises as `exchange`.

        A failure after the head is raised when the stream is read.
        """
        stream = OpenStream(ends_at, method)
        self._see_through(stream, block)
        if stream.failure is not None and stream.head is None:
            raise stream.failure
        self.has_replied = True
        return stream

    def read_all(self, stream: OpenStream) -> bytes:
        """Read an opened stream to its end, by its deadline; raises as `exchange`."""
        stream.is_wanted_whole = True
        self._see_through(stream)
        if stream.failure is not None:
            raise stream.failure
        return stream.take()

    def read_more(self, stream: OpenStream) -> bytes:
        """Wait for more of an opened stream and return it, b"" at its end; raises OSError and ProtocolError."""
        while not (data := self._take_received(stream)) and not stream.over:
            stream.sleep()
        if not data and stream.failure is not None:
            raise stream.failure
        return data

    def cancel(self, stream: Stream) -> None:
        """Reset a stream whose response isn't wanted any more; the next queued one takes its place."""
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
        """Send GOAWAY and close. Pending streams fail with BrokenOffError and are not retried."""
        self._send_goaway(BrokenOffError("closed by its own side"))

    def resume_writing(self) -> None:
        """Wake the streams that wait to send more content: the write buffer is empty."""
        for stream in tuple(self._writer.writers):
            stream.wake()

    def connection_lost(self, failure: Exception) -> None:
        """Fail all streams with `failure`: nothing more will be received."""
        if self._closed:
            return
        self._closed = self.retiring = True
        self.failure = failure
        self._transport.close()
        for stream in self._streams.values():
            if isinstance(failure, SilentError):
                stream.break_off(failure)
            else:
                stream.fail((BrokenOffError if isinstance(failure, BrokenOffError) else ProtocolError)(str(failure)))
            stream.wake_soon()
        self._streams.clear()
        self._wake_queued()

    def _see_through(self, stream: Stream, block: bytes | None = None) -> None:
        """Wait until a stream is answered, by its deadline; first send `block` once the server allows another."""
        self._deadlines.watch(stream)
        try:
            if block is not None:
                while len(self._streams) >= self._most_streams and not self.retiring:
                    self._queue.append(stream)
                    stream.sleep()
                self._begin(stream, block)
            while not stream.answered:
                stream.sleep()
        except BaseException as error:
            is_under_way = self._streams.get(stream.number) is stream
            self.cancel(stream)
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
        stream.window = self._writer.window
        self._streams[stream.number] = stream
        try:
            at = self._writer.write_request(stream, block)
        except OSError as error:
            del self._streams[stream.number]
            self.connection_lost(SilentError(str(error)))
            raise UnsentError(str(error)) from error
        if type(block) is HeaderBlockWithContent:
            self._writer.write_content(stream, block.content, at)
        stream.sent_all = True

    def _take_received(self, stream: OpenStream) -> bytes:
        """Return the content that was received and not yet read, and reopen the stream's window."""
        data = stream.take()
        if (room := stream.window_increment()) and self._streams.get(stream.number) is stream:
            self._writer.write_control(frame(frames.WINDOW_UPDATE, 0, stream.number, number(room)))
        return data

    def _reset(self, stream: Stream, code: int) -> None:
        del self._streams[stream.number]
        self._reset_ids.add(stream.number)
        self._writer.write_control(frame(frames.RST_STREAM, 0, stream.number, number(code)))

    def _retire(self) -> None:
        self.retiring = True
        self._wake_queued()
        if not self._streams:
            self._send_goaway(SilentError("over"))

    def _send_goaway(self, failure: Exception, code: int = frames.NO_ERROR) -> None:
        if not self._closed:
            self._writer.write_control(frame(frames.GOAWAY, 0, 0, number(0) + number(code)))
            self.connection_lost(failure)

    def _wake_queued(self) -> None:
        for stream in self._queue:
            stream.wake_soon()
        self._queue.clear()
