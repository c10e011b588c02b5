"""The shoppers' side of the traces: one client span a step, sent to the recorder over OTLP/HTTP.

Built on OpenTelemetry's own messages, in slices with a yield between, so that the hub is never held; the buffer
is bounded and what doesn't fit is counted.
"""

from collections import deque
from typing import Any

import gevent
from geventhttpclient import HTTPClient
from geventhttpclient.response import HTTPParseError
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, ScopeSpans, Span, Status

from loadtests.records import SessionRecord, StepRecord

SERVICE = "shopper"
_BUFFER = 20_000
_SLICE = 256
_OK = 200
_DEADLINE_S = 5.0


class ClientSpans:
    """Buffers the spans of steps and sends them; a listener of the hooks."""

    def __init__(self, url: str, token: str | None = None) -> None:
        self._url = url
        self._headers = {"Content-Type": "application/x-protobuf"}
        self._headers |= {"Authorization": f"Bearer {token}"} if token else {}
        self._http: Any = None
        self._buffer: deque[StepRecord] = deque()
        self.sent = 0
        self.dropped = 0

    def step_ended(self, record: StepRecord) -> None:
        """Keep one step of a sampled trace until the next flush."""
        if not record.sampled:
            return
        if len(self._buffer) >= _BUFFER:
            self.dropped += 1
            return
        self._buffer.append(record)

    def session_ended(self, record: SessionRecord) -> None:
        """Sessions have no span of their own."""

    def flush(self) -> None:
        """Send what is buffered, a slice at a time; what can't be delivered is dropped and counted."""
        while self._buffer:
            batch = [self._buffer.popleft() for _ in range(min(_SLICE, len(self._buffer)))]
            delivered = False
            try:
                delivered = self._send(_message(batch))
            finally:  # a flush that is killed has dropped its slice
                self.sent += len(batch) if delivered else 0
                self.dropped += 0 if delivered else len(batch)
            gevent.sleep(0)

    def close(self) -> None:
        """Close the connection; the next flush opens another."""
        if self._http is not None:
            self._http.close()
            self._http = None

    def _send(self, body: bytes) -> bool:
        deadline = gevent.Timeout(_DEADLINE_S)
        try:
            with deadline:
                if self._http is None:
                    limits = {"connection_timeout": _DEADLINE_S, "network_timeout": _DEADLINE_S}
                    self._http = HTTPClient.from_url(self._url, **limits)
                response = self._http.request("POST", "/v1/traces", body=body, headers=self._headers)
                response.read()
        except (OSError, HTTPParseError, gevent.Timeout) as error:
            self.close()
            if isinstance(error, gevent.Timeout) and error is not deadline:
                raise
            return False
        return bool(response.status_code == _OK)


def _message(records: list[StepRecord]) -> bytes:
    scope = ScopeSpans(spans=[_span(record) for record in records])
    resource = ResourceSpans(scope_spans=[scope])
    resource.resource.attributes.append(_text("service.name", SERVICE))
    message: bytes = ExportTraceServiceRequest(resource_spans=[resource]).SerializeToString()
    return message


def _span(record: StepRecord) -> Span:
    attributes = [_text("peakproof.journey", record.journey), _number("peakproof.session", record.session)]
    if record.status:
        attributes.append(_number("http.response.status_code", record.status))
    if record.error is not None:
        attributes.append(_text("error.type", record.error))
    return Span(
        trace_id=bytes.fromhex(record.trace_id),
        span_id=bytes.fromhex(record.span_id),
        name=record.step,
        kind=Span.SPAN_KIND_CLIENT,
        start_time_unix_nano=record.sent_at,
        end_time_unix_nano=record.finished_at,
        attributes=attributes,
        status=Status(code=Status.STATUS_CODE_UNSET if record.error is None else Status.STATUS_CODE_ERROR),
    )


def _text(key: str, value: str) -> KeyValue:
    return KeyValue(key=key, value=AnyValue(string_value=value))


def _number(key: str, value: int) -> KeyValue:
    return KeyValue(key=key, value=AnyValue(int_value=value))
