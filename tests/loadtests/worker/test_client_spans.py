"""Every step has its client span, or is counted as dropped."""

import gc
import socket
from collections.abc import Iterator

import gevent
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from loadtests.worker import client_spans as module
from loadtests.worker import plain_http
from loadtests.worker.client_spans import ClientSpans
from tests.loadtests.fakes import batch, session_record, step_record
from tests.loadtests.hostile_server import Answer, HostileServer, Seen, reply


@pytest.fixture(autouse=True)
def _clean() -> Iterator[None]:
    yield
    gc.collect()


def spans_of(server: HostileServer) -> list[Span]:
    out: list[Span] = []
    for seen in server.seen:
        (resource,) = ExportTraceServiceRequest.FromString(seen.body).resource_spans
        assert [(one.key, one.value.string_value) for one in resource.resource.attributes] == [
            ("service.name", "shopper")
        ]
        out.extend(resource.scope_spans[0].spans)
    return out


def flushed(server: HostileServer, *, times: int = 1, steps: int = 1) -> ClientSpans:
    spans = ClientSpans(server.url)
    for _ in range(times):
        spans.steps_ended(batch(*[step_record()] * steps))
        with gevent.Timeout(30):
            spans.flush()
    spans.close()
    return spans


def test_a_step_s_span_is_that_of_its_record() -> None:
    with HostileServer(reply(b"")) as server:
        spans = ClientSpans(server.url)
        spans.steps_ended(batch(step_record(step="checkout", error="http_5xx", status=503)))
        spans.flush()
        spans.close()
        (span,) = spans_of(server)
        (seen,) = server.seen
    record = step_record()
    assert (seen.line, seen.headers["content-type"]) == ("POST /v1/traces HTTP/1.1", "application/x-protobuf")
    assert (span.name, span.kind, span.trace_id.hex(), span.span_id.hex()) == (
        "checkout",
        Span.SPAN_KIND_CLIENT,
        record.trace_id,
        record.span_id,
    )
    assert (span.start_time_unix_nano, span.end_time_unix_nano) == (record.sent_at, record.finished_at)
    assert span.status.code == Status.STATUS_CODE_ERROR
    assert {one.key: one.value.string_value or one.value.int_value for one in span.attributes} == {
        "peakproof.journey": "search-and-buy",
        "peakproof.session": 1,
        "http.response.status_code": 503,
        "error.type": "http_5xx",
    }


@pytest.mark.parametrize(("token", "brought"), [("canary-of-the-run", "Bearer canary-of-the-run"), (None, None)])
def test_the_run_s_token_is_brought_where_there_is_one(token: str | None, brought: str | None) -> None:
    with HostileServer(reply(b"")) as server:
        spans = ClientSpans(server.url, token)
        spans.steps_ended(batch(step_record()))
        spans.flush()
        spans.close()
        assert [seen.headers.get("authorization") for seen in server.seen] == [brought]


def test_a_step_without_a_reply_has_no_status_code() -> None:
    with HostileServer(reply(b"")) as server:
        spans = ClientSpans(server.url)
        spans.steps_ended(batch(step_record(status=0, error="timeout")))
        spans.flush()
        spans.close()
        (span,) = spans_of(server)
    assert [one.key for one in span.attributes] == ["peakproof.journey", "peakproof.session", "error.type"]


def test_spans_are_sent_in_slices(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_SLICE", 4)
    with HostileServer(reply(b"")) as server:
        spans = flushed(server, steps=10)
        assert [
            len(ExportTraceServiceRequest.FromString(s.body).resource_spans[0].scope_spans[0].spans)
            for s in server.seen
        ] == [4, 4, 2]
    assert (spans.sent, spans.dropped) == (10, 0)


def test_what_does_not_fit_the_buffer_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_BUFFER", 3)
    with HostileServer(reply(b"")) as server:
        spans = flushed(server, steps=5)
    assert (spans.sent, spans.dropped) == (3, 2)


def failing_first(server_answers: list[bytes]) -> Answer:
    def answer(connection: socket.socket, _: Seen) -> bool:
        data = server_answers.pop(0)
        connection.sendall(data)
        return bool(data)

    return answer


@pytest.mark.parametrize("first", [b"", reply(b"", status="500 X"), b"garbage\r\n"], ids=["closed", "500", "garbage"])
def test_a_recorder_that_failed_once_is_asked_again(first: bytes) -> None:
    with HostileServer(failing_first([first, reply(b""), reply(b"")])) as server:
        spans = flushed(server, times=3)
    assert (spans.sent, spans.dropped) == (2, 1)


def test_a_recorder_is_found_by_its_name_at_whichever_of_its_addresses_takes_a_connection(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with HostileServer(reply(b"")) as server:
        port = int(server.url.rpartition(":")[2])
        asked: list[object] = []

        def look_up(*of: object, **_: object) -> list[object]:
            asked.append(of)
            return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", at)) for at in (1, port)]

        monkeypatch.setattr(plain_http, "getaddrinfo", look_up)
        spans = ClientSpans(f"http://recorder.test:{port}")
        spans.steps_ended(batch(step_record()))
        spans.flush()
        spans.close()
        assert server.seen[0].headers["host"] == f"recorder.test:{port}"
    assert (asked, spans.sent, spans.dropped) == ([("recorder.test", port)], 1, 0)


def test_a_recorder_that_is_gone_drops_every_flush_and_hangs_none() -> None:
    spans = ClientSpans("http://127.0.0.1:1")
    for _ in range(4):
        spans.steps_ended(batch(step_record()))
        with gevent.Timeout(30):
            spans.flush()
    assert (spans.sent, spans.dropped) == (0, 4)


def test_a_recorder_that_is_silent_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_DEADLINE_S", 0.2)

    def answer(_: socket.socket, __: Seen) -> bool:
        server.over.wait(10)
        return False

    with HostileServer(answer) as server:
        spans = flushed(server)
    assert (spans.sent, spans.dropped) == (0, 1)


def test_a_flush_that_is_killed_has_dropped_its_slice() -> None:
    def answer(_: socket.socket, __: Seen) -> bool:
        server.over.wait(10)
        return False

    with HostileServer(answer) as server:
        spans = ClientSpans(server.url)
        spans.steps_ended(batch(step_record()))
        greenlet = gevent.spawn(spans.flush)
        with gevent.Timeout(20):
            while not server.seen:
                gevent.sleep(0.005)
        greenlet.kill()
        spans.close()
    assert (spans.sent, spans.dropped) == (0, 1)


def test_a_session_has_no_span() -> None:
    spans = ClientSpans("http://127.0.0.1:1")
    spans.session_ended(session_record())
    spans.flush()
    assert (spans.sent, spans.dropped) == (0, 0)


def test_a_step_of_a_trace_that_is_not_sampled_has_no_span() -> None:
    with HostileServer(reply(b"")) as server:
        spans = ClientSpans(server.url)
        spans.steps_ended(batch(step_record(sampled=False)))
        spans.flush()
        spans.close()
        assert (spans.sent, spans.dropped, server.seen) == (0, 0, [])
