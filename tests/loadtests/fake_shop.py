"""A tiny shop on native threads that answers as `TalkingShop` does, for players that open real sockets."""

import contextlib
import itertools
import json
import socket
import ssl
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from loadtests.client.interface import Request
from tests.loadtests.fakes import TalkingShop

ROUTES = {"/": "home", "/search": "search", "/cart": "cart", "/checkout": "checkout", "/designs": "design"}


class FakeShop:
    """The shop's address and what it was asked; an event set in `hangs` makes every answer wait for `over`.

    An event cleared in `answers` keeps every answer back. Of the requests to a path in `failing` every so many fail.
    `most_connections` were open at once, `connections` are.
    """

    def __init__(self, host: str = "127.0.0.1") -> None:
        self.asked: list[tuple[str, str]] = []
        self.runs: set[str | None] = set()
        self.headers: list[dict[str, str]] = []
        self.hangs = threading.Event()
        self.over = threading.Event()
        self.answers = threading.Event()
        self.answers.set()
        self.failing: dict[str, int] = {}
        self.most_connections = self.connections = 0
        self._carts: dict[str, TalkingShop] = {}
        self._lock = threading.Lock()
        self._orders = 0
        self._sids = itertools.count(1)
        shop = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def setup(self) -> None:
                super().setup()
                with shop._lock:
                    shop.connections += 1
                    shop.most_connections = max(shop.most_connections, shop.connections)

            def finish(self) -> None:
                with shop._lock:
                    shop.connections -= 1
                super().finish()

            def do_GET(self) -> None:
                self._answer()

            def do_POST(self) -> None:
                self._answer()

            def _answer(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers.get("Content-Length", 0))) or b"null")
                with shop._lock:
                    shop.asked.append((self.command, self.path))
                    shop.runs.add(self.headers.get("X-Peakproof-Run"))
                    shop.headers.append(dict(self.headers))
                shop.answers.wait(30)
                if shop.hangs.is_set():
                    shop.over.wait(30)
                    self.close_connection = True
                    return
                named = {name.title(): value for name, value in self.headers.items()}  # a front may change their case
                status, data, sid = shop._reply(self.command, self.path, body, named)
                self.send_response(status)
                self.send_header("Content-Length", str(len(data)))
                self.send_header("Set-Cookie", f"sid={sid}")
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, *_: Any) -> None:
                """Say nothing."""

        class Server(ThreadingHTTPServer):
            request_queue_size = 128
            address_family = socket.AF_INET6 if ":" in host else socket.AF_INET

            def handle_error(self, *_: Any) -> None:
                """Say nothing: a shopper who was cut off is no error."""

        self.server = Server((host, 0), Handler)
        self.server.daemon_threads = True

    @property
    def url(self) -> str:
        """Return its address."""
        host = str(self.server.server_address[0])
        return f"http://{f'[{host}]' if ':' in host else host}:{self.server.server_port}"

    def _reply(self, method: str, path: str, body: Any, headers: dict[str, str]) -> tuple[int, bytes, str]:
        sid = headers.get("Cookie", "").removeprefix("sid=") or f"s{next(self._sids)}"
        if every := self.failing.get(path):
            with self._lock:
                if sum(asked == path for _, asked in self.asked) % every == 0:
                    return 500, b"{}", sid
        shopper = self._carts.setdefault(sid, TalkingShop())
        step = ROUTES.get(path.partition("?")[0]) or ("product" if path.startswith("/products/") else "order-status")
        told = {"Idempotency-Key": headers["Idempotency-Key"]} if step == "checkout" else None
        request = Request(
            step=step, method=method, path=path, body=body, headers=told, accept=frozenset({200, 201, 402, 409})
        )
        reply = shopper(request)
        if step != "checkout":
            return reply.status, reply.body, sid
        with self._lock:
            self._orders += 1
            order = {**reply.json(), "order_id": f"o{self._orders}"}
        return reply.status, json.dumps(order).encode(), sid


@contextlib.contextmanager
def running(tls: ssl.SSLContext | None = None, host: str = "127.0.0.1") -> Iterator[FakeShop]:
    """Serve on `host` until the block ends, https with `tls`."""
    shop = FakeShop(host)
    if tls is not None:
        shop.server.socket = tls.wrap_socket(shop.server.socket, server_side=True, do_handshake_on_connect=False)
    thread = threading.Thread(target=shop.server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield shop
    finally:
        shop.over.set()
        shop.answers.set()
        shop.server.shutdown()
        thread.join()
        shop.server.server_close()
