"""What a server says, cut into frames: whole header blocks, in an order that may be, and not too many for nothing."""

from collections.abc import Iterator

from loadtests.client.http2 import frames
from loadtests.client.http2.frames import FaultError, unpadded
from loadtests.client.response_head import MAX_HEAD

# Frames between two requests or events that bring nothing of a reply: more of them are a flood.
_MOST_ASIDE = 1_000
_MOST_PIECES = 64
_PRIORITY_SIZE = 5
Frame = tuple[int, int, int, bytes]
"""Kind, flags, stream and what is in it: without padding, and a HEADERS with all of its block."""


class FrameReader:
    """Cuts what comes over one connection; what breaks the framing raises FaultError and ends the connection."""

    __slots__ = ("_aside", "_block", "_greeted", "_rest")

    def __init__(self) -> None:
        self._aside = 0
        self._block: tuple[int, int, list[bytes]] | None = None
        self._greeted = False
        self._rest = b""

    def calm(self) -> None:
        """Begin to count anew: we said something that may be answered, or heard what we wait for."""
        self._aside = 0

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
            raise FaultError(frames.PROTOCOL_ERROR, "a header block that is broken off, or goes on from none")
        if not self._greeted:
            if kind != frames.SETTINGS or flags & frames.ACK:
                raise FaultError(frames.PROTOCOL_ERROR, "a server that doesn't begin with its settings")
            self._greeted = True
        if kind == frames.HEADERS:
            return self._begun(flags, stream, payload)
        if kind == frames.CONTINUATION:
            return self._gone_on(flags, stream, payload)
        if kind != frames.DATA or not (payload or flags & frames.END_STREAM):
            self._aside += 1
            if self._aside > _MOST_ASIDE:
                raise FaultError(frames.ENHANCE_YOUR_CALM, f"over {_MOST_ASIDE} frames with nothing of a reply")
        return kind, flags, stream, payload

    def _begun(self, flags: int, stream: int, payload: bytes) -> Frame | None:
        block = unpadded(flags, payload)
        if flags & frames.WITH_PRIORITY:
            if len(block) < _PRIORITY_SIZE:
                raise FaultError(frames.FRAME_SIZE_ERROR, "half a priority")
            block = block[_PRIORITY_SIZE:]
        if flags & frames.END_HEADERS:
            return frames.HEADERS, flags, stream, block
        self._block = flags, stream, [block]
        return None

    def _gone_on(self, flags: int, stream: int, payload: bytes) -> Frame | None:
        began, expected, pieces = self._block or (0, 0, [])
        if stream != expected:
            raise FaultError(frames.PROTOCOL_ERROR, "a header block that goes on in another stream")
        pieces.append(payload)
        if len(pieces) > _MOST_PIECES or sum(map(len, pieces)) > MAX_HEAD:
            raise FaultError(frames.ENHANCE_YOUR_CALM, f"a header block of over {MAX_HEAD} bytes, or in crumbs")
        if not flags & frames.END_HEADERS:
            return None
        self._block = None
        return frames.HEADERS, began, stream, b"".join(pieces)
