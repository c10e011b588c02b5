"""Streams of one connection: side by side, within the windows, and said again only when that is safe."""

import socket
import threading
import time
from collections.abc import Callable

import gevent
import pytest
from h2.connection import H2Connection
from h2.events import PingAckReceived
from h2.settings import SettingCodes

from loadtests.client.http2.client import Http2Client
from loadtests.client.http2.connection import Http2Connection
from loadtests.client.http2.frames import PREFACE
from loadtests.client.http2.response_headers import ResponseHeaders
from loadtests.client.http2.transport import Transport
from loadtests.client.interface import Reply, Request
from loadtests.client.response_head import Heads
from loadtests.environment.firewalls import Firewall
from loadtests.environment.targets import Blocked
from tests.loadtests.client.http2.conftest import Connect2, Serve, held
from tests.loadtests.client.http2.test_broken_replies import GOAWAY, PING, RST_STREAM, SETTINGS, number
from tests.loadtests.client.shoppers import GET, POST, SHORT_S, TRACEPARENT, wait_for
from tests.loadtests.hostile_http2 import Talk, said
from tests.loadtests.hostile_server import Seen
from tests.loadtests.replies import Untimed

BIG = Request(step="design", method="POST", path="/designs", body={"text": "x" * (8 << 20)})
NONE_LEFT, ALL = number(0), number((1 << 31) - 1)


def at(path: str) -> Request:
    return GET._replace(path=path)


def send_all(client: Http2Client, *requests: Request) -> list[gevent.Greenlet]:
    return [gevent.spawn(client.beside().send, request, TRACEPARENT) for request in requests]


def when_there_are(count: int, then: Callable[[list[Talk]], None]) -> Callable[[Talk, Seen], bool]:
    """Return a reaction that waits for `count` requests and answers them together."""
    talks: list[Talk] = []

    def react(talk: Talk, _: Seen) -> bool:
        talks.append(talk)
        if len(talks) == count:
            then(talks)
        return True

    return react


def setting(code: SettingCodes, value: int) -> Callable[[socket.socket, H2Connection], None]:
    return lambda _, conn: conn.update_settings({code: value})


# -- side by side -------------------------------------------------------------------------------------------------


def test_replies_come_in_any_order_over_one_connection(serve: Serve, connect: Connect2) -> None:
    def answer(talks: list[Talk]) -> None:
        for talk in reversed(talks):
            talk.answer(body=b"%d" % talk.stream)

    server = serve(when_there_are(5, answer))
    client = connect(server.url)
    sent = send_all(client, *[at(f"/{i}") for i in range(5)])
    gevent.joinall(sent, timeout=20)
    paths = {f"/{seen.path.strip('/')}": talk.stream for seen, talk in zip(server.seen, server.talks, strict=True)}
    assert [one.value for one in sent] == [Untimed(200, b"%d" % paths[f"/{i}"]) for i in range(5)]
    assert server.connections == 1


def test_clients_beside_each_other_share_cookies(serve: Serve, connect: Connect2) -> None:
    def react(talk: Talk, _: Seen) -> bool:
        talk.answer("200", b"{}", ("set-cookie", "sid=1; Path=/"))
        return True

    server = serve(react)
    client = connect(f"{server.url}/shop")
    assert [client.send(GET, TRACEPARENT).error, client.beside().send(GET, TRACEPARENT).error] == [None, None]
    assert [(seen.path, seen.headers.get("cookie")) for seen in server.seen] == [("/shop/", None), ("/", "sid=1")]


def test_no_more_streams_are_open_than_the_server_allows(serve: Serve, connect: Connect2) -> None:
    open_at_once: list[int] = []

    def react(talk: Talk, _: Seen) -> bool:
        open_at_once.append(talk.conn.open_inbound_streams)
        waiting.append(talk)
        if len(waiting) == 2 or len(server.seen) == 9:
            while waiting:
                waiting.pop().answer()
        return True

    waiting: list[Talk] = []
    server = serve(react, setting(SettingCodes.MAX_CONCURRENT_STREAMS, 2))
    client = connect(server.url)
    first = gevent.spawn(client.send, GET, TRACEPARENT)
    wait_for(lambda: len(server.seen) == 1 and held(client)._most_streams == 2)
    sent = [first, *send_all(client, *[GET] * 8)]
    gevent.joinall(sent, timeout=20)
    assert [one.value for one in sent] == [Untimed(200, b"{}")] * 9
    assert (max(open_at_once), server.connections) == (2, 1)


def test_a_reply_that_had_to_wait_for_a_place_came_when_it_came(serve: Serve, connect: Connect2) -> None:
    answered_at: list[int] = []

    def react(talk: Talk, _: Seen) -> bool:
        answered_at.append(time.monotonic_ns())
        talk.answer()
        return True

    def ask() -> int:
        answer = client.beside().send(GET, TRACEPARENT)
        assert answer.error is None
        return time.monotonic_ns() - answer.read_delay_ns

    server = serve(react, setting(SettingCodes.MAX_CONCURRENT_STREAMS, 1))
    client = connect(server.url)
    ask()  # its limit is known now
    came_at = sorted(one.value for one in gevent.joinall([gevent.spawn(ask) for _ in range(4)], timeout=20))
    assert all(came >= answered for came, answered in zip(came_at, answered_at[1:], strict=True))


def test_who_waits_for_a_place_goes_before_who_has_had_one(serve: Serve, connect: Connect2) -> None:
    def react(talk: Talk, _: Seen) -> bool:
        if len(server.seen) == 2:
            asked.wait(20)
        talk.answer()
        return True

    def ask_on(client: Http2Client) -> None:
        for _ in range(5):
            assert client.send(at("/asset"), TRACEPARENT).error is None

    asked = threading.Event()
    server = serve(react, setting(SettingCodes.MAX_CONCURRENT_STREAMS, 1))
    client = connect(server.url)
    assert client.send(GET, TRACEPARENT).error is None  # its limit is known now
    lane = gevent.spawn(ask_on, client.beside())
    wait_for(lambda: len(server.seen) == 2)
    page = gevent.spawn(client.beside().send, at("/page"), TRACEPARENT)
    wait_for(lambda: len(held(client)._queue) == 1)
    asked.set()
    gevent.joinall([lane, page], timeout=20, raise_error=True)
    assert [seen.path for seen in server.seen] == ["/", "/asset", "/page", *["/asset"] * 4]


def test_a_ping_is_answered_while_nobody_waits(serve: Serve, connect: Connect2) -> None:
    def react(talk: Talk, _: Seen) -> bool:
        talk.answer()
        talk.conn.ping(b"12345678")
        talk.flush()
        return True

    server = serve(react)
    client = connect(server.url)
    assert client.send(GET, TRACEPARENT).error is None
    wait_for(lambda: any(isinstance(event, PingAckReceived) for event in server.heard))
    assert client.send(GET, TRACEPARENT).error is None
    assert server.connections == 1


# -- what is said again -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("request_", [GET, POST], ids=["GET", "POST"])
def test_what_the_server_did_not_look_at_is_said_again(serve: Serve, connect: Connect2, request_: Request) -> None:
    def react(talk: Talk, _: Seen) -> bool:
        if len(server.seen) == 1:
            talk.raw(said(RST_STREAM, 0, talk.stream, number(7)))
        else:
            talk.answer()
        return True

    server = serve(react)
    assert connect(server.url).send(request_, TRACEPARENT) == Untimed(200, b"{}")
    assert [seen.connection for seen in server.seen] == [1, 1]


def test_a_request_that_is_refused_twice_is_an_outcome(serve: Serve, connect: Connect2) -> None:
    def react(talk: Talk, _: Seen) -> bool:
        talk.raw(said(RST_STREAM, 0, talk.stream, number(7)))
        return True

    server = serve(react)
    assert connect(server.url).send(POST, TRACEPARENT) == Untimed(error="connection")
    assert len(server.seen) == 2


def test_a_goodbye_takes_back_only_what_was_not_looked_at(serve: Serve, connect: Connect2) -> None:
    def go_away(talks: list[Talk]) -> None:
        talks[0].raw(said(GOAWAY, 0, 0, number(1) + number(0)))  # no more than the first
        talks[0].answer(body=b"first")

    def react(talk: Talk, seen: Seen) -> bool:
        if seen.connection == 1:
            return first(talk, seen)
        talk.answer(body=b"again")
        return True

    first = when_there_are(3, go_away)
    server = serve(react)
    client = connect(server.url)
    sent = send_all(client, POST, POST, POST)
    gevent.joinall(sent, timeout=20)
    assert [one.value for one in sent] == [Untimed(200, b"first"), Untimed(200, b"again"), Untimed(200, b"again")]
    assert [seen.connection for seen in server.seen] == [1, 1, 1, 2, 2]


def test_after_a_goodbye_what_is_under_way_comes_to_its_end(serve: Serve, connect: Connect2) -> None:
    def react(talk: Talk, seen: Seen) -> bool:
        if seen.connection == 1:
            talk.raw(said(GOAWAY, 0, 0, ALL + NONE_LEFT), said(GOAWAY, 0, 0, number(talk.stream) + NONE_LEFT))
        talk.answer()
        return True

    server = serve(react)
    client = connect(server.url)
    assert [client.send(POST, TRACEPARENT) for _ in range(2)] == [Untimed(200, b"{}")] * 2
    assert [seen.connection for seen in server.seen] == [1, 2]


def test_a_goodbye_while_nobody_waits_costs_no_request(serve: Serve, connect: Connect2) -> None:
    def react(talk: Talk, seen: Seen) -> bool:
        talk.answer()
        if seen.connection == 1:
            talk.raw(said(GOAWAY, 0, 0, number(talk.stream) + NONE_LEFT))
        return seen.connection > 1

    server = serve(react)
    client = connect(server.url)
    assert client.send(GET, TRACEPARENT).error is None
    wait_for(lambda: held(client).retiring)
    assert client.send(POST, TRACEPARENT) == Untimed(200, b"{}")
    assert [seen.connection for seen in server.seen] == [1, 2]


@pytest.mark.parametrize(("request_", "told"), [(GET, Untimed(200, b"{}")), (POST, Untimed(error="connection"))])
def test_on_a_stale_connection_only_what_may_be_said_twice_is(
    serve: Serve, connect: Connect2, request_: Request, told: Reply
) -> None:
    def react(talk: Talk, _: Seen) -> bool:
        if len(server.seen) == 2:
            return False
        talk.answer()
        return True

    server = serve(react)
    client = connect(server.url)
    assert client.send(GET, TRACEPARENT).error is None
    assert client.send(request_, TRACEPARENT) == told
    assert len(server.seen) == (3 if told.error is None else 2)


def test_nothing_is_said_again_on_a_connection_that_never_brought_a_reply(serve: Serve, connect: Connect2) -> None:
    server = serve(lambda _, __: False)
    assert connect(server.url).send(GET, TRACEPARENT) == Untimed(error="connection")
    assert len(server.seen) == 1


# -- ends ---------------------------------------------------------------------------------------------------------


def test_a_reply_that_does_not_come_takes_no_other_with_it(serve: Serve, connect: Connect2) -> None:
    def react(talk: Talk, seen: Seen) -> bool:
        if seen.path == "/slow":
            return True
        if seen.path == "/late":
            late.append(talk)
        else:
            talk.answer()
        return True

    late: list[Talk] = []
    server = serve(react)
    client = connect(server.url)
    patient, hasty = client.beside(), client.beside()
    hasty._deadline_s = SHORT_S
    waits = gevent.spawn(patient.send, at("/late"), TRACEPARENT)
    wait_for(lambda: bool(late))
    assert hasty.send(at("/slow"), TRACEPARENT) == Untimed(error="timeout")
    late[0].answer(body=b"late")
    assert waits.get(timeout=20) == Untimed(200, b"late")
    assert client.send(GET, TRACEPARENT) == Untimed(200, b"{}")
    assert [seen.connection for seen in server.seen] == [1, 1, 2]


def test_a_request_that_is_cut_off_breaks_its_stream_off_and_nothing_else(serve: Serve, connect: Connect2) -> None:
    def react(talk: Talk, _: Seen) -> bool:
        if len(server.seen) > 1:
            talk.answer()
        return True

    server = serve(react)
    client = connect(server.url)
    greenlet = gevent.spawn(client.send, GET, TRACEPARENT)
    wait_for(lambda: len(server.seen) == 1)
    greenlet.kill()
    assert type(greenlet.value) is gevent.GreenletExit
    assert client.send(POST, TRACEPARENT) == Untimed(200, b"{}")
    assert (server.resets, server.connections) == ([(1, 8)], 1)
    client.close()
    wait_for(lambda: server.goodbyes == [0])


def test_a_client_that_is_closed_asks_for_nothing_again(serve: Serve, connect: Connect2) -> None:
    """Neither for what is under way on a connection that has brought a reply, nor for what waits for a place."""

    def react(talk: Talk, _: Seen) -> bool:
        if len(server.seen) == 1:
            talk.answer()
        return True

    server = serve(react, setting(SettingCodes.MAX_CONCURRENT_STREAMS, 1))
    client = connect(server.url)
    assert client.send(GET, TRACEPARENT).error is None
    sent = send_all(client, GET, GET)
    wait_for(lambda: len(server.seen) == 2 and len(held(client)._queue) == 1)
    client.close()
    gevent.joinall(sent, timeout=20)
    assert [one.value for one in sent] == [Untimed(error="connection")] * 2
    assert (server.connections, len(server.seen)) == (1, 2)


def test_one_opens_the_connection_for_all_and_its_failure_is_everyone_s(
    serve: Serve, connect: Connect2, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as gone:
        port = gone.getsockname()[1]
    client = connect(serve(b"").url.replace("//127.0.0.1", "//localhost").rpartition(":")[0] + f":{port}")
    tried: list[object] = []
    link = client._link
    reached = link._channel

    def count(*of: object) -> object:
        tried.append(of)
        return reached(*of)  # type: ignore[arg-type]

    monkeypatch.setattr(type(link), "_channel", lambda _, *of: count(*of))
    sent = send_all(client, GET, GET, GET)
    gevent.joinall(sent, timeout=20)
    assert ([one.value for one in sent], len(tried)) == ([Untimed(error="connection")] * 3, 1)


def test_a_flood_while_nobody_waits_ends_the_connection(serve: Serve, connect: Connect2) -> None:
    def react(talk: Talk, seen: Seen) -> bool:
        talk.answer()
        if seen.connection == 1:
            talk.raw(said(PING, 0, 0, b"12345678") * 3000)
        return True

    server = serve(react)
    client = connect(server.url)
    assert client.send(GET, TRACEPARENT).error is None
    wait_for(lambda: held(client).retiring)
    assert client.send(GET, TRACEPARENT) == Untimed(200, b"{}")
    assert server.connections == 2


class Quiet(Transport):
    """A connection that keeps what is said over it, and needs no network."""

    def __init__(self) -> None:
        self.said: list[bytes] = []
        self.read_delay_ns, self.closed = 0, False

    def put(self, words: bytes) -> None:
        self.said.append(words)

    def close(self) -> None:
        self.closed = True


@pytest.mark.parametrize("first", [said(SETTINGS, 0, 0), b"HTTP/1.1 400 Bad Request"], ids=["settings", "no HTTP/2"])
def test_whatever_the_server_says_first_we_begin_with_our_greeting(first: bytes) -> None:
    channel = Quiet()
    Http2Connection(channel, ResponseHeaders(Heads(Firewall(Blocked())))).hear(first)
    assert channel.said[0].startswith(PREFACE)
    assert b"".join(channel.said).count(PREFACE) == 1
