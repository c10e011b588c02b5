"""A host's API on loopback: comments or notes that are kept, and every request that came."""

import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One request."""

    method: str
    path: str
    token: str | None
    body: dict[str, Any]


@dataclass(kw_only=True)
class FakeHost:
    """What the host holds; `refused` are the path's ends that it answers with a status instead."""

    url: str = ""
    login: str = "github-actions[bot]"
    comments: list[dict[str, Any]] = field(default_factory=list)
    asked: list[Asked] = field(default_factory=list)
    refused: dict[str, int] = field(default_factory=dict)

    def sent(self, method: str) -> list[Asked]:
        """Return the requests of a method."""
        return [one for one in self.asked if one.method == method]

    def answer(self, method: str, target: str, body: dict[str, Any]) -> tuple[int, Any]:
        """Return status and answer."""
        parts = urlsplit(target)
        for end, status in self.refused.items():
            if parts.path.endswith(end):
                return status, {"message": "refused"}
        if parts.path == "/user":
            return 200, {"id": 7}
        if method == "GET":
            page = int(parse_qs(parts.query)["page"][0])
            return 200, self.comments[(page - 1) * 100 : page * 100]
        numbered = re.search(r"/(?:comments|notes)/(\d+)$", parts.path)
        if numbered:
            (one,) = [one for one in self.comments if one["id"] == int(numbered[1])]
            one["body"] = body["body"]
            return 200, one
        if parts.path.endswith(("/comments", "/notes")):
            made = {"id": len(self.comments) + 1, "user": {"login": self.login}, "author": {"id": 7}, **body}
            self.comments.append(made)
            return 201, made
        return 201, {"id": 42}


@contextmanager
def fake_host() -> Iterator[FakeHost]:
    """Serve a host on a free port."""
    host = FakeHost()

    class Handler(BaseHTTPRequestHandler):
        def _answer(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers.get("Content-Length") or 0)) or b"{}")
            token = self.headers.get("Authorization") or self.headers.get("PRIVATE-TOKEN")
            host.asked.append(Asked(method=self.command, path=urlsplit(self.path).path, token=token, body=body))
            status, value = host.answer(self.command, self.path, body)
            raw = json.dumps(value).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(raw)))
            if status in (301, 302):
                self.send_header("Location", "http://127.0.0.1:9/elsewhere")
            self.end_headers()
            self.wfile.write(raw)

        do_GET = do_POST = do_PATCH = do_PUT = _answer  # noqa: N815 - the standard library's names

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the standard library's name
            """Keep quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = False
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    host.url = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield host
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
