"""A small HTTP server: a bounded pool of threads, a bounded body, a port of its own.

cheroot rather than the standard library's ThreadingHTTPServer: threads are bounded, idle keep-alive connections hold
none, and bodies and headers are bounded too. It costs about 0.2 ms of CPU a request more, which at the recorder's
1,500 spans/s in batches of 64 is half a percent of a core.
"""

import hmac
import socket
import threading
from collections.abc import Callable, Iterable
from typing import Any

from cheroot import wsgi

StartResponse = Callable[[str, list[tuple[str, str]]], object]
App = Callable[[dict[str, Any], StartResponse], Iterable[bytes]]
_MAX_HEADER_BYTES = 32 << 10
_READ_TIMEOUT_S = 10
_STOP_WITHIN_S = 3
_TICK_S = 0.1  # how soon `stop` is noticed


def guarded(app: App, token: str | None, reading: str | None = None) -> App:
    """Return `app` behind the bearer `token`, and `app` itself when that is None; /healthz stays open.

    The token `reading` allows GET and HEAD, and nothing else.
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
        body = b"a bearer token is wanted\n"
        fields = [("Content-Type", "text/plain; charset=utf-8"), ("Content-Length", str(len(body)))]
        start_response("401 Unauthorized", [*fields, ("WWW-Authenticate", "Bearer"), ("Connection", "close")])
        return [body]

    return answer


class CantListen(OSError):  # noqa: N818 - it is what happened, named as the operator would
    """The port is taken, or the host is not this machine's; the message names both."""


class _Gateway(wsgi.Gateway_10):
    """cheroot's gateway, which would read the whole body of a request before it closes the connection."""

    def start_response(self, status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Any:  # noqa: ANN401
        if ("Connection", "close") in headers:
            self.req.close_connection = True
        return super().start_response(status, headers, exc_info)


class _Server(wsgi.Server):
    """cheroot's server, which would leave its socket open when it can't bind."""

    @staticmethod
    def bind_socket(socket_: socket.socket, bind_addr: tuple[str, int]) -> socket.socket:
        try:
            socket_.bind(bind_addr)
        except (OSError, OverflowError):
            socket_.close()
            raise
        return socket_


class Listener:
    """A WSGI application served on `host` and `port` (0: any free one) until `stop`."""

    def __init__(self, app: App, host: str, port: int, *, threads: int, max_body: int) -> None:
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
        self._server.expiration_interval = _TICK_S
        self._server.max_request_body_size = max_body
        self._server.max_request_header_size = _MAX_HEADER_BYTES
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
        return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"

    def stop(self) -> None:
        """Finish the requests under way and give the port back; calling it again does nothing."""
        self._server.stop()
        if self._thread.is_alive():
            self._thread.join()
