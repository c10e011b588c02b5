"""Connections: when one is stale, when a request may be said twice, and that none is left open or waited on."""

import contextlib
import socket
import struct
import threading

import gevent
import pytest

from loadtests.client import http1_client as shopper
from loadtests.client.access import Access
from loadtests.client.http1_client import ShopperClient
from loadtests.client.interface import Request
from loadtests.client.sockets.connection import Connection
from loadtests.client.sockets.deadlines import deadlines
from tests.loadtests.client.shoppers import (
    GET,
    POST,
    SHORT_S,
    TRACEPARENT,
    Connect,
    Serve,
    closing,
    in_turn,
    wait_for,
)
from tests.loadtests.hostile_server import Answer, Seen, reply
from tests.loadtests.replies import Untimed

BIG = Request(step="design", method="POST", path="/designs", body={"text": "x" * (8 << 20)})


def held(client: ShopperClient) -> Connection:
    """Return a client's connection."""
    assert client._connection is not None
    return client._connection


def hang_up(_: socket.socket, __: Seen) -> bool:
    return False


# -- stale connections --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("request_", [GET, POST], ids=["GET", "POST"])
def test_a_connection_that_is_closed_while_it_rests_is_replaced(
    serve: Serve, connect: Connect, request_: Request
) -> None:
    server = serve(in_turn(closing(reply()), reply()))
    client = connect(server.url)
    assert client.send(GET, TRACEPARENT).status == 200
    wait_for(lambda: held(client).closed)
    assert client.send(request_, TRACEPARENT) == Untimed(200, b"{}")
    assert [(seen.connection, seen.line.split()[0]) for seen in server.seen] == [(1, "GET"), (2, request_.method)]


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS", "PUT", "DELETE"])
def test_what_may_be_said_twice_is_repeated_once_when_a_kept_connection_ends_under_it(
    serve: Serve, connect: Connect, method: str
) -> None:
    server = serve(in_turn(reply(), hang_up, reply(b""), hang_up))
    client, request = connect(server.url), Request(step="home", method=method, path="/")
    assert client.send(GET, TRACEPARENT).error is None
    assert client.send(request, TRACEPARENT) == Untimed(200)
    assert [seen.connection for seen in server.seen] == [1, 1, 2]


@pytest.mark.parametrize("method", ["POST", "PATCH"])
def test_what_may_not_be_said_twice_is_not(serve: Serve, connect: Connect, method: str) -> None:
    server = serve(in_turn(reply(), hang_up, reply()))
    client, request = connect(server.url), Request(step="cart", method=method, path="/cart", body={})
    assert client.send(GET, TRACEPARENT).error is None
    assert client.send(request, TRACEPARENT) == Untimed(error="connection")
    assert [seen.line.split()[0] for seen in server.seen] == ["GET", method]


def test_nothing_is_repeated_a_second_time(serve: Serve, connect: Connect) -> None:
    server = serve(in_turn(reply(), hang_up, hang_up, reply()))
    client = connect(server.url)
    assert [client.send(GET, TRACEPARENT).error for _ in range(2)] == [None, "connection"]
    assert [seen.connection for seen in server.seen] == [1, 1, 2]


def test_nothing_is_repeated_on_a_connection_that_never_brought_a_reply(serve: Serve, connect: Connect) -> None:
    server = serve(in_turn(hang_up, reply()))
    assert connect(server.url).send(GET, TRACEPARENT) == Untimed(error="connection")
    assert len(server.seen) == 1


def test_nothing_is_repeated_once_a_byte_of_the_reply_came(serve: Serve, connect: Connect) -> None:
    server = serve(in_turn(reply(), closing(b"H"), reply()))
    client = connect(server.url)
    assert [client.send(GET, TRACEPARENT).error for _ in range(2)] == [None, "connection"]
    assert len(server.seen) == 2


def test_an_order_goes_out_again_only_when_no_byte_of_it_did(serve: Serve, connect: Connect) -> None:
    server = serve(reply())
    client = connect(server.url)
    assert client.send(GET, TRACEPARENT).error is None
    held(client)._socket.shutdown(socket.SHUT_WR)  # the next send fails before a byte
    assert client.send(POST, TRACEPARENT) == Untimed(200, b"{}")
    assert [(seen.connection, seen.line.split()[0]) for seen in server.seen] == [(1, "GET"), (2, "POST")]


@pytest.mark.parametrize("more", [b"x", reply(b"another's")], ids=["a byte", "a reply"])
def test_a_server_that_speaks_out_of_turn_is_hung_up_on(serve: Serve, connect: Connect, more: bytes) -> None:
    may_speak = threading.Event()

    def answer(connection: socket.socket, _: Seen) -> bool:
        connection.sendall(reply(b"[1]"))
        may_speak.wait(10)
        connection.sendall(more)
        return True

    server = serve(in_turn(answer, reply(b"[2]")))
    client = connect(server.url)
    assert client.send(GET, TRACEPARENT) == Untimed(200, b"[1]")
    may_speak.set()
    wait_for(lambda: held(client).closed)
    assert client.send(GET, TRACEPARENT) == Untimed(200, b"[2]")
    assert [seen.connection for seen in server.seen] == [1, 2]


@pytest.mark.parametrize("head", ["HTTP/1.0 200 OK", "HTTP/1.1 200 OK\r\nConnection: close"])
def test_a_connection_that_the_server_will_close_is_not_kept(serve: Serve, connect: Connect, head: str) -> None:
    server = serve(f"{head}\r\nContent-Length: 2\r\n\r\n{{}}".encode())
    client = connect(server.url)
    assert [client.send(POST, TRACEPARENT).error for _ in range(2)] == [None, None]
    assert [seen.connection for seen in server.seen] == [1, 2]


def test_a_reset_is_an_outcome(serve: Serve, connect: Connect) -> None:
    def answer(connection: socket.socket, _: Seen) -> bool:
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        with contextlib.suppress(OSError):  # a shutdown would be a goodbye: only a close with lingering off is none
            socket.close(connection.detach())
        return True

    assert connect(serve(answer).url).send(POST, TRACEPARENT) == Untimed(error="connection")


# -- requests that don't fit at once ------------------------------------------------------------------------------


def test_a_request_that_is_taken_slowly_goes_out_whole(serve: Serve, connect: Connect) -> None:
    server = serve(reply())
    assert connect(server.url).send(BIG, TRACEPARENT) == Untimed(200, b"{}")
    assert len(server.seen[0].body) == (8 << 20) + 11


class Abrupt:
    """A server that answers `data` without reading, then closes or not."""

    def __init__(self, data: bytes, *, closes: bool) -> None:
        self._data, self._closes = data, closes
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self.connections = 0
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        connections = []
        with contextlib.suppress(OSError):
            while True:
                connections.append(self._listener.accept()[0])
                self.connections += 1
                connections[-1].sendall(self._data)
                if self._closes:
                    connections[-1].shutdown(socket.SHUT_WR)
        for connection in connections:
            connection.close()

    def end(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join(10)


@pytest.mark.parametrize("closes", [True, False])
def test_a_refusal_before_the_request_is_out_is_the_reply_and_ends_the_connection(
    connect: Connect, *, closes: bool
) -> None:
    server = Abrupt(reply(b"too large", status="413 X"), closes=closes)
    client = connect(f"http://127.0.0.1:{server.port}")
    assert client.send(BIG, TRACEPARENT) == Untimed(413, b"too large", "http_4xx")
    assert held(client).closed
    client.close()
    server.end()
    assert server.connections == 1


def test_a_server_that_never_reads_is_given_up_at_the_deadline(connect: Connect) -> None:
    server = Abrupt(b"", closes=False)
    client = connect(f"http://127.0.0.1:{server.port}", SHORT_S)
    assert client.send(BIG, TRACEPARENT) == Untimed(error="timeout")
    server.end()


# -- deadlines ----------------------------------------------------------------------------------------------------


def test_a_connection_that_nobody_takes_is_given_up_before_the_request_s_deadline(
    connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shopper, "CONNECT_S", SHORT_S)
    with socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        place = full.getsockname()
        waiting = [socket.socket() for _ in range(8)]
        for one in waiting:  # the queue is full, so the next connection is left hanging
            one.settimeout(0)
            one.connect_ex(place)
        client = connect(f"http://127.0.0.1:{place[1]}", 1000.0)
        with gevent.Timeout(30):
            assert client.send(GET, TRACEPARENT) == Untimed(error="timeout")
        for one in waiting:
            one.close()


def test_a_deadline_is_for_the_whole_request_and_each_has_its_own(serve: Serve, connect: Connect) -> None:
    server = serve(in_turn(reply(), lambda *_: not server.over.wait(10)))
    patient, hasty = connect(server.url), connect(server.url, SHORT_S)
    assert hasty.send(GET, TRACEPARENT).error is None
    held(hasty).ends_at = 0.0  # its deadline passes while it rests
    deadlines()._sweep()
    assert not held(hasty).closed
    assert hasty.send(POST, TRACEPARENT) == Untimed(error="timeout")
    assert patient.send(GET, TRACEPARENT).error == "connection"


def test_a_kept_connection_s_deadline_is_that_of_the_request_at_hand(serve: Serve, connect: Connect) -> None:
    may_answer = threading.Event()

    def answer(connection: socket.socket, _: Seen) -> bool:
        may_answer.wait(10)
        connection.sendall(reply())
        return True

    client = connect(serve(in_turn(reply(), answer)).url)
    assert client.send(GET, TRACEPARENT).error is None
    held(client).ends_at = 0.0
    greenlet = gevent.spawn(client.send, POST, TRACEPARENT)
    wait_for(lambda: held(client).waiter is not None)
    deadlines()._sweep()
    may_answer.set()
    assert greenlet.get(timeout=20) == Untimed(200, b"{}")


def test_a_sweep_survives_that_one_who_is_given_up_closes_the_others(serve: Serve, connect: Connect) -> None:
    server = serve(lambda *_: not server.over.wait(10))
    clients = [connect(server.url, SHORT_S) for _ in range(5)]

    def visit(client: ShopperClient) -> str | None:
        told = client.send(GET, TRACEPARENT).error
        for greenlet in greenlets:
            if greenlet is not gevent.getcurrent():
                greenlet.kill(block=False)
        return told

    greenlets = [gevent.spawn(visit, client) for client in clients]
    gevent.joinall(greenlets, timeout=20, raise_error=True)
    assert "timeout" in [greenlet.value for greenlet in greenlets]
    assert all(client._connection is None for client in clients)


def test_the_sweep_ends_with_the_last_connection(serve: Serve, connect: Connect) -> None:
    client = connect(serve(reply()).url)
    client.send(GET, TRACEPARENT)
    watch = deadlines()
    assert (held(client) in watch._open, watch._timer is not None) == (True, True)
    client.close()
    watch._open.clear()  # those of other tests that were lost
    wait_for(lambda: watch._timer is None)


# -- ends ---------------------------------------------------------------------------------------------------------


def test_no_connection_is_left_however_a_request_ends(serve: Serve) -> None:
    endings: list[Answer | bytes] = [
        reply(),
        hang_up,
        closing(b"garbage"),
        closing(reply(b"", status="500 X")),
        closing(b"HTTP/1.1 2"),
    ]
    server = serve(in_turn(*endings * 10))
    access = Access(base_url=server.url, addresses=("127.0.0.1",), headers={})
    before, clients = set(deadlines()._open), [ShopperClient(access, 10.0) for _ in range(50)]
    greenlets = [gevent.spawn(client.send, POST, TRACEPARENT) for client in clients]
    gevent.joinall(greenlets, timeout=20, raise_error=True)
    outcomes = sorted(str(greenlet.value.error) for greenlet in greenlets)
    assert outcomes == ["None"] * 10 + ["connection"] * 20 + ["http_5xx"] * 10 + ["protocol"] * 10
    for client in clients:
        client.close()
    assert deadlines()._open == before
    assert len(server.seen) == 50


def test_a_shopper_who_is_cut_off_while_connecting_or_sending_hangs_up(connect: Connect) -> None:
    server = Abrupt(b"", closes=False)
    client = connect(f"http://127.0.0.1:{server.port}")
    greenlet = gevent.spawn(client.send, BIG, TRACEPARENT)
    wait_for(lambda: client._connection is not None and client._connection.waiter is not None)
    connection = held(client)
    greenlet.kill()
    assert (type(greenlet.value), connection.closed, client._connection) == (gevent.GreenletExit, True, None)
    server.end()


def test_a_greenlet_that_is_woken_by_mistake_waits_on(serve: Serve, connect: Connect) -> None:
    may_answer = threading.Event()

    def answer(connection: socket.socket, _: Seen) -> bool:
        may_answer.wait(10)
        connection.sendall(reply())
        return True

    client = connect(serve(answer).url)
    greenlet = gevent.spawn(client.send, GET, TRACEPARENT)
    wait_for(lambda: client._connection is not None and client._connection.waiter is not None)
    woken: list[bool] = []

    def wake() -> None:
        greenlet.switch()
        woken.append(True)

    gevent.get_hub().loop.run_callback(wake)
    wait_for(lambda: bool(woken))
    may_answer.set()
    assert greenlet.get(timeout=20) == Untimed(200, b"{}")
