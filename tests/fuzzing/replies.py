"""Parsers of how a shop answers: HTTP/1.1, HTTP/2, encodings, event streams, and what a proxy says before it."""

import gzip
from typing import Any, cast

import brotli
import gevent
from hpack import Encoder

from loadtests.client import response
from loadtests.client.chunked_body import Chunks
from loadtests.client.content_encoding import content_decoder, decoded
from loadtests.client.errors import ProtocolError
from loadtests.client.http2 import frames
from loadtests.client.http2.connection import Http2Connection
from loadtests.client.http2.frames import frame, number
from loadtests.client.http2.response_headers import ResponseHeaders
from loadtests.client.response_head import ResponseHeads
from loadtests.client.sockets.connection import Connection
from loadtests.client.sse.parser import EventParser
from loadtests.environment.firewalls import Firewall
from loadtests.environment.proxy import Answer, ProxyError
from loadtests.environment.targets import Blocked
from tests.fuzzing.parser import Parser

_FIREWALL = Firewall(Blocked())
_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nSet-Cookie: sid=1; Path=/\r\nContent-Length: 5\r\n\r\nhello"
_CHUNKS = b"5\r\nhello\r\n3;a=b\r\nabc\r\n0\r\nX-Trailer: 1\r\n\r\n"
_HEADS = (
    _HEAD,
    b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" + _HEAD,
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Trailer\r\n\r\n" + _CHUNKS,
    b"HTTP/1.0 302 Found\r\nLocation: /cart?x=1\r\nConnection: close\r\n\r\nuntil closed",
    b"HTTP/1.1 204 No Content\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip, identity\r\nContent-Length: 3\r\nConnection: keep-alive\r\n\r\nabc",
)
_CUTS = (b"\x00", b"\x01", b"\x11")
_HEAD_TOKENS = (
    *(
        b"HTTP/1.1 ",
        b"HTTP/1.0 200",
        b"HTTP/2 200\r\n",
        b"Content-Length: ",
        b"Transfer-Encoding: chunked\r\n",
        b"\r\n\r\n",
    ),
    *(
        b"Connection: upgrade\r\n",
        b"Upgrade: h2c\r\n",
        b"Set-Cookie: a=b\r\n",
        b"Location: ",
        b"0\r\n\r\n",
        b"101 ",
        b"304 ",
    ),
    *(
        b"\r\n folded",
        b"gzip",
        b"br",
        b"ffffffffffffffff\r\n",
        b"Trailer: x\r\n",
        b"+5",
        b"5, 5",
        b"Expect: 100-continue\r\n",
    ),
)


class _Wire:
    """A connection on which pieces come, cut where the first byte of the input says."""

    def __init__(self, pieces: list[bytes]) -> None:
        self._pieces = pieces

    def send(self, _data: bytes) -> None:
        """Take the request."""

    def receive(self) -> bytes:
        return self._pieces.pop(0) if self._pieces else b""

    def release(self) -> None:
        """Keep it."""

    def close(self) -> None:
        """Close it."""


def _cut(data: bytes) -> list[bytes]:
    """Return what follows the first byte, in pieces of so many bytes; in one for 0."""
    size, rest = data[0] if data else 0, data[1:]
    return [rest[at : at + size] for at in range(0, len(rest), size)] if size else [rest]


def _http1(data: bytes) -> object:
    wire = cast("Connection", _Wire([piece for piece in _cut(data) if piece]))
    head, body = response.exchange(wire, b"", "GET", ResponseHeads(_FIREWALL))
    if head.encoding:
        decoded(body, head.encoding, response.MAX_BODY)
    return head


def _head(data: bytes) -> object:
    return ResponseHeads(_FIREWALL).of(data)


def _chunks(data: bytes) -> object:
    chunks = Chunks(1 << 20)
    for piece in _cut(data):
        chunks.feed(piece)
        if chunks.complete:
            break
    return chunks.whole()


_MOST_DECODED = 1 << 17


def _coded(encoding: str) -> Any:
    def parse(data: bytes) -> object:
        whole = decoded(data, encoding, _MOST_DECODED)
        decoder = content_decoder(encoding, _MOST_DECODED)
        pieces = [decoder.feed(data[at : at + 7]) for at in range(0, len(data), 7)]
        assert b"".join(pieces) == whole, "cut differently it decodes to something else"
        return whole

    return parse


class _Silent:
    """A transport that nothing is sent over."""

    read_delay_ns = 0
    write_buffer_size = 0
    closed = False

    def start_reading(self, _protocol: object) -> None:
        """Hand on nothing."""

    def write(self, _data: bytes) -> None:
        """Send nothing."""

    def close(self) -> None:
        """Close nothing."""


def _http2(data: bytes) -> object:
    """Have three requests under way while the server sends; how each ends is one of the client's outcomes."""
    connection = Http2Connection(cast("Any", _Silent()), ResponseHeaders(ResponseHeads(_FIREWALL)))
    outcomes: list[object] = []

    def ask(method: str, *, opens: bool) -> None:
        try:
            send = connection.open if opens else connection.exchange
            outcomes.append(send(b"\x82", method, float("inf")).head)
        except (OSError, ProtocolError) as failure:
            outcomes.append(failure)

    def receive() -> None:
        try:
            for piece in _cut(data):
                connection.data_received(piece)
            connection.close()
        except BaseException as error:  # noqa: BLE001 - the hub would print it
            outcomes.append(error)

    asking = [gevent.spawn(ask, method, opens=opens) for method, opens in _ASKED]
    gevent.sleep(0)
    gevent.get_hub().loop.run_callback(receive)  # as the hub calls it
    gevent.joinall(asking, timeout=1)
    assert all(one.dead for one in asking), "a request that waits for ever"
    for failure in outcomes:
        if isinstance(failure, BaseException) and not isinstance(failure, OSError | ProtocolError):
            raise failure
    return outcomes


_ASKED = (("GET", False), ("HEAD", False), ("GET", True))


def _block(*fields: tuple[str, str]) -> bytes:
    encoder = Encoder()
    encoder.header_table_size = 0
    block: bytes = encoder.encode(fields)
    return block


_BLOCK = _block((":status", "200"), ("content-type", "text/html"), ("content-length", "5"), ("set-cookie", "a=b"))
_SETTINGS = frame(frames.SETTINGS, 0, 0, b"\x00\x03\x00\x00\x00\x64\x00\x04\x00\x00\xff\xff")
_ENDS = frames.END_HEADERS | frames.END_STREAM
_H2 = (
    _SETTINGS
    + frame(frames.SETTINGS, frames.ACK, 0, b"")
    + frame(frames.HEADERS, frames.END_HEADERS, 1, _BLOCK)
    + frame(frames.DATA, frames.END_STREAM, 1, b"hello"),
    _SETTINGS + frame(frames.HEADERS, 0, 1, _BLOCK[:4]) + frame(frames.CONTINUATION, _ENDS, 1, _BLOCK[4:]),
    _SETTINGS
    + frame(frames.RST_STREAM, 0, 3, number(7))
    + frame(frames.GOAWAY, 0, 0, number(1) + number(0))
    + frame(frames.PING, 0, 0, bytes(8))
    + frame(frames.WINDOW_UPDATE, 0, 1, number(100)),
    _SETTINGS + frame(frames.HEADERS, _ENDS, 3, _block((":status", "204"))) + frame(frames.HEADERS, _ENDS, 5, _BLOCK),
    _SETTINGS
    + frame(frames.HEADERS, frames.END_HEADERS, 1, _block((":status", "103")))
    + frame(frames.HEADERS, frames.END_HEADERS | 0x8, 1, b"\x02" + _BLOCK + b"\x00\x00")
    + frame(frames.DATA, 0x8, 1, b"\x01hello\x00")
    + frame(frames.HEADERS, _ENDS, 1, _block(("x-trailer", "1"))),
)
_H2_TOKENS = (
    *(frame(kind, flags, stream, b"") for kind in range(11) for flags, stream in ((0, 0), (5, 1), (4, 3))),
    *(
        _BLOCK,
        _block((":status", "404")),
        number(0),
        number(2**31 - 1),
        b"\x00\x04\x7f\xff\xff\xff",
        b"\x00\x01\xff\xff\xff\xff",
    ),
)


def _hpack(data: bytes) -> object:
    return ResponseHeaders(ResponseHeads(_FIREWALL)).of(data)


def _events(data: bytes) -> object:
    whole, pieces = EventParser().feed(data[1:]), EventParser()
    found = [event for piece in _cut(data) for event in pieces.feed(piece)]
    assert found == whole, "cut differently it is other events"
    return found


def _proxy(data: bytes) -> object:
    answer = Answer()
    return any(answer.feed(piece) for piece in _cut(data))


PARSERS = (
    Parser(
        name="http1-reply",
        parse=_http1,
        refuses=(ProtocolError, OSError),
        tokens=_HEAD_TOKENS,
        seeds=tuple(cut + head for head in _HEADS[:-1] for cut in _CUTS),
        other_seeds=tuple(cut + _HEADS[-1] for cut in _CUTS),
    ),
    Parser(name="http1-head", parse=_head, refuses=(ProtocolError,), seeds=_HEADS, tokens=_HEAD_TOKENS),
    Parser(
        name="chunked-body",
        parse=_chunks,
        refuses=(ProtocolError,),
        seeds=(b"\x00" + _CHUNKS, b"\x03" + _CHUNKS),
        tokens=_HEAD_TOKENS,
    ),
    Parser(
        name="gzip",
        parse=_coded("gzip"),
        refuses=(ProtocolError,),
        seeds=(gzip.compress(b"hello" * 9, mtime=0), gzip.compress(b"", mtime=0) * 2),
        other_seeds=(gzip.compress(bytes(_MOST_DECODED * 2), mtime=0),),
    ),
    Parser(
        name="brotli",
        parse=_coded("br"),
        refuses=(ProtocolError,),
        seeds=(brotli.compress(b"hello" * 9), brotli.compress(b"")),
        other_seeds=(brotli.compress(bytes(_MOST_DECODED * 2)),),
    ),
    Parser(
        name="http2",
        parse=_http2,
        refuses=(),
        tokens=_H2_TOKENS,
        seeds=tuple(cut + one for one in _H2 for cut in (b"\x00", b"\x05")),
    ),
    Parser(name="hpack", parse=_hpack, refuses=(ProtocolError,), seeds=(_BLOCK, _block((":status", "204")), b"\x88")),
    Parser(
        name="event-stream",
        parse=_events,
        refuses=(ProtocolError,),
        seeds=(b"\x01\xef\xbb\xbfid: 1\r\nevent: a\rdata: x\ndata\n\nretry: 10\n:\n\n", b"\x00data: {}\n\n"),
        tokens=(b"data:", b"id:", b"retry:", b"event:", b"\r\r", b"\n\n", b"\r\n\r\n"),
    ),
    Parser(
        name="proxy-answer",
        parse=_proxy,
        refuses=(ProxyError,),
        tokens=_HEAD_TOKENS,
        seeds=(b"\x00HTTP/1.1 200 Connection established\r\n\r\n",),
        other_seeds=(b"\x04HTTP/1.1 407 No\r\nX: y\r\n\r\n",),
    ),
)
