"""Decodes OTLP traces in protobuf into rows of the spans schema: bounded, redacted, and counted when rejected.

The request is walked down to its spans on the wire and each span is parsed alone. Parsed as one message, 32 MiB of
empty spans become gigabytes; parsed alone, memory is bounded by the body and a few numbers below, and a span that
can't be parsed takes no other with it.
Source: opentelemetry-proto, collector/trace/v1/trace_service.proto and trace/v1/trace.proto.
"""

from collections.abc import Iterable, Iterator
from typing import Any

import orjson
from google.protobuf.message import DecodeError
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.proto.trace.v1.trace_pb2 import Span as ProtoSpan

from exporters.spans.redaction import REDACTED, is_secret, scrubbed
from exporters.spans.span_row import (
    BAD_RESOURCE,
    KINDS,
    MAX_ATTRIBUTES,
    MAX_DEPTH,
    MAX_NAME,
    MAX_SPAN_BYTES,
    MAX_SPANS,
    NO_PARENT,
    STATUSES,
    TOO_DEEP,
    TOO_LARGE,
    UNDECODABLE,
    UNKNOWN_SERVICE,
    Batch,
    Malformed,
    Span,
    batch_of,
    bounded,
    fault_of,
    kept_bytes,
    kept_number,
    kept_text,
    word,
)

_VARINT_BYTES = 10
_LAST_OF_VARINT = 0x80


def decode(body: bytes, max_spans: int = MAX_SPANS) -> Batch:
    """Decode a binary ExportTraceServiceRequest; raises Malformed where it can't be told what its parts are."""
    return batch_of(_wire_spans(body), lambda place: _span(body, *place), max_spans)


def _span(body: bytes, service: str | None, start: int, end: int) -> Span | str:
    """Return the row of the span at that place, or the reason why it is rejected."""
    if service is None:
        return BAD_RESOURCE
    if end - start > MAX_SPAN_BYTES:
        return TOO_LARGE
    try:
        span = ProtoSpan.FromString(body[start:end])
    except DecodeError:
        return UNDECODABLE
    return _row(span, service)


def _row(span: Any, service: str) -> Span | str:  # noqa: ANN401 - protobuf ships no types
    trace_id, span_id, parent_id = span.trace_id, span.span_id, span.parent_span_id
    started_at, ended_at = span.start_time_unix_nano, span.end_time_unix_nano
    fault = fault_of(trace_id, span_id, parent_id, started_at, ended_at)
    if fault is not None:
        return fault
    return Span(
        trace_id.hex(),
        span_id.hex(),
        "" if parent_id in NO_PARENT else parent_id.hex(),
        service,
        scrubbed(span.name[:MAX_NAME]),
        word(KINDS, span.kind),
        started_at,
        ended_at,
        word(STATUSES, span.status.code),
        orjson.dumps(_attributes(span.attributes)).decode(),
    )


def _attributes(pairs: Iterable[KeyValue], depth: int = 0) -> dict[str, Any]:
    kept: dict[str, Any] = {}
    for pair in pairs:
        if len(kept) == MAX_ATTRIBUTES:
            break
        key = pair.key[:MAX_NAME]
        kept[key] = REDACTED if is_secret(key) else _value(pair.value, depth)
    return kept


def _value(value: AnyValue, depth: int) -> Any:  # noqa: ANN401, PLR0911 - one of JSON's kinds for each of OTLP's
    kind = value.WhichOneof("value")
    if kind == "string_value":
        return kept_text(value.string_value)
    if kind == "int_value":
        return kept_number(value.int_value)
    if kind in ("bool_value", "double_value"):
        return getattr(value, kind)  # NaN and infinities become JSON's null
    if kind == "bytes_value":
        return kept_bytes(value.bytes_value)
    if kind is None:
        return None
    if depth == MAX_DEPTH:
        return TOO_DEEP
    if kind == "array_value":
        return [_value(item, depth + 1) for item in value.array_value.values[:MAX_ATTRIBUTES]]
    return _attributes(value.kvlist_value.values, depth + 1) if kind == "kvlist_value" else None


def _wire_spans(body: bytes) -> Iterator[tuple[str | None, int, int]]:
    """Yield each span's service and place: request.resource_spans(1).scope_spans(2).spans(2).

    The service is None where its resource can't be parsed.
    """
    visited = 0
    for number, start, end in _fields(body, 0, len(body)):
        visited += 1
        parts = list(_fields(body, start, end)) if number == 1 else []
        visited += len(parts)
        bounded(visited)
        service = _service(body, parts)
        for scope in (part for part in parts if part[0] == 2):  # noqa: PLR2004 - a field number
            for inner, at, to in _fields(body, scope[1], scope[2]):
                visited += 1
                bounded(visited)
                if inner == 2:  # noqa: PLR2004 - a field number
                    yield service, at, to


def _service(body: bytes, parts: list[tuple[int, int, int]]) -> str | None:
    for number, start, end in parts:
        if number == 1 and end - start <= MAX_SPAN_BYTES:
            try:
                resource = Resource.FromString(body[start:end])
            except DecodeError:
                return None
            for pair in resource.attributes:
                if pair.key == "service.name" and pair.value.string_value:
                    return str(scrubbed(pair.value.string_value[:MAX_NAME]))
    return UNKNOWN_SERVICE


def _fields(body: bytes, at: int, end: int) -> Iterator[tuple[int, int, int]]:
    """Yield number, start and end of each length-delimited field between `at` and `end`, passing over the others."""
    count = 0
    while at < end:
        count += 1
        bounded(count)
        tag, at = _varint(body, at, end)
        wire_type = tag & 7
        if wire_type == 2:  # noqa: PLR2004 - the wire types of protobuf's encoding
            size, at = _varint(body, at, end)
            if size > end - at:
                raise Malformed("a field is longer than what holds it")
            yield tag >> 3, at, at + size
            at += size
        elif wire_type == 0:
            _, at = _varint(body, at, end)
        elif wire_type in (1, 5):
            at += 8 if wire_type == 1 else 4
        else:
            raise Malformed(f"wire type {wire_type}")
    if at != end:
        raise Malformed("a field is longer than what holds it")


def _varint(body: bytes, at: int, end: int) -> tuple[int, int]:
    value = shift = 0
    for position in range(at, min(end, at + _VARINT_BYTES)):
        byte = body[position]
        value |= (byte & 0x7F) << shift
        if byte < _LAST_OF_VARINT:
            return value, position + 1
        shift += 7
    raise Malformed("a number that does not end")
