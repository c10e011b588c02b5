"""Whatever becomes of a stream of events over HTTP/2 has an outcome, and the requests beside it go on."""

import threading
import time
from typing import Any

import pytest

from loadtests.client.errors import BrokenOffError, ProtocolError
from tests.loadtests.client.http2.conftest import Connect2, Serve
from tests.loadtests.client.http2.serving_events import (
    CANCEL,
    EVENTS,
    GOOD,
    begin,
    listened_to,
    only_begun,
    opened,
    push,
)
from tests.loadtests.client.http2.test_broken_replies import RST_STREAM, number
from tests.loadtests.client.shoppers import (
    GET,
    PAID,
    POST,
    SHIPPED,
    SHORT_S,
    STREAM,
    TRACEPARENT,
    TWO,
    all_of,
    more_of,
    wait_for,
)
from tests.loadtests.hostile_http2 import Talk, said
from tests.loadtests.hostile_server import Seen


@pytest.mark.parametrize(
    ("status", "headers", "outcome"),
    [
        ("200", [("content-type", "application/json")], "wrong_reply"),
        ("204", [("a", "b")], "wrong_reply"),
        ("503", [EVENTS], "http_5xx"),
        ("404", [EVENTS], "http_4xx"),
        ("429", [EVENTS], "blocked"),
        ("302", [("location", "http://other.test/")], "redirected_away"),
        ("200", [EVENTS, ("content-encoding", "zstd")], "protocol"),
    ],
)
def test_an_opening_that_is_no_stream_is_an_outcome_and_the_connection_goes_on(
    serve: Serve, connect: Connect2, status: str, headers: list[tuple[str, str]], outcome: str
) -> None:
    def react(talk: Talk, seen: Seen) -> bool:
        if seen.path == STREAM.path:
            begin(talk, *headers, status=status)
            push(talk, b"" if status == "204" else b"too busy", last=True)
        else:
            talk.answer()
        return True

    server = serve(react)
    client = connect(server.url)
    stream = client.listener()
    told = stream.send(STREAM, TRACEPARENT)
    assert (told.error, stream.receive(), stream.first) == (outcome, None, [])
    if told.error == "http_5xx":
        assert told.body == b"too busy"
    assert client.send(POST, TRACEPARENT) == GOOD
    assert server.connections == 1


def test_an_endless_reply_that_is_no_stream_is_broken_off(serve: Serve, connect: Connect2) -> None:
    def react(talk: Talk, _: Seen) -> bool:
        begin(talk, ("content-type", "text/html"))
        return True

    server = serve(react)
    assert connect(server.url).listener().send(STREAM, TRACEPARENT).error == "wrong_reply"
    wait_for(lambda: server.resets == [(1, CANCEL)])


def test_204_is_an_answer_where_it_is_expected(serve: Serve, connect: Connect2) -> None:
    stream = connect(serve(b"HTTP/1.1 204 No Content\r\n\r\n").url).listener()
    told = stream.send(STREAM._replace(accept=frozenset({200, 204})), TRACEPARENT)
    assert (told.status, told.error, stream.receive()) == (204, None, None)


@pytest.mark.parametrize("status", [None, "103", "503"])
def test_a_head_or_an_error_that_does_not_come_whole_is_a_timeout(
    serve: Serve, connect: Connect2, status: str | None
) -> None:
    def react(talk: Talk, _: Seen) -> bool:
        if status is not None:
            talk.conn.send_headers(talk.stream, [(":status", status)])
        talk.flush()
        return True

    server = serve(react)
    assert connect(server.url, SHORT_S).listener().send(STREAM, TRACEPARENT).error == "timeout"
    wait_for(lambda: server.resets == [(1, CANCEL)])


def test_an_opened_stream_has_no_deadline_of_its_own(serve: Serve, connect: Connect2) -> None:
    def then(talk: Talk, _: Seen) -> bool:
        time.sleep(2 * SHORT_S)
        push(talk, TWO)
        return True

    server = serve(listened_to(then))
    stream = opened(connect(server.url, SHORT_S).listener())
    assert more_of(stream) == [PAID, SHIPPED]


@pytest.mark.parametrize(
    ("break_off", "error"),
    [
        (lambda talk: talk.raw(said(RST_STREAM, 0, talk.stream, number(2))), BrokenOffError),
        (lambda talk: talk.raw(said(0, 1, talk.stream + 2, b"x")), ProtocolError),
        (lambda talk: talk.raw(said(1, 4, talk.stream, b"\x88")), ProtocolError),
    ],
    ids=["reset", "data of no stream", "a second head"],
)
def test_a_stream_that_goes_wrong_brings_what_came_and_is_told(
    serve: Serve, connect: Connect2, break_off: Any, error: type[Exception]
) -> None:
    def then(talk: Talk, _: Seen) -> bool:
        push(talk, TWO)
        assert heard.wait(20)
        break_off(talk)
        return True

    heard = threading.Event()
    server = serve(listened_to(then))
    client = connect(server.url)
    stream = opened(client.listener())
    assert (stream.first or more_of(stream)) == [PAID, SHIPPED]
    heard.set()
    with pytest.raises(error):
        stream.receive()
    stream.close()
    assert client.send(GET, TRACEPARENT) == GOOD


def test_a_server_that_hangs_up_breaks_it_off(serve: Serve, connect: Connect2) -> None:
    def then(talk: Talk, _: Seen) -> bool:
        push(talk, TWO)
        return False

    stream = opened(connect(serve(listened_to(then)).url).listener())
    assert (stream.first or more_of(stream)) == [PAID, SHIPPED]
    with pytest.raises(BrokenOffError):
        stream.receive()


def test_a_length_that_was_told_is_kept_to(serve: Serve, connect: Connect2) -> None:
    def react(talk: Talk, _: Seen) -> bool:
        begin(talk, EVENTS, ("content-length", str(len(TWO))))
        talk.raw(said(0, 0, talk.stream, TWO), said(0, 1, talk.stream, b": more\n"))
        return True

    stream = opened(connect(serve(react).url).listener())
    with pytest.raises(ProtocolError, match="told as"):
        all_of(stream)


def test_a_shopper_who_leaves_takes_the_stream_with_them(serve: Serve, connect: Connect2) -> None:
    server = serve(only_begun())
    client = connect(server.url)
    stream = opened(client.listener())
    client.close()
    with pytest.raises(BrokenOffError):
        stream.receive()
    stream.close()
    wait_for(lambda: server.goodbyes == [0])
