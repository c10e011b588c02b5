"""Splits what a server sends into frames: with whole header blocks, in a valid order, and bounded in number."""

from collections.abc import Iterator

from loadtests.client.http2 import frames
from loadtests.client.http2.frames import FaultError, without_padding
from loadtests.client.response_head import MAX_HEAD

# Frames without response data between two requests or events: more of them are a flood.
_MAX_IDLE_FRAMES = 1_000
_MOST_PIECES = 64
_PRIORITY_SIZE = 5
Frame = tuple[int, int, int, bytes]
"""Kind, flags, stream and what is in it: without padding, and a HEADERS with all of its block."""


class FrameReader:
    """Splits the bytes of one connection; broken framing raises FaultError, a connection error."""

    __slots__ = ("_block", "_has_settings", "_idle_frames", "_rest")

    def __init__(self) -> None:
        self._idle_frames = 0
        self._block: tuple[int, int, list[bytes]] | None = None
        self._has_settings = False
        self._rest = b""

    def reset_idle_count(self) -> None:
        """Reset the count of idle frames: a frame went out that may be answered, or awaited data came."""
        self._idle_frames = 0

    def feed(self, data: bytes) -> Iterator[Frame]:
        """Return the frames that are whole now; DATA still has its padding, for the windows count that too."""
        if self._rest:
            data = self._rest + data
        at, size = 0, len(data)
        while size - at >= frames.HEAD_SIZE:
            high, low, kind, flags, stream = frames.head.unpack_from(data, at)
            begin = at + frames.HEAD_SIZE
            end = begin + (high << 8 | low)
            if end - begin > frames.LEAST_MAX_FRAME:
                raise FaultError(frames.FRAME_SIZE_ERROR, "a frame that is too long, or no HTTP/2")
            if end > size:
                break
            at = end
            found = self._taken(kind, flags, stream & frames.MOST_STREAM_ID, data[begin:end])
            if found is not None:
                yield found
        self._rest = data[at:]

    def _taken(self, kind: int, flags: int, stream: int, payload: bytes) -> Frame | None:
        if (self._block is None) is (kind == frames.CONTINUATION):
            raise FaultError(frames.PROTOCOL_ERROR, "a header block that is interrupted, or a CONTINUATION without one")
        if not self._has_settings:
            if kind != frames.SETTINGS or flags & frames.ACK:
                raise FaultError(frames.PROTOCOL_ERROR, "a server whose first frame isn't SETTINGS")
            self._has_settings = True
        if kind == frames.HEADERS:
            return self._begun(flags, stream, payload)
        if kind == frames.CONTINUATION:
            return self._gone_on(flags, stream, payload)
        if kind != frames.DATA or not (payload or flags & frames.END_STREAM):
            self._idle_frames += 1
            if self._idle_frames > _MAX_IDLE_FRAMES:
                raise FaultError(frames.ENHANCE_YOUR_CALM, f"over {_MAX_IDLE_FRAMES} frames without response data")
        return kind, flags, stream, payload

    def _begun(self, flags: int, stream: int, payload: bytes) -> Frame | None:
        block = without_padding(flags, payload)
        if flags & frames.WITH_PRIORITY:
            if len(block) < _PRIORITY_SIZE:
                raise FaultError(frames.FRAME_SIZE_ERROR, "a truncated priority")
            block = block[_PRIORITY_SIZE:]
        if flags & frames.END_HEADERS:
            return frames.HEADERS, flags, stream, block
        self._block = flags, stream, [block]
        return None

    def _gone_on(self, flags: int, stream: int, payload: bytes) -> Frame | None:
        began, expected, pieces = self._block or (0, 0, [])
        if stream != expected:
            raise FaultError(frames.PROTOCOL_ERROR, "a CONTINUATION on another stream")
        pieces.append(payload)
        if len(pieces) > _MOST_PIECES or sum(map(len, pieces)) > MAX_HEAD:
            raise FaultError(
                frames.ENHANCE_YOUR_CALM, f"a header block of over {MAX_HEAD} bytes, or in over {_MOST_PIECES} frames"
            )
        if not flags & frames.END_HEADERS:
            return None
        self._block = None
        return frames.HEADERS, began, stream, b"".join(pieces)
