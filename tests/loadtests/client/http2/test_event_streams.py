"""A stream of events as one of the streams of a shopper's connection: beside the others, and of no harm to them."""

import threading
from typing import Any

import gevent
import pytest
from h2.settings import SettingCodes

from loadtests.client import response as reading
from loadtests.client.errors import ProtocolError
from loadtests.client.http2.body_stream import Http2BodyStream
from loadtests.client.http2.stream import WINDOW
from loadtests.client.http2.transport import Transport
from tests.loadtests.client.http2.conftest import Connect2, Serve, held
from tests.loadtests.client.http2.test_broken_replies import GOAWAY, PING, number
from tests.loadtests.client.http2.test_streams import setting
from tests.loadtests.client.shoppers import (
    GET,
    PAID,
    POST,
    SHIPPED,
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
    pushing,
)
from tests.loadtests.hostile_http2 import Talk, said
from tests.loadtests.hostile_server import Seen

# -- beside the others --------------------------------------------------------------------------------------------


def test_closing_it_breaks_it_off_and_nothing_else(serve: Serve, connect: Connect2) -> None:
    def react(talk: Talk, seen: Seen) -> bool:
        if seen.path == STREAM.path:
            begin(talk)
        else:
            talk.raw(said(0, 0, 1, TWO))  # it was on its way
            talk.answer()
        return True

    server = serve(react)
    client = connect(server.url)
    stream = opened(client.listener())
    stream.close()
    assert stream.receive() is None
    wait_for(lambda: server.resets == [(1, CANCEL)])
    assert [client.send(POST, TRACEPARENT) for _ in range(2)] == [GOOD] * 2
    stream.close()
    assert (server.connections, server.resets, held(client)._streams) == (1, [(1, CANCEL)], {})


def test_a_reader_who_is_cut_off_leaves_the_others_alone(serve: Serve, connect: Connect2) -> None:
    server = serve(only_begun())
    client = connect(server.url)
    stream = opened(client.listener())
    reader = gevent.spawn(stream.receive)
    gevent.idle()
    reader.kill()
    stream.close()
    assert client.send(POST, TRACEPARENT) == GOOD
    assert (server.connections, server.resets) == (1, [(1, CANCEL)])


def test_a_place_that_it_leaves_is_another_s(serve: Serve, connect: Connect2) -> None:
    server = serve(only_begun(), setting(SettingCodes.MAX_CONCURRENT_STREAMS, 1))
    client = connect(server.url)
    assert client.send(GET, TRACEPARENT).error is None  # its limit is known now
    stream = opened(client.listener())
    waits = [gevent.spawn(client.beside().send, POST, TRACEPARENT) for _ in range(3)]
    wait_for(lambda: len(held(client)._queue) == 3)
    stream.close()
    assert [one.get(timeout=20) for one in waits] == [GOOD] * 3
    assert server.connections == 1


def test_one_that_had_to_wait_for_a_place_is_opened_then(serve: Serve, connect: Connect2) -> None:
    def react(talk: Talk, seen: Seen) -> bool:
        if seen.path == STREAM.path:
            begin(talk)
            push(talk, TWO, last=True)
            return True
        if seen.path == POST.path:
            asked.wait(20)
        talk.answer()
        return True

    asked = threading.Event()
    server = serve(react, setting(SettingCodes.MAX_CONCURRENT_STREAMS, 1))
    client = connect(server.url)
    assert client.send(GET, TRACEPARENT).error is None  # its limit is known now
    page = gevent.spawn(client.beside().send, POST, TRACEPARENT)
    wait_for(lambda: len(server.seen) == 2)
    stream = client.listener()
    opening = gevent.spawn(stream.send, STREAM, TRACEPARENT)
    wait_for(lambda: len(held(client)._queue) == 1)
    asked.set()
    assert (page.get(timeout=20), opening.get(timeout=20).error, all_of(stream)) == (GOOD, None, [PAID, SHIPPED])


def test_after_a_goaway_it_goes_on_and_its_connection_ends_with_it(serve: Serve, connect: Connect2) -> None:
    def then(talk: Talk, _: Seen) -> bool:
        talk.raw(said(GOAWAY, 0, 0, number(1) + number(0)))
        assert gone.wait(20)
        push(talk, TWO)
        return True

    gone = threading.Event()
    server = serve(listened_to(then))
    client = connect(server.url)
    stream = opened(client.listener())
    first = held(client)
    wait_for(lambda: first.retiring)
    assert client.send(POST, TRACEPARENT) == GOOD
    gone.set()
    assert more_of(stream) == [PAID, SHIPPED]
    assert first.failure is None
    stream.close()
    assert first.failure is not None
    assert client.send(POST, TRACEPARENT) == GOOD
    assert [seen.connection for seen in server.seen] == [1, 2, 2]


def test_it_is_asked_for_again_where_its_connection_was_stale(serve: Serve, connect: Connect2) -> None:
    def react(talk: Talk, _: Seen) -> bool:
        if len(server.seen) == 2:
            return False
        if len(server.seen) == 1:
            talk.answer()
        else:
            begin(talk)
        return True

    server = serve(react)
    client = connect(server.url)
    assert client.send(GET, TRACEPARENT).error is None
    stream = opened(client.listener())
    assert [seen.connection for seen in server.seen] == [1, 1, 2]
    stream.close()


def test_an_opened_stream_shows_that_its_connection_is_well(serve: Serve, connect: Connect2) -> None:
    def react(talk: Talk, seen: Seen) -> bool:
        if seen.path == STREAM.path:
            begin(talk)
        elif seen.connection == 1:
            return False
        else:
            talk.answer()
        return True

    server = serve(react)
    client = connect(server.url)
    opened(client.listener())
    assert client.send(GET, TRACEPARENT) == GOOD  # on a second one: the first had has_replied a reply, and was stale
    assert server.connections == 2


# -- what it brings -----------------------------------------------------------------------------------------------


def test_a_stream_lasts_beyond_every_window(serve: Serve, connect: Connect2) -> None:
    """Of what nobody waits for a server may push more than any window holds; requests go on beside it."""
    event = b"data: " + b"x" * 60_000 + b"\n\n"
    count = 3 * WINDOW // len(event)

    def pour(talk: Talk, _: Seen) -> bool:
        for _number in range(count):
            push(talk, event)
        push(talk, b"", last=True)
        return True

    server = serve(listened_to(pour))
    client = connect(server.url)
    stream = opened(client.listener())
    assert len(all_of(stream)) == count
    assert client.send(GET, TRACEPARENT) == GOOD
    assert server.connections == 1


def test_pings_between_events_are_no_flood(serve: Serve, connect: Connect2) -> None:
    def then(talk: Talk, _: Seen) -> bool:
        for piece in (TWO[:5], TWO[5:20], TWO[20:], b""):
            talk.raw(said(PING, 0, 0, b"12345678") * 600)
            push(talk, piece, last=not piece)
        return True

    assert all_of(opened(connect(serve(listened_to(then)).url).listener())) == [PAID, SHIPPED]


def test_what_nobody_takes_is_bounded(serve: Serve, connect: Connect2, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "MAX_BODY", 100_000)

    def pour(talk: Talk, _: Seen) -> bool:
        push(talk, b": nothing\n" * 20_000)
        return True

    server = serve(listened_to(pour))
    client = connect(server.url)
    stream = opened(client.listener())
    wait_for(lambda: held(client).retiring)
    with pytest.raises(ProtocolError, match="over 100000 bytes"):
        all_of(stream)
    assert client.send(GET, TRACEPARENT) == GOOD
    assert server.connections == 2


def test_when_an_error_was_here_is_when_all_of_it_was(
    serve: Serve, connect: Connect2, monkeypatch: pytest.MonkeyPatch
) -> None:
    def heard(self: Transport, data_received: Any = Transport._read_available) -> tuple[bytes, bool]:
        told: tuple[bytes, bool] = data_received(self)
        self.read_delay_ns = 0 if late.is_set() else 3_600 * 10**9
        return told

    def react(talk: Talk, _: Seen) -> bool:
        begin(talk, EVENTS, status="503")
        assert head_is_read.wait(20)
        late.set()
        talk.raw(said(0, 1, talk.stream, b"too busy"))
        return True

    def whole(self: Http2BodyStream, wait: Any = Http2BodyStream.whole) -> bytes:
        head_is_read.set()
        body: bytes = wait(self)
        return body

    late, head_is_read = threading.Event(), threading.Event()
    monkeypatch.setattr(Http2BodyStream, "whole", whole)
    monkeypatch.setattr(Transport, "_read_available", heard)
    stream = connect(serve(react).url).listener()
    told = stream.send(STREAM, TRACEPARENT)
    assert told.error == "http_5xx"
    assert told.read_delay_ns < 60 * 10**9


def test_what_lay_here_is_told(serve: Serve, connect: Connect2, monkeypatch: pytest.MonkeyPatch) -> None:
    def heard(self: Transport, data_received: Any = Transport._read_available) -> tuple[bytes, bool]:
        told: tuple[bytes, bool] = data_received(self)
        self.read_delay_ns = 3_600 * 10**9
        return told

    monkeypatch.setattr(Transport, "_read_available", heard)
    client = connect(serve(pushing(TWO)).url)
    stream = client.listener()
    told = stream.send(STREAM, TRACEPARENT)
    assert 3_600 < told.read_delay_ns / 1e9 < 3_700
    monkeypatch.undo()
    assert client.send(GET, TRACEPARENT) == GOOD
    received = stream.receive()
    assert received is not None
    assert received.events == [PAID, SHIPPED]
    assert received.read_delay_ns < 60 * 10**9
