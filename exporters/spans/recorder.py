"""The span recorder: OTLP over HTTP in, Parquet parts of the run directory and span metrics out."""

import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
from prometheus_client.registry import CollectorRegistry

from exporters.serving.exposition import rendered
from exporters.serving.http_server import App, Listener, StartResponse, guarded
from exporters.spans.otlp_http import MAX_UNPACKED, TEXT, Encoding, Refused, Reply, body_of, encoding_of, malformed
from exporters.spans.span_metrics import MAX_SERIES, SpanMetrics
from exporters.spans.span_row import MAX_SPANS, Batch, Malformed
from exporters.spans.span_store import Limits, SpanStore
from exporters.spans.tally import Tally
from exporters.uploads import MOST_OTHERS, MOST_PARTS, Uploads
from loadtests.coordination.uploads import PATH as UPLOADS_PATH
from loadtests.results.run_directory import RunDirectory, write_table
from slo.validity.traces import NO_TOKEN

TRACES_PATH = "/v1/traces"
_OTHER_SIGNALS = ("/v1/metrics", "/v1/logs", "/v1development/profiles")  # an SDK sends them to the same address
_THREADS = 8
_MOST_SENDERS = 6  # of them, so that scrapes always find one


@dataclass(frozen=True, slots=True, kw_only=True)
class RecorderSummary:
    """What a recorder did: spans written, rejected as invalid (by reason), valid but lost, and requests refused whole.

    The requests are counted by what was wrong with them.
    """

    spans: int
    rejected: Mapping[str, int]
    dropped: int
    refused: Mapping[str, int]


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
        app, threads = guarded(self._answer, token, metrics_token, self._denied), _THREADS
        if upload_key is not None:
            app, threads = _with_uploads(app, Uploads(run, upload_key)), _THREADS + MOST_PARTS + MOST_OTHERS
        self._listener = Listener(app, host, port, threads=threads, max_body=MAX_UNPACKED, on_http2=self._spoke_http2)

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
            rejected=dict(self._tally.rejected),
            dropped=sum(self._tally.dropped().values()),
            refused=dict(self._tally.refusals),
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
            return self._elsewhere(method, path)
        if path == "/metrics":
            page = rendered(self._registry, environ.get("HTTP_ACCEPT", ""), environ.get("HTTP_ACCEPT_ENCODING", ""))
            return "200 OK", page.headers, page.body
        if path == "/healthz":
            return _text("200 OK", "ok")
        if path == "/":
            return _text("200 OK", f"Peakproof span recorder: POST {TRACES_PATH}, GET /metrics, GET /healthz")
        return _text("404 Not Found", "no such page")

    def _elsewhere(self, method: str, path: str) -> Reply:
        """Answer what is sent to another path than OTLP's of traces; it may have been spans."""
        refused = Refused("405 Method Not Allowed", f"only GET; spans go to {TRACES_PATH}", f"{method} {path}")
        if path not in _OTHER_SIGNALS:
            self._tally.turned_away(refused)
        return _text(refused.status, str(refused))

    def _denied(self, environ: dict[str, Any]) -> None:
        """Count spans that came without the run's token."""
        if environ["REQUEST_METHOD"] == "POST" and environ["PATH_INFO"] == TRACES_PATH:
            self._tally.turned_away(Refused("401 Unauthorized", "", NO_TOKEN))

    def _spoke_http2(self) -> None:
        """Count a connection that speaks HTTP/2, as OTLP over gRPC does."""
        self._tally.turned_away(Refused("505 HTTP Version Not Supported", "", "gRPC"))

    def _traces(self, environ: dict[str, Any]) -> Reply:
        if not self._senders.acquire(blocking=False):
            busy = Refused("503 Service Unavailable", "others send at this moment", "too many senders at once")
            self._tally.turned_away(busy)
            status, fields, body = _text(busy.status, str(busy))
            # Closed, so that what isn't taken isn't read either; by OTLP a sender tries again after 503.
            return status, (*fields, ("Retry-After", "1"), ("Connection", "close")), body
        try:
            return self._taken(environ)
        finally:
            self._senders.release()

    def _taken(self, environ: dict[str, Any]) -> Reply:
        try:
            encoding = encoding_of(environ)
        except Refused as refused:
            self._tally.turned_away(refused)
            return _text(refused.status, str(refused))
        try:
            batch = _decoded(encoding, body_of(environ), self._max_spans)
        except Refused as refused:
            self._tally.turned_away(refused)
            return encoding.refusal(refused)
        self._tally.took(batch)
        self._metrics.count(batch.spans)
        stored = not batch.spans or self._store.put(batch.spans)
        return encoding.result(_lost(batch, stored=stored))


def _decoded(encoding: Encoding, body: bytes, max_spans: int) -> Batch:
    try:
        return encoding.decode(body, max_spans)
    except Malformed as error:
        raise malformed(f"not an ExportTraceServiceRequest: {error}") from error


def _lost(batch: Batch, *, stored: bool) -> Mapping[str, int]:
    """Return how many of the batch's spans are lost, by reason."""
    lost = {**batch.rejected, "over_cap": batch.over_cap, "queue_full": 0 if stored else len(batch.spans)}
    return {reason: count for reason, count in lost.items() if count}


def _with_uploads(app: App, uploads: Uploads) -> App:
    def answer(environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        takes = uploads if environ["PATH_INFO"].startswith(UPLOADS_PATH) else app
        return takes(environ, start_response)

    return answer


def _text(status: str, message: str) -> Reply:
    return status, (("Content-Type", TEXT),), message.encode() + b"\n"
