"""Clients that are slow to ask or to take hold no thread: whoever is quick is answered all the same."""

import contextlib
import select
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from exporters.serving import connection, slow_clients
from exporters.serving.http_server import App, Listener, StartResponse
from tests.waiting import wait_for

LARGE = b"x" * (32 << 20)
THREADS = 2
MANY = 3 * THREADS


def app(environ: dict[str, Any], start_response: StartResponse) -> list[bytes]:
    body = LARGE if environ["PATH_INFO"] == "/large" else environ["wsgi.input"].read() + b"ok\n"
    start_response("200 OK", [("Content-Length", str(len(body)))])
    return [body]


def not_reading(_environ: dict[str, Any], start_response: StartResponse) -> list[bytes]:
    start_response("200 OK", [("Content-Length", "3")])
    return [b"ok\n"]


@pytest.fixture(autouse=True)
def little_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "PATIENCE_S", 0.05)


@contextlib.contextmanager
def listening(application: App = app) -> Iterator[Listener]:
    listener = Listener(application, "127.0.0.1", 0, threads=THREADS, max_body=1 << 16)
    listener.start()
    try:
        yield listener
    finally:
        listener.stop()


def connected(listener: Listener) -> socket.socket:
    return socket.create_connection(("127.0.0.1", int(listener.url.rpartition(":")[2])), timeout=30)


def rest_of(client: socket.socket) -> bytes:
    found = []
    with contextlib.suppress(ConnectionResetError):
        while got := client.recv(1 << 20):
            found.append(got)
    return b"".join(found)


def unread(client: socket.socket) -> int:
    """Return how many bytes of what `client` said wait in the kernel at the other end, from /proc/net/tcp."""
    port = f":{client.getsockname()[1]:04X}"
    rows = [row.split() for row in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return sum(int(row[4].split(":")[1], 16) for row in rows if row[2].endswith(port))


@pytest.mark.parametrize("said", [b"", b"GET / HTTP/1.1\r\nHost: x\r\n"])
def test_clients_that_do_not_end_their_head_keep_nobody_from_an_answer(said: bytes) -> None:
    with listening() as listener, contextlib.ExitStack() as stack:
        for _ in range(MANY):
            stack.enter_context(connected(listener)).sendall(said)
        assert requests.get(listener.url, timeout=30).text == "ok\n"


def test_clients_that_take_nothing_keep_nobody_from_an_answer() -> None:
    with listening() as listener, contextlib.ExitStack() as stack:
        slow = [stack.enter_context(connected(listener)) for _ in range(MANY)]
        for client in slow:
            client.sendall(b"GET /large HTTP/1.1\r\nHost: x\r\n\r\n")
        assert requests.get(listener.url, timeout=30).text == "ok\n"
        head, _, body = rest_of(slow[0]).partition(b"\r\n\r\n")
        assert (head[:15], body == LARGE) == (b"HTTP/1.1 200 OK", True)


def test_a_head_that_comes_in_pieces_is_answered_and_the_connection_kept() -> None:
    with listening() as listener, connected(listener) as client:
        for _ in range(2):
            for piece in (b"POST / HT", b"TP/1.1\r\nHost: x\r\nContent-Length: 4\r", b"\n\r\nbo", b"dy"):
                client.sendall(piece)
                time.sleep(0.02)
            found = b""
            while not found.endswith(b"bodyok\n"):
                found += client.recv(4096)
            assert found.startswith(b"HTTP/1.1 200 OK\r\n")


def test_clients_that_drip_a_body_that_nobody_reads_keep_nobody_from_an_answer() -> None:
    """They get their answer at once, and the connection ends; of a body that is here the connection stays."""
    head = b"GET /unread HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n"
    with listening(not_reading) as listener, contextlib.ExitStack() as stack:
        dripping = [stack.enter_context(connected(listener)) for _ in range(MANY)]
        for client in dripping:
            client.sendall(head + b"a")
        assert requests.get(listener.url, timeout=30).text == "ok\n"
        assert {rest_of(client)[:12] for client in dripping} == {b"HTTP/1.1 200"}
        with requests.Session() as session:
            found = {session.post(listener.url, data=b"all of it", timeout=30).headers.get("Connection") for _ in "ab"}
        assert found == {None}


def test_a_body_has_one_deadline_however_it_drips(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "BODY_S", 0.2)
    with listening() as listener, connected(listener) as client:
        client.sendall(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9999\r\n\r\n")
        with contextlib.suppress(OSError):
            for _ in range(600):
                client.sendall(b"x")
                if select.select([client], [], [], 0.05)[0]:
                    break
        assert rest_of(client).startswith(b"HTTP/1.1 408")


def test_requests_that_are_sent_together_are_each_answered() -> None:
    with listening() as listener, connected(listener) as client:
        client.sendall(
            2 * b"GET / HTTP/1.1\r\nHost: x\r\n\r\n" + b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
        )
        assert rest_of(client).count(b"ok\n") == 3


def test_a_head_that_is_too_large_is_refused() -> None:
    with listening() as listener, connected(listener) as client:
        client.sendall(b"GET / HTTP/1.1\r\nHost: x\r\nX: " + b"x" * connection.MAX_HEAD_BYTES + b"\r\n\r\n")
        assert rest_of(client).startswith(b"HTTP/1.1 413 ")


def test_who_has_not_said_what_it_wants_in_time_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(slow_clients, "HEAD_S", 0.05)
    with listening() as listener, connected(listener) as silent, connected(listener) as client:
        client.sendall(b"GET / HT")
        assert rest_of(client) == b"HTTP/1.1 408 Request Timeout\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
        assert rest_of(silent) == b""


def test_who_does_not_take_its_answer_in_time_is_dropped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(slow_clients, "TAKE_S", 0.05)
    with listening() as listener, connected(listener) as client:
        client.sendall(b"GET /large HTTP/1.1\r\nHost: x\r\n\r\n")
        time.sleep(1)
        assert len(rest_of(client)) < len(LARGE)


@pytest.mark.skipif(not Path("/proc/net/tcp").exists(), reason="what the kernel holds unread is told by Linux alone")
def test_of_too_many_that_wait_the_first_is_dropped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(slow_clients, "MOST_ARRIVING", 2)
    with listening() as listener, contextlib.ExitStack() as stack:
        clients = []
        for _ in range(3):  # what the first said is read before it is dropped: else its reply is lost in a reset
            clients.append(stack.enter_context(connected(listener)))
            clients[-1].sendall(b"GET /")
            wait_for(lambda: unread(clients[-1]) == 0, "what was said is read")
        assert rest_of(clients[0]).startswith(b"HTTP/1.1 408 ")
        clients[2].sendall(b" HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        assert rest_of(clients[2]).endswith(b"ok\n")


def test_no_more_of_answers_is_held_than_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(slow_clients, "MOST_UNTAKEN_BYTES", 3 * len(LARGE) // 2)
    with listening() as listener, connected(listener) as first, connected(listener) as second:
        for client in (first, second):
            client.sendall(b"GET /large HTTP/1.1\r\nHost: x\r\n\r\n")
            time.sleep(0.6)
        assert len(rest_of(first)) < len(LARGE)
        assert rest_of(second).endswith(LARGE)


def test_stop_drops_who_still_waits() -> None:
    with listening() as listener, connected(listener) as asks, connected(listener) as takes:
        asks.sendall(b"GET /")
        takes.sendall(b"GET /large HTTP/1.1\r\nHost: x\r\n\r\n")
        time.sleep(0.6)
        listener.stop()
        assert rest_of(asks) == b""
        assert len(rest_of(takes)) < len(LARGE)


def test_a_defect_is_answered_with_500_and_the_next_request_as_ever() -> None:
    def fails(environ: dict[str, Any], start_response: StartResponse) -> list[bytes]:
        if environ["PATH_INFO"] == "/bad":
            raise KeyError("oops")
        return app(environ, start_response)

    with listening(fails) as listener:
        assert requests.get(listener.url + "/bad", timeout=30).status_code == 500
        assert requests.get(listener.url, timeout=30).text == "ok\n"
