"""Decodes OTLP traces into rows of the spans schema: bounded, redacted, and counted when rejected.

The request is walked down to its spans on the wire and each span is parsed alone. Parsed as one message, 32 MiB of
empty spans become gigabytes; parsed alone, memory is bounded by the body and a few numbers below.
Source: opentelemetry-proto, collector/trace/v1/trace_service.proto and trace/v1/trace.proto.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import orjson
from google.protobuf.message import DecodeError
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.proto.trace.v1.trace_pb2 import Span as ProtoSpan

from exporters.spans.redaction import REDACTED, is_secret, scrubbed

MAX_SPANS = 10_000  # a request; the SDKs send 512
MAX_SPAN_BYTES = 256 << 10
MAX_ATTRIBUTES = 64
MAX_VALUE = 1024
MAX_NAME = 256
UNKNOWN_SERVICE = "unknown_service"
KINDS = ("internal", "internal", "server", "client", "producer", "consumer")  # by SpanKind; 0 is unspecified
STATUSES = ("unset", "ok", "error")  # by StatusCode
_MAX_FIELDS = 200_000
_MAX_DEPTH = 4
_MAX_INT64 = 2**63 - 1
_BIG_INT = 10**12
_TRACE_ID_BYTES, _SPAN_ID_BYTES = 16, 8
_NO_PARENT = (b"", bytes(_SPAN_ID_BYTES))
_VARINT_BYTES = 10
_LAST_OF_VARINT = 0x80


class Malformed(ValueError):  # noqa: N818 - it is what the body was, named as the receiver would
    """A body that is no ExportTraceServiceRequest."""


class Span(NamedTuple):
    """One row of `loadtests.results.schemas.SPANS`, its columns in order."""

    trace_id: str
    span_id: str
    parent_id: str
    service: str
    name: str
    kind: str
    started_at: int
    ended_at: int
    status: str
    attributes: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """The spans of one request: valid ones, rejected ones by reason, and how many exceeded the limit."""

    spans: list[Span] = field(default_factory=list)
    rejected: Counter[str] = field(default_factory=Counter)
    over_cap: int = 0

    @property
    def received(self) -> int:
        """How many spans the request held."""
        return len(self.spans) + self.rejected.total() + self.over_cap


def decode(body: bytes, max_spans: int = MAX_SPANS) -> Batch:
    """Decode a binary ExportTraceServiceRequest; raises Malformed."""
    spans: list[Span] = []
    rejected: Counter[str] = Counter()
    seen = 0
    for service, start, end in _wire_spans(body):
        seen += 1
        if seen > max_spans:
            continue
        if end - start > MAX_SPAN_BYTES:
            rejected["too_large"] += 1
            continue
        try:
            span = ProtoSpan.FromString(body[start:end])
        except DecodeError as error:
            raise Malformed("a span is not valid protobuf") from error
        row = _row(span, service)
        if isinstance(row, Span):
            spans.append(row)
        else:
            rejected[row] += 1
    return Batch(spans=spans, rejected=rejected, over_cap=max(0, seen - max_spans))


def _row(span: Any, service: str) -> Span | str:  # noqa: ANN401 - protobuf ships no types
    """Return the span's row, or the reason why it is rejected."""
    trace_id, span_id, parent_id = span.trace_id, span.span_id, span.parent_span_id
    if len(trace_id) != _TRACE_ID_BYTES or not any(trace_id):
        return "bad_trace_id"
    if len(span_id) != _SPAN_ID_BYTES or not any(span_id):
        return "bad_span_id"
    if parent_id in _NO_PARENT:
        parent_id = b""
    elif len(parent_id) != _SPAN_ID_BYTES:
        return "bad_parent_id"
    started_at, ended_at = span.start_time_unix_nano, span.end_time_unix_nano
    if not 0 < started_at <= ended_at <= _MAX_INT64:
        return "bad_times"
    kind, status = span.kind, span.status.code
    return Span(
        trace_id.hex(),
        span_id.hex(),
        parent_id.hex(),
        service,
        scrubbed(span.name[:MAX_NAME]),
        KINDS[kind] if 0 <= kind < len(KINDS) else KINDS[0],
        started_at,
        ended_at,
        STATUSES[status] if 0 <= status < len(STATUSES) else STATUSES[0],
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
        # Scrubbed a little past the cut, so that what straddles it is still recognised.
        return scrubbed(value.string_value[: MAX_VALUE + 64])[:MAX_VALUE]
    if kind == "int_value":
        number = value.int_value
        return number if number < _BIG_INT or scrubbed(str(number)) != REDACTED else REDACTED
    if kind in ("bool_value", "double_value"):
        return getattr(value, kind)  # NaN and infinities become JSON's null
    if kind == "bytes_value":
        return value.bytes_value[: MAX_VALUE // 2].hex()
    if kind is None:
        return None
    if depth == _MAX_DEPTH:
        return "[too deep]"
    if kind == "array_value":
        return [_value(item, depth + 1) for item in value.array_value.values[:MAX_ATTRIBUTES]]
    return _attributes(value.kvlist_value.values, depth + 1) if kind == "kvlist_value" else None


def _wire_spans(body: bytes) -> Iterator[tuple[str, int, int]]:
    """Yield each span's service and place: request.resource_spans(1).scope_spans(2).spans(2)."""
    visited = 0
    for number, start, end in _fields(body, 0, len(body)):
        visited += 1
        parts = list(_fields(body, start, end)) if number == 1 else []
        visited += len(parts)
        _bounded(visited)
        service = _service(body, parts)
        for scope in (part for part in parts if part[0] == 2):  # noqa: PLR2004 - a field number
            for inner, at, to in _fields(body, scope[1], scope[2]):
                visited += 1
                _bounded(visited)
                if inner == 2:  # noqa: PLR2004 - a field number
                    yield service, at, to


def _bounded(parts: int) -> None:
    if parts > _MAX_FIELDS:
        raise Malformed(f"more than {_MAX_FIELDS} parts")


def _service(body: bytes, parts: list[tuple[int, int, int]]) -> str:
    for number, start, end in parts:
        if number == 1 and end - start <= MAX_SPAN_BYTES:
            try:
                resource = Resource.FromString(body[start:end])
            except DecodeError as error:
                raise Malformed("a resource is not valid protobuf") from error
            for pair in resource.attributes:
                if pair.key == "service.name" and pair.value.string_value:
                    return str(scrubbed(pair.value.string_value[:MAX_NAME]))
    return UNKNOWN_SERVICE


def _fields(body: bytes, at: int, end: int) -> Iterator[tuple[int, int, int]]:
    """Yield number, start and end of each length-delimited field between `at` and `end`, passing over the others."""
    count = 0
    while at < end:
        count += 1
        _bounded(count)
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
