"""TLS below a shopper's requests: who is asked for, what is kept apart, and how a connection ends."""

import contextlib
import gc
import socket
import ssl
import threading
from collections.abc import Iterator
from typing import Any

import gevent.ssl
import pytest

from loadtests.client import http1_client as shopper
from loadtests.client.access import Access
from loadtests.client.http1_client import ShopperClient
from loadtests.client.interface import Request
from loadtests.client.sockets.deadlines import deadlines
from tests.loadtests.certificates import Authority
from tests.loadtests.client.shoppers import GET, POST, SHORT_S, TRACEPARENT, all_of, closing, in_turn, wait_for
from tests.loadtests.hostile_server import Answer, HostileServer, Seen, reply
from tests.loadtests.replies import Untimed

NAME = "shop.test"


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("tls") / "ours")


class Shop:
    """A shop behind TLS and its shoppers; `asked` are the names that the handshakes asked for."""

    def __init__(self, authority: Authority) -> None:
        self._ca = authority.certificate
        self.context = authority.serve(authority.sign(NAME))
        self.context.set_alpn_protocols(["h2", "http/1.1"])
        self.context.sni_callback = lambda _, name, __: self.asked.append(name)
        self.asked: list[str | None] = []
        self.clients: list[ShopperClient] = []
        self.servers: list[HostileServer] = []

    def serve(self, answer: Answer | bytes) -> HostileServer:
        self.servers.append(HostileServer(answer, tls=self.context))
        return self.servers[-1].__enter__()

    def connect(self, port: int, deadline_s: float = 10.0, host: str = NAME, **changes: Any) -> ShopperClient:
        facts: dict[str, Any] = {
            "base_url": f"https://{host}:{port}",
            "addresses": ("127.0.0.1",),
            "headers": {},
            "tls": gevent.ssl.create_default_context(cafile=str(self._ca)),
            **changes,
        }
        self.clients.append(ShopperClient(Access(**facts), deadline_s))
        return self.clients[-1]


@pytest.fixture
def shop(authority: Authority) -> Iterator[Shop]:
    one = Shop(authority)
    yield one
    for client in one.clients:
        client.close()
    for server in one.servers:
        server.__exit__(None, None, None)
    one.clients.clear()
    gc.collect()


VERSIONS = pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])


@VERSIONS
def test_one_connection_serves_a_whole_visit_under_its_name(shop: Shop, version: ssl.TLSVersion) -> None:
    shop.context.maximum_version = version
    server = shop.serve(reply(b"[1]", headers=("Set-Cookie: sid=1; Secure",)))
    client = shop.connect(server.port)
    assert [client.send(request, TRACEPARENT) for request in (GET, POST, GET)] == [Untimed(200, b"[1]")] * 3
    assert [seen.headers.get("cookie") for seen in server.seen] == [None, "sid=1", "sid=1"]
    assert (server.connections, shop.asked) == (1, [NAME])


def test_the_dot_at_a_name_s_end_is_no_part_of_it(shop: Shop) -> None:
    server = shop.serve(reply())
    assert shop.connect(server.port, host=f"{NAME}.").send(GET, TRACEPARENT).status == 200
    assert (shop.asked, server.seen[0].headers["host"]) == ([NAME], f"{NAME}.:{server.port}")


def test_http_1_1_is_agreed_on_and_no_session_is_taken_up_again(shop: Shop) -> None:
    agreed: list[tuple[str | None, bool | None]] = []

    def answer(connection: socket.socket, _: Seen) -> bool:
        assert isinstance(connection, ssl.SSLSocket)
        agreed.append((connection.selected_alpn_protocol(), connection.session_reused))
        connection.sendall(reply())
        return True

    server = shop.serve(answer)
    access = Access(
        base_url=f"https://{NAME}:{server.port}",
        addresses=("127.0.0.1",),
        headers={},
        tls=gevent.ssl.create_default_context(cafile=str(shop._ca)),
    )
    for _ in range(2):
        client = ShopperClient(access, 10.0)
        assert [client.send(GET, TRACEPARENT).status for _ in range(2)] == [200, 200]
        client.close()
    assert agreed == [("http/1.1", False)] * 4


@VERSIONS
@pytest.mark.parametrize("size", [0, 1, 16384, 16385, 100_000, 3_000_000])
def test_bodies_over_many_records_come_and_go_whole(shop: Shop, version: ssl.TLSVersion, size: int) -> None:
    shop.context.maximum_version = version
    server = shop.serve(reply(b"x" * size))
    client, request = shop.connect(server.port), Request("design", "POST", "/", body={"t": "y" * size})
    assert [client.send(request, TRACEPARENT) for _ in range(2)] == [Untimed(200, b"x" * size)] * 2
    assert ([len(seen.body) for seen in server.seen], server.connections) == ([size + 8] * 2, 1)


def test_a_record_after_the_reply_ends_the_connection(shop: Shop) -> None:
    def answer(connection: socket.socket, _: Seen) -> bool:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_CORK, 1)
        connection.sendall(reply(b"[1]"))
        connection.sendall(b"more")
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_CORK, 0)  # now both go out together
        return True

    server = shop.serve(in_turn(answer, reply(b"[2]")))
    client = shop.connect(server.port)
    assert [client.send(POST, TRACEPARENT).body for _ in range(2)] == [b"[1]", b"[2]"]
    assert [seen.connection for seen in server.seen] == [1, 2]


def test_what_tls_says_while_a_request_goes_out_is_no_answer(shop: Shop) -> None:
    shaken, may_read = threading.Event(), threading.Event()
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        plain, _ = listener.accept()
        plain.settimeout(20)
        with shop.context.wrap_socket(plain, server_side=True) as connection:  # its tickets are out now
            shaken.set()
            may_read.wait(20)
            with contextlib.suppress(OSError):
                while not connection.recv(1 << 20).endswith(b'"}'):
                    pass
                connection.sendall(reply())

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    client = shop.connect(listener.getsockname()[1])
    greenlet = gevent.spawn(client.send, Request("design", "POST", "/", body={"t": "y" * (8 << 20)}), TRACEPARENT)
    wait_for(lambda: shaken.is_set() and bool(waiting()))
    for _ in range(10):
        gevent.sleep(0)  # the hub sees the tickets
    may_read.set()
    assert greenlet.get(timeout=20) == Untimed(200, b"{}")
    thread.join(20)
    listener.close()


@pytest.mark.parametrize("polite", [True, False])
def test_a_connection_that_is_closed_while_it_rests_is_replaced(shop: Shop, *, polite: bool) -> None:
    def answer(connection: socket.socket, _: Seen) -> bool:
        assert isinstance(connection, ssl.SSLSocket)
        connection.sendall(reply())
        if polite:
            with contextlib.suppress(OSError):
                connection.unwrap()
        return False

    server = shop.serve(in_turn(answer, reply()))
    client = shop.connect(server.port)
    assert client.send(GET, TRACEPARENT).status == 200
    connection = client._connection
    wait_for(lambda: connection is not None and connection.closed)
    assert client.send(POST, TRACEPARENT).status == 200
    assert [seen.connection for seen in server.seen] == [1, 2]


def test_a_page_is_asked_for_again_and_an_order_is_not(shop: Shop) -> None:
    server = shop.serve(in_turn(reply(), lambda *_: False, reply(), lambda *_: False, reply()))
    client = shop.connect(server.port)
    assert [client.send(GET, TRACEPARENT).error for _ in range(2)] == [None, None]
    assert client.send(POST, TRACEPARENT).error == "connection"
    assert [(seen.connection, seen.line[:4]) for seen in server.seen] == [
        (1, "GET "),
        (1, "GET "),
        (2, "GET "),
        (2, "POST"),
    ]


def test_a_body_until_the_end_needs_a_goodbye(shop: Shop) -> None:
    def answer(connection: socket.socket, _: Seen) -> bool:
        assert isinstance(connection, ssl.SSLSocket)
        connection.sendall(b"HTTP/1.1 200 OK\r\n\r\nall of it")
        with contextlib.suppress(OSError):
            connection.unwrap()
        return False

    server = shop.serve(in_turn(answer, closing(b"HTTP/1.1 200 OK\r\n\r\nhalf of")))
    client = shop.connect(server.port)
    assert client.send(POST, TRACEPARENT) == Untimed(200, b"all of it")
    assert client.send(POST, TRACEPARENT) == Untimed(error="connection")


class Raw:
    """A server that answers a hello with `data` and then is silent."""

    def __init__(self, data: bytes, *, closes: bool = False) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._over = threading.Event()
        self._data, self._closes = data, closes
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        with contextlib.suppress(OSError):
            connection, _ = self._listener.accept()
            with connection:
                connection.recv(65536)
                connection.sendall(self._data)
                if not self._closes:
                    self._over.wait(20)

    def end(self) -> None:
        self._over.set()
        self._listener.close()
        self._thread.join(20)


def test_a_handshake_that_never_ends_is_given_up_like_a_connection(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shopper, "CONNECT_S", SHORT_S)
    server = Raw(b"")
    with gevent.Timeout(20):
        assert shop.connect(server.port, 1000.0).send(GET, TRACEPARENT) == Untimed(error="timeout")
    server.end()


@pytest.mark.parametrize(
    "data", [b"", b"HTTP/1.1 400 Bad\r\n\r\n", b"\x15\x03\x03\x00\x02\x02\x28", b"\x16\x03\x03", b"\x00"]
)
def test_a_handshake_that_is_none_is_an_outcome(shop: Shop, data: bytes) -> None:
    server = Raw(data, closes=True)
    assert shop.connect(server.port).send(GET, TRACEPARENT) == Untimed(error="connection")
    server.end()


def test_https_without_a_context_is_an_outcome(shop: Shop) -> None:
    assert shop.connect(9, tls=None).send(GET, TRACEPARENT) == Untimed(error="protocol")


def test_a_shopper_who_is_cut_off_in_the_handshake_hangs_up(shop: Shop) -> None:
    server = Raw(b"")
    client = shop.connect(server.port)
    greenlet = gevent.spawn(client.send, GET, TRACEPARENT)
    wait_for(lambda: bool(waiting()))
    (connection,) = waiting()
    greenlet.kill()
    assert (type(greenlet.value), connection.closed) == (gevent.GreenletExit, True)
    server.end()


def waiting() -> list[Any]:
    return [connection for connection in deadlines()._open if connection.waiter is not None]


@VERSIONS
def test_a_stream_of_events_comes_over_tls_on_a_connection_of_its_own(shop: Shop, version: ssl.TLSVersion) -> None:
    shop.context.maximum_version = version
    opening = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
    pieces = [opening, b"7\r\ndata: a\r\n", b"2\r\n\n\n\r\n", b"0\r\n\r\n"]

    def answer(connection: socket.socket, seen: Seen) -> bool:
        for piece in pieces if seen.path == "/events" else [reply()]:
            connection.sendall(piece)
        return True

    client = shop.connect(shop.serve(answer).port)
    stream = client.listener()
    assert client.send(GET, TRACEPARENT).error is None
    assert stream.send(Request(step="stream", method="GET", path="/events"), TRACEPARENT).error is None
    assert [event.data for event in all_of(stream)] == ["a"]
    assert client.send(GET, TRACEPARENT).error is None
    assert shop.servers[0].connections == 2
    stream.close()
