"""A connection of the HTTP server: handshake, head and answer can each take their time without holding a thread."""

import contextlib
import socket
import ssl
import time
from collections import deque
from typing import Any

from cheroot import makefile
from cheroot.server import HTTPConnection, HTTPRequest

from exporters.serving.slow_clients import Wants

MAX_HEAD_BYTES = 32 << 10
PATIENCE_S = 0.25  # after which a client that takes nothing, or doesn't end what nobody reads, is one that is slow
BODY_S, BODY_BYTES_PER_S = 10.0, 100_000  # how long all of a body may take, and how much longer a large one may
_CHUNKED_BYTES = 4 << 20  # what a body counts as that doesn't say how long it is
_SLICE = 256 << 10
_END_OF_HEAD = b"\r\n\r\n"
_HTTP2_PREFACE = b"PRI * HTTP/2.0\r\n\r\n"  # RFC 9113, 3.4; the whole of it is a head to HTTP/1.1, with more behind
_PLAIN_ON_TLS = (
    b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Length: 28\r\n\r\nthis port speaks HTTPS only\n"
)


class _ReadAgain(socket.SocketIO):
    """What was read of a socket already, then the socket; `until` is the moment after which nothing more is waited for.

    Each wait alone is bounded by the socket's own timeout.
    """

    def __init__(self, of: socket.socket, seen: bytes) -> None:
        super().__init__(of, "r")
        self.seen = memoryview(seen)
        self.until: float | None = None
        self._of = of

    def readinto(self, buffer: Any) -> int | None:  # noqa: ANN401 - any buffer
        if not self.seen:
            return self._read_on(buffer)
        count = min(len(buffer), len(self.seen))
        buffer[:count], self.seen = self.seen[:count], self.seen[count:]
        return count

    def _read_on(self, buffer: Any) -> int | None:  # noqa: ANN401 - any buffer
        if self.until is None:
            return super().readinto(buffer)
        before, left = self._of.gettimeout(), self.until - time.monotonic()
        if left <= 0:
            raise TimeoutError("timed out")  # the word by which cheroot knows it
        self._of.settimeout(left if before is None else min(before, left))
        try:
            return super().readinto(buffer)
        finally:
            self._of.settimeout(before)


class _Reader(makefile.StreamReader):
    def __init__(self, of: socket.socket, seen: bytes) -> None:
        super(makefile.StreamReader, self).__init__(_ReadAgain(of, seen))
        self._of = of
        self.bytes_read = 0

    @property
    def ahead(self) -> bytes:
        """What was read of the socket, and not yet by anyone here."""
        reader: Any = self
        # cheroot builds on io's reader in Python, and looks into its buffer too
        buffered = reader._read_buf[reader._read_pos :]  # noqa: SLF001
        return bytes(buffered) + bytes(reader.raw.seen)

    def read_within(self, longest_s: float) -> None:
        """Let all that is read from now on take that long together."""
        reader: Any = self
        reader.raw.until = time.monotonic() + longest_s

    def has_data(self) -> bool:
        return bool(self.ahead) or (isinstance(self._of, ssl.SSLSocket) and self._of.pending() > 0)


class _Writer:
    """Sends at once what the client takes, and keeps the rest for later."""

    def __init__(self, to: socket.socket) -> None:
        self._to = to
        self._rest: deque[memoryview] = deque()
        self.bytes_written = 0
        self.closed = False

    @property
    def untaken(self) -> int:
        return sum(len(part) for part in self._rest)

    def write(self, data: bytes) -> int:
        """Send `data`, or as much as a client with patience takes; never raises for a client that is slow."""
        self.bytes_written += len(data)
        if self._rest:
            self._rest.append(memoryview(data))
            return len(data)
        before = self._to.gettimeout()
        self._to.settimeout(PATIENCE_S)
        self._rest.append(memoryview(data))
        with contextlib.suppress(TimeoutError):
            self.send()
        self._to.settimeout(before)
        return len(data)

    def send(self) -> None:
        """Send the rest; raises what the socket raises where it would block."""
        while self._rest:
            part = self._rest.popleft()
            try:
                sent = self._to.send(part[:_SLICE])
            except BaseException:
                self._rest.appendleft(part)
                raise
            if sent < len(part):
                self._rest.appendleft(part[sent:])

    def flush(self) -> None:
        """Do nothing: what could be sent was."""

    def close(self) -> None:
        self.closed = True
        self._rest.clear()


class _Request(HTTPRequest):
    """One request, whose body has a deadline."""

    def respond(self) -> None:
        declared = _CHUNKED_BYTES if self.chunked_read else int(self.inheaders.get(b"Content-Length", 0))
        bounded = min(declared, self.server.max_request_body_size or declared)
        self.conn.rfile.read_within(BODY_S + bounded / BODY_BYTES_PER_S)
        super().respond()


class Connection(HTTPConnection):
    """One connection: `arrive` until its head is whole, a worker's while it is answered, `hand_over` what is left."""

    RequestHandlerClass = _Request

    def __init__(self, server: Any, sock: socket.socket, makefile: Any = None) -> None:  # noqa: ANN401 - cheroot's
        super().__init__(server, sock, makefile)
        self.rfile, self.wfile = _Reader(sock, b""), _Writer(sock)
        self._shaken = not isinstance(sock, ssl.SSLSocket)
        self._seen = b""

    # ---- slow_clients.SlowConnection

    def arrive(self) -> Wants:
        """Read handshake and head as far as they are there."""
        try:
            if not self._shaken:
                self.socket.do_handshake()
                self._shaken = True
                if not self.server.ssl_adapter.admits(self.socket):
                    return "gone"
            return self._read_head()
        except ssl.SSLWantReadError:
            return "read"
        except ssl.SSLWantWriteError:
            return "write"
        except BlockingIOError:
            return "read"
        except ssl.SSLError as error:
            if "HTTP_REQUEST" in str(error.reason):
                self._say_plainly()
            return "gone"

    def _read_head(self) -> Wants:
        self._seen, self.rfile = self._seen + self.rfile.ahead, _Reader(self.socket, b"")
        while _END_OF_HEAD not in self._seen and len(self._seen) <= MAX_HEAD_BYTES:
            got = self.socket.recv(16 << 10)
            if not got:
                return "gone"
            self._seen += got
        if self._seen.startswith(_HTTP2_PREFACE):
            self.server.on_http2()
            self.refuse("505 HTTP Version Not Supported")
            return "gone"
        self.rfile, self._seen = _Reader(self.socket, self._seen), b""
        self.socket.settimeout(self.server.timeout)
        return "done"

    def hand_over(self) -> Wants:
        """Send what the client takes."""
        try:
            self.wfile.send()
        except (ssl.SSLWantWriteError, BlockingIOError):
            return "write"
        except ssl.SSLWantReadError:
            return "read"
        return "done"

    @property
    def untaken(self) -> int:
        """How many bytes of the answer wait to be taken."""
        return int(self.wfile.untaken)

    def refuse(self, status: str) -> None:
        """Answer `status`, unless nothing was said yet or the handshake isn't over."""
        if self._shaken and self._seen:
            with contextlib.suppress(OSError):
                self.socket.send(f"HTTP/1.1 {status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n".encode())

    def drop(self) -> None:
        """Close it, whatever is under way."""
        self.wfile.close()
        with contextlib.suppress(OSError):
            super().close()

    # ---- cheroot's

    def close(self) -> None:
        """Close it once the client has taken its answer."""
        if self.untaken:
            self.server.slow.taking(self)
        else:
            self.drop()

    def _say_plainly(self) -> None:
        with contextlib.suppress(OSError), socket.socket(fileno=self.socket.detach()) as plain:
            plain.send(_PLAIN_ON_TLS)
