"""OTLP requests made by hand."""

import base64
import json
from typing import Any

from google.protobuf.json_format import MessageToDict
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


def as_json(body: bytes) -> bytes:
    """Return a binary request as OTLP's JSON, made by protobuf's own library; ids are in hex, as only OTLP has them."""
    message = MessageToDict(ExportTraceServiceRequest.FromString(body), use_integers_for_enums=True)
    spans = (
        one
        for resource in message.get("resourceSpans", ())
        for scope in resource.get("scopeSpans", ())
        for one in scope.get("spans", ())
    )
    for one in spans:
        one.update(
            {key: base64.b64decode(one[key]).hex() for key in ("traceId", "spanId", "parentSpanId") if key in one}
        )
    return json.dumps(message).encode()
