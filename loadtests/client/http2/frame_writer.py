"""Writes frames: content only as far as the server's flow-control windows allow (RFC 9113, 5.2)."""

import contextlib
from collections.abc import Callable

from loadtests.client.http2 import frames
from loadtests.client.http2.frames import FaultError, connection_preface, frame, header_frames
from loadtests.client.http2.request_headers import HeaderBlockWithContent
from loadtests.client.http2.stream import WINDOW, Stream
from loadtests.client.http2.transport import Transport
from loadtests.client.response_head import MAX_HEAD

_MOST_WAITING = 256 << 10
_PREFACE = connection_preface(WINDOW, MAX_HEAD)


class FrameWriter:
    """Writes to `transport`; `reset_idle_count` is called with each frame that the server may answer.

    `writers` are the streams that wait for a window to open. `most_frame` and `window`, the initial one of a stream,
    are as the server sets them.
    """

    __slots__ = ("_preface", "_reset_idle_count", "_room", "_transport", "most_frame", "window", "writers")

    def __init__(self, transport: Transport, reset_idle_count: Callable[[], None]) -> None:
        self._transport, self._reset_idle_count = transport, reset_idle_count
        self._preface = _PREFACE
        self._room = self.window = frames.FIRST_WINDOW
        self.most_frame = frames.LEAST_MAX_FRAME
        self.writers: set[Stream] = set()

    def write(self, data: bytes) -> None:
        """Write `data`, after the connection preface if nothing was written yet; raises OSError."""
        if self._preface:
            data, self._preface = self._preface + data, b""
        self._transport.write(data)

    def write_control(self, data: bytes) -> None:
        """Write a control frame; a connection that is gone is noticed when it is read to its end."""
        with contextlib.suppress(OSError):
            self.write(data)

    def write_request(self, stream: Stream, block: bytes) -> int:
        """Write a request's header block and as much content as the windows allow; return how much. Raises OSError."""
        content = block.content if type(block) is HeaderBlockWithContent else b""
        self._reset_idle_count()
        data = header_frames(stream.number, block, self.most_frame, ends=not content)
        if not content:
            self.write(data)
            return 0
        piece = self._piece(stream, content, 0)
        self.write(data + piece)
        return len(piece) - frames.HEAD_SIZE if piece else 0

    def write_content(self, stream: Stream, content: bytes, at: int) -> None:
        """Write content from `at` on as the windows open, or until the response is complete; raises OSError."""
        while at < len(content) and not stream.over:
            piece = b"" if self._transport.write_buffer_size > _MOST_WAITING else self._piece(stream, content, at)
            if piece:
                self.write(piece)
                at += len(piece) - frames.HEAD_SIZE
                continue
            self.writers.add(stream)
            try:
                stream.sleep()
            finally:
                self.writers.discard(stream)

    def open_window(self, by: int) -> None:
        """Enlarge the connection's window; raises FaultError above the maximum."""
        self._room += by
        if self._room > frames.MOST_WINDOW:
            raise FaultError(frames.FLOW_CONTROL_ERROR, "a window that overflows")

    def _piece(self, stream: Stream, content: bytes, at: int) -> bytes:
        """Return the next DATA frame that the windows allow, b"" when they allow none."""
        left = len(content) - at
        size = min(left, stream.window, self._room, self.most_frame)
        if size <= 0:
            return b""
        stream.window -= size
        self._room -= size
        self._reset_idle_count()
        flags = frames.END_STREAM if size == left else 0
        return frame(frames.DATA, flags, stream.number, content[at : at + size])
