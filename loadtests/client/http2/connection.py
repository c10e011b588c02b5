"""A connection as both sides see it: its streams, its windows, and what either may still say (RFC 9113, 5 and 6).

It is read in the hub as bytes come, whoever waits or not; a greenlet waits for its own stream only.
"""

from collections import deque
from time import monotonic_ns

from gevent import GreenletExit
from hpack import Decoder

from loadtests.client.errors import BrokenOffError, ProtocolError, SilentError, UnsentError
from loadtests.client.http2 import frames
from loadtests.client.http2.frame_reader import FrameReader
from loadtests.client.http2.frame_writer import FrameWriter
from loadtests.client.http2.frames import FaultError, frame, number, unpadded
from loadtests.client.http2.request_headers import Post
from loadtests.client.http2.response_headers import ResponseHeaders, first_decoder
from loadtests.client.http2.stream import WINDOW, OpenStream, Stream
from loadtests.client.http2.transport import Transport
from loadtests.client.sockets.deadlines import deadlines

# What counts as the server's limit until it says its own (RFC 9113, 6.5.2, recommends no less).
_STREAMS = 100
_WINDOW_SIZE, _PING_SIZE, _RESET_SIZE, _GOAWAY_SIZE = 4, 8, 4, 8


class RefusedError(UnsentError):
    """The server says that it did nothing with the request, or it never began: whatever it is, it may be said again."""


class Http2Connection:
    """What is said over `channel`.

    `brought` is whether a reply came over it, `retiring` whether no other request may go over it, `failure` why it
    ended.
    """

    __slots__ = (
        "_acked", "_blocks", "_channel", "_closed", "_deadlines", "_decoder", "_done", "_given_up", "_inbound",
        "_incoming", "_most_streams", "_next", "_outgoing", "_queue", "_streams", "brought", "failure", "retiring",
    )  # fmt: skip

    def __init__(self, channel: Transport, blocks: ResponseHeaders) -> None:
        self._channel, self._blocks = channel, blocks
        self._deadlines = deadlines()
        self._decoder: Decoder | None = None
        self._acked = self._closed = False
        self._incoming = FrameReader()
        self._outgoing = FrameWriter(channel, self._incoming.calm)
        self._next = 1
        self._streams: dict[int, Stream] = {}
        self._given_up: set[int] = set()
        self._queue: deque[Stream] = deque()
        self._done: list[Stream] = []
        self._inbound = WINDOW
        self._most_streams = _STREAMS
        self.brought = self.retiring = False
        self.failure: Exception | None = None
        channel.listen(self)

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

    # -- what the channel tells --------------------------------------------------------------------------------------

    def hear(self, data: bytes) -> None:
        """Take what came, and wake those whose replies are whole."""
        done = self._done = []
        try:
            for kind, flags, stream_id, payload in self._incoming.feed(data):
                self._take(kind, flags, stream_id, payload)
                if self._closed:
                    break
        except ProtocolError as error:
            self._say_goodbye(error, error.code if isinstance(error, FaultError) else frames.PROTOCOL_ERROR)
        if self._channel.read_delay_ns or len(done) > 1:  # some will wait for the others
            ended_at = monotonic_ns() - self._channel.read_delay_ns
            for stream in done:
                if stream.answered:
                    stream.ended_at = ended_at
        for stream in sorted(done, key=lambda one: one.answered):  # who waits for a place goes before who may ask again
            stream.wake()

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

    # -- how streams begin and end -------------------------------------------------------------------------------------

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

    # -- what the server says ----------------------------------------------------------------------------------------

    def _take(self, kind: int, flags: int, stream: int, payload: bytes) -> None:
        """Take a frame; what isn't known is passed over (RFC 9113, 5.5)."""
        match kind:
            case frames.HEADERS:
                self._take_block(flags, stream, payload)
            case frames.DATA:
                self._take_data(flags, stream, payload)
            case frames.WINDOW_UPDATE:
                self._take_window(stream, payload)
            case frames.SETTINGS:
                self._take_settings(flags, stream, payload)
            case frames.PING:
                self._take_ping(flags, stream, payload)
            case frames.RST_STREAM:
                self._take_reset(stream, payload)
            case frames.GOAWAY:
                self._take_goaway(stream, payload)
            case frames.PUSH_PROMISE:
                raise FaultError(frames.PROTOCOL_ERROR, "a push, which is switched off")

    def _take_block(self, flags: int, stream_id: int, block: bytes) -> None:
        stream, decoder = self._streams.get(stream_id), None if self._acked else self._own_decoder()
        if stream is None:
            self._blocks.pass_over(block, decoder)
            self._check_late(stream_id)
            return
        last = bool(flags & frames.END_STREAM)
        try:
            if stream.head is None:
                stream.take_head(self._blocks.of(block, decoder), last=last)
            else:
                self._blocks.trailers(block, decoder)
                stream.take_trailers(stream.head, last=last)
        except FaultError:
            raise
        except ProtocolError as error:
            self._spoil(stream, error)
        self._tell(stream, brings=True)

    def _take_data(self, flags: int, stream_id: int, payload: bytes) -> None:
        flow, stream = len(payload), self._streams.get(stream_id)
        self._inbound -= flow
        if self._inbound < 0:
            raise FaultError(frames.FLOW_CONTROL_ERROR, "more than the window of the connection holds")
        if self._inbound < WINDOW // 2:
            self._outgoing.answer(frame(frames.WINDOW_UPDATE, 0, 0, number(WINDOW - self._inbound)))
            self._inbound = WINDOW
        if stream is None:
            self._check_late(stream_id)
            return
        data = unpadded(flags, payload)
        try:
            stream.take_data(data, flow, last=bool(flags & frames.END_STREAM))
        except FaultError:
            raise
        except ProtocolError as error:
            self._spoil(stream, error)
        self._tell(stream, brings=bool(data))

    def _tell(self, stream: Stream, *, brings: bool) -> None:
        """Wake who waits for what a frame `brings`, once, as soon as all is heard."""
        if stream.over:
            self._finish(stream)
        elif brings and stream.answered:
            self._incoming.calm()
            if not self._done or self._done[-1] is not stream:
                self._done.append(stream)

    def _finish(self, stream: Stream) -> None:
        """Take a stream that is over from those under way."""
        if self._streams.get(stream.number) is stream:
            if stream.sent_all:
                del self._streams[stream.number]
            else:  # who has answered needs no more of the request (RFC 9113, 8.1)
                self._reset(stream, frames.NO_ERROR)
        self.brought = self.brought or stream.failure is None
        self._done.append(stream)
        self._let_next_in()

    def _let_next_in(self) -> None:
        if self.retiring:
            self._retire()
        elif self._queue:
            self._done.append(self._queue.popleft())

    def _spoil(self, stream: Stream, error: ProtocolError) -> None:
        """End a stream whose reply is none, and let the connection end with the others."""
        stream.fail(error)
        self._reset(stream, frames.PROTOCOL_ERROR)
        self.retiring = True

    def _check_late(self, stream_id: int) -> None:
        """Raise FaultError on what comes for a stream that is over, or never began; what we broke off may go on."""
        self._check_begun(stream_id)
        if stream_id not in self._given_up:
            raise FaultError(frames.STREAM_CLOSED, "more of a reply that was whole")

    def _check_begun(self, stream_id: int) -> None:
        if stream_id % 2 == 0 or stream_id >= self._next:
            raise FaultError(frames.PROTOCOL_ERROR, f"stream {stream_id}, which nobody began")

    def _own_decoder(self) -> Decoder:
        if self._decoder is None:
            self._decoder = first_decoder()
        return self._decoder

    def _take_settings(self, flags: int, stream_id: int, payload: bytes) -> None:
        frames.check_whole(stream_id)
        if flags & frames.ACK:
            if payload:
                raise FaultError(frames.FRAME_SIZE_ERROR, "an acknowledgement that holds something")
            self._acked, self._decoder = True, None
            return
        for name, value in frames.told_settings(payload):
            if name == frames.MAX_CONCURRENT_STREAMS:
                self._most_streams = value
            elif name == frames.MAX_FRAME_SIZE:
                self._outgoing.most_frame = value
            elif name == frames.INITIAL_WINDOW_SIZE:
                for stream in self._streams.values():
                    stream.open_window(value - self._outgoing.window)
                self._outgoing.window = value
        self._outgoing.answer(frame(frames.SETTINGS, frames.ACK, 0))
        self._done.extend(self._outgoing.writers)
        self._done.extend(self._queue)
        self._queue.clear()

    def _take_ping(self, flags: int, stream_id: int, payload: bytes) -> None:
        frames.check_whole(stream_id)
        frames.check_size(payload, _PING_SIZE)
        if not flags & frames.ACK:
            self._outgoing.answer(frame(frames.PING, frames.ACK, 0, payload))

    def _take_goaway(self, stream_id: int, payload: bytes) -> None:
        """Take back what the server won't look at; the rest may come to its end."""
        frames.check_whole(stream_id)
        if len(payload) < _GOAWAY_SIZE:
            raise FaultError(frames.FRAME_SIZE_ERROR, "half a goodbye")
        last = int.from_bytes(payload[:4], "big") & frames.MOST_STREAM_ID
        for stream in [stream for number_, stream in self._streams.items() if number_ > last]:
            del self._streams[stream.number]
            stream.fail(RefusedError("the server went away before it looked at this"))
            self._done.append(stream)
        self._retire()

    def _take_reset(self, stream_id: int, payload: bytes) -> None:
        self._check_begun(stream_id)
        frames.check_size(payload, _RESET_SIZE)
        stream = self._streams.pop(stream_id, None)
        if stream is None:
            return
        code = int.from_bytes(payload, "big")
        if code == frames.REFUSED_STREAM:
            stream.fail(RefusedError("the server refused the stream"))
        elif code == frames.HTTP_1_1_REQUIRED:
            stream.fail(ProtocolError("the server wants HTTP/1.1 for this"))
        else:
            stream.fail(BrokenOffError(f"the server broke the stream off: {code}"))
        self._finish(stream)

    def _take_window(self, stream_id: int, payload: bytes) -> None:
        frames.check_size(payload, _WINDOW_SIZE)
        by = int.from_bytes(payload, "big") & frames.MOST_WINDOW
        if not by:
            raise FaultError(frames.PROTOCOL_ERROR, "a window that opens by nothing")
        if stream_id:
            self._check_begun(stream_id)
            if (stream := self._streams.get(stream_id)) is not None:
                stream.open_window(by)
        else:
            self._outgoing.open_window(by)
        self._done.extend(self._outgoing.writers)
