"""The recorder over HTTP: fed by the OpenTelemetry SDK and by hand, its files and metrics read back."""

import contextlib
import gzip
import json
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
from google.rpc.status_pb2 import Status
from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode

from exporters.serving.http_server import CantListen
from exporters.spans.otlp_http import MAX_BODY, MAX_UNPACKED, Refused, unpacked
from exporters.spans.recorder import Recorder, RecorderSummary
from exporters.spans.span_store import Limits
from exporters.spans.tally import MOST_KINDS
from loadtests.results.run_directory import RunDirectory, read_tables
from loadtests.results.schemas import SPANS
from tests.exporters.fakes import samples
from tests.exporters.otlp_bytes import as_json, pair, request, span

PROTOBUF = {"Content-Type": "application/x-protobuf"}
JSON = {"Content-Type": "application/json"}


@pytest.fixture
def run(tmp_path: Path) -> RunDirectory:
    return RunDirectory(path=tmp_path)


@pytest.fixture
def recorder(run: RunDirectory) -> Iterator[Recorder]:
    recorder = Recorder(run, max_spans=20)
    recorder.start()
    yield recorder
    recorder.stop()


def post(recorder: Recorder, body: bytes, **headers: str) -> requests.Response:
    return requests.post(recorder.traces_url, data=body, headers=PROTOBUF | headers, timeout=30)


def rows(run: RunDirectory) -> list[dict[str, object]]:
    found: list[dict[str, object]] = read_tables(run.parts("spans"), SPANS).to_pylist()
    return found


@pytest.mark.parametrize("compression", [Compression.NoCompression, Compression.Gzip])
def test_what_the_sdk_sends_is_what_the_run_directory_holds(
    run: RunDirectory, recorder: Recorder, compression: Compression
) -> None:
    provider = TracerProvider(resource=Resource.create({"service.name": "shop"}), shutdown_on_exit=False)
    kept = InMemorySpanExporter()
    provider.add_span_processor(SimpleSpanProcessor(kept))
    exporter = OTLPSpanExporter(endpoint=recorder.traces_url, compression=compression)
    provider.add_span_processor(BatchSpanProcessor(exporter))
    tracer = provider.get_tracer("test")
    with (
        tracer.start_as_current_span("POST /checkout", kind=SpanKind.SERVER, attributes={"http.route": "/checkout"}),
        tracer.start_as_current_span("INSERT orders", attributes={"rows": 3, "password": "hunter2"}) as inner,
    ):
        inner.set_status(StatusCode.ERROR, "no")
    provider.shutdown()
    summary = recorder.stop()
    sent = [
        {
            "trace_id": f"{s.context.trace_id:032x}",
            "span_id": f"{s.context.span_id:016x}",
            "parent_id": f"{s.parent.span_id:016x}" if s.parent else "",
            "service": "shop",
            "name": s.name,
            "kind": s.kind.name.lower(),
            "started_at": s.start_time,
            "ended_at": s.end_time,
            "status": s.status.status_code.name.lower(),
            "attributes": {"password": "[redacted]", "rows": 3} if s.parent else {"http.route": "/checkout"},
        }
        for s in kept.get_finished_spans()
        if s.context is not None
    ]
    assert [{**row, "attributes": json.loads(str(row["attributes"]))} for row in rows(run)] == sent
    assert summary == RecorderSummary(spans=2, rejected={}, dropped=0, refused={})


def address_of(recorder: Recorder) -> tuple[str, int]:
    return "127.0.0.1", int(recorder.url.rpartition(":")[2])


def test_a_good_request_is_answered_with_an_empty_response(recorder: Recorder) -> None:
    reply = post(recorder, request(span()))
    assert (reply.status_code, reply.headers["Content-Type"], reply.content) == (200, "application/x-protobuf", b"")


def test_invalid_spans_are_told_as_a_partial_success(run: RunDirectory, recorder: Recorder) -> None:
    reply = ExportTraceServiceResponse.FromString(post(recorder, request(span(), span(trace_id=b"x"))).content)
    assert reply.partial_success.rejected_spans == 1
    assert reply.partial_success.error_message == "bad_trace_id: 1"
    assert recorder.stop() == RecorderSummary(spans=1, rejected={"bad_trace_id": 1}, dropped=0, refused={})
    assert len(rows(run)) == 1


def test_spans_past_the_cap_of_a_request_are_dropped_told_and_counted(recorder: Recorder) -> None:
    reply = ExportTraceServiceResponse.FromString(post(recorder, request(*[span()] * 25)).content)
    assert reply.partial_success.error_message == "over_cap: 5"
    assert recorder.stop() == RecorderSummary(spans=20, rejected={}, dropped=5, refused={})


def test_spans_that_no_room_is_left_for_are_dropped_told_and_still_in_the_metrics(run: RunDirectory) -> None:
    recorder = Recorder(run, limits=Limits(waiting_rows=1))
    recorder.start()
    post(recorder, request(span()))
    reply = ExportTraceServiceResponse.FromString(post(recorder, request(span())).content)
    assert reply.partial_success.error_message == "queue_full: 1"
    found = samples(requests.get(recorder.metrics_url, timeout=30).text)
    assert found["traces_span_metrics_calls_total", "shop", "SPAN_KIND_SERVER", "GET /", "STATUS_CODE_UNSET"] == 2
    assert recorder.stop() == RecorderSummary(spans=1, rejected={}, dropped=1, refused={})


SIZE = "body too large or too slow"


@pytest.mark.parametrize(
    ("body", "headers", "status", "kind"),
    [
        (b"\xff\xff", {}, 400, "malformed body"),
        (request(span())[:-3], {}, 400, "malformed body"),
        (b"no gzip", {"Content-Encoding": "gzip"}, 400, "malformed body"),
        (gzip.compress(request(span()), mtime=0)[:-4], {"Content-Encoding": "gzip"}, 400, "malformed body"),
        (gzip.compress(bytes(MAX_UNPACKED + 1), mtime=0), {"Content-Encoding": "gzip"}, 413, SIZE),
        (bytes(MAX_BODY + 1), {}, 413, SIZE),
        (b"[]", JSON, 400, "malformed body"),
        (b"", {"Content-Type": "Text/Plain; charset=x"}, 415, "content type text/plain"),
        (b"", {"Content-Type": "a" * 200}, 415, f"content type {'a' * 66}…"),
        (b"x", {"Content-Encoding": "deflate"}, 415, "content encoding deflate"),
    ],
)
def test_a_request_that_cant_be_taken_is_refused_counted_and_the_next_one_is_taken(
    run: RunDirectory, recorder: Recorder, body: bytes, headers: dict[str, str], status: int, kind: str
) -> None:
    with requests.Session() as session:
        reply = session.post(recorder.traces_url, data=body, headers=PROTOBUF | headers, timeout=30)
        assert reply.status_code == status
        if reply.headers["Content-Type"] == "application/x-protobuf":
            assert Status.FromString(reply.content).message
        assert session.post(recorder.traces_url, data=request(span()), headers=PROTOBUF, timeout=30).status_code == 200
    found = samples(requests.get(recorder.metrics_url, timeout=30).text)
    assert found["recorder_requests_refused_total", str(status)] == 1
    assert recorder.stop() == RecorderSummary(spans=1, rejected={}, dropped=0, refused={kind: 1})
    assert len(rows(run)) == 1


def test_what_isnt_taken_is_refused_with_what_to_do(recorder: Recorder) -> None:
    reply = post(recorder, b"<>", **{"Content-Type": "application/x-thrift"})
    taken = "application/x-protobuf and application/json are taken"
    assert reply.text == f"only {taken}, set the protocol to http/protobuf or http/json\n"


def test_json_is_taken_and_answered_in_json(run: RunDirectory, recorder: Recorder) -> None:
    """As the specification has it: a partial success has its number as text, a refusal is a Status."""
    good, bad = as_json(request(span())), as_json(request(span(), span(trace_id=b"x")))
    answers = [post(recorder, body, **JSON) for body in (good, bad, b"{")]
    assert [reply.headers["Content-Type"] for reply in answers] == ["application/json"] * 3
    assert [reply.json() for reply in answers[:2]] == [
        {},
        {"partialSuccess": {"rejectedSpans": "1", "errorMessage": "bad_trace_id: 1"}},
    ]
    assert (answers[2].status_code, answers[2].json()["code"]) == (400, 3)
    assert post(recorder, gzip.compress(good), **JSON, **{"Content-Encoding": "gzip"}).json() == {}
    assert recorder.stop().spans == len(rows(run)) == 3


def test_of_too_many_kinds_of_refusal_the_later_ones_are_counted_together(recorder: Recorder) -> None:
    for number in range(MOST_KINDS + 3):
        post(recorder, b"", **{"Content-Type": f"text/{number}"})
    assert recorder.stop().refused == {f"content type text/{n}": 1 for n in range(MOST_KINDS)} | {"others": 3}


def test_spans_that_go_to_another_path_or_speak_grpc_are_counted_as_refused(recorder: Recorder) -> None:
    """What an SDK sends of its other signals isn't."""
    for path in ("/", "/api/v2/spans", "/v1/metrics", "/v1/logs"):
        assert requests.post(recorder.url + path, data=b"x", timeout=30).status_code == 405
    with socket.create_connection(address_of(recorder), timeout=30) as connection:
        connection.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes(9))
        assert connection.recv(12) == b"HTTP/1.1 505"
    assert recorder.stop().refused == {"POST /": 1, "POST /api/v2/spans": 1, "gRPC": 1}


def test_chunked_bodies_are_taken_one_after_the_other(recorder: Recorder) -> None:
    with requests.Session() as session:
        for _ in range(3):
            body = request(span())
            reply = session.post(recorder.traces_url, data=iter([body[:9], body[9:]]), headers=PROTOBUF, timeout=30)
            assert reply.status_code == 200
    assert recorder.stop().spans == 3


def test_a_chunked_body_that_is_too_large_is_refused(recorder: Recorder) -> None:
    parts = iter([bytes(MAX_BODY), b"1"])
    reply = requests.post(recorder.traces_url, data=parts, headers=PROTOBUF, timeout=30)
    assert reply.status_code == 413


def test_a_chunked_body_without_chunks_is_refused(recorder: Recorder) -> None:
    head = b"POST /v1/traces HTTP/1.1\r\nHost: h\r\nContent-Type: application/x-protobuf\r\n"
    with socket.create_connection(address_of(recorder), timeout=30) as connection:
        connection.sendall(head + b"Transfer-Encoding: chunked\r\n\r\nnot a chunk\r\n\r\n")
        assert connection.recv(12) == b"HTTP/1.1 400"


@pytest.mark.parametrize(
    ("packed", "message"),
    [
        (gzip.compress(bytes(101), mtime=0), "larger than the 100 bytes allowed after gunzip"),
        (gzip.compress(b"a", mtime=0)[:-1], "not one whole gzip member"),
        (gzip.compress(b"a", mtime=0) * 2, "not one whole gzip member"),
        (b"", "not one whole gzip member"),
    ],
)
def test_a_gzip_bomb_is_never_unpacked_past_its_bound(packed: bytes, message: str) -> None:
    with pytest.raises(Refused, match=f"^{message}$"):
        unpacked(packed, most=100)


def test_exactly_what_is_allowed_is_unpacked() -> None:
    assert unpacked(gzip.compress(bytes(100), mtime=0), most=100) == bytes(100)


def test_the_recorder_counts_itself(recorder: Recorder) -> None:
    post(recorder, request(span(), span(span_id=b"")))
    found = samples(requests.get(recorder.metrics_url, timeout=30).text)
    assert {key: value for key, value in found.items() if not key[0].startswith("traces_")} == {
        ("spans_exporter_up", "spans"): 1,
        ("recorder_spans_received_total",): 2,
        ("recorder_spans_written_total",): 0,
        ("recorder_spans_waiting",): 1,
        ("recorder_spans_rejected_total", "bad_span_id"): 1,
        ("recorder_spans_dropped_total", "queue_full"): 0,
        ("recorder_spans_dropped_total", "not_written"): 0,
        ("recorder_spans_dropped_total", "over_cap"): 0,
    }


def test_the_recorder_is_down_while_it_cant_write(run: RunDirectory) -> None:
    def full_disk(path: Path, table: object) -> None:
        raise OSError(28, "No space left on device", str(path), table)

    recorder = Recorder(run, limits=Limits(part_s=0), write=full_disk)
    recorder.start()
    post(recorder, request(span()))
    with recorder._store._changed:
        assert recorder._store._changed.wait_for(lambda: not recorder._store.writable, timeout=60)
    found = samples(requests.get(recorder.metrics_url, timeout=30).text)
    assert (found["spans_exporter_up", "spans"], found["recorder_spans_dropped_total", "not_written"]) == (0, 1)
    assert recorder.stop().dropped == 1


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/v1/traces", 405),
        ("POST", "/metrics", 405),
        ("GET", "/nothing", 404),
        ("GET", "/healthz", 200),
        ("GET", "/", 200),
    ],
)
def test_other_pages(recorder: Recorder, method: str, path: str, status: int) -> None:
    assert requests.request(method, recorder.url + path, timeout=30).status_code == status


def test_a_port_that_is_taken_is_named(run: RunDirectory, recorder: Recorder) -> None:
    port = int(recorder.url.rpartition(":")[2])
    with pytest.raises(CantListen, match=f"^can't listen on 127.0.0.1:{port}: "):
        Recorder(run, port=port).start()


def test_a_secret_in_a_span_reaches_neither_file_nor_metrics(run: RunDirectory, recorder: Recorder) -> None:
    leaky = span(name="GET /x?token=hunter2", attributes=[pair("cookie", string_value="hunter2")])
    post(recorder, request(leaky))
    text = requests.get(recorder.metrics_url, timeout=30).text
    recorder.stop()
    assert "hunter2" not in text + json.dumps(rows(run))


REFUSED = ("recorder_requests_refused_total", "503")


def test_senders_that_do_not_end_leave_threads_to_scrapes_and_are_told_to_come_again(recorder: Recorder) -> None:
    address = address_of(recorder)
    head = b"POST /v1/traces HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-protobuf\r\nContent-Length: 9\r\n\r\n"
    with contextlib.ExitStack() as stack:
        for _ in range(12):
            stack.enter_context(socket.create_connection(address, timeout=30)).sendall(head)
        while not (found := samples(requests.get(recorder.metrics_url, timeout=30).text)).get(REFUSED):
            time.sleep(0.01)
        assert found[REFUSED] >= 1
        reply = requests.post(
            recorder.traces_url, data=request(span()), headers={"Content-Type": "application/x-protobuf"}, timeout=30
        )
        assert (reply.status_code, reply.headers["Retry-After"]) == (503, "1")


@pytest.mark.parametrize("said", [b"", b"GET /metrics HTTP/1.1\r\nHost: x\r\n"])
def test_eight_clients_that_drip_their_heads_keep_nobody_from_scraping_or_sending(
    recorder: Recorder, said: bytes
) -> None:
    with contextlib.ExitStack() as stack:
        for _ in range(8):
            stack.enter_context(socket.create_connection(address_of(recorder), timeout=30)).sendall(said)
        assert requests.get(recorder.metrics_url, timeout=30).status_code == 200
        assert post(recorder, request(span())).status_code == 200
    assert recorder.stop().spans == 1
