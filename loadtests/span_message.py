"""The message that carries client spans over OTLP, made with OpenTelemetry's own classes.

Filling in the bytes by hand was measured 1.2 times as fast, 0.7 us a span: not worth code of our own.
"""

from collections.abc import Iterable

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from loadtests.records import StepRecord


def message(service: str, records: Iterable[StepRecord]) -> bytes:
    """Return an ExportTraceServiceRequest with one resource, named `service`, and a span for each record."""
    request = ExportTraceServiceRequest()
    resource_spans = request.resource_spans.add()
    _text(resource_spans.resource.attributes.add(), "service.name", service)
    spans = resource_spans.scope_spans.add().spans
    for record in records:
        _fill(spans.add(), record)
    told: bytes = request.SerializeToString()
    return told


def _fill(span: Span, record: StepRecord) -> None:
    span.trace_id, span.span_id = bytes.fromhex(record.trace_id), bytes.fromhex(record.span_id)
    span.name, span.kind = record.step, Span.SPAN_KIND_CLIENT
    span.start_time_unix_nano, span.end_time_unix_nano = record.sent_at, record.finished_at
    _text(span.attributes.add(), "peakproof.journey", record.journey)
    _number(span.attributes.add(), "peakproof.session", record.session)
    if record.status:
        _number(span.attributes.add(), "http.response.status_code", record.status)
    if record.error is not None:
        _text(span.attributes.add(), "error.type", record.error)
        span.status.code = Status.STATUS_CODE_ERROR


def _text(attribute: KeyValue, key: str, value: str) -> None:
    attribute.key, attribute.value.string_value = key, value


def _number(attribute: KeyValue, key: str, value: int) -> None:
    attribute.key, attribute.value.int_value = key, value
