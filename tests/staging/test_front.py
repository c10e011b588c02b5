"""The front: balancing, failing over, and its access log."""

import json
import socket
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import requests

from staging.front.upstreams import Upstream, Upstreams
from tests.ports import free_port
from tests.staging.conftest import Stack
from tests.staging.harness import command, started

TRACEPARENT = "00-0123456789abcdef0123456789abcdef-0123456789abcdef-01"


def lines_of(path: Path, run: str) -> list[dict[str, object]]:
    entries = [json.loads(line) for line in path.read_text().splitlines()]
    return [entry for entry in entries if entry["run"] == run]


def test_each_request_is_one_line(stack: Stack) -> None:
    session = requests.Session()
    session.headers.update({"X-Peakproof-Run": "logged", "traceparent": TRACEPARENT, "User-Agent": "tests"})
    session.get(f"{stack.front.url}/search?q=nap", timeout=20)
    session.post(f"{stack.front.url}/cart", data="{", timeout=20)
    session.get(f"{stack.front.url}/nowhere", timeout=20)
    entries = lines_of(stack.access_log, "logged")
    assert [(e["method"], e["path"], e["query"], e["status"]) for e in entries] == [
        ("GET", "/search", "q=nap", 200),
        ("POST", "/cart", "", 400),
        ("GET", "/nowhere", "", 404),
    ]
    assert {e["trace_id"] for e in entries} == {"0123456789abcdef0123456789abcdef"}
    assert {e["user_agent"] for e in entries} == {"tests"}
    assert sorted(entries[0]) == sorted(
        ["at", "duration_s", "method", "path", "query", "status", "bytes", "run", "trace_id", "upstream", "user_agent"]
    )


def test_requests_are_shared_between_the_replicas(stack: Stack) -> None:
    for _ in range(20):
        requests.get(f"{stack.front.url}/search", headers={"X-Peakproof-Run": "shared"}, timeout=20)
    shares = Counter(str(entry["upstream"]) for entry in lines_of(stack.access_log, "shared"))
    assert sorted(shares) == sorted([stack.first.url, stack.second.url])
    assert sum(shares.values()) == 20


def test_a_client_that_goes_away_is_still_logged(stack: Stack) -> None:
    port = int(stack.front.url.rsplit(":", 1)[1])
    with socket.create_connection(("127.0.0.1", port)) as client:
        client.sendall(b"GET /search?q=gone HTTP/1.1\r\nHost: x\r\nX-Peakproof-Run: gone\r\n\r\n")
    with stack.access_log.open() as log:
        appeared = threading.Event()
        for _ in range(200):
            if any(json.loads(line)["run"] == "gone" for line in log if line.endswith("\n")):
                break
            appeared.wait(0.05)
    assert len(lines_of(stack.access_log, "gone")) == 1


def test_a_huge_request_is_refused(stack: Stack) -> None:
    reply = requests.post(f"{stack.front.url}/cart", data=b"x" * (2 << 20), timeout=20)
    assert (reply.status_code, reply.json()) == (413, {"error": "request_entity_too_large"})


@contextmanager
def replica_that(answer: bytes | None) -> Iterator[str]:
    """Give the URL of a replica that is healthy, and that answers all else with `answer` or hangs up."""
    health = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}"
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            while True:
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                with connection:
                    request = connection.recv(65_536)
                    reply = health if b"/healthz" in request else answer
                    if reply is not None:
                        connection.sendall(reply)

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            thread.join()


GOOD = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\nConnection: close\r\nSet-Cookie: sid=1\r\n\r\ngood"


def test_a_replica_that_hangs_up_is_502_and_none_is_503(tmp_path: Path) -> None:
    log = tmp_path / "access.jsonl"
    nobody = f"http://127.0.0.1:{free_port()}"
    with replica_that(None) as rude:
        options = ("--port", "0", "--access-log", str(log), "--upstream")
        with started(command("front", *options, rude), command("front", *options, nobody)) as (hung_up, alone):
            for front, status in ((hung_up, 502), (alone, 503)):
                reply = requests.post(f"{front.url}/cart", data="{}", timeout=20)
                assert reply.status_code == status
    entries = [json.loads(line) for line in log.read_text().splitlines()]
    assert [(e["status"], e["upstream"]) for e in entries] == [(502, rude), (503, None)]


def test_a_refused_connection_goes_to_another_replica_whatever_the_method(tmp_path: Path) -> None:
    with replica_that(GOOD) as steady:
        with replica_that(GOOD) as leaving:
            front = command("front", "--port", "0", "--access-log", str(tmp_path / "log"), "--upstream", steady)
            running = started([*front, "--upstream", leaving])
            (child,) = running.__enter__()
        try:
            # The second replica has just gone, and no health check has told the front yet.
            for method in ("POST", "GET", "POST", "GET"):
                reply = requests.request(method, f"{child.url}/cart", timeout=20)
                assert (reply.status_code, reply.text, reply.cookies["sid"]) == (200, "good", "1")
        finally:
            running.__exit__(None, None, None)


def test_the_least_busy_replica_is_next_and_equals_take_turns() -> None:
    upstreams = Upstreams(["a", "b", "c"])
    for upstream in upstreams._all:
        upstream.healthy = True
    turns = [upstreams.choose() for _ in range(6)]
    assert Counter(u.url for u in turns if u) == {"a": 2, "b": 2, "c": 2}
    upstreams._all[0].busy = upstreams._all[2].busy = 1
    assert {_url(upstreams.choose()) for _ in range(3)} == {"b"}
    upstreams._all[1].healthy = False
    assert upstreams.choose([upstreams._all[0], upstreams._all[2]]) is None


def _url(upstream: Upstream | None) -> str | None:
    return upstream.url if upstream else None
