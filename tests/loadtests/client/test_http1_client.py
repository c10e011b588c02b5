"""Whatever a shop, or what stands in front of it, does to a request, the outcome is one word of the contract."""

import errno
import os
import socket
from typing import Any

import gevent
import pytest

from loadtests.client import response as module
from loadtests.client.interface import Request
from tests.loadtests.client.shoppers import (
    GET,
    POST,
    SHORT_S,
    TRACEPARENT,
    Connect,
    Serve,
    closing,
    every_transport,
    wait_for,
)
from tests.loadtests.hostile_server import Seen, reply
from tests.loadtests.replies import Untimed

# -- what goes well ---------------------------------------------------------------------------------------------


@every_transport
def test_a_json_reply_comes_whole(serve: Serve, connect: Connect) -> None:
    server = serve(reply(b'{"a": [1, 2]}'))
    told = connect(server.url).send(GET, TRACEPARENT)
    assert told == Untimed(status=200, body=b'{"a": [1, 2]}', error=None)
    assert told.json() == {"a": [1, 2]}


def test_every_request_is_tagged_and_carries_its_trace(serve: Serve, connect: Connect) -> None:
    server = serve(reply())
    connect(server.url).send(GET, TRACEPARENT)
    (seen,) = server.seen
    assert seen.line == "GET / HTTP/1.1"
    assert {name: seen.headers[name] for name in ("user-agent", "x-peakproof-run", "traceparent")} == {
        "user-agent": "peakproof/test",
        "x-peakproof-run": "r1",
        "traceparent": TRACEPARENT,
    }


@every_transport
def test_a_body_is_sent_as_json_with_the_request_s_own_headers(serve: Serve, connect: Connect) -> None:
    server = serve(reply())
    request = Request(step="c", method="POST", path="/c", body={"name": "Zoë"}, headers={"Idempotency-Key": "k"})
    assert connect(server.url).send(request, TRACEPARENT).error is None
    (seen,) = server.seen
    assert seen.body == '{"name":"Zoë"}'.encode()
    assert (seen.headers["content-type"], seen.headers["idempotency-key"]) == ("application/json", "k")


@every_transport
def test_a_path_of_the_base_address_comes_before_every_path(serve: Serve, connect: Connect) -> None:
    server = serve(reply())
    connect(f"{server.url}/shop/").send(GET, TRACEPARENT)
    assert server.seen[0].path == "/shop/"


@every_transport
def test_one_connection_serves_a_shopper_s_whole_visit(serve: Serve, connect: Connect) -> None:
    server = serve(reply())
    client = connect(server.url)
    assert [client.send(GET, TRACEPARENT).status, client.send(POST, TRACEPARENT).status] == [200, 200]
    assert ([seen.connection for seen in server.seen], server.connections) == ([1, 1], 1)


@every_transport
def test_two_shoppers_share_neither_connection_nor_cookies(serve: Serve, connect: Connect) -> None:
    server = serve(reply(headers=("Set-Cookie: sid=one",)))
    for client in (connect(server.url), connect(server.url)):
        client.send(GET, TRACEPARENT)
    assert server.connections == 2
    assert ["cookie" in seen.headers for seen in server.seen] == [False, False]


@every_transport
def test_cookies_are_kept_renewed_and_sent_back(serve: Serve, connect: Connect) -> None:
    told = iter([("Set-Cookie: sid=one; Path=/; HttpOnly", "Set-Cookie: lang=en"), ("Set-Cookie: sid=two",), ()])

    def answer(connection: socket.socket, _: Seen) -> bool:
        connection.sendall(reply(headers=next(told)))
        return True

    server = serve(answer)
    client = connect(server.url)
    for _ in range(3):
        client.send(GET, TRACEPARENT)
    assert [seen.headers.get("cookie") for seen in server.seen] == [None, "sid=one; lang=en", "sid=two; lang=en"]


@pytest.mark.parametrize("cookie", ["", "=", ";;;", "bad name=1", "a", "a=\xff\xfe", '"', "x=y\x01z"])
def test_a_malformed_cookie_never_ends_a_visit(serve: Serve, connect: Connect, cookie: str) -> None:
    server = serve(reply(headers=(f"Set-Cookie: {cookie}", "Set-Cookie: sid=one")))
    client = connect(server.url)
    outcomes = [client.send(GET, TRACEPARENT).error for _ in range(2)]
    assert outcomes in ([None, None], ["protocol", "protocol"])  # a control character may be refused as HTTP
    if outcomes == [None, None]:
        assert "sid=one" in server.seen[1].headers["cookie"]


def test_a_chunked_reply_comes_whole(serve: Serve, connect: Connect) -> None:
    server = serve(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{'ab'\r\n1\r\n}\r\n0\r\n\r\n")
    assert connect(server.url).send(GET, TRACEPARENT) == Untimed(status=200, body=b"{'ab'}")


def test_a_reply_without_a_length_ends_with_its_connection(serve: Serve, connect: Connect) -> None:
    server = serve(closing(b"HTTP/1.1 200 OK\r\n\r\nabc"))
    assert connect(server.url).send(GET, TRACEPARENT) == Untimed(status=200, body=b"abc")


def test_a_reply_split_at_every_byte_comes_whole(serve: Serve, connect: Connect) -> None:
    def answer(connection: socket.socket, _: Seen) -> bool:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for byte in reply(b"[1]"):
            connection.sendall(bytes([byte]))
        return True

    assert connect(serve(answer).url).send(GET, TRACEPARENT) == Untimed(status=200, body=b"[1]")


def test_a_body_that_is_no_json_object_is_a_value_error() -> None:
    with pytest.raises(ValueError, match="expected a JSON object, found list"):
        Untimed(status=200, body=b"[]").json()
    with pytest.raises(ValueError, match="unexpected"):
        Untimed(status=200, body=b"<html>").json()


# -- what a status means ----------------------------------------------------------------------------------------


@every_transport
@pytest.mark.parametrize(
    ("status", "error"),
    [
        (200, None),
        (201, "wrong_reply"),
        (304, "wrong_reply"),
        (400, "http_4xx"),
        (404, "http_4xx"),
        (429, "blocked"),
        (500, "http_5xx"),
        (503, "http_5xx"),
        (599, "http_5xx"),
    ],
)
def test_a_status_that_is_not_accepted_is_told_by_its_kind(
    serve: Serve, connect: Connect, status: int, error: str | None
) -> None:
    server = serve(closing(reply(b"", status=f"{status} X")))
    assert connect(server.url).send(GET, TRACEPARENT) == Untimed(status=status, error=error)


@every_transport
def test_a_refusal_that_a_healthy_shop_gives_is_no_error(serve: Serve, connect: Connect) -> None:
    server = serve(reply(b'{"error":"out_of_stock"}', status="409 Conflict"))
    request = Request(step="checkout", method="POST", path="/checkout", body={}, accept=frozenset({201, 409}))
    assert connect(server.url).send(request, TRACEPARENT).error is None


@pytest.mark.parametrize(
    ("location", "error", "target", "host"),
    [
        ("http://elsewhere.example/", "redirected_away", None, "http://elsewhere.example"),
        ("//elsewhere.example/", "redirected_away", None, "http://elsewhere.example"),
        ("https://127.0.0.1/", "redirected_away", None, "https://127.0.0.1"),
        ("http://127.0.0.1:9/", "redirected_away", None, "http://127.0.0.1:9"),
        ("/login", "wrong_reply", "/login", None),
        ("login", "wrong_reply", "/login", None),
        ("HERE/other", "wrong_reply", "/other", None),
        ("http://[::1", "wrong_reply", None, None),
        ("http://a:99999999/", "wrong_reply", None, None),
    ],
)
def test_a_redirect_is_told_and_never_followed(
    serve: Serve, connect: Connect, location: str, error: str, target: str | None, host: str | None
) -> None:
    def answer(connection: socket.socket, _: Seen) -> bool:
        where = location.replace("HERE", server.url)
        connection.sendall(reply(b"", status="302 Found", headers=(f"Location: {where}",)))
        return True

    server = serve(answer)
    assert connect(server.url).send(GET, TRACEPARENT) == Untimed(302, error=error, location=target, host=host)
    assert len(server.seen) == 1


# -- what goes wrong --------------------------------------------------------------------------------------------

HALF = b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabc"
BROKEN: list[tuple[str, bytes, str]] = [
    ("half a body", HALF, "connection"),
    ("half a chunk", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab", "connection"),
    ("half a head", b"HTTP/1.1 200 OK\r\nConte", "connection"),
    ("only an interim reply", b"HTTP/1.1 100 Continue\r\n\r\n", "connection"),
    ("another protocol", b"SSH-2.0-OpenSSH_9\r\n", "protocol"),
    ("a negative length", b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n", "protocol"),
    ("two lengths", b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab", "protocol"),
    ("a chunk of no size", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", "protocol"),
    ("a status of five digits", b"HTTP/1.1 99999 OK\r\nContent-Length: 0\r\n\r\n", "protocol"),
    ("a protocol nobody asked for", b"HTTP/1.1 101 X\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\nhi", "protocol"),
    ("zero bytes", b"\x00" * 100, "protocol"),
]


@pytest.mark.parametrize(("data", "error"), [case[1:] for case in BROKEN], ids=[case[0] for case in BROKEN])
def test_a_reply_that_is_broken_off_or_no_http_is_an_outcome(
    serve: Serve, connect: Connect, data: bytes, error: str
) -> None:
    server = serve(closing(data))
    assert connect(server.url).send(POST, TRACEPARENT) == Untimed(error=error)
    assert len(server.seen) == 1


@every_transport
@pytest.mark.parametrize(
    ("number", "error"),
    [
        (errno.EMFILE, "no_descriptor"),
        (errno.ENFILE, "no_descriptor"),
        (errno.EADDRNOTAVAIL, "no_port"),
        (errno.ENETUNREACH, "connection"),
    ],
)
def test_what_this_machine_lacks_is_not_the_shops_error(
    number: int, error: str, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    def lack(*_: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr("loadtests.client.sockets.connection.socket", lack)
    assert connect("http://127.0.0.1:9").send(GET, TRACEPARENT) == Untimed(error=error)


@every_transport
def test_a_refused_connection_is_an_outcome(connect: Connect) -> None:
    with socket.create_server(("127.0.0.1", 0)) as gone:
        port = gone.getsockname()[1]
    assert connect(f"http://127.0.0.1:{port}").send(GET, TRACEPARENT) == Untimed(error="connection")


@every_transport
def test_a_silent_shop_is_given_up_at_the_deadline(serve: Serve, connect: Connect) -> None:
    def answer(_: socket.socket, __: Seen) -> bool:
        server.over.wait(10)
        return False

    server = serve(answer)
    assert connect(server.url, SHORT_S).send(POST, TRACEPARENT) == Untimed(error="timeout")
    assert len(server.seen) == 1


def test_a_reply_that_drips_is_given_up_at_the_deadline_though_bytes_keep_coming(
    serve: Serve, connect: Connect
) -> None:
    def answer(connection: socket.socket, _: Seen) -> bool:
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n")
        while not server.over.wait(0.05):
            connection.sendall(b"x")
        return False

    server = serve(answer)
    assert connect(server.url, SHORT_S).send(GET, TRACEPARENT) == Untimed(error="timeout")


def test_a_head_that_drips_is_given_up_at_the_deadline_too(serve: Serve, connect: Connect) -> None:
    def answer(connection: socket.socket, _: Seen) -> bool:
        connection.sendall(b"HTTP/1.1 200 OK\r\n")
        while not server.over.wait(0.05):
            connection.sendall(b"A: b\r\n")
        return False

    server = serve(answer)
    assert connect(server.url, SHORT_S).send(GET, TRACEPARENT) == Untimed(error="timeout")


def test_a_body_over_the_limit_is_not_kept(serve: Serve, connect: Connect, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_BODY", 100_000)
    fits, over = serve(reply(b"x" * 100_000)), serve(reply(b"x" * 100_001))
    assert connect(fits.url).send(GET, TRACEPARENT).status == 200
    assert connect(over.url).send(GET, TRACEPARENT) == Untimed(error="protocol")


def test_a_body_without_end_is_not_read_for_ever(
    serve: Serve, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    def answer(connection: socket.socket, _: Seen) -> bool:
        connection.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        while True:  # until the client hangs up
            connection.sendall(b"1000\r\n" + b"x" * 0x1000 + b"\r\n")

    monkeypatch.setattr(module, "MAX_BODY", 1 << 20)
    assert connect(serve(answer).url).send(GET, TRACEPARENT) == Untimed(error="protocol")


def test_an_order_is_never_sent_twice(serve: Serve, connect: Connect) -> None:
    server = serve(lambda _, __: False)
    assert connect(server.url).send(POST, TRACEPARENT) == Untimed(error="connection")
    assert [seen.line for seen in server.seen] == ["POST /cart HTTP/1.1"]


def test_an_order_is_not_repeated_on_a_kept_connection_that_is_closed_under_it(serve: Serve, connect: Connect) -> None:
    def answer(connection: socket.socket, _: Seen) -> bool:
        if len(server.seen) > 1:
            return False
        connection.sendall(reply())
        return True

    server = serve(answer)
    client = connect(server.url)
    assert client.send(GET, TRACEPARENT).status == 200
    assert client.send(POST, TRACEPARENT) == Untimed(error="connection")
    assert [seen.line.split()[0] for seen in server.seen] == ["GET", "POST"]


def test_a_page_is_asked_for_again_when_its_kept_connection_was_closed(serve: Serve, connect: Connect) -> None:
    def answer(connection: socket.socket, _: Seen) -> bool:
        if len(server.seen) == 2:
            return False
        connection.sendall(reply())
        return True

    server = serve(answer)
    client = connect(server.url)
    assert [client.send(GET, TRACEPARENT).error, client.send(GET, TRACEPARENT).error] == [None, None]
    assert [seen.connection for seen in server.seen] == [1, 1, 2]


@every_transport
@pytest.mark.parametrize("path", ["/a b", "/a\r\nX-Evil: 1", "/a\x00", "/\u2013", "/a\tb"])
def test_a_path_that_http_cannot_say_is_an_outcome_and_sends_nothing(serve: Serve, connect: Connect, path: str) -> None:
    server = serve(reply())
    client = connect(server.url)
    assert client.send(Request(step="product", method="GET", path=path), TRACEPARENT) == Untimed(error="protocol")
    assert server.seen == []
    assert client.send(GET, TRACEPARENT).error is None


@every_transport
def test_a_header_that_http_cannot_say_is_an_outcome_and_sends_nothing(serve: Serve, connect: Connect) -> None:
    server = serve(reply())
    request = Request(step="cart", method="POST", path="/", body={"a": 1}, headers={"Idempotency-Key": "k\r\nX: y"})
    assert connect(server.url).send(request, TRACEPARENT) == Untimed(error="protocol")
    assert server.seen == []


# -- ends -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("ending", [lambda _, __: False, HALF, b"garbage\r\n"], ids=["closed", "late", "garbage"])
def test_a_client_that_failed_can_be_used_again(serve: Serve, connect: Connect, ending: Any) -> None:
    server = serve(ending)
    client = connect(server.url, SHORT_S)
    first = client.send(POST, TRACEPARENT).error
    assert first in {"connection", "timeout", "protocol"}
    assert [client.send(POST, TRACEPARENT).error for _ in range(3)] == [first] * 3


@every_transport
def test_closing_twice_is_harmless(serve: Serve, connect: Connect) -> None:
    client = connect(serve(reply()).url)
    client.close()
    assert client.send(GET, TRACEPARENT).status == 200
    client.close()
    client.close()


def test_a_shopper_who_is_cut_off_hangs_up_at_once(serve: Serve, connect: Connect) -> None:
    hung_up = []

    def answer(connection: socket.socket, _: Seen) -> bool:
        under_way.append(True)
        hung_up.append(connection.recv(1))
        return False

    under_way: list[bool] = []
    client = connect(serve(answer).url)
    greenlet = gevent.spawn(client.send, GET, TRACEPARENT)
    wait_for(lambda: bool(under_way))
    greenlet.kill()
    wait_for(lambda: bool(hung_up))
    assert (hung_up, type(greenlet.value)) == ([b""], gevent.GreenletExit)


@every_transport
def test_someone_else_s_timeout_is_not_the_request_s(serve: Serve, connect: Connect) -> None:
    def answer(_: socket.socket, __: Seen) -> bool:
        server.over.wait(10)
        return False

    server = serve(answer)
    client = connect(server.url)
    with pytest.raises(gevent.Timeout) as raised, gevent.Timeout(SHORT_S) as outer:
        client.send(GET, TRACEPARENT)
    assert raised.value is outer
