"""A small HTTP server: a bounded pool of threads, a bounded body, a port of its own.

cheroot rather than the standard library's ThreadingHTTPServer: threads are bounded, idle keep-alive connections hold
none, and bodies and headers are bounded too. It costs about 0.2 ms of CPU a request more, which at the recorder's
1,500 spans/s in batches of 64 is half a percent of a core. A request gets a thread once its head is whole, and gives
it back when the client is slow to take the answer: slow clients wait elsewhere (`slow_clients.py`). A body has one
deadline for all of it, however it drips.
"""

import contextlib
import hmac
import logging
import socket
import ssl
import threading
from collections.abc import Callable, Iterable
from typing import Any, Protocol

from cheroot import errors, wsgi

from exporters.serving.connection import MAX_HEAD_BYTES, PATIENCE_S, Connection
from exporters.serving.slow_clients import SlowClients
from slo.documents import BadInput

_LOG = logging.getLogger(__name__)
StartResponse = Callable[[str, list[tuple[str, str]]], object]
App = Callable[[dict[str, Any], StartResponse], Iterable[bytes]]
_READ_TIMEOUT_S = 10
_STOP_WITHIN_S = 3
_TICK_S = 0.1  # how soon `stop` is noticed


def guarded(
    app: App,
    token: str | None,
    reading: str | None = None,
    denied: Callable[[dict[str, Any]], object] = lambda _environ: None,
) -> App:
    """Return `app` behind the bearer `token`, and `app` itself when that is None; /healthz stays open.

    The token `reading` allows GET and HEAD, and nothing else. `denied` gets each request that is turned away.
    """
    if token is None:
        return app

    def may(environ: dict[str, Any]) -> bool:
        brought = environ.get("HTTP_AUTHORIZATION", "").encode("latin-1", "replace")
        reads = reading is not None and environ["REQUEST_METHOD"] in ("GET", "HEAD")
        wanted = (token, reading) if reads else (token,)
        return any(hmac.compare_digest(brought, f"Bearer {one}".encode()) for one in wanted)

    def answer(environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        if environ["PATH_INFO"] == "/healthz" or may(environ):
            return app(environ, start_response)
        denied(environ)
        body = b"a bearer token is wanted\n"
        fields = [("Content-Type", "text/plain; charset=utf-8"), ("Content-Length", str(len(body)))]
        start_response("401 Unauthorized", [*fields, ("WWW-Authenticate", "Bearer"), ("Connection", "close")])
        return [body]

    return answer


class CantListen(OSError):  # noqa: N818 - it is what happened, named as the operator would
    """The port is taken, or the host is not this machine's; the message names both."""


class _Gateway(wsgi.Gateway_10):
    """cheroot's gateway, which would wait for all of a body that nobody reads before it sends the answer."""

    def start_response(self, status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Any:  # noqa: ANN401
        if ("Connection", "close") in headers or not self._passed_over():
            self.req.close_connection = True
        return super().start_response(status, headers, exc_info)

    def _passed_over(self) -> bool:
        """Read what is here of a body that the application left unread; return whether that was all of it."""
        left = getattr(self.req.rfile, "remaining", 0)
        if left:
            self.req.conn.rfile.read_within(PATIENCE_S)
            with contextlib.suppress(OSError):
                self.req.rfile.read(left)
        return getattr(self.req.rfile, "remaining", 0) == 0


class Tls(Protocol):
    """TLS on a port."""

    def wrapped(self, connection: socket.socket) -> ssl.SSLSocket:
        """Return the connection with TLS on it, before its handshake; raises BadInput when that can't be had."""

    def admits(self, connection: ssl.SSLSocket) -> bool:
        """Return whether a client whose handshake is over may go on."""


class _TlsAdapter:
    """TLS as cheroot asks for it."""

    def __init__(self, tls: Tls) -> None:
        self._tls, self.admits = tls, tls.admits

    def bind(self, listening: socket.socket) -> socket.socket:
        return listening

    def wrap(self, connection: socket.socket) -> tuple[ssl.SSLSocket, dict[str, str]]:
        try:
            return self._tls.wrapped(connection), {"wsgi.url_scheme": "https"}
        except BadInput as error:
            connection.close()
            raise errors.FatalSSLAlert(str(error)) from error

    def makefile(self, *_: object) -> None:
        """Make nothing: a connection has its own."""


class _Server(wsgi.Server):
    """cheroot's server, with connections that hold no thread while their client is slow."""

    ConnectionClass = Connection
    on_http2: Callable[[], object]

    def prepare(self) -> None:
        self.slow = SlowClients()
        super().prepare()
        self.slow.start()

    def stop(self) -> None:
        was_ready = self.ready
        super().stop()
        if was_ready:
            self.slow.stop()

    def process_conn(self, conn: Connection) -> None:
        self.slow.arriving(conn, lambda: super(_Server, self).process_conn(conn))

    def put_conn(self, conn: Connection) -> None:
        if conn.untaken:
            self.slow.taking(conn)
        else:
            super().put_conn(conn)

    def error_log(self, msg: str = "", level: int = logging.INFO, traceback: bool = False) -> None:  # noqa: FBT001, FBT002 - cheroot's
        _LOG.log(level, "%s", msg, exc_info=traceback)

    @staticmethod
    def bind_socket(socket_: socket.socket, bind_addr: tuple[str, int]) -> socket.socket:
        try:  # cheroot would leave the socket open when it can't bind
            socket_.bind(bind_addr)
        except (OSError, OverflowError):
            socket_.close()
            raise
        return socket_


class Listener:
    """A WSGI application served on `host` and `port` (0: any free one) until `stop`.

    A client that speaks HTTP/2 at once, as gRPC does, is refused, and `on_http2` called.
    """

    def __init__(  # noqa: PLR0913 - a server's settings, all by name
        self,
        app: App,
        host: str,
        port: int,
        *,
        threads: int,
        max_body: int,
        tls: Tls | None = None,
        on_http2: Callable[[], object] = lambda: None,
    ) -> None:
        self._server = _Server(
            (host, port),
            app,
            numthreads=threads,
            max=threads,
            server_name="peakproof",
            request_queue_size=128,
            timeout=_READ_TIMEOUT_S,
            shutdown_timeout=_STOP_WITHIN_S,
        )
        self._server.gateway = _Gateway
        self._server.on_http2 = on_http2
        self._server.expiration_interval = _TICK_S
        self._server.max_request_body_size = max_body
        self._server.max_request_header_size = MAX_HEAD_BYTES
        self._server.ssl_adapter = None if tls is None else _TlsAdapter(tls)
        self._thread = threading.Thread(target=self._server.serve, name=f"http-{port}", daemon=True)

    def start(self) -> None:
        """Bind and serve in threads; raises CantListen."""
        host, port = self._server.bind_addr[:2]
        try:
            self._server.prepare()
        except (OSError, OverflowError) as error:
            raise CantListen(f"can't listen on {host}:{port}: {error}") from error
        self._thread.start()

    @property
    def url(self) -> str:
        """Where it listens, without a slash at the end."""
        host, port = self._server.bind_addr[:2]
        scheme = "http" if self._server.ssl_adapter is None else "https"
        return f"{scheme}://[{host}]:{port}" if ":" in host else f"{scheme}://{host}:{port}"

    def stop(self) -> None:
        """Finish the requests under way and give the port back; calling it again does nothing."""
        self._server.stop()
        if self._thread.is_alive():
            self._thread.join()
