"""OTLP requests made by hand."""

from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, ScopeSpans, Span

TRACE, SPAN = bytes(range(16)), bytes(range(8))


def pair(key: str, **value: Any) -> KeyValue:
    return KeyValue(key=key, value=AnyValue(**value))


def span(**changes: Any) -> Span:
    good: dict[str, Any] = {
        "trace_id": TRACE,
        "span_id": SPAN,
        "name": "GET /",
        "kind": 2,
        "start_time_unix_nano": 1_000,
        "end_time_unix_nano": 3_000_000_000,
    }
    return Span(**(good | changes))


def request(*spans: Span, service: str = "shop") -> bytes:
    resource = Resource(attributes=[pair("service.name", string_value=service)] if service else [])
    body: bytes = ExportTraceServiceRequest(
        resource_spans=[ResourceSpans(resource=resource, scope_spans=[ScopeSpans(spans=spans)])]
    ).SerializeToString()
    return body
