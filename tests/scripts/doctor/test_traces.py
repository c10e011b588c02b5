"""Before any load `doctor` asks a page with a traceparent and looks for the span that a run would record."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
import requests

from loadtests.environment.resolved_environment import resolve_environment
from loadtests.environment.targets import Environment
from scripts.doctor import traces as looking
from scripts.doctor.lines import Line
from scripts.doctor.traces import traces
from scripts.local_stack.ports import Ports
from scripts.running.remote_settings import HERE
from tests.exporters.otlp_bytes import as_json, request, span
from tests.ports import free_base
from tests.scripts.world import World

Send = Callable[[str, str], object]
REFUSED = "no span of the shop was taken: the recorder refused 1 request with spans"


@contextmanager
def tracing_shop(send: Send, recorder: str) -> Iterator[str]:
    """Serve a shop that sends spans of each request to the recorder; yields its address."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            send(recorder, self.headers["traceparent"])
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()


def post(url: str, body: bytes, kind: str = "application/x-protobuf") -> None:
    requests.post(url, data=body, headers={"Content-Type": kind}, timeout=30)


def joined(url: str, traceparent: str) -> None:
    one = span(trace_id=bytes.fromhex(traceparent[3:35]))
    post(url, as_json(request(one, one)), "application/json")


def looked(world: World, send: Send, *, declared: bool = True) -> list[Line]:
    ports = Ports(base=free_base())
    with tracing_shop(send, f"http://127.0.0.1:{ports.recorder}/v1/traces") as shop:
        told = {
            "base_url": shop,
            "storefront": "twisted-threads",
            "ceiling": {"requests_per_s": 1, "open_sessions": 1, "orders": 1},
            "traces": declared,
        }
        resolved = resolve_environment(Environment.model_validate(told), world.context().environment)
        return list(traces(resolved, ports, HERE))


@pytest.fixture(autouse=True)
def little_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(looking, "LONGEST_S", 1.0)


def test_a_shop_whose_span_comes_back_is_ready(world: World) -> None:
    assert looked(world, joined) == [
        Line(state="ok", what="traces", found="a request comes back as 2 spans of shop"),
    ]


@pytest.mark.parametrize(
    ("send", "found"),
    [
        (lambda *_: None, "no span of the shop came, though traces are declared"),
        (
            lambda url, _: post(url, request(span())),
            "1 span of the shop came, none of a trace that was asked for: traceparent isn't passed on",
        ),
        (
            lambda url, _: post(url, b"x", "application/x-thrift"),
            f"{REFUSED}: content type application/x-thrift (1)",
        ),
    ],
    ids=["none came", "not joined", "refused"],
)
def test_a_shop_whose_span_does_not_come_back_is_told_why(world: World, send: Send, found: str) -> None:
    (line,) = looked(world, send)
    assert (line.state, line.what, line.found) == ("wrong", "traces", f"within 1 s {found}")
    assert line.next is not None


def test_without_declared_traces_nothing_is_asked(world: World) -> None:
    assert looked(world, lambda *_: pytest.fail("it was asked"), declared=False) == []
