"""A message of spans says what was recorded, whatever that is."""

from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, ScopeSpans, Span, Status

from loadtests.results.records import StepRecord
from loadtests.worker.client_spans import message
from tests.loadtests.fakes import step_record

NAMES = st.text(st.characters(exclude_categories=["Cs"]), max_size=300)
NANOSECONDS = st.integers(0, 2**63 - 1)
RECORDS = st.builds(
    step_record,
    session=st.integers(0, 2**62),
    journey=NAMES,
    step=NAMES,
    sent_at=NANOSECONDS,
    finished_at=NANOSECONDS,
    status=st.sampled_from([0, 100, 200, 404, 599]),
    error=st.none() | NAMES,
    trace_id=st.integers(1, 2**128 - 1).map(lambda number: f"{number:032x}"),
    span_id=st.integers(1, 2**64 - 1).map(lambda number: f"{number:016x}"),
)


def span_of(record: StepRecord) -> Span:
    attributes = [
        KeyValue(key="peakproof.journey", value=AnyValue(string_value=record.journey)),
        KeyValue(key="peakproof.session", value=AnyValue(int_value=record.session)),
    ]
    if record.status:
        attributes.append(KeyValue(key="http.response.status_code", value=AnyValue(int_value=record.status)))
    if record.error is not None:
        attributes.append(KeyValue(key="error.type", value=AnyValue(string_value=record.error)))
    return Span(
        trace_id=bytes.fromhex(record.trace_id),
        span_id=bytes.fromhex(record.span_id),
        name=record.step,
        kind=Span.SPAN_KIND_CLIENT,
        start_time_unix_nano=record.sent_at,
        end_time_unix_nano=record.finished_at,
        attributes=attributes,
        status=None if record.error is None else Status(code=Status.STATUS_CODE_ERROR),
    )


@given(st.lists(RECORDS, max_size=5))
def test_a_message_holds_a_span_for_each_record(records: list[StepRecord]) -> None:
    scope = ScopeSpans(spans=[span_of(record) for record in records])
    service = KeyValue(key="service.name", value=AnyValue(string_value="shopper"))
    expected = ResourceSpans(resource=Resource(attributes=[service]), scope_spans=[scope])
    assert ExportTraceServiceRequest.FromString(message("shopper", records)) == ExportTraceServiceRequest(
        resource_spans=[expected]
    )
