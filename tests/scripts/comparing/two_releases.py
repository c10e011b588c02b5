"""A shop that is two releases at once, told apart by a header, a cookie or a host, and files to compare them with."""

import json
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.cookies import SimpleCookie
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from loadtests.client.interface import Request
from tests.loadtests.fake_shop import ROUTES
from tests.loadtests.fakes import TalkingShop
from tests.scripts.world import slo

HEADER = "X-Release"
PLAN = """\
format: peakproof/plan/v1
name: both
seed: 7
demand: {source: a test, forecast_orders_per_hour: 108000, factor: 1.0, orders_per_session: 1.0,
  peak_sessions_per_s: 30}
phases:
  - {name: warm-up, kind: warm-up, duration_s: 2, level: [1, 1]}
  - {name: plateau, kind: plateau, duration_s: 20, level: [1, 1]}
  - {name: drain, kind: drain, duration_s: 4}
journeys: {search-and-buy: 1.0}
think_time: {median_s: 0.1, sigma: 0.3, max_s: 0.3}
cart_lines: {min: 1, max: 3}
trace_sampling: 0.0
limits: {open_sessions: 400}
assumed_error_burst_s: 0.1
"""
OBJECTIVES = "---\n".join(
    (
        slo("checkout-fast", "{steps: [checkout], within_s: 0.4}", "{steps: [checkout]}"),
        slo("home-answers", "{steps: [home]}", "{steps: [home]}"),
    )
)


class TwoReleases:
    """The shop; `slow_s` is what each release's checkout takes more, `named` what each one's probe says."""

    def __init__(self, slow_s: Mapping[str, float], named: Mapping[str, str]) -> None:
        self.met: list[tuple[str, str]] = []
        self.slow_s, self.named = slow_s, dict(named)
        self._carts: dict[str, TalkingShop] = {}
        self._lock, self._number = threading.Lock(), 0
        shop = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True
            wbufsize = 1 << 16

            def do_GET(self) -> None:
                shop._answer(self)

            def do_POST(self) -> None:
                shop._answer(self)

            def log_message(self, *_: Any) -> None:
                """Say nothing."""

        class Server(ThreadingHTTPServer):
            request_queue_size = 128
            daemon_threads = True

            def handle_error(self, *_: Any) -> None:
                """Say nothing: a shopper who was cut off is no error."""

        self.server, self.server_of_b = Server(("127.0.0.1", 0), Handler), Server(("127.0.0.1", 0), Handler)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_port}"

    @property
    def url_of_b(self) -> str:
        return f"http://127.0.0.1:{self.server_of_b.server_port}"

    def _answer(self, handler: BaseHTTPRequestHandler) -> None:
        body = json.loads(handler.rfile.read(int(handler.headers.get("Content-Length", 0))) or b"null")
        cookies = SimpleCookie(handler.headers.get("Cookie", ""))
        chosen = handler.headers.get(HEADER) or (cookies["release"].value if "release" in cookies else None)
        release = chosen or ("b" if handler.server is self.server_of_b else "none")
        sid = cookies["sid"].value if "sid" in cookies else self._next("s")
        self.met.append((handler.path, release))
        if handler.path == "/version":
            data = json.dumps({"version": self.named.get(release, "unmarked")}).encode()
            self._send(handler, 200, data, None)
            return
        shopper = self._carts.setdefault(sid, TalkingShop())
        step = ROUTES.get(handler.path.partition("?")[0]) or "product"
        told = {"Idempotency-Key": handler.headers["Idempotency-Key"]} if step == "checkout" else None
        accept = frozenset({200, 201, 402, 409})
        request = Request(step=step, method=handler.command, path=handler.path, body=body, headers=told, accept=accept)
        reply = shopper(request)
        data = reply.body
        if step == "checkout":
            time.sleep(self.slow_s.get(release, 0.0))
            data = json.dumps({**reply.json(), "order_id": self._next("o")}).encode()
        self._send(handler, reply.status, data, sid)

    def _next(self, letter: str) -> str:
        with self._lock:
            self._number += 1
            return f"{letter}{self._number}"

    @staticmethod
    def _send(handler: BaseHTTPRequestHandler, status: int, data: bytes, sid: str | None) -> None:
        handler.send_response(status)
        handler.send_header("Content-Length", str(len(data)))
        if sid is not None:
            handler.send_header("Set-Cookie", f"sid={sid}")
        handler.end_headers()
        handler.wfile.write(data)


@contextmanager
def serving(slow_s: Mapping[str, float], named: Mapping[str, str]) -> Iterator[TwoReleases]:
    """Serve until the block ends."""
    shop = TwoReleases(slow_s, named)
    servers = (shop.server, shop.server_of_b)
    threads = [threading.Thread(target=one.serve_forever, kwargs={"poll_interval": 0.02}) for one in servers]
    for thread in threads:
        thread.start()
    try:
        yield shop
    finally:
        for server, thread in zip(servers, threads, strict=True):
            server.shutdown()
            thread.join()
            server.server_close()


def write_inputs(folder: Path, url: str, variants: Mapping[str, Any], **declared: Any) -> None:
    """Write plan, objectives and targets."""
    environment = {
        "base_url": url,
        "storefront": "twisted-threads",
        "ceiling": {"requests_per_s": 500, "open_sessions": 2000, "orders": 60000},
        "release_probe": {"path": "/version", "field": "version"},
        "variants": variants,
        **declared,
    }
    document = {"format": "peakproof/targets/v1", "environments": {"staging": environment}}
    (folder / "plan.yaml").write_text(PLAN)
    (folder / "objectives.yaml").write_text(OBJECTIVES)
    (folder / "targets.yaml").write_text(json.dumps(document, indent=1))


def by_header(**more: Any) -> dict[str, Any]:
    """Return variants by a header."""
    return {"before": {"header": {HEADER: "a"}, **more}, "after": {"header": {HEADER: "b"}}}
