"""What we say: requests and answers, and contents only as far as the server's windows are open (RFC 9113, 5.2)."""

import contextlib
from collections.abc import Callable

from loadtests.client.http2 import frames
from loadtests.client.http2.frames import FaultError, frame, greeting, head_frames
from loadtests.client.http2.request_headers import Post
from loadtests.client.http2.stream import WINDOW, Stream
from loadtests.client.http2.transport import Transport
from loadtests.client.response_head import MAX_HEAD

_MOST_WAITING = 256 << 10
_GREETING = greeting(WINDOW, MAX_HEAD)


class FrameWriter:
    """Says things over `channel`; `calm` is called with whatever the server may answer.

    `writers` are those who wait for a window to open. `most_frame` and `window`, a new stream's, are as the server
    sets them.
    """

    __slots__ = ("_calm", "_channel", "_greeting", "_room", "most_frame", "window", "writers")

    def __init__(self, channel: Transport, calm: Callable[[], None]) -> None:
        self._channel, self._calm = channel, calm
        self._greeting = _GREETING
        self._room = self.window = frames.FIRST_WINDOW
        self.most_frame = frames.LEAST_MAX_FRAME
        self.writers: set[Stream] = set()

    def say(self, words: bytes) -> None:
        """Say `words`, and the greeting before whatever is said first; raises OSError."""
        if self._greeting:
            words, self._greeting = self._greeting + words, b""
        self._channel.put(words)

    def answer(self, words: bytes) -> None:
        """Say what nobody waits for: that the other side is gone is told behind all that it has said."""
        with contextlib.suppress(OSError):
            self.say(words)

    def begin(self, stream: Stream, block: bytes) -> int:
        """Say a request's block, with as much of its content as has room; return how much has. Raises OSError."""
        content = block.content if type(block) is Post else b""
        self._calm()
        words = head_frames(stream.number, block, self.most_frame, ends=not content)
        if not content:
            self.say(words)
            return 0
        piece = self._piece(stream, content, 0)
        self.say(words + piece)
        return len(piece) - frames.HEAD_SIZE if piece else 0

    def go_on(self, stream: Stream, content: bytes, at: int) -> None:
        """Say a content from `at` on as the windows open, or until the reply is there; raises OSError."""
        while at < len(content) and not stream.over:
            piece = b"" if self._channel.waiting > _MOST_WAITING else self._piece(stream, content, at)
            if piece:
                self.say(piece)
                at += len(piece) - frames.HEAD_SIZE
                continue
            self.writers.add(stream)
            try:
                stream.sleep()
            finally:
                self.writers.discard(stream)

    def open_window(self, by: int) -> None:
        """Let more be said in all; raises FaultError when that is more than a window can be."""
        self._room += by
        if self._room > frames.MOST_WINDOW:
            raise FaultError(frames.FLOW_CONTROL_ERROR, "a window that overflows")

    def _piece(self, stream: Stream, content: bytes, at: int) -> bytes:
        """Return the next frame of `content` that the windows have room for, b"" when there is none."""
        left = len(content) - at
        size = min(left, stream.window, self._room, self.most_frame)
        if size <= 0:
            return b""
        stream.window -= size
        self._room -= size
        self._calm()
        flags = frames.END_STREAM if size == left else 0
        return frame(frames.DATA, flags, stream.number, content[at : at + size])
