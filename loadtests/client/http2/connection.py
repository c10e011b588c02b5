"""A connection as the server's frames change it: its streams, its windows, its settings (RFC 9113, 5 and 6).

It is read in the hub as bytes come, whether a greenlet waits or not.
"""

from time import monotonic_ns

from hpack import Decoder

from loadtests.client.errors import BrokenOffError, ProtocolError
from loadtests.client.http2 import frames
from loadtests.client.http2.frame_reader import FrameReader
from loadtests.client.http2.frames import FaultError, frame, number, without_padding
from loadtests.client.http2.response_headers import ResponseHeaders, initial_decoder
from loadtests.client.http2.stream import WINDOW, Stream
from loadtests.client.http2.streams import RefusedError, Streams
from loadtests.client.http2.transport import Transport

_WINDOW_SIZE, _PING_SIZE, _RESET_SIZE, _GOAWAY_SIZE = 4, 8, 4, 8


class Http2Connection(Streams):
    """One connection over `transport`: the streams that we begin, and a method for each kind of frame that comes."""

    __slots__ = ("_decoder", "_reader", "_receive_window", "_response_headers", "_settings_acked", "_to_wake")

    def __init__(self, transport: Transport, response_headers: ResponseHeaders) -> None:
        self._reader = FrameReader()
        super().__init__(transport, self._reader.reset_idle_count)
        self._response_headers = response_headers
        self._decoder: Decoder | None = None
        self._settings_acked = False
        self._to_wake: list[Stream] = []
        self._receive_window = WINDOW
        transport.start_reading(self)

    def data_received(self, data: bytes) -> None:
        """Handle the frames in `data`, then wake the greenlets whose streams are answered."""
        done = self._to_wake = []
        try:
            for kind, flags, stream_id, payload in self._reader.feed(data):
                self._take(kind, flags, stream_id, payload)
                if self._closed:
                    break
        except ProtocolError as error:
            self._send_goaway(error, error.code if isinstance(error, FaultError) else frames.PROTOCOL_ERROR)
        if self._transport.read_delay_ns or len(done) > 1:  # some wait until the others were woken
            ended_at = monotonic_ns() - self._transport.read_delay_ns
            for stream in done:
                if stream.answered:
                    stream.ended_at = ended_at
        for stream in sorted(done, key=lambda one: one.answered):  # queued streams before those that free a place
            stream.wake()

    def _take(self, kind: int, flags: int, stream: int, payload: bytes) -> None:
        """Handle a frame; one of an unknown kind is ignored (RFC 9113, 5.5)."""
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
                raise FaultError(frames.PROTOCOL_ERROR, "PUSH_PROMISE, though push is disabled")

    def _take_block(self, flags: int, stream_id: int, block: bytes) -> None:
        stream, decoder = self._streams.get(stream_id), None if self._settings_acked else self._own_decoder()
        if stream is None:
            self._response_headers.decode_only(block, decoder)
            self._check_late(stream_id)
            return
        last = bool(flags & frames.END_STREAM)
        try:
            if stream.head is None:
                stream.take_head(self._response_headers.of(block, decoder), last=last)
            else:
                self._response_headers.trailers(block, decoder)
                stream.take_trailers(stream.head, last=last)
        except FaultError:
            raise
        except ProtocolError as error:
            self._end_malformed(stream, error)
        self._tell(stream, brings=True)

    def _take_data(self, flags: int, stream_id: int, payload: bytes) -> None:
        flow, stream = len(payload), self._streams.get(stream_id)
        self._receive_window -= flow
        if self._receive_window < 0:
            raise FaultError(frames.FLOW_CONTROL_ERROR, "more than the connection's flow-control window allows")
        if self._receive_window < WINDOW // 2:
            self._writer.write_control(frame(frames.WINDOW_UPDATE, 0, 0, number(WINDOW - self._receive_window)))
            self._receive_window = WINDOW
        if stream is None:
            self._check_late(stream_id)
            return
        data = without_padding(flags, payload)
        try:
            stream.take_data(data, flow, last=bool(flags & frames.END_STREAM))
        except FaultError:
            raise
        except ProtocolError as error:
            self._end_malformed(stream, error)
        self._tell(stream, brings=bool(data))

    def _tell(self, stream: Stream, *, brings: bool) -> None:
        """Have the stream woken after this read, once, if the frame ended it or `brings` what is waited for."""
        if stream.over:
            self._finish(stream)
        elif brings and stream.answered:
            self._reader.reset_idle_count()
            if not self._to_wake or self._to_wake[-1] is not stream:
                self._to_wake.append(stream)

    def _finish(self, stream: Stream) -> None:
        """Remove a stream that is over."""
        if self._streams.get(stream.number) is stream:
            if stream.sent_all:
                del self._streams[stream.number]
            else:  # a complete response needs no more of the request (RFC 9113, 8.1)
                self._reset(stream, frames.NO_ERROR)
        self.has_replied = self.has_replied or stream.failure is None
        self._to_wake.append(stream)
        self._admit_next()

    def _admit_next(self) -> None:
        if self.retiring:
            self._retire()
        elif self._queue:
            self._to_wake.append(self._queue.popleft())

    def _end_malformed(self, stream: Stream, error: ProtocolError) -> None:
        """Reset a stream whose response is malformed; the connection takes no new one."""
        stream.fail(error)
        self._reset(stream, frames.PROTOCOL_ERROR)
        self.retiring = True

    def _check_late(self, stream_id: int) -> None:
        """Raise FaultError on a frame of a closed or idle stream; one that we reset may still get some."""
        self._check_begun(stream_id)
        if stream_id not in self._reset_ids:
            raise FaultError(frames.STREAM_CLOSED, "a frame on a stream that had ended")

    def _check_begun(self, stream_id: int) -> None:
        if stream_id % 2 == 0 or stream_id >= self._next:
            raise FaultError(frames.PROTOCOL_ERROR, f"stream {stream_id}, which is idle")

    def _own_decoder(self) -> Decoder:
        if self._decoder is None:
            self._decoder = initial_decoder()
        return self._decoder

    def _take_settings(self, flags: int, stream_id: int, payload: bytes) -> None:
        frames.check_whole(stream_id)
        if flags & frames.ACK:
            if payload:
                raise FaultError(frames.FRAME_SIZE_ERROR, "a SETTINGS acknowledgement with a payload")
            self._settings_acked, self._decoder = True, None
            return
        for name, value in frames.read_settings(payload):
            if name == frames.MAX_CONCURRENT_STREAMS:
                self._most_streams = value
            elif name == frames.MAX_FRAME_SIZE:
                self._writer.most_frame = value
            elif name == frames.INITIAL_WINDOW_SIZE:
                for stream in self._streams.values():
                    stream.open_window(value - self._writer.window)
                self._writer.window = value
        self._writer.write_control(frame(frames.SETTINGS, frames.ACK, 0))
        self._to_wake.extend(self._writer.writers)
        self._to_wake.extend(self._queue)
        self._queue.clear()

    def _take_ping(self, flags: int, stream_id: int, payload: bytes) -> None:
        frames.check_whole(stream_id)
        frames.check_size(payload, _PING_SIZE)
        if not flags & frames.ACK:
            self._writer.write_control(frame(frames.PING, frames.ACK, 0, payload))

    def _take_goaway(self, stream_id: int, payload: bytes) -> None:
        """Fail the streams that the server won't process; the others may complete."""
        frames.check_whole(stream_id)
        if len(payload) < _GOAWAY_SIZE:
            raise FaultError(frames.FRAME_SIZE_ERROR, "a GOAWAY that is too short")
        last = int.from_bytes(payload[:4], "big") & frames.MOST_STREAM_ID
        for stream in [stream for number_, stream in self._streams.items() if number_ > last]:
            del self._streams[stream.number]
            stream.fail(RefusedError("GOAWAY: the server did not process the request"))
            self._to_wake.append(stream)
        self._retire()

    def _take_reset(self, stream_id: int, payload: bytes) -> None:
        self._check_begun(stream_id)
        frames.check_size(payload, _RESET_SIZE)
        stream = self._streams.pop(stream_id, None)
        if stream is None:
            return
        code = int.from_bytes(payload, "big")
        if code == frames.REFUSED_STREAM:
            stream.fail(RefusedError("REFUSED_STREAM: the server did not process the request"))
        elif code == frames.HTTP_1_1_REQUIRED:
            stream.fail(ProtocolError("HTTP_1_1_REQUIRED"))
        else:
            stream.fail(BrokenOffError(f"RST_STREAM: code {code}"))
        self._finish(stream)

    def _take_window(self, stream_id: int, payload: bytes) -> None:
        frames.check_size(payload, _WINDOW_SIZE)
        by = int.from_bytes(payload, "big") & frames.MOST_WINDOW
        if not by:
            raise FaultError(frames.PROTOCOL_ERROR, "a WINDOW_UPDATE of 0")
        if stream_id:
            self._check_begun(stream_id)
            if (stream := self._streams.get(stream_id)) is not None:
                stream.open_window(by)
        else:
            self._writer.open_window(by)
        self._to_wake.extend(self._writer.writers)
