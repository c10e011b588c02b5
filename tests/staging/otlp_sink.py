"""An OTLP/HTTP receiver that keeps the spans it is sent."""

import gzip
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest


class Sink:
    """Spans as (service, name, attributes), by trace id."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.raw = b""
        self._spans: dict[str, list[tuple[str, str, dict[str, str]]]] = {}
        self._changed = threading.Condition()

    def take(self, body: bytes) -> None:
        request = ExportTraceServiceRequest.FromString(body)
        with self._changed:
            self.raw += body
            for resource in request.resource_spans:
                service = {a.key: a.value.string_value for a in resource.resource.attributes}["service.name"]
                for scope in resource.scope_spans:
                    for span in scope.spans:
                        attributes = {a.key: str(a.value) for a in span.attributes}
                        self._spans.setdefault(span.trace_id.hex(), []).append((service, span.name, attributes))
            self._changed.notify_all()

    def trace(self, trace_id: str, *, with_span: tuple[str, str]) -> list[tuple[str, str, dict[str, str]]]:
        """Return a trace's spans, once the one named by (service, name) has arrived."""

        def arrived() -> bool:
            return any(span[:2] == with_span for span in self._spans.get(trace_id, []))

        with self._changed:
            assert self._changed.wait_for(arrived, timeout=20), f"{with_span} did not arrive"
            return list(self._spans[trace_id])


@contextmanager
def receiving() -> Iterator[Sink]:
    """Run a receiver for the length of the block."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            sink.take(gzip.decompress(body) if self.headers.get("Content-Encoding") == "gzip" else body)
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    sink = Sink(f"http://127.0.0.1:{server.server_port}")
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield sink
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
