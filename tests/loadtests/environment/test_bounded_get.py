"""One reader for every reply that isn't load: bounded in size, by one deadline, with secrets overwritten."""

import gc
import gzip
import socket
import time
from collections.abc import Iterator
from types import SimpleNamespace

import pytest
import requests
from urllib3.exceptions import ReadTimeoutError

from loadtests.environment import answer_deadline
from loadtests.environment.credentials import Credentials, Secret
from loadtests.environment.pinned_http import PinnedHttp, bounded_get, why_no_answer
from loadtests.environment.targets import Environment
from tests.loadtests.hostile_server import Answer, HostileServer, Seen, reply

SECRET = "the-key-of-the-gate"


@pytest.fixture(autouse=True)
def collected() -> Iterator[None]:
    yield
    gc.collect()


def session(server: HostileServer) -> PinnedHttp:
    facts = {
        "base_url": server.url,
        "storefront": "twisted-threads",
        "ceiling": {"requests_per_s": 1, "open_sessions": 1, "orders": 1},
    }
    return PinnedHttp(Environment.model_validate(facts), Credentials(hidden=(Secret(SECRET),)))


def dripping(*at_once: bytes) -> Answer:
    """Send what is given at once, and then a byte now and then for as long as somebody reads."""

    def answer(connection: socket.socket, _: Seen) -> bool:
        try:
            connection.sendall(b"".join(at_once))
            while True:
                connection.sendall(b"a")
                time.sleep(0.02)
        except OSError:
            return False

    return answer


@pytest.mark.parametrize(("size", "whole"), [(0, True), (999, True), (1000, True), (1001, False), (1 << 20, False)])
def test_a_reply_is_read_up_to_its_bound_and_says_whether_that_was_all(size: int, whole: bool) -> None:  # noqa: FBT001
    with HostileServer(reply(b"x" * size)) as server, session(server) as http:
        found = bounded_get(http, server.url, 5.0, 1000)
    assert (found.status, found.body, found.whole) == (200, b"x" * min(size, 1000), whole)


def test_the_bound_is_of_what_is_decoded() -> None:
    small = gzip.compress(b"x" * (64 << 20))
    with HostileServer(reply(small, headers=("Content-Encoding: gzip",))) as server, session(server) as http:
        found = bounded_get(http, server.url, 5.0, 1000)
    assert (found.body, found.whole) == (b"x" * 1000, False)


def test_what_was_asked_for_as_it_is_is_not_decoded() -> None:
    coded = gzip.compress(b"{}")
    with HostileServer(reply(coded, headers=("Content-Encoding: gzip",))) as server, session(server) as http:
        assert bounded_get(http, server.url, 5.0).body == b"{}"
        assert bounded_get(http, server.url, 5.0, headers={"Accept-Encoding": "identity"}).body == coded


@pytest.mark.parametrize(
    "sent",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX-Head: ",
        b"HTTP/1.1 ",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\nContent-Encoding: gzip\r\n\r\n\x1f\x8b\x08\x08" + bytes(6),
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
    ],
    ids=["body", "header", "status line", "name in gzip's head", "size of a chunk"],
)
def test_one_deadline_holds_for_the_whole_reply_however_slowly_it_comes(sent: bytes) -> None:
    with HostileServer(dripping(sent)) as server, session(server) as http:
        began = time.monotonic()
        with pytest.raises(requests.ReadTimeout):
            bounded_get(http, server.url, 0.3)
        assert time.monotonic() - began < 5.0


def test_what_is_read_only_after_the_deadline_is_late_though_it_lay_here(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    monkeypatch.setattr(answer_deadline, "time", SimpleNamespace(monotonic=lambda: now[0]))
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n"
    with (
        HostileServer(dripping(head)) as server,
        session(server) as http,
        http.get(server.url, timeout=20.0, stream=True) as late,
    ):
        assert late.raw.read(1) == b"a"
        now[0] = 120.0
        with pytest.raises(ReadTimeoutError):
            late.raw.read()


def test_a_request_without_a_deadline_is_refused() -> None:
    with HostileServer(reply()) as server, session(server) as http, pytest.raises(ValueError, match="needs a timeout"):
        http.get(server.url)


def test_a_connection_that_is_kept_has_its_whole_time_again() -> None:
    with HostileServer(reply(b"{}")) as server, session(server) as http:
        for timeout_s in (0.5, 5.0, 0.5):
            assert bounded_get(http, server.url, timeout_s).whole
            time.sleep(0.3)
        assert server.connections == 1


def test_a_reply_that_breaks_off_is_told_by_its_kind() -> None:
    with (
        HostileServer(lambda connection, _: bool(connection.send(reply(b"{}")[:-1]) and False)) as server,
        session(server) as http,
        pytest.raises(requests.ConnectionError) as failure,
    ):
        bounded_get(http, server.url, 5.0)
    assert why_no_answer(failure.value) == "ProtocolError"


def test_the_session_s_secrets_and_those_that_are_given_are_overwritten_in_body_and_headers() -> None:
    page = reply(f"a {SECRET} and another-secret".encode(), headers=(f"X-Echo: {SECRET}",))
    with HostileServer(page) as server, session(server) as http:
        found = bounded_get(http, server.url, 5.0, masks=(b"another-secret",))
    assert found.body == b"a " + b"*" * len(SECRET) + b" and " + b"*" * len("another-secret")
    assert found.headers["x-echo"] == "*" * len(SECRET)


def test_no_redirect_is_followed() -> None:
    with HostileServer(reply(b"")) as other:
        leading = reply(b"", status="302 Found", headers=(f"Location: {other.url}/",))
        with HostileServer(leading) as server, session(server) as http:
            assert bounded_get(http, server.url, 5.0).status == 302
        assert other.seen == []
