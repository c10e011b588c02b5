"""Servers of our own, each in a process: a target that logs when it wrote each reply, and a stub of the span recorder.

The target is for the freeze: others stop and continue it. It logs a line a reply: the request's trace id and the moment
just before the reply was written, in ns since the epoch, on the machine's monotonic clock. The log is written when the
process is ended, so that nothing waits for a disk.
"""

import asyncio
import signal
import sys
from collections.abc import Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from loadtests.runtime.clock import Clock
from scripts.benches.engine.target import HOST, reply_body

_BACKLOG = 4096
_TRACE = b"traceparent: 00-"
_TRACE_DIGITS = 32


class Connection(asyncio.Protocol):
    """Answers every request of one connection; a request ends at its empty line, for none here has a body."""

    def __init__(self, clock: Clock, log: list[tuple[str, int]]) -> None:
        self._clock, self._log = clock, log
        self._read = b""
        self._transport: asyncio.WriteTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the way back."""
        if isinstance(transport, asyncio.WriteTransport):
            self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Answer each request that is whole, noting the moment first."""
        self._read += data
        while b"\r\n\r\n" in self._read and self._transport is not None:
            request, _, self._read = self._read.partition(b"\r\n\r\n")
            self._log.append((trace_id(request), self._clock.now()))
            self._transport.write(_REPLY)


def trace_id(request: bytes) -> str:
    """Return the trace id of a request's traceparent; empty without one."""
    _, found, rest = request.lower().partition(_TRACE)
    return rest[:_TRACE_DIGITS].decode("ascii", "replace") if found else ""


def _reply() -> bytes:
    body = reply_body().encode()
    head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


_REPLY = _reply()


async def serve(port: int) -> list[tuple[str, int]]:
    """Serve until SIGTERM; returns the log."""
    clock = Clock.start()
    log: list[tuple[str, int]] = []
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, ended.set)
    server = await loop.create_server(lambda: Connection(clock, log), HOST, port, backlog=_BACKLOG)
    async with server:
        await ended.wait()
    return log


class _Recorder(BaseHTTPRequestHandler):
    """Takes what is sent over OTLP/HTTP."""

    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        """Read the message whole and answer with an empty one, which means that all was taken."""
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.send_header("Content-Type", "application/x-protobuf")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def main(arguments: Sequence[str]) -> None:
    """Serve as `target PORT LOG`, which leaves its log there at the end, or as `recorder PORT`, until ended."""
    kind, port, *rest = arguments
    if kind == "recorder":
        ThreadingHTTPServer((HOST, int(port)), _Recorder).serve_forever()
    log = asyncio.run(serve(int(port)))
    Path(rest[0]).write_text("".join(f"{trace} {at}\n" for trace, at in log))


if __name__ == "__main__":
    main(sys.argv[1:])
