"""The span recorder: OTLP over HTTP in, Parquet parts of the run directory and span metrics out.

Specification: opentelemetry.io/docs/specs/otlp, "OTLP/HTTP". Only the binary protobuf encoding is taken.
"""

import threading
import time
import zlib
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
from cheroot.errors import MaxSizeExceeded
from google.rpc.status_pb2 import Status
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector, CollectorRegistry

from exporters.names import spans as names
from exporters.names.family import Health, new_counter, new_gauge
from exporters.serving.exposition import rendered
from exporters.serving.http_server import App, Listener, StartResponse, guarded
from exporters.spans.otlp import MAX_SPANS, Batch, Malformed, decode
from exporters.spans.span_metrics import MAX_SERIES, SpanMetrics
from exporters.spans.span_store import Limits, SpanStore
from exporters.uploads import MOST_OTHERS, MOST_PARTS, Uploads
from loadtests.coordination.uploads import PATH as UPLOADS_PATH
from loadtests.results.run_directory import RunDirectory, write_table

TRACES_PATH = "/v1/traces"
MAX_BODY = 4 << 20
MAX_UNPACKED = 32 << 20
_PROTOBUF = "application/x-protobuf"
_TEXT = "text/plain; charset=utf-8"
_THREADS = 8
_MOST_SENDERS = 6  # of them, so that scrapes always find one
_GZIP = 16 + zlib.MAX_WBITS
_INVALID_ARGUMENT = 3  # of google.rpc.Code
Reply = tuple[str, Iterable[tuple[str, str]], bytes]


@dataclass(frozen=True, slots=True, kw_only=True)
class RecorderSummary:
    """What a recorder did: spans written, refused as invalid, valid but lost, and requests refused whole."""

    spans: int
    rejected: int
    dropped: int
    refused_requests: int


class Refused(Exception):  # noqa: N818 - it is what happened to the request
    """A request that can't be taken; `status` is HTTP's, the message is for the sender."""

    def __init__(self, status: str, message: str) -> None:
        super().__init__(message)
        self.status = status


class Tally(Collector):
    """What came in and what became of it, as metrics."""

    def __init__(self, registry: CollectorRegistry, store: SpanStore, clock: Callable[[], float]) -> None:
        self.received = 0
        self.over_cap = 0
        self.rejected: Counter[str] = Counter()
        self.refused: Counter[str] = Counter()
        self._store = store
        self._clock = clock
        self._health = Health(subject="spans")
        self._lock = threading.Lock()
        registry.register(self)

    def took(self, batch: Batch) -> None:
        """Count one request's spans."""
        with self._lock:
            self.received += batch.received
            self.rejected += batch.rejected
            self.over_cap += batch.over_cap

    def turned_away(self, refused: Refused) -> None:
        """Count one refused request."""
        with self._lock:
            self.refused[refused.status.split()[0]] += 1

    def dropped(self) -> dict[str, int]:
        """Return the valid spans that were lost, by reason."""
        store = self._store
        return {"queue_full": store.dropped_full, "not_written": store.dropped_unwritten, "over_cap": self.over_cap}

    def describe(self) -> Iterable[Metric]:
        """Name no family, so that registering counts nothing."""
        return ()

    def collect(self) -> Iterable[Metric]:
        """Yield the recorder's families."""
        started = self._clock()
        with self._lock:
            rejected, refused, received = Counter(self.rejected), Counter(self.refused), self.received
        plain = ((names.SPANS_RECEIVED, received), (names.SPANS_WRITTEN, self._store.written))
        for name, total in plain:
            counter = new_counter(name)
            counter.add_metric((), total)
            yield counter
        by_label = (
            (names.SPANS_REJECTED, rejected),
            (names.SPANS_DROPPED, self.dropped()),
            (names.REQUESTS_REFUSED, refused),
        )
        for name, counts in by_label:
            counter = new_counter(name)
            for label, count in counts.items():
                counter.add_metric((label,), count)
            yield counter
        gauges = (
            (names.SPANS_WAITING, self._store.waiting),
            (self._health.up, 1 if self._store.writable else 0),
            (self._health.duration, self._clock() - started),
        )
        for name, value in gauges:
            gauge = new_gauge(name)
            gauge.add_metric(("spans",) if name.labels else (), value)
            yield gauge


class Recorder:
    """Records spans into `run` from `start` to `stop`; `url` is what OTEL_EXPORTER_OTLP_ENDPOINT takes.

    Spans are taken with the bearer `token`, when there is one; `metrics_token` is enough to read. With `upload_key`
    workers may upload what they wrote, each by a token of its own.
    """

    def __init__(  # noqa: PLR0913 - a composition root's knobs, all by name
        self,
        run: RunDirectory,
        host: str = "127.0.0.1",
        port: int = 0,
        *,
        limits: Limits | None = None,
        max_spans: int = MAX_SPANS,
        max_series: int = MAX_SERIES,
        clock: Callable[[], float] = time.monotonic,
        write: Callable[[Path, pa.Table], None] = write_table,
        token: str | None = None,
        metrics_token: str | None = None,
        upload_key: str | None = None,
    ) -> None:
        self._registry = CollectorRegistry()
        self._store = SpanStore(run, limits, clock, write)
        self._metrics = SpanMetrics(self._registry, max_series)
        self._tally = Tally(self._registry, self._store, clock)
        self._max_spans = max_spans
        self._senders = threading.Semaphore(_MOST_SENDERS)
        app, threads = guarded(self._answer, token, metrics_token), _THREADS
        if upload_key is not None:
            app, threads = _with_uploads(app, Uploads(run, upload_key)), _THREADS + MOST_PARTS + MOST_OTHERS
        self._listener = Listener(app, host, port, threads=threads, max_body=MAX_UNPACKED)

    @property
    def url(self) -> str:
        """Where it listens, without a path."""
        return self._listener.url

    @property
    def traces_url(self) -> str:
        """Where traces are posted."""
        return self.url + TRACES_PATH

    @property
    def metrics_url(self) -> str:
        """Where Prometheus scrapes."""
        return self.url + "/metrics"

    def start(self) -> None:
        """Listen and record in threads; raises CantListen."""
        self._listener.start()
        self._store.start()

    def stop(self) -> RecorderSummary:
        """Take no more, write the last part, and say what was done."""
        self._listener.stop()
        self._store.stop()
        return RecorderSummary(
            spans=self._store.written,
            rejected=self._tally.rejected.total(),
            dropped=sum(self._tally.dropped().values()),
            refused_requests=self._tally.refused.total(),
        )

    def _answer(self, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        status, headers, body = self._reply(environ)
        start_response(status, [*headers, ("Content-Length", str(len(body)))])
        return [body]

    def _reply(self, environ: dict[str, Any]) -> Reply:
        method, path = environ["REQUEST_METHOD"], environ["PATH_INFO"]
        if path == TRACES_PATH:
            return self._traces(environ) if method == "POST" else _text("405 Method Not Allowed", "only POST")
        if method != "GET":
            return _text("405 Method Not Allowed", "only GET")
        if path == "/metrics":
            page = rendered(self._registry, environ.get("HTTP_ACCEPT", ""), environ.get("HTTP_ACCEPT_ENCODING", ""))
            return "200 OK", page.headers, page.body
        if path == "/healthz":
            return _text("200 OK", "ok")
        if path == "/":
            return _text("200 OK", f"Peakproof span recorder: POST {TRACES_PATH}, GET /metrics, GET /healthz")
        return _text("404 Not Found", "no such page")

    def _traces(self, environ: dict[str, Any]) -> Reply:
        if not self._senders.acquire(blocking=False):
            self._tally.turned_away(busy := Refused("503 Service Unavailable", "others send at this moment"))
            status, fields, body = _text(busy.status, str(busy))
            # Closed, so that what isn't taken isn't read either; by OTLP a sender tries again after 503.
            return status, (*fields, ("Retry-After", "1"), ("Connection", "close")), body
        try:
            return self._taken(environ)
        finally:
            self._senders.release()

    def _taken(self, environ: dict[str, Any]) -> Reply:
        try:
            batch = decode(_body(environ), self._max_spans)
        except Malformed as error:
            return self._refuse(Refused("400 Bad Request", f"not an ExportTraceServiceRequest: {error}"))
        except Refused as refused:
            return self._refuse(refused)
        self._tally.took(batch)
        self._metrics.count(batch.spans)
        stored = not batch.spans or self._store.put(batch.spans)
        return "200 OK", (("Content-Type", _PROTOBUF),), _result(batch, stored=stored)

    def _refuse(self, refused: Refused) -> Reply:
        self._tally.turned_away(refused)
        if refused.status.startswith("415"):
            return _text(refused.status, str(refused))
        body: bytes = Status(code=_INVALID_ARGUMENT, message=str(refused)).SerializeToString()
        return refused.status, (("Content-Type", _PROTOBUF),), body


def _with_uploads(app: App, uploads: Uploads) -> App:
    def answer(environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        takes = uploads if environ["PATH_INFO"].startswith(UPLOADS_PATH) else app
        return takes(environ, start_response)

    return answer


def _text(status: str, message: str) -> Reply:
    return status, (("Content-Type", _TEXT),), message.encode() + b"\n"


def _result(batch: Batch, *, stored: bool) -> bytes:
    """Return the reply's bytes; a partial success counts what is lost and, by the specification, not to retry."""
    lost = batch.rejected.total() + batch.over_cap + (0 if stored else len(batch.spans))
    reply = ExportTraceServiceResponse()
    if lost:
        reasons = dict(batch.rejected) | ({"over_cap": batch.over_cap} if batch.over_cap else {})
        reasons |= {} if stored else {"queue_full": len(batch.spans)}
        reply.partial_success.rejected_spans = lost
        reply.partial_success.error_message = ", ".join(f"{reason}: {count}" for reason, count in reasons.items())
    body: bytes = reply.SerializeToString()
    return body


def _body(environ: dict[str, Any]) -> bytes:
    """Read and unpack the request's body; raises Refused."""
    kind = environ.get("CONTENT_TYPE", "").split(";")[0].strip().lower()
    if kind != _PROTOBUF:
        raise Refused("415 Unsupported Media Type", f"only {_PROTOBUF} is taken, set the protocol to http/protobuf")
    encoding = environ.get("HTTP_CONTENT_ENCODING", "identity").strip().lower()
    if encoding not in ("identity", "gzip", ""):
        raise Refused("415 Unsupported Media Type", "only gzip and identity encodings are taken")
    body = _read(environ)
    if len(body) > MAX_BODY:
        raise Refused("413 Payload Too Large", f"larger than the {MAX_BODY} bytes allowed")
    declared = environ.get("CONTENT_LENGTH", "")
    if declared and int(declared) != len(body):
        raise Refused("400 Bad Request", f"{len(body)} bytes came, {declared} were declared")
    return unpacked(body) if encoding == "gzip" else body


def _read(environ: dict[str, Any]) -> bytes:
    source = environ["wsgi.input"]
    try:
        body: bytes = source.read(MAX_BODY + 1)
        if "chunked" in environ.get("HTTP_TRANSFER_ENCODING", "").lower() and len(body) <= MAX_BODY:
            # cheroot leaves the end of a chunked body unread, and would wait in it for the next request.
            for _ in source.read_trailer_lines():
                pass
    except ValueError as error:
        raise Refused("400 Bad Request", "not a chunked body") from error
    except (OSError, MaxSizeExceeded) as error:
        raise Refused("413 Payload Too Large", "the body is too large or did not come in time") from error
    return body


def unpacked(body: bytes, most: int = MAX_UNPACKED) -> bytes:
    """Gunzip one member and never more than `most` bytes of it; raises Refused."""
    stream = zlib.decompressobj(_GZIP)
    try:
        plain = stream.decompress(body, most)
    except zlib.error as error:
        raise Refused("400 Bad Request", f"not gzip: {error}") from error
    if stream.unconsumed_tail:
        raise Refused("413 Payload Too Large", f"larger than the {most} bytes allowed after gunzip")
    if not stream.eof or stream.unused_data:
        raise Refused("400 Bad Request", "not one whole gzip member")
    return plain
