"""A forward proxy of a test's own: tunnels, requests in absolute form, a password, and a log of what it was asked."""

import contextlib
import socket
import threading
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.client import HTTPConnection
from urllib.parse import urlsplit

from tests.loadtests.hostile_server import HostileServer, Seen, reply

_BLOCK = 64 << 10
_NOT_FORWARDED = frozenset({"proxy-authorization", "connection", "content-length", "host"})
_NOT_RETURNED = frozenset({"connection", "content-length", "transfer-encoding"})


@dataclass(kw_only=True)
class Leads:
    """What a proxy is asked for, `host:port`, by the port of this machine that it leads to; who may ask, if not all."""

    to: Mapping[str, int] = field(default_factory=dict)
    user_and_password: str | None = None

    def answer(self, connection: socket.socket, seen: Seen) -> bool:
        """Answer one request of a client."""
        if self.user_and_password is not None:
            pair = b64encode(self.user_and_password.encode()).decode()
            if seen.headers.get("proxy-authorization") != f"Basic {pair}":
                told = repr(seen.headers).encode()  # as a page for debugging does
                connection.sendall(
                    reply(told, status="407 Who Are You", headers=('Proxy-Authenticate: Basic realm="x"',))
                )
                return True
        if seen.line.startswith("CONNECT "):
            return self._tunnel(connection, seen.path)
        return self._forward(connection, seen)

    def _tunnel(self, connection: socket.socket, target: str) -> bool:
        if target not in self.to:
            connection.sendall(reply(b"nobody there", status="502 Bad Gateway"))
            return True
        with socket.create_connection(("127.0.0.1", self.to[target]), timeout=10) as beyond:
            connection.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
            back = threading.Thread(target=_pour, args=(beyond, connection), daemon=True)
            back.start()
            _pour(connection, beyond)
            back.join()
        return False

    def _forward(self, connection: socket.socket, seen: Seen) -> bool:
        parts = urlsplit(seen.path)
        target = f"{parts.hostname}:{parts.port or 80}"
        if parts.scheme != "http" or target not in self.to:
            connection.sendall(reply(b"nobody there", status="502 Bad Gateway"))
            return True
        beyond = HTTPConnection("127.0.0.1", self.to[target], timeout=10)
        headers = {name.title(): value for name, value in seen.headers.items() if name not in _NOT_FORWARDED}
        path = f"{parts.path or '/'}{f'?{parts.query}' if parts.query else ''}"
        try:
            beyond.request(seen.line.split(" ")[0], path, seen.body or None, {**headers, "Host": parts.netloc})
            told = beyond.getresponse()
            body = told.read()
        finally:
            beyond.close()
        kept = tuple(f"{name}: {value}" for name, value in told.getheaders() if name.lower() not in _NOT_RETURNED)
        connection.sendall(reply(body, status=f"{told.status} {told.reason}", headers=kept))
        return True


def forward_proxy(to: Mapping[str, int], user_and_password: str | None = None) -> HostileServer:
    """Return a proxy that leads to ports of this machine and nowhere else; `seen` is its log."""
    return HostileServer(Leads(to=to, user_and_password=user_and_password).answer)


def _pour(here: socket.socket, there: socket.socket) -> None:
    """Pour what comes `here` over `there` until its end."""
    with contextlib.suppress(OSError):
        while data := here.recv(_BLOCK):
            there.sendall(data)
    with contextlib.suppress(OSError):
        there.shutdown(socket.SHUT_WR)
