"""A stub of the span recorder: takes what is sent over OTLP/HTTP and says that it is well; a process of its own."""

import sys
from collections.abc import Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from scripts.benches.engine.target import HOST


class _Receiver(BaseHTTPRequestHandler):
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
    """Serve on the port that is given, until ended."""
    ThreadingHTTPServer((HOST, int(arguments[0])), _Receiver).serve_forever()


if __name__ == "__main__":
    main(sys.argv[1:])
