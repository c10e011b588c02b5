"""A connection as the server's frames change it: its streams, its windows, its settings (RFC 9113, 5 and 6).

It is read in the hub as bytes come, whether a greenlet waits or not.
"""

from time import monotonic_ns

from hpack import Decoder

from loadtests.client.errors import BrokenOffError, ProtocolError
from loadtests.client.http2 import frames
from loadtests.client.http2.frame_reader import FrameReader
from loadtests.client.http2.frames import FaultError, frame, number, unpadded
from loadtests.client.http2.response_headers import ResponseHeaders, first_decoder
from loadtests.client.http2.stream import WINDOW, Stream
from loadtests.client.http2.streams import RefusedError, Streams
from loadtests.client.http2.transport import Transport

_WINDOW_SIZE, _PING_SIZE, _RESET_SIZE, _GOAWAY_SIZE = 4, 8, 4, 8


class Http2Connection(Streams):
    """One connection over `channel`: the streams that we begin, and a method for each kind of frame that comes."""

    __slots__ = ("_acked", "_blocks", "_decoder", "_done", "_inbound", "_incoming")

    def __init__(self, channel: Transport, blocks: ResponseHeaders) -> None:
        self._incoming = FrameReader()
        super().__init__(channel, self._incoming.calm)
        self._blocks = blocks
        self._decoder: Decoder | None = None
        self._acked = False
        self._done: list[Stream] = []
        self._inbound = WINDOW
        channel.listen(self)

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
