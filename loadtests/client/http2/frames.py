"""Frames as bytes, and what is wrong with one (RFC 9113, 4, 6 and 7)."""

from collections.abc import Iterator
from struct import Struct, pack

from loadtests.client.errors import ProtocolError

DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS, PUSH_PROMISE, PING, GOAWAY, WINDOW_UPDATE, CONTINUATION = range(10)
END_STREAM = ACK = 0x1
END_HEADERS, PADDED, WITH_PRIORITY = 0x4, 0x8, 0x20
NO_ERROR, PROTOCOL_ERROR, FLOW_CONTROL_ERROR, STREAM_CLOSED = 0, 1, 3, 5
FRAME_SIZE_ERROR, REFUSED_STREAM, CANCEL, COMPRESSION_ERROR = 6, 7, 8, 9
ENHANCE_YOUR_CALM, HTTP_1_1_REQUIRED = 11, 13
HEADER_TABLE_SIZE, ENABLE_PUSH, MAX_CONCURRENT_STREAMS, INITIAL_WINDOW_SIZE, MAX_FRAME_SIZE, MAX_HEADER_LIST_SIZE = (
    range(1, 7)
)
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
HEAD_SIZE = 9
LEAST_MAX_FRAME, MOST_MAX_FRAME = 1 << 14, (1 << 24) - 1
FIRST_WINDOW, MOST_WINDOW = (1 << 16) - 1, (1 << 31) - 1
MOST_STREAM_ID = (1 << 31) - 1
head = Struct(">HBBBI")
_setting = Struct(">HI")


class FaultError(ProtocolError):
    """A connection error; `code` goes into GOAWAY (RFC 9113, 7)."""

    def __init__(self, code: int, why: str) -> None:
        super().__init__(why)
        self.code = code


def frame(kind: int, flags: int, stream: int, payload: bytes = b"") -> bytes:
    """Return a frame's bytes."""
    size = len(payload)
    return head.pack(size >> 8, size & 0xFF, kind, flags, stream) + payload


def settings(values: dict[int, int]) -> bytes:
    """Return a frame of settings."""
    return frame(SETTINGS, 0, 0, b"".join(_setting.pack(name, value) for name, value in values.items()))


def connection_preface(window: int, most_head: int) -> bytes:
    """Return a client's connection preface: no dynamic table, no push, windows of `window`, heads up to `most_head`."""
    given = {HEADER_TABLE_SIZE: 0, ENABLE_PUSH: 0, INITIAL_WINDOW_SIZE: window, MAX_HEADER_LIST_SIZE: most_head}
    return PREFACE + settings(given) + frame(WINDOW_UPDATE, 0, 0, number(window - FIRST_WINDOW))


def number(value: int) -> bytes:
    """Return an error code or an increment as a payload."""
    return pack(">I", value)


def read_settings(payload: bytes) -> Iterator[tuple[int, int]]:
    """Yield the settings of a SETTINGS payload; raises FaultError on an invalid one (RFC 9113, 6.5.2)."""
    if len(payload) % _setting.size:
        raise FaultError(FRAME_SIZE_ERROR, "a SETTINGS payload of a wrong size")
    for name, value in _setting.iter_unpack(payload):
        if name == INITIAL_WINDOW_SIZE and value > MOST_WINDOW:
            raise FaultError(FLOW_CONTROL_ERROR, f"a window of {value}")
        if name == MAX_FRAME_SIZE and not LEAST_MAX_FRAME <= value <= MOST_MAX_FRAME:
            raise FaultError(PROTOCOL_ERROR, f"frames of at most {value}")
        if name == ENABLE_PUSH and value:
            raise FaultError(PROTOCOL_ERROR, "ENABLE_PUSH from a server")
        yield name, value


def without_padding(flags: int, payload: bytes) -> bytes:
    """Return what a frame of DATA or HEADERS holds without its padding; raises FaultError."""
    if not flags & PADDED:
        return payload
    if not payload or payload[0] >= len(payload):
        raise FaultError(PROTOCOL_ERROR, "padding longer than the payload")
    return payload[1 : len(payload) - payload[0]]


def header_frames(stream: int, block: bytes, most: int, *, ends: bool) -> bytes:
    """Return a header block in frames of at most `most`; `ends` is whether nothing goes after it."""
    flags = END_STREAM if ends else 0
    if len(block) <= most:
        return frame(HEADERS, flags | END_HEADERS, stream, block)
    pieces = [frame(HEADERS, flags, stream, block[:most])]
    for at in range(most, len(block), most):
        last = END_HEADERS if at + most >= len(block) else 0
        pieces.append(frame(CONTINUATION, last, stream, block[at : at + most]))
    return b"".join(pieces)


def check_whole(stream: int) -> None:
    """Raise FaultError when a frame that belongs to stream 0 has another stream id."""
    if stream:
        raise FaultError(PROTOCOL_ERROR, "a frame of the connection on a stream")


def check_size(payload: bytes, size: int) -> None:
    """Raise FaultError when a frame of a fixed size has another."""
    if len(payload) != size:
        raise FaultError(FRAME_SIZE_ERROR, f"a frame of {len(payload)} bytes instead of {size}")
