"""What is posted, and what comes, goes through whatever windows both sides open."""

import socket

import gevent
import pytest
from h2.connection import H2Connection
from h2.settings import SettingCodes

from tests.loadtests.client.http2.conftest import Connect2, Serve
from tests.loadtests.client.http2.test_streams import BIG, send_all, setting
from tests.loadtests.client.shoppers import GET, POST, SHORT_S, TRACEPARENT, wait_for
from tests.loadtests.hostile_http2 import Talk
from tests.loadtests.hostile_server import Seen
from tests.loadtests.replies import Untimed


@pytest.mark.parametrize("window", [1, 1000, 65535, 1 << 20])
def test_a_request_goes_out_whole_through_any_window(serve: Serve, connect: Connect2, window: int) -> None:
    server = serve(b"HTTP/1.1 200 OK\r\n\r\n{}", setting(SettingCodes.INITIAL_WINDOW_SIZE, window))
    body = {"text": "x" * (2_000 if window == 1 else 300_000)}
    client = connect(server.url)
    for _ in range(2):
        assert client.send(POST._replace(body=body), TRACEPARENT) == Untimed(200, b"{}")
    assert ([len(seen.body) for seen in server.seen], server.connections) == ([len(body["text"]) + 11] * 2, 1)


def test_a_request_that_is_taken_slowly_goes_out_whole(serve: Serve, connect: Connect2) -> None:
    server = serve(b"HTTP/1.1 200 OK\r\n\r\n{}")
    assert connect(server.url).send(BIG, TRACEPARENT) == Untimed(200, b"{}")
    assert len(server.seen[0].body) == (8 << 20) + 11


def test_what_the_socket_does_not_take_at_once_waits_and_goes_out_whole(serve: Serve, connect: Connect2) -> None:
    def begin(_: socket.socket, conn: H2Connection) -> None:
        conn.update_settings({SettingCodes.INITIAL_WINDOW_SIZE: 64 << 20})
        conn.increment_flow_control_window(64 << 20)

    server = serve(b"HTTP/1.1 200 OK\r\n\r\n{}", begin)
    client = connect(server.url)
    assert client.send(GET, TRACEPARENT).error is None  # its windows are known now
    sent = send_all(client, *[BIG] * 4)  # more than all buffers on the way
    gevent.joinall(sent, timeout=20)
    assert [one.value for one in sent] == [Untimed(200, b"{}")] * 4
    assert [len(seen.body) for seen in server.seen] == [0, *[(8 << 20) + 11] * 4]


def test_bodies_beyond_every_window_come_whole(serve: Serve, connect: Connect2) -> None:
    server = serve(b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * (9 << 20))
    client = connect(server.url)
    assert [len(client.send(GET, TRACEPARENT).body) for _ in range(5)] == [9 << 20] * 5
    assert server.connections == 1


def test_a_refusal_before_the_request_is_out_is_the_reply(serve: Serve, connect: Connect2) -> None:
    def react(talk: Talk, _: Seen) -> bool:
        talk.answer()
        return True

    def begin(connection: socket.socket, conn: H2Connection) -> None:
        conn.update_settings({SettingCodes.INITIAL_WINDOW_SIZE: 0})
        connection.sendall(conn.data_to_send())
        while not conn.streams:
            conn.receive_data(connection.recv(1 << 16))
        Talk(connection, conn, 1).answer("413", b"too large")

    server = serve(react, begin)
    client = connect(server.url)
    assert client.send(BIG, TRACEPARENT) == Untimed(413, b"too large", "http_4xx")
    assert client.send(GET, TRACEPARENT) == Untimed(200, b"{}")
    wait_for(lambda: server.resets == [(1, 0)])
    assert server.connections == 1


def test_a_server_that_opens_no_window_is_given_up_at_the_deadline(serve: Serve, connect: Connect2) -> None:
    server = serve(b"", setting(SettingCodes.INITIAL_WINDOW_SIZE, 0))
    assert connect(server.url, SHORT_S).send(BIG, TRACEPARENT) == Untimed(error="timeout")
    wait_for(lambda: server.resets == [(1, 8)])  # CANCEL
