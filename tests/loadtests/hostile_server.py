"""A server that answers as a test tells it to, down to the bytes, and counts what it was sent.

It runs on native threads with plain sockets, so a client in gevent's hub meets it as it would a stranger.
"""

import contextlib
import socket
import ssl
import threading
from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType
from typing import BinaryIO, Self


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """One request as it came, and the number of the connection it came on."""

    connection: int
    line: str
    headers: dict[str, str]
    body: bytes

    @property
    def path(self) -> str:
        """Return the request's target."""
        return self.line.split(" ")[1]


Answer = Callable[[socket.socket, Seen], bool]


def reply(body: bytes = b"{}", *, status: str = "200 OK", headers: tuple[str, ...] = ()) -> bytes:
    """Return a whole reply's bytes."""
    fields = (f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *headers)
    return "".join(f"{field}\r\n" for field in fields).encode("latin-1") + b"\r\n" + body


class HostileServer:
    """Calls `answer` for each request; when it returns False the connection is closed. With `tls` it speaks https."""

    def __init__(self, answer: Answer | bytes, tls: ssl.SSLContext | None = None, host: str = "127.0.0.1") -> None:
        self._tls = tls
        self._answer = answer if callable(answer) else self._always(answer)
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._listener = socket.create_server((host, 0), family=family)
        self._port = int(self._listener.getsockname()[1])
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        self._sockets: list[socket.socket] = []
        self.over = threading.Event()
        self.seen: list[Seen] = []
        self.connections = 0

    @property
    def port(self) -> int:
        """Return its port."""
        return self._port

    @property
    def url(self) -> str:
        """Return its address."""
        return f"http://127.0.0.1:{self.port}"

    def __enter__(self) -> Self:
        self._threads[0].start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.over.set()
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for connection in self._sockets:
            with contextlib.suppress(OSError):  # it may be gone already
                # Not ssl's own: after that a goodbye that is still there would be read as a request in plain text.
                socket.socket.shutdown(connection, socket.SHUT_RDWR)
            connection.close()
        for thread in self._threads:
            thread.join(timeout=10)

    @staticmethod
    def _always(data: bytes) -> Answer:
        def answer(connection: socket.socket, _: Seen) -> bool:
            connection.sendall(data)
            return True

        return answer

    def _accept(self) -> None:
        while not self.over.is_set():
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            connection.settimeout(10)
            self._sockets.append(connection)
            self.connections += 1
            thread = threading.Thread(target=self._serve, args=(connection, self.connections), daemon=True)
            self._threads.append(thread)
            thread.start()

    def _serve(self, connection: socket.socket, number: int) -> None:
        try:
            if self._tls is not None:
                connection = self._tls.wrap_socket(connection, server_side=True)
                self._sockets.append(connection)
            with connection, connection.makefile("rb") as stream:
                while (seen := _read(stream, number)) is not None:
                    self.seen.append(seen)
                    if not self._answer(connection, seen):
                        connection.shutdown(socket.SHUT_RDWR)  # the stream still holds the socket
                        return
        except OSError:
            return  # the client went away


def _read(stream: BinaryIO, number: int) -> Seen | None:
    line = stream.readline().decode("latin-1").rstrip("\r\n")
    if not line:
        return None
    headers = {}
    while field := stream.readline().decode("latin-1").rstrip("\r\n"):
        name, _, value = field.partition(": ")
        headers[name.lower()] = value
    body = stream.read(int(headers.get("content-length", 0)))
    return Seen(connection=number, line=line, headers=headers, body=body)
