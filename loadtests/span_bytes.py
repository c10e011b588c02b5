"""A client span as OTLP's bytes, filled in by hand: a tenth of the time that protobuf's classes take.

Field numbers are those of opentelemetry/proto/trace/v1/trace.proto; a test reads the bytes with the official classes.
"""

import struct
from collections.abc import Iterable
from functools import lru_cache

from loadtests.records import StepRecord

_CLIENT = 3  # SPAN_KIND_CLIENT
_ERROR = b"\x7a\x02\x18\x02"  # status: code STATUS_CODE_ERROR
_MORE = 0x80
# start_time_unix_nano and end_time_unix_nano, each a tag and a fixed64
_times = struct.Struct("<cQcQ").pack


def message(service: str, records: Iterable[StepRecord]) -> bytes:
    """Return an ExportTraceServiceRequest with one resource, named `service`, and a span for each record."""
    scope = b"".join(_field(2, _span(record)) for record in records)
    resource = _field(1, _field(1, _pair("service.name", _field(1, service.encode()))))
    return _field(1, resource + _field(2, scope))


def _span(record: StepRecord) -> bytes:
    traceparent = record.traceparent
    return b"".join((
        b"\x0a\x10", bytes.fromhex(traceparent[3:35]), b"\x12\x08", bytes.fromhex(traceparent[36:52]),
        _name_and_kind(record.step),
        _times(b"\x39", record.sent_at, b"\x41", record.finished_at),
        _text("peakproof.journey", record.journey),
        _attribute("peakproof.session", b"\x18" + _varint(record.session)),
        _status_code(record.status),
        _error(record.error),
    ))  # fmt: skip


@lru_cache(maxsize=1024)
def _name_and_kind(step: str) -> bytes:
    return _field(5, step.encode()) + bytes((0x30, _CLIENT))


@lru_cache(maxsize=1024)
def _text(key: str, value: str) -> bytes:
    return _attribute(key, _field(1, value.encode()))


@lru_cache(maxsize=1024)
def _status_code(status: int) -> bytes:
    return _attribute("http.response.status_code", b"\x18" + _varint(status)) if status else b""


@lru_cache(maxsize=1024)
def _error(error: str | None) -> bytes:
    return b"" if error is None else _text("error.type", error) + _ERROR


def _attribute(key: str, value: bytes) -> bytes:
    return _field(9, _pair(key, value))


def _pair(key: str, value: bytes) -> bytes:
    """Return a KeyValue."""
    return _field(1, key.encode()) + _field(2, value)


def _field(number: int, value: bytes) -> bytes:
    """Return a length-delimited field; `number` is below 16."""
    return bytes((number << 3 | 2,)) + _varint(len(value)) + value


def _varint(value: int) -> bytes:
    out = bytearray()
    while value >= _MORE:
        out.append(value & 0x7F | _MORE)
        value >>= 7
    out.append(value)
    return bytes(out)
