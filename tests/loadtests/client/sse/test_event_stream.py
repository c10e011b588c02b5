"""A stream of events is opened as a browser opens it, and whatever a server makes of it has an outcome."""

import gzip
import socket
import threading
import time
import zlib
from typing import Any

import brotli
import pytest

from loadtests.client.errors import BrokenOffError, ProtocolError
from loadtests.client.interface import Event
from loadtests.client.sockets.connection import Connection
from loadtests.client.sse.parser import MAX_LINE
from tests.loadtests.client.shoppers import (
    GET,
    PAID,
    POST,
    SHIPPED,
    SHORT_S,
    STREAM,
    TRACEPARENT,
    TWO,
    Connect,
    Serve,
    all_of,
    closing,
    every_transport,
    more_of,
)
from tests.loadtests.client.sse.serving import EVENTS, GOOD, begin, listened_to, opened, push, pushing
from tests.loadtests.hostile_http2 import HostileHttp2, Talk
from tests.loadtests.hostile_server import Seen, reply
from tests.loadtests.replies import Untimed

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream; charset=utf-8\r\n"
OPEN = HEAD + b"\r\n"
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


# -- over each transport ------------------------------------------------------------------------------------------


@every_transport
def test_it_is_asked_for_as_a_browser_does_with_the_shopper_s_cookies(
    serve: Serve, connect: Connect, transport: str
) -> None:
    def answer(to: Any, seen: Seen) -> bool:
        if seen.path == STREAM.path:
            begin(to)
            push(to, TWO, last=True)
        else:
            to.sendall(reply(headers=("Set-Cookie: sid=one; Path=/",)))
        return True

    server = serve(answer)
    client = connect(server.url)
    client.send(GET, TRACEPARENT)
    stream = opened(client.listener())
    assert all_of(stream) == [PAID, SHIPPED]
    page, seen = server.seen
    assert (seen.path, seen.connection - page.connection) == ("/orders/o1/events", 1 if transport == "h1" else 0)
    told = ("accept", "cache-control", "cookie", "traceparent", "x-peakproof-run", "last-event-id")
    assert [seen.headers.get(name) for name in told] == [
        "text/event-stream", "no-store", "sid=one", TRACEPARENT, "r1", None,
    ]  # fmt: skip
    stream.close()


@every_transport
@pytest.mark.parametrize("step", [1, 7, 1000])
@pytest.mark.parametrize("encoding", [None, "gzip"])
def test_however_it_is_split_the_events_are_the_same(
    serve: Serve, connect: Connect, encoding: str | None, step: int
) -> None:
    data = gzip.compress(TWO) if encoding else TWO

    def answer(to: Any, _: Seen) -> bool:
        begin(to, EVENTS, *([("content-encoding", encoding)] if encoding else []))
        for start in range(0, len(data), step):
            push(to, data[start : start + step])
        push(to, b"", last=True)
        return True

    server = serve(answer)
    stream = opened(connect(server.url).listener())
    assert (all_of(stream), stream.receive()) == ([PAID, SHIPPED], None)
    stream.close()
    assert getattr(server, "resets", []) == []


@every_transport
def test_a_compressed_event_is_there_when_it_was_flushed_not_at_the_stream_s_end(
    serve: Serve, connect: Connect
) -> None:
    packer = zlib.compressobj(wbits=31)

    def answer(to: Any, _: Seen) -> bool:
        begin(to, EVENTS, ("content-encoding", "gzip"))
        push(to, packer.compress(TWO) + packer.flush(zlib.Z_SYNC_FLUSH))
        return True

    stream = opened(connect(serve(answer).url).listener())
    assert (stream.first or more_of(stream)) == [PAID, SHIPPED]
    stream.close()


@every_transport
def test_it_goes_on_after_the_last_event_and_knows_how_long_to_wait(serve: Serve, connect: Connect) -> None:
    def answer(to: Any, _: Seen) -> bool:
        begin(to)
        push(to, b"retry: 250\nid: 7\ndata: a\n\nid: 8\ndata: never ended\n", last=True)
        return True

    server = serve(answer)
    stream = connect(server.url).listener()
    for _ in range(2):
        assert all_of(opened(stream)) == [Event("message", "a", "7")]
    assert (stream.last_id, stream.retry_ms) == ("7", 250)
    assert [seen.headers.get("last-event-id") for seen in server.seen] == [None, "7"]
    stream.close()


@every_transport
@pytest.mark.parametrize(
    ("status", "headers", "outcome"),
    [
        ("200", ("content-type", "application/json"), "wrong_reply"),
        ("200", ("content-type", "text/html"), "wrong_reply"),
        ("200", ("a", "b"), "wrong_reply"),
        ("204", ("a", "b"), "wrong_reply"),
        ("503", EVENTS, "http_5xx"),
        ("404", EVENTS, "http_4xx"),
        ("429", EVENTS, "blocked"),
        ("302", ("location", "/elsewhere"), "wrong_reply"),
        ("302", ("location", "http://other.test/"), "redirected_away"),
    ],
)
def test_an_opening_that_is_no_stream_is_an_outcome_and_requests_go_on(
    serve: Serve, connect: Connect, status: str, headers: tuple[str, str], outcome: str
) -> None:
    def answer(to: Any, seen: Seen) -> bool:
        if seen.path == STREAM.path:
            begin(to, headers, status=status)
            if status != "204":
                push(to, b"too busy", last=True)
            elif isinstance(to, Talk):
                push(to, b"", last=True)
        else:
            to.sendall(reply())
        return True

    server = serve(answer)
    client = connect(server.url)
    stream = client.listener()
    told = stream.send(STREAM._replace(follow="order-page"), TRACEPARENT)
    assert (told.status, told.error, told.location) == (int(status), outcome, None)
    assert (stream.receive(), stream.first) == (None, [])
    assert told.body == (b"too busy" if int(status) >= 300 else b"")
    assert client.send(POST, TRACEPARENT) == GOOD
    assert isinstance(server, HostileHttp2) is (server.connections == 1)


@every_transport
def test_an_encoding_that_was_not_offered_is_a_protocol_error(serve: Serve, connect: Connect) -> None:
    def answer(to: Any, _: Seen) -> bool:
        begin(to, EVENTS, ("content-encoding", "zstd"))
        return True

    assert connect(serve(answer).url).listener().send(STREAM, TRACEPARENT) == Untimed(error="protocol")


@every_transport
def test_204_is_an_answer_where_it_is_expected(serve: Serve, connect: Connect) -> None:
    stream = connect(serve(reply(b"", status="204 No Content")).url).listener()
    told = stream.send(STREAM._replace(accept=frozenset({200, 204})), TRACEPARENT)
    assert (told.status, told.error, stream.receive()) == (204, None, None)


@every_transport
def test_an_opened_stream_has_no_deadline_of_its_own(serve: Serve, connect: Connect) -> None:
    def then(to: Any, _: Seen) -> bool:
        time.sleep(2 * SHORT_S)
        push(to, TWO)
        return True

    stream = opened(connect(serve(listened_to(then)).url, SHORT_S).listener())
    assert more_of(stream) == [PAID, SHIPPED]
    stream.close()


@every_transport
def test_what_comes_before_anybody_reads_waits_to_be_read(serve: Serve, connect: Connect) -> None:
    client = connect(serve(pushing(TWO[:5], TWO[5:])).url)
    stream = opened(client.listener())
    assert [client.send(GET, TRACEPARENT) for _ in range(2)] == [GOOD] * 2  # all came, while nobody read
    assert all_of(stream) == [PAID, SHIPPED]
    stream.close()


@every_transport
def test_a_secret_in_an_event_is_masked(serve: Serve, connect: Connect) -> None:
    def answer(to: Any, _: Seen) -> bool:
        begin(to)
        push(to, b"data: the canary sings\n\n", last=True)
        return True

    stream = opened(connect(serve(answer).url, masks=(b"canary",)).listener())
    assert all_of(stream) == [Event("message", "the ****** sings", "")]
    stream.close()


@every_transport
def test_an_id_that_http_can_t_say_ends_the_stream(serve: Serve, connect: Connect) -> None:
    def answer(to: Any, _: Seen) -> bool:
        begin(to)
        push(to, "id: ünsayable\ndata: a\n\n".encode(), last=True)
        return True

    stream = opened(connect(serve(answer).url).listener())
    all_of(stream)
    assert stream.send(STREAM, TRACEPARENT).error == "protocol"


# -- over HTTP/1.1 ------------------------------------------------------------------------------------------------


def test_a_closed_stream_hangs_up(serve: Serve, connect: Connect) -> None:
    hung_up = threading.Event()

    def answer(connection: socket.socket, _: Seen) -> bool:
        connection.sendall(OPEN)
        if connection.recv(1) == b"":
            hung_up.set()
        return False

    opened(connect(serve(answer).url).listener()).close()
    assert hung_up.wait(10)


def packed(text: bytes, encoding: str) -> bytes:
    return gzip.compress(text) if encoding == "gzip" else brotli.compress(text)


@pytest.mark.parametrize("step", [1, 7, 1000])
@pytest.mark.parametrize(
    "data",
    [
        OPEN + TWO,
        CHUNKED + chunk(TWO[:5]) + chunk(TWO[5:]) + b"0\r\n\r\n",
        HEAD + b"Content-Length: %d\r\n\r\n%b" % (len(TWO), TWO),
        HEAD + b"Content-Encoding: gzip\r\n\r\n" + packed(TWO, "gzip"),
        CHUNKED[:-2] + b"Content-Encoding: br\r\n\r\n" + chunk(packed(TWO, "br")) + b"0\r\n\r\n",
        b"HTTP/1.1 103 Early Hints\r\n\r\n" + OPEN + b": hello\n\n" + TWO + b"data: half",
    ],
    ids=["until closed", "chunked", "counted", "gzip", "br", "after a hint"],
)
def test_however_it_is_framed_and_split_the_events_are_the_same(
    serve: Serve, connect: Connect, data: bytes, step: int
) -> None:
    def answer(connection: socket.socket, _: Seen) -> bool:
        for start in range(0, len(data), step):
            connection.sendall(data[start : start + step])
        return False

    stream = connect(serve(answer).url).listener()
    assert stream.send(STREAM, TRACEPARENT).error is None
    assert all_of(stream) == [PAID, SHIPPED]
    stream.close()


def test_a_stream_of_many_small_chunks_lasts_as_long_as_it_likes(serve: Serve, connect: Connect) -> None:
    small = chunk(b"\n") * 40_000  # far more round it than a whole body may have
    stream = connect(serve(closing(CHUNKED + small + chunk(TWO) + b"0\r\n\r\n")).url).listener()
    assert stream.send(STREAM, TRACEPARENT).error is None
    assert all_of(stream) == [PAID, SHIPPED]
    stream.close()


@pytest.mark.parametrize(
    ("data", "outcome"),
    [
        (OPEN + b"x" * (MAX_LINE + 1), (200, None)),
        (b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n<p>", (200, "wrong_reply")),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\nnonsense\r\n", (200, None)),
        (b"nonsense\r\n\r\n", (0, "protocol")),
        (b"", (0, "connection")),
    ],
)
def test_an_opening_that_is_no_http_is_an_outcome(
    serve: Serve, connect: Connect, data: bytes, outcome: tuple[int, str | None]
) -> None:
    stream = connect(serve(closing(data)).url).listener()
    told = stream.send(STREAM._replace(follow="order-page"), TRACEPARENT)
    assert (told.status, told.error, told.location) == (*outcome, None)
    if outcome[1] is None:  # the stream is open: what is wrong with it is its own, also when it came with the head
        with pytest.raises(ProtocolError):
            all_of(stream)
    else:
        assert stream.receive() is None
    stream.close()


def test_a_head_that_never_comes_is_a_timeout(serve: Serve, connect: Connect) -> None:
    def answer(connection: socket.socket, _: Seen) -> bool:
        connection.sendall(HEAD)
        return connection.recv(1) != b""

    stream = connect(serve(answer).url, SHORT_S).listener()
    assert stream.send(STREAM, TRACEPARENT).error == "timeout"


@pytest.mark.parametrize(
    ("data", "error"),
    [
        (CHUNKED + chunk(b": hello\n\n"), BrokenOffError),
        (HEAD + b"Content-Length: 100\r\n\r\n: hello\n\n", BrokenOffError),
        (CHUNKED + chunk(b": hello\n\n") + b"nonsense", ProtocolError),
        (CHUNKED + b"1;" + b"x" * (1 << 20), ProtocolError),
        (OPEN + b": hello\n\n" + b"x" * (MAX_LINE + 1), ProtocolError),
        (HEAD + b"Content-Encoding: gzip\r\n\r\n" + packed(b"\n" * (64 << 20), "gzip"), ProtocolError),
        (HEAD + b"Content-Encoding: gzip\r\n\r\nno gzip at all", ProtocolError),
    ],
    ids=["half a chunked", "half a counted", "no chunk", "no end of a chunk's head", "endless line",
         "a bomb", "no gzip"],
)  # fmt: skip
def test_a_stream_that_goes_wrong_is_told(serve: Serve, connect: Connect, data: bytes, error: type[Exception]) -> None:
    stream = connect(serve(closing(data)).url).listener()
    if stream.send(STREAM, TRACEPARENT).error is None:
        with pytest.raises(error):
            all_of(stream)
    else:
        assert error is ProtocolError  # it had come with the head
    stream.close()


def test_what_lay_here_in_a_rush_is_told(serve: Serve, connect: Connect, monkeypatch: pytest.MonkeyPatch) -> None:
    def receive(self: Connection, wait: Any = Connection.receive) -> bytes:
        data: bytes = wait(self)
        self.read_delay_ns = 5
        return data

    monkeypatch.setattr(Connection, "receive", receive)
    stream = connect(serve(closing(OPEN + TWO)).url).listener()
    told = stream.send(STREAM, TRACEPARENT)
    assert (told.error, told.read_delay_ns) == (None, 5)
    while not stream.first and (received := stream.receive()):
        assert received.read_delay_ns == 5
    stream.close()


def test_when_an_error_was_here_is_when_all_of_it_was(
    serve: Serve, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    def receive(self: Connection, wait: Any = Connection.receive) -> bytes:
        data: bytes = wait(self)
        self.read_delay_ns = 5 if data.endswith(b"busy") else 3_600 * 10**9
        head_is_read.set()
        return data

    def answer(connection: socket.socket, _: Seen) -> bool:
        connection.sendall(b"HTTP/1.1 503 Busy\r\nContent-Length: 8\r\n\r\ntoo ")
        assert head_is_read.wait(20)
        connection.sendall(b"busy")
        return True

    head_is_read = threading.Event()
    monkeypatch.setattr(Connection, "receive", receive)
    stream = connect(serve(answer).url).listener()
    told = stream.send(STREAM, TRACEPARENT)
    assert (told.error, told.read_delay_ns) == ("http_5xx", 5)


def test_an_opening_that_failed_lay_nowhere(serve: Serve, connect: Connect, monkeypatch: pytest.MonkeyPatch) -> None:
    def receive(self: Connection, wait: Any = Connection.receive) -> bytes:
        data: bytes = wait(self)
        self.read_delay_ns = 5
        return data

    def answer(connection: socket.socket, _: Seen) -> bool:
        connection.sendall(b"HTTP/1.1 503 Busy\r\nContent-Length: 8\r\n\r\ntoo ")
        return connection.recv(1) != b""

    monkeypatch.setattr(Connection, "receive", receive)
    stream = connect(serve(answer).url, SHORT_S).listener()
    told = stream.send(STREAM, TRACEPARENT)
    assert (told.error, told.read_delay_ns) == ("timeout", 0)
