"""OTLP in JSON: the same rows as in protobuf, bounded, and a span that can't be read takes no other with it."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, ArrayValue, KeyValue, KeyValueList

from exporters.spans.otlp import decode
from exporters.spans.otlp_json import MAX_VALUES, decode_json
from exporters.spans.span_row import MAX_PARTS, MAX_SPAN_BYTES, Batch, Malformed
from tests.exporters.otlp_bytes import as_json, pair, request, span

ID = {"traceId": "0AF7651916CD43DD8448EB211C80319C", "spanId": "b7ad6b7169203331"}
GOOD = {**ID, "name": "GET /", "kind": 2, "startTimeUnixNano": "1000", "endTimeUnixNano": "2000"}


def body(*spans: Any, resource: Any = None) -> bytes:
    return json.dumps({"resourceSpans": [{"resource": resource, "scopeSpans": [{"spans": spans}]}]}).encode()


def nested(values: st.SearchStrategy[AnyValue]) -> st.SearchStrategy[AnyValue]:
    pairs = st.lists(st.builds(KeyValue, key=st.text(max_size=9), value=values), max_size=3)
    return st.lists(values, max_size=3).map(lambda some: AnyValue(array_value=ArrayValue(values=some))) | pairs.map(
        lambda some: AnyValue(kvlist_value=KeyValueList(values=some))
    )


ANY_VALUE = st.recursive(
    st.builds(AnyValue, string_value=st.text())
    | st.builds(AnyValue, int_value=st.integers(-(2**63), 2**63 - 1))
    | st.builds(AnyValue, bool_value=st.booleans())
    | st.builds(AnyValue, double_value=st.floats())
    | st.builds(AnyValue, bytes_value=st.binary(max_size=40))
    | st.builds(AnyValue),
    nested,
    max_leaves=8,
)
KEYS = st.sampled_from(["http.route", "password", "rows", "", "card"]) | st.text(max_size=9)
ID_BYTES = st.binary(max_size=20) | st.binary(min_size=16, max_size=16) | st.binary(min_size=8, max_size=8)
TIMES = st.sampled_from([0, 1_000, 2_000, 2**63 - 1, 2**63, 2**64 - 1])
SPANS = st.builds(
    span,
    trace_id=st.sampled_from([bytes(range(16)), bytes(16)]) | ID_BYTES,
    span_id=st.sampled_from([bytes(range(8)), bytes(8)]) | ID_BYTES,
    parent_span_id=st.sampled_from([b"", bytes(8), bytes(range(8))]) | ID_BYTES,
    name=st.text(),
    kind=st.integers(-1, 7),
    start_time_unix_nano=TIMES,
    end_time_unix_nano=TIMES,
    status=st.fixed_dictionaries({"code": st.integers(-1, 4)}),
    attributes=st.lists(st.builds(KeyValue, key=KEYS, value=ANY_VALUE), max_size=4),
)


@given(spans=st.lists(SPANS, max_size=4), service=st.sampled_from(["", "shop", "pay\u202e"]))
def test_both_encodings_of_a_request_hold_the_same_spans(spans: list[Any], service: str) -> None:
    binary = request(*spans, service=service)
    assert decode_json(as_json(binary), 3) == decode(binary, 3)


def test_a_span_of_the_specifications_example_is_read() -> None:
    """Ids in hex of either case, numbers as text or numbers, names of enumerations, unknown keys, null as a default."""
    one = {**GOOD, "kind": "SPAN_KIND_SERVER", "status": {"code": "STATUS_CODE_ERROR", "extra": 1}, "flags": 257}
    other = {**GOOD, "startTimeUnixNano": 1000, "endTimeUnixNano": 2e3, "parentSpanId": None, "status": None}
    first, second = decode_json(body(one, other)).spans
    assert first == second._replace(status="error")
    assert (first.trace_id, first.kind, first.ended_at) == (ID["traceId"].lower(), "server", 2000)


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        (7, "undecodable"),
        ({**GOOD, "name": 7}, "undecodable"),
        ({**GOOD, "startTimeUnixNano": "1_000"}, "undecodable"),
        ({**GOOD, "endTimeUnixNano": True}, "undecodable"),
        ({**GOOD, "kind": "SERVER"}, "undecodable"),
        ({**GOOD, "attributes": {"a": 1}}, "undecodable"),
        ({**GOOD, "attributes": [{"key": "a", "value": {"intValue": str(2**63)}}]}, "undecodable"),
        ({**GOOD, "attributes": [{"key": "a", "value": {"bytesValue": "!"}}]}, "undecodable"),
        ({**GOOD, "attributes": [{"key": "a", "value": {"doubleValue": "many"}}]}, "undecodable"),
        ({**GOOD, "attributes": [{"key": "a", "value": {"boolValue": 1}}]}, "undecodable"),
        ({**GOOD, "traceId": "AAECAwQFBgcICQoLDA0ODw=="}, "bad_trace_id"),
        ({**GOOD, "spanId": "b7ad6b71 9203331"}, "bad_span_id"),
        ({"trace_id": ID["traceId"]}, "bad_trace_id"),
    ],
)
def test_a_bad_span_is_counted_and_the_others_are_kept(changed: Any, reason: str) -> None:
    batch = decode_json(body(GOOD, changed, GOOD))
    assert (len(batch.spans), batch.rejected) == (2, {reason: 1})


def test_a_resource_that_cant_be_read_takes_only_its_own_spans_with_it() -> None:
    wrong = json.loads(body(GOOD, resource={"attributes": 7}))["resourceSpans"]
    right = json.loads(body(GOOD))["resourceSpans"]
    batch = decode_json(json.dumps({"resourceSpans": wrong + right}).encode())
    assert ([one.service for one in batch.spans], batch.rejected) == (["unknown_service"], {"bad_resource": 1})


@pytest.mark.parametrize(
    "wrong",
    [
        b"", b"{", b"[]", b"7", b"\xff", b'{"resourceSpans": 1}', b'{"resourceSpans": [1]}', b"[" * 5000,
        b'{"resourceSpans": [{"scopeSpans": {}}]}', b'{"resourceSpans": [{"scopeSpans": [{"spans": "x"}]}]}',
        b'{"a": "\\ud800"}', b'{"a": 1e999, "resourceSpans": 0}',
    ],
)  # fmt: skip
def test_what_is_no_request_is_malformed(wrong: bytes) -> None:
    with pytest.raises(Malformed):
        decode_json(wrong)


def test_an_empty_request_holds_no_span() -> None:
    assert [decode_json(one) for one in (b"{}", b'{"resourceSpans": null}', body())] == [Batch()] * 3


def test_a_body_is_bounded_in_its_values_its_spans_and_the_size_of_one() -> None:
    with pytest.raises(Malformed, match=rf"^more than {MAX_VALUES} values$"):
        decode_json(b'{"resourceSpans":[' + b"[]," * MAX_VALUES + b"[]]}")
    with pytest.raises(Malformed, match=rf"^more than {MAX_PARTS} parts$"):
        decode_json(b'{"resourceSpans":[{"scopeSpans":[{"spans":[' + b"0," * MAX_PARTS + b"0]}]}]}")
    lists = [{"arrayValue": {"values": [{"stringValue": "x" * 1000}] * 64}}] * 64
    large = {**GOOD, "attributes": [{"key": "a", "value": {"arrayValue": {"values": lists}}}]}
    assert len(json.dumps(large)) > MAX_SPAN_BYTES
    assert decode_json(body(large, GOOD)).rejected == {"too_large": 1}


def test_secrets_do_not_reach_the_row() -> None:
    leaky = span(
        name="GET /?token=hunter2",
        attributes=[pair("cookie", string_value="hunter2"), pair("n", int_value=4_111_111_111_111_111)],
    )
    (row,) = decode_json(as_json(request(leaky))).spans
    assert "hunter2" not in "".join(map(str, row))
    assert json.loads(row.attributes) == {"cookie": "[redacted]", "n": "[redacted]"}
