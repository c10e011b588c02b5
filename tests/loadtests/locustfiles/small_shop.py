"""A shop of many manners on native threads: pages, forms with a CSRF token, JSON with a bearer token, GraphQL."""

import contextlib
import json
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit


class SmallShop:
    """The shop's address and what it was asked: (method, path with query, headers, body)."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str, dict[str, str], bytes]] = []
        self.orders = 0
        self._lock = threading.Lock()
        shop = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            wbufsize = -1  # a reply is one segment

            def answer(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                with shop._lock:
                    shop.asked.append((self.command, self.path, dict(self.headers), body))
                status, headers, content = shop.reply(self.command, self.path, dict(self.headers), body)
                self.send_response(status)
                for name, value in headers:
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(content)

            do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = do_OPTIONS = answer  # noqa: N815

            def log_message(self, *_: Any) -> None:
                """Say nothing."""

        class Server(ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, *_: Any) -> None:
                """Say nothing: a shopper who was cut off is no error."""

        self.server = Server(("127.0.0.1", 0), Handler)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_port}"

    @property
    def paths(self) -> list[str]:
        return [f"{method} {path}" for method, path, _, _ in self.asked]

    def reply(  # noqa: C901, PLR0911 - a table of answers
        self, method: str, target: str, headers: dict[str, str], body: bytes
    ) -> tuple[int, list[tuple[str, str]], bytes]:
        path, query = urlsplit(target).path, parse_qs(urlsplit(target).query)
        cookies = dict(one.strip().split("=", 1) for one in headers.get("Cookie", "").split(";") if "=" in one)
        part = path.strip("/").split("/")
        if part[0] == "status":
            return int(part[1]), [], b'{"error": "as asked"}'
        if part[0] == "slow":
            time.sleep(float(part[1]))
            return 200, [], b"slow"
        if part[0] == "echo":
            told = {"method": method, "path": path, "query": query, "headers": headers, "cookies": cookies}
            return 200, _JSON, json.dumps({**told, "body": body.decode("latin-1")}).encode()
        if part[0] == "away":
            return 302, [("Location", "http://elsewhere.example/")], b""
        if part[0] == "loop":
            return 302, [("Location", "/loop")], b""
        if part[0] == "login":
            return self._login(method, body, cookies)
        if path == "/account":
            return (200, _HTML, b"<h1>Hello</h1>") if cookies.get("who") == "ada" else (401, [], b"")
        if part[0] == "api":
            return self._api(method, part[1:], headers, body)
        if path == "/graphql":
            return 200, _JSON, json.dumps({"data": {"query": json.loads(body)["query"][:20]}}).encode()
        if path == "/checkout":
            return self._order(headers, body)
        if part[0] == "order":
            return 200, _HTML, b"<p>thank you</p>"
        return 200, [*_HTML, ("Set-Cookie", "sid=s1; Path=/")], f"<h1>{path}</h1>".encode()

    @staticmethod
    def _login(method: str, body: bytes, cookies: dict[str, str]) -> tuple[int, list[tuple[str, str]], bytes]:
        page = b'<form><input type="hidden" name="csrfmiddlewaretoken" value="c4f3"></form>'
        if method == "GET":
            return 200, [*_HTML, ("Set-Cookie", "csrftoken=c4f3; Path=/")], page
        fields = parse_qs(body.decode())
        if cookies.get("csrftoken") != "c4f3" or fields.get("csrfmiddlewaretoken") != ["c4f3"]:
            return 403, _HTML, b"CSRF"
        return 302, [("Location", "/account"), ("Set-Cookie", "who=ada; Path=/")], b""

    def _api(
        self, method: str, part: list[str], headers: dict[str, str], body: bytes
    ) -> tuple[int, list[tuple[str, str]], bytes]:
        if part == ["token"]:
            return 200, _JSON, b'{"token": "t0k3n"}'
        if headers.get("Authorization") != "Bearer t0k3n" and part[0] == "me":
            return 401, _JSON, b'{"error": "who are you?"}'
        if part[0] == "products" and len(part) == 1:
            return 200, _JSON, json.dumps({"products": [{"id": one, "price": 999} for one in range(101, 106)]}).encode()
        if part[0] == "orders" and method == "POST":
            return self._order(headers, body)
        return 200, _JSON, json.dumps({"path": "/".join(part), "sent": len(body)}).encode()

    def _order(self, headers: dict[str, str], body: bytes) -> tuple[int, list[tuple[str, str]], bytes]:
        if b"sold-out" in body:
            return 409, _JSON, b'{"error": "out_of_stock"}'
        if b"broken" in body:
            return 500, _JSON, b"{}"
        with self._lock:
            self.orders += 1
            number = self.orders
        if "json" not in headers.get("Content-Type", ""):
            return 302, [("Location", f"/order/{number}")], b""
        return 201, _JSON, json.dumps({"order": {"number": f"A-{number}"}}).encode()


_JSON = [("Content-Type", "application/json")]
_HTML = [("Content-Type", "text/html; charset=utf-8")]


@contextlib.contextmanager
def running() -> Iterator[SmallShop]:
    """Serve until the block ends."""
    shop = SmallShop()
    thread = threading.Thread(target=shop.server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield shop
    finally:
        shop.server.shutdown()
        thread.join()
        shop.server.server_close()
