"""Decodes OTLP traces in JSON into the same rows as protobuf's: ids in hex, enumerations as numbers, 64 bits as text.

Source: opentelemetry.io/docs/specs/otlp, "JSON Protobuf Encoding": lowerCamelCase keys, unknown ones ignored, trace and
span ids in hex of either case. As ProtoJSON has it, whole numbers may be numbers or text, and null is a default; the
names of enumerations are taken as well.
"""

import base64
import binascii
import re
from collections.abc import Iterator
from typing import Any, NamedTuple

import orjson

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

MAX_VALUES = 2_000_000
"""How many values a body may hold at most, roughly: as objects each takes some ten times its bytes."""
_HEX = re.compile(r"(?:[0-9a-fA-F]{2})*")
_WHOLE = re.compile(r"-?\d{1,20}")
_INT64 = range(-(2**63), 2**63)
_KIND_NAMES = {f"SPAN_KIND_{name.upper()}": code for code, name in enumerate(KINDS) if code} | {
    "SPAN_KIND_UNSPECIFIED": 0
}
_STATUS_NAMES = {f"STATUS_CODE_{name.upper()}": code for code, name in enumerate(STATUSES)}
_FLOATS = {"NaN": float("nan"), "Infinity": float("inf"), "-Infinity": float("-inf")}
Object = dict[str, Any]


class _WrongTypeError(ValueError):
    """A value isn't of the type that its field has."""


class _Place(NamedTuple):
    """A span as it stands in a request, and the service of its resource, None where that can't be read."""

    service: str | None
    span: Any


def decode_json(body: bytes, max_spans: int = MAX_SPANS) -> Batch:
    """Decode an ExportTraceServiceRequest in JSON; raises Malformed where it is none."""
    return batch_of(_spans(_parsed(body)), _span, max_spans)


def _parsed(body: bytes) -> Object:
    if sum(map(body.count, (b"{", b"[", b","))) > MAX_VALUES:
        raise Malformed(f"more than {MAX_VALUES} values")
    try:
        request = orjson.loads(body)
    except ValueError as error:
        raise Malformed(f"not JSON: {error}") from error
    if not isinstance(request, dict):
        raise Malformed("expected a JSON object")
    return request


def _spans(request: Object) -> Iterator[_Place]:
    """Yield each span of a request: resourceSpans[].scopeSpans[].spans[]."""
    visited = 0
    for resource_spans in _objects(request, "resourceSpans"):
        service = _service(resource_spans)
        for scope_spans in _objects(resource_spans, "scopeSpans"):
            spans = _list(scope_spans, "spans")
            visited += 1 + len(spans)
            bounded(visited)
            for span in spans:
                yield _Place(service, span)


def _objects(holder: Object, key: str) -> Iterator[Object]:
    for item in _list(holder, key):
        if not isinstance(item, dict):
            raise Malformed(f"{key}: expected objects")
        yield item


def _list(holder: Object, key: str) -> list[Any]:
    found = holder.get(key)
    if not isinstance(found, list | None):
        raise Malformed(f"{key}: expected a list")
    return found or []


def _service(resource_spans: Object) -> str | None:
    try:
        for key, value in _pairs(_object(resource_spans.get("resource")).get("attributes")):
            if key == "service.name" and (name := _text(_object(value).get("stringValue"))):
                return scrubbed(name[:MAX_NAME])
    except _WrongTypeError:
        return None
    return UNKNOWN_SERVICE


def _span(place: _Place) -> Span | str:
    """Return the span's row, or the reason why it is rejected."""
    if place.service is None:
        return BAD_RESOURCE
    try:
        return _row(_object(place.span), place.service)
    except _WrongTypeError:
        return UNDECODABLE


def _row(span: Object, service: str) -> Span | str:
    trace_id, span_id, parent_id = (_id(span.get(key)) for key in ("traceId", "spanId", "parentSpanId"))
    started_at, ended_at = _number(span.get("startTimeUnixNano")), _number(span.get("endTimeUnixNano"))
    fault = fault_of(trace_id, span_id, parent_id, started_at, ended_at)
    if fault is not None:
        return fault
    attributes = orjson.dumps(_attributes(span.get("attributes")))
    if len(attributes) > MAX_SPAN_BYTES:
        return TOO_LARGE
    return Span(
        trace_id.hex(),
        span_id.hex(),
        "" if parent_id in NO_PARENT else parent_id.hex(),
        service,
        scrubbed(_text(span.get("name"))[:MAX_NAME]),
        word(KINDS, _code(span.get("kind"), _KIND_NAMES)),
        started_at,
        ended_at,
        word(STATUSES, _code(_object(span.get("status")).get("code"), _STATUS_NAMES)),
        attributes.decode(),
    )


def _attributes(pairs: object, depth: int = 0) -> Object:
    kept: Object = {}
    for key, value in _pairs(pairs):
        if len(kept) == MAX_ATTRIBUTES:
            break
        name = key[:MAX_NAME]
        kept[name] = REDACTED if is_secret(name) else _value(_object(value), depth)
    return kept


def _pairs(pairs: object) -> Iterator[tuple[str, Any]]:
    for pair in _array(pairs):
        pair_of = _object(pair)
        yield _text(pair_of.get("key")), pair_of.get("value")


def _value(value: Object, depth: int) -> Any:  # noqa: ANN401, PLR0911 - one of JSON's kinds for each of OTLP's
    kind, found = next(
        ((kind, one) for kind, one in value.items() if kind in _KINDS_OF_VALUE and one is not None), _NONE
    )
    if kind == "stringValue":
        return kept_text(_text(found))
    if kind == "intValue":
        return kept_number(_int64(found))
    if kind == "boolValue":
        return _bool(found)
    if kind == "doubleValue":
        return _double(found)
    if kind == "bytesValue":
        return kept_bytes(_base64(found))
    if kind == "":
        return None
    if depth == MAX_DEPTH:
        return TOO_DEEP
    values = _object(found).get("values")
    if kind == "arrayValue":
        return [_value(_object(item), depth + 1) for item in _array(values)[:MAX_ATTRIBUTES]]
    return _attributes(values, depth + 1)


_KINDS_OF_VALUE = frozenset(
    {"stringValue", "intValue", "boolValue", "doubleValue", "bytesValue", "arrayValue", "kvlistValue"}
)
_NONE = ("", None)


def _object(value: object) -> Object:
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise _WrongTypeError
    return value


def _array(value: object) -> list[Any]:
    if value is None:
        return []
    if not isinstance(value, list):
        raise _WrongTypeError
    return value


def _text(value: object) -> str:
    if value is None:
        return ""
    if not isinstance(value, str):
        raise _WrongTypeError
    return value


def _id(value: object) -> bytes:
    """Return the bytes of an id in hex; none of what isn't hex, which is no id then."""
    text = _text(value)
    return bytes.fromhex(text) if _HEX.fullmatch(text) else b"?"


def _number(value: object) -> int:
    """Return a whole number that is one, or its decimal text."""
    if value is None:
        return 0
    if isinstance(value, str) and _WHOLE.fullmatch(value):
        return int(value)
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if not isinstance(value, int) or isinstance(value, bool):
        raise _WrongTypeError
    return value


def _int64(value: object) -> int:
    number = _number(value)
    if number not in _INT64:
        raise _WrongTypeError
    return number


def _bool(value: object) -> bool:
    if not isinstance(value, bool):
        raise _WrongTypeError
    return value


def _double(value: object) -> float:
    """Return a number; NaN and infinities, which JSON has as text, become its null."""
    if isinstance(value, str):
        try:
            return _FLOATS[value] if value in _FLOATS else float(value)
        except ValueError as error:
            raise _WrongTypeError from error
    if not isinstance(value, int | float) or isinstance(value, bool):
        raise _WrongTypeError
    return float(value)


def _base64(value: object) -> bytes:
    """Return the bytes of base64, of either alphabet and with or without padding, as ProtoJSON has them."""
    text = _text(value).replace("-", "+").replace("_", "/").rstrip("=")
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except (binascii.Error, ValueError) as error:
        raise _WrongTypeError from error


def _code(value: object, names: dict[str, int]) -> int:
    return names[value] if isinstance(value, str) and value in names else _number(value)
