"""Whatever a server says over HTTP/2, the outcome is one word of the contract, and the next request is well."""

import socket

import gevent
import pytest
from h2.connection import H2Connection

from loadtests.client import response as reading
from tests.loadtests.client.http2.conftest import Connect2, Serve, held
from tests.loadtests.client.shoppers import GET, POST, SHORT_S, TRACEPARENT, wait_for
from tests.loadtests.hostile_http2 import Talk, block, said
from tests.loadtests.hostile_server import Seen
from tests.loadtests.replies import Untimed

DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS, PUSH_PROMISE, PING, GOAWAY, WINDOW_UPDATE, CONTINUATION = range(10)
END_STREAM = ACK = 1
END_HEADERS, PADDED, WITH_PRIORITY = 4, 8, 32
OK = block((":status", "200"))


def head(*fields: tuple[str, str], flags: int = END_HEADERS, status: str = "200") -> bytes:
    return said(HEADERS, flags, 1, block((":status", status), *fields))


def number(value: int) -> bytes:
    return value.to_bytes(4, "big")


def setting(name: int, value: int) -> bytes:
    return name.to_bytes(2, "big") + number(value)


END = said(DATA, END_STREAM, 1)
WHOLE = head() + END
LONG = "x" * 16000

NO_HTTP2: list[tuple[str, bytes]] = [
    ("a frame that is too long", said(DATA, 0, 1, b"x" * 16385)),
    ("a body before its head", said(DATA, END_STREAM, 1, b"x")),
    ("a head of nothing", said(HEADERS, END_HEADERS, 1)),
    ("a head without a status", said(HEADERS, END_HEADERS, 1, block(("a", "b")))),
    ("a status of letters", head(status="abc") + END),
    ("a status of four digits", head(status="2000") + END),
    ("two statuses", head((":status", "200")) + END),
    ("another protocol", head(status="101") + END),
    ("capitals in a name", head(("Fish", "x")) + END),
    ("a name with a space", head(("a b", "x")) + END),
    ("a line's end in a value", head(("a", "x\r\nset-cookie: a=b")) + END),
    ("a zero in a value", head(("a", "x\x00")) + END),
    ("what belongs to HTTP/1.1", head(("connection", "close")) + END),
    ("chunks", head(("transfer-encoding", "chunked")) + END),
    ("two lengths", head(("content-length", "0"), ("content-length", "1")) + END),
    ("no number for a length", head(("content-length", "-1")) + END),
    ("a length too small", head(("content-length", "1")) + said(DATA, END_STREAM, 1, b"xy")),
    ("a length too large", head(("content-length", "3")) + said(DATA, END_STREAM, 1, b"xy")),
    ("a length and no body", head(("content-length", "3"), flags=END_HEADERS | END_STREAM)),
    ("a body with 204", head(status="204") + said(DATA, END_STREAM, 1, b"x")),
    ("a block that is broken off", said(HEADERS, 0, 1, OK) + END),
    ("a block that goes on elsewhere", said(HEADERS, 0, 1, OK) + said(CONTINUATION, END_HEADERS, 3)),
    ("a block that goes on from none", said(CONTINUATION, END_HEADERS, 1, OK)),
    ("a flood of CONTINUATION", said(HEADERS, 0, 1, OK) + said(CONTINUATION, 0, 1) * 5000),
    ("a huge head", said(HEADERS, 0, 1, OK) + said(CONTINUATION, 0, 1, b"\x00" * 16000) * 5),
    ("a head that decodes to too much", said(HEADERS, END_HEADERS, 1, OK + block(*[("a", LONG)] * 1) * 5)),
    ("a number without end", said(HEADERS, END_HEADERS, 1, b"\xff" * 30)),
    ("a field of no table", said(HEADERS, END_HEADERS, 1, OK + b"\xc0")),
    ("half a field", said(HEADERS, END_HEADERS, 1, OK + b"\x00\x05ab")),
    ("no code of Huffman's", said(HEADERS, END_HEADERS, 1, OK + b"\x00\x84\xff\xff\xff\xff\x01a")),
    ("a table of its own", said(HEADERS, END_HEADERS, 1, b"\x3f\xe1\x1f" + OK)),
    ("more padding than there is", said(HEADERS, END_HEADERS | PADDED, 1, b"\x09" + OK)),
    ("more padding than data", head() + said(DATA, END_STREAM | PADDED, 1, b"\x05abc")),
    ("padding of nothing", head() + said(DATA, END_STREAM | PADDED, 1)),
    ("half a priority", said(HEADERS, END_HEADERS | WITH_PRIORITY, 1, b"\x00")),
    ("an interim reply at the end", head(flags=END_HEADERS | END_STREAM, status="103")),
    ("interim replies without end", head(status="103") * 11 + WHOLE),
    ("trailers that aren't the end", head() + said(HEADERS, END_HEADERS, 1, block(("a", "b")))),
    ("trailers with a status", head() + said(HEADERS, END_HEADERS | END_STREAM, 1, OK)),
    ("a push", said(PUSH_PROMISE, END_HEADERS, 1, number(2) + OK)),
    ("a stream of the server's", said(HEADERS, END_HEADERS | END_STREAM, 2, OK)),
    ("a stream that nobody began", said(HEADERS, END_HEADERS | END_STREAM, 5, OK)),
    ("data of no stream", said(DATA, END_STREAM, 0, b"x")),
    ("data of a stream that nobody began", said(DATA, END_STREAM, 3, b"x")),
    ("a reset of no stream", said(RST_STREAM, 0, 0, number(8))),
    ("a reset of half a code", said(RST_STREAM, 0, 1, b"\x00")),
    ("a window that opens by nothing", said(WINDOW_UPDATE, 0, 0, number(0))),
    ("half a window", said(WINDOW_UPDATE, 0, 0, b"\x01")),
    ("a window that overflows", said(WINDOW_UPDATE, 0, 0, number((1 << 31) - 1))),
    ("a stream's window that overflows", said(WINDOW_UPDATE, 0, 1, number((1 << 31) - 1))),
    ("windows too wide", said(SETTINGS, 0, 0, setting(4, 1 << 31))),
    ("frames too short", said(SETTINGS, 0, 0, setting(5, 16383))),
    ("leave to push", said(SETTINGS, 0, 0, setting(2, 1))),
    ("half a setting", said(SETTINGS, 0, 0, b"\x00")),
    ("settings of a stream", said(SETTINGS, 0, 1)),
    ("an acknowledgement of something", said(SETTINGS, ACK, 0, setting(4, 1))),
    ("a short ping", said(PING, 0, 0, b"1234567")),
    ("a ping of a stream", said(PING, 0, 1, b"12345678")),
    ("a truncated GOAWAY", said(GOAWAY, 0, 0, number(0))),
    ("a goodbye of a stream", said(GOAWAY, 0, 1, number(0) * 2)),
    ("a flood of pings", said(PING, ACK, 0, b"12345678") * 1001),
    ("a flood of settings", said(SETTINGS, 0, 0) * 1001),
    ("a flood of nothing", head() + said(DATA, 0, 1) * 1001),
    ("bytes of HTTP/1.1", b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"),
]  # fmt: skip


@pytest.mark.parametrize("transport", ["h2c"], indirect=True)  # frames are the same over TLS
@pytest.mark.parametrize("words", [case[1] for case in NO_HTTP2], ids=[case[0] for case in NO_HTTP2])
def test_what_is_no_reply_over_http_2_is_an_outcome(serve: Serve, connect: Connect2, words: bytes) -> None:
    def react(talk: Talk, seen: Seen) -> bool:
        if seen.connection == 1:
            talk.raw(words)
        else:
            talk.answer()
        return True

    server = serve(react)
    client = connect(server.url)
    with gevent.Timeout(5):  # an outcome at once, not at the deadline
        assert client.send(POST, TRACEPARENT) == Untimed(error="protocol")
        assert client.send(POST, TRACEPARENT) == Untimed(200, b"{}")
    assert [seen.connection for seen in server.seen] == [1, 2]


WELL: list[tuple[str, bytes]] = [
    ("a head and its end", head(("content-length", "2")) + said(DATA, END_STREAM, 1, b"ab")),
    ("its length twice", head(("content-length", "2"), ("content-length", "2, 2")) + said(DATA, END_STREAM, 1, b"ab")),
    ("without a length", head() + said(DATA, END_STREAM, 1, b"ab")),
    ("in pieces", head() + said(DATA, 0, 1, b"a") + said(DATA, 0, 1) + said(DATA, 0, 1, b"b") + END),
    ("padded", said(HEADERS, END_HEADERS | PADDED, 1, b"\x03" + OK + b"\x00" * 3)
        + said(DATA, END_STREAM | PADDED, 1, b"\x02ab\x00\x00")),
    ("with a priority", said(HEADERS, END_HEADERS | WITH_PRIORITY, 1, b"\x00" * 5 + OK) + said(DATA, 1, 1, b"ab")),
    ("a head in pieces", said(HEADERS, 0, 1, OK[:1]) + said(CONTINUATION, 0, 1) + said(CONTINUATION, 4, 1, OK[1:])
        + said(DATA, END_STREAM, 1, b"ab")),
    ("interim replies first", head(status="100") + head(("origin_connection", "</a>"), status="103") + head()
        + said(DATA, END_STREAM, 1, b"ab")),
    ("with trailers", head(("content-length", "2")) + said(DATA, 0, 1, b"ab")
        + said(HEADERS, END_HEADERS | END_STREAM, 1, block(("grpc-status", "0")))),
    ("among what nobody knows", said(0xFA, 0xFF, 0, b"x" * 100) + said(0xFB, 0, 1) + head()
        + said(PRIORITY, 0, 1, b"\x00" * 5) + said(DATA, END_STREAM, 1, b"ab")),
    ("among other business", said(PING, 0, 0, b"12345678") + head() + said(WINDOW_UPDATE, 0, 0, number(9))
        + said(SETTINGS, 0, 0, setting(3, 7) + setting(0x99, 1)) + said(WINDOW_UPDATE, 0, 1, number(9))
        + said(DATA, END_STREAM, 1, b"ab")),
    ("and then no more of the request", head() + said(DATA, END_STREAM, 1, b"ab") + said(RST_STREAM, 0, 1, number(0))),
    ("in a table of no size", said(HEADERS, END_HEADERS, 1, b"\x20" + OK) + said(DATA, END_STREAM, 1, b"ab")),
]  # fmt: skip


@pytest.mark.parametrize("words", [case[1] for case in WELL], ids=[case[0] for case in WELL])
@pytest.mark.parametrize("crumbled", [False, True])
def test_a_reply_comes_whole_however_it_is_framed(
    serve: Serve, connect: Connect2, words: bytes, *, crumbled: bool
) -> None:
    def react(talk: Talk, _: Seen) -> bool:
        if len(server.seen) > 1:
            talk.answer(body=b"[1]")
            return True
        for piece in [words[at : at + 1] for at in range(len(words))] if crumbled else [words]:
            talk.raw(piece)
        return True

    server = serve(react)
    client = connect(server.url)
    assert client.send(GET, TRACEPARENT) == Untimed(200, b"ab")
    server.talks[0].conn.streams.clear()  # h2 knows nothing of what was said past it
    assert (client.send(GET, TRACEPARENT), server.connections) == (Untimed(200, b"[1]"), 1)


@pytest.mark.parametrize(
    "first",
    [b"HTTP/1.1 400 Bad Request\r\n\r\n", b"SSH-2.0-OpenSSH_9\r\n", said(PING, 0, 0, b"12345678"), b"\x00" * 99],
)
def test_a_server_that_begins_with_something_else_is_none(serve: Serve, connect: Connect2, first: bytes) -> None:
    def begin(connection: socket.socket, conn: H2Connection) -> None:
        conn.clear_outbound_data_buffer()
        connection.sendall(first)

    server = serve(lambda _, __: True, begin)
    assert connect(server.url).send(GET, TRACEPARENT) == Untimed(error="protocol")


@pytest.mark.parametrize("words", [b"", b"\x00\x00", head(), head() + said(DATA, 0, 1, b"a")])
def test_a_connection_that_ends_before_the_reply_does_is_an_outcome(
    serve: Serve, connect: Connect2, words: bytes
) -> None:
    def react(talk: Talk, _: Seen) -> bool:
        talk.raw(words)
        return False

    server = serve(react)
    assert connect(server.url).send(GET, TRACEPARENT) == Untimed(error="connection")
    assert len(server.seen) == 1


@pytest.mark.parametrize(("code", "error"), [(0, "connection"), (2, "connection"), (8, "connection"), (13, "protocol")])
def test_a_stream_that_the_server_breaks_off_takes_nothing_with_it(
    serve: Serve, connect: Connect2, code: int, error: str
) -> None:
    def react(talk: Talk, _: Seen) -> bool:
        if len(server.seen) == 1:
            talk.raw(said(RST_STREAM, 0, 1, number(code)))
        else:
            talk.answer()
        return True

    server = serve(react)
    client = connect(server.url)
    assert [client.send(GET, TRACEPARENT) for _ in range(2)] == [Untimed(error=error), Untimed(200, b"{}")]
    assert [seen.connection for seen in server.seen] == [1, 1]


@pytest.mark.parametrize("told", [True, False])
def test_a_body_over_the_limit_is_not_kept(
    serve: Serve, connect: Connect2, monkeypatch: pytest.MonkeyPatch, *, told: bool
) -> None:
    monkeypatch.setattr(reading, "MAX_BODY", 100_000)
    size = iter([100_000, 100_001])

    def react(talk: Talk, _: Seen) -> bool:
        talk.answer("200", b"x" * next(size), length=told)
        return True

    client = connect(serve(react).url)
    assert client.send(GET, TRACEPARENT).status == 200
    assert client.send(GET, TRACEPARENT) == Untimed(error="protocol")


def test_a_body_without_end_is_given_up_at_the_deadline_though_bytes_keep_coming(
    serve: Serve, connect: Connect2
) -> None:
    def react(talk: Talk, seen: Seen) -> bool:
        if seen.connection > 1:
            talk.answer()
            return True
        talk.raw(head())
        while not server.over.wait(0.05) and not len(server.seen) > 1:
            talk.raw(said(DATA, 0, 1, b"x"))
        return False

    server = serve(react)
    client = connect(server.url, SHORT_S)
    assert client.send(GET, TRACEPARENT) == Untimed(error="timeout")
    assert client.send(GET, TRACEPARENT) == Untimed(200, b"{}")  # nothing else goes over a connection that failed so


def test_what_comes_after_the_end_ends_the_connection_and_no_reply(serve: Serve, connect: Connect2) -> None:
    def react(talk: Talk, seen: Seen) -> bool:
        talk.answer()
        if seen.connection == 1:
            talk.raw(said(DATA, END_STREAM, 1, b"more"))
        return True

    server = serve(react)
    client = connect(server.url)
    assert client.send(POST, TRACEPARENT) == Untimed(200, b"{}")
    wait_for(lambda: held(client).retiring)
    assert client.send(POST, TRACEPARENT) == Untimed(200, b"{}")
    assert [seen.connection for seen in server.seen] == [1, 2]
    wait_for(lambda: server.goaway_codes == [5])  # STREAM_CLOSED
