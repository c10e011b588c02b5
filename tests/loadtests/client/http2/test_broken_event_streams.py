"""Whatever becomes of a stream of events over HTTP/2 has an outcome, and the requests beside it go on."""

import threading
from typing import Any

import pytest

from loadtests.client.errors import BrokenOffError, ProtocolError
from tests.loadtests.client.http2.conftest import Connect2, Serve
from tests.loadtests.client.http2.test_broken_replies import RST_STREAM, number
from tests.loadtests.client.shoppers import (
    GET,
    PAID,
    SHIPPED,
    SHORT_S,
    STREAM,
    TRACEPARENT,
    TWO,
    all_of,
    more_of,
    wait_for,
)
from tests.loadtests.client.sse.serving import (
    CANCEL,
    EVENTS,
    GOOD,
    begin,
    listened_to,
    only_begun,
    opened,
    push,
)
from tests.loadtests.hostile_http2 import Talk, said
from tests.loadtests.hostile_server import Seen


def test_an_endless_reply_that_is_no_stream_is_broken_off(serve: Serve, connect: Connect2) -> None:
    def react(talk: Talk, _: Seen) -> bool:
        begin(talk, ("content-type", "text/html"))
        return True

    server = serve(react)
    assert connect(server.url).listener().send(STREAM, TRACEPARENT).error == "wrong_reply"
    wait_for(lambda: server.resets == [(1, CANCEL)])


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
