"""From OTLP's bytes to rows: equal to what was sent, bounded, redacted, and honest about what was refused."""

import json
import random
from typing import Any

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, ArrayValue, KeyValueList

from exporters.spans import span_row
from exporters.spans.otlp import decode
from exporters.spans.span_row import Malformed, Span
from loadtests.results.schemas import SPANS
from tests.exporters.otlp_bytes import SPAN, TRACE, pair, request, span


def attributes(*pairs: Any) -> dict[str, Any]:
    found = json.loads(decode(request(span(attributes=pairs))).spans[0].attributes)
    assert isinstance(found, dict)
    return found


def test_a_span_becomes_the_row_of_the_schema() -> None:
    sent = span(
        parent_span_id=SPAN[::-1], status={"code": 2}, attributes=[pair("http.route", string_value="/")], kind=3
    )
    assert decode(request(sent)).spans == [
        Span(
            trace_id=TRACE.hex(),
            span_id=SPAN.hex(),
            parent_id=SPAN[::-1].hex(),
            service="shop",
            name="GET /",
            kind="client",
            started_at=1_000,
            ended_at=3_000_000_000,
            status="error",
            attributes='{"http.route":"/"}',
        )
    ]
    assert list(Span._fields) == SPANS.names


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"trace_id": b""}, "bad_trace_id"),
        ({"trace_id": TRACE[:15]}, "bad_trace_id"),
        ({"trace_id": bytes(16)}, "bad_trace_id"),
        ({"span_id": SPAN + b"1"}, "bad_span_id"),
        ({"span_id": bytes(8)}, "bad_span_id"),
        ({"parent_span_id": b"123"}, "bad_parent_id"),
        ({"end_time_unix_nano": 999}, "bad_times"),
        ({"end_time_unix_nano": 2**63}, "bad_times"),
        ({"start_time_unix_nano": 0}, "bad_times"),
        ({"name": "x" * span_row.MAX_SPAN_BYTES}, "too_large"),
    ],
)
def test_an_invalid_span_is_counted_and_the_others_are_kept(changes: dict[str, Any], reason: str) -> None:
    batch = decode(request(span(), span(**changes), span()))
    assert (len(batch.spans), dict(batch.rejected), batch.received) == (2, {reason: 1}, 3)


def test_spans_past_the_most_allowed_are_counted_as_over_the_cap() -> None:
    batch = decode(request(*[span()] * 5), max_spans=3)
    assert (len(batch.spans), batch.over_cap, batch.received) == (3, 2, 5)


KIND_WORDS = ("internal", "internal", "server", "client", "producer", "consumer", "internal")


@pytest.mark.parametrize(("kind", "word"), list(enumerate(KIND_WORDS)))
def test_kinds_are_words_and_an_unknown_kind_is_internal(kind: int, word: str) -> None:
    assert decode(request(span(kind=kind))).spans[0].kind == word


@pytest.mark.parametrize(("code", "word"), [(0, "unset"), (1, "ok"), (2, "error"), (7, "unset")])
def test_status_codes_are_words(code: int, word: str) -> None:
    assert decode(request(span(status={"code": code}))).spans[0].status == word


def test_a_parent_of_zeros_is_no_parent() -> None:
    assert decode(request(span(parent_span_id=bytes(8)))).spans[0].parent_id == ""


def test_a_service_without_a_name_is_unknown() -> None:
    assert decode(request(span(), service="")).spans[0].service == "unknown_service"


def test_attributes_keep_their_json_kinds() -> None:
    nested = KeyValueList(values=[pair("a", int_value=1)])
    assert attributes(
        pair("s", string_value="é\n"),
        pair("i", int_value=-(2**63)),
        pair("d", double_value=0.5),
        pair("nan", double_value=float("nan")),
        pair("b", bool_value=True),
        pair("y", bytes_value=b"\x00\xff"),
        pair("l", array_value=ArrayValue(values=[AnyValue(int_value=1), AnyValue(string_value="x")])),
        pair("m", kvlist_value=nested),
        pair("none"),
    ) == {
        "s": "é\n",
        "i": -(2**63),
        "d": 0.5,
        "nan": None,
        "b": True,
        "y": "00ff",
        "l": [1, "x"],
        "m": {"a": 1},
        "none": None,
    }


def test_attributes_are_bounded_in_number_length_and_depth() -> None:
    found = attributes(
        *(pair(f"k{n}", string_value="v" * 5000) for n in range(50)), *(pair(f"n{n}", int_value=n) for n in range(50))
    )
    assert (len(found), len(found["k49"]), found["n13"]) == (span_row.MAX_ATTRIBUTES, span_row.MAX_VALUE, 13)
    deep = AnyValue(string_value="bottom")
    for _ in range(20):
        deep = AnyValue(array_value=ArrayValue(values=[deep]))
    assert attributes(pair("deep", array_value=deep.array_value)) == {"deep": [[[["[too deep]"]]]]}


def test_secrets_do_not_reach_the_row() -> None:
    nested = KeyValueList(values=[pair("Cookie", string_value="sid=abc")])
    found = attributes(
        pair("http.request.header.authorization", string_value="Bearer abcdefgh"),
        pair("payment.card.number", int_value=1),
        pair("form", kvlist_value=nested),
        pair("url.full", string_value="http://h/?q=tee&token=abc&page=2"),
        pair("number", int_value=4111111111111111),
    )
    assert found == {
        "http.request.header.authorization": "[redacted]",
        "payment.card.number": "[redacted]",
        "form": {"Cookie": "[redacted]"},
        "url.full": "http://h/?q=tee&token=[redacted]&page=2",
        "number": "[redacted]",
    }


@pytest.mark.parametrize(
    "body",
    [
        b"\xff",
        b"\x0a",
        b"\x0a\x05\x00",
        b"\x0b\x0c",
        b"\x09\x00",
        b"\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01",
        request(span())[:-1],
    ],
)
def test_what_is_no_request_is_malformed(body: bytes) -> None:
    with pytest.raises(Malformed):
        decode(body)


@pytest.mark.parametrize(
    ("good", "bad", "reason"), [(b"GET /", b"GET\xff/", "undecodable"), (b"shop", b"sh\xffp", "bad_resource")]
)
def test_what_cant_be_parsed_takes_no_other_span_with_it(good: bytes, bad: bytes, reason: str) -> None:
    body = request(span(name="a"), service="a") + request(span()).replace(good, bad) + request(span(name="b"))
    batch = decode(body)
    assert ([one.name for one in batch.spans], batch.rejected) == (["a", "b"], {reason: 1})


def test_unknown_fields_are_passed_over() -> None:
    body = b"\x10\x05" + b"\x7a\x02hi" + b"\x19" + bytes(8) + b"\x1d" + bytes(4) + request(span())
    assert len(decode(body).spans) == 1


def test_an_empty_request_holds_no_span() -> None:
    assert decode(b"").received == 0


def test_a_body_of_millions_of_empty_parts_is_refused() -> None:
    with pytest.raises(Malformed, match=r"^more than 200000 parts$"):
        decode(b"\x0a\x00" * 1_000_000)
    inner = b"\x12\x00" * 300_000
    scope = b"\x12" + varint(len(inner)) + inner
    with pytest.raises(Malformed, match=r"^more than 200000 parts$"):
        decode(b"\x0a" + varint(len(scope)) + scope)


def varint(number: int) -> bytes:
    out = b""
    while number > 127:
        out, number = out + bytes([number & 127 | 128]), number >> 7
    return out + bytes([number])


def test_damaged_bytes_are_decoded_or_malformed_and_nothing_else() -> None:
    chance = random.Random(20261127)  # noqa: S311 - repeatable damage
    good = request(span(attributes=[pair("a", string_value="b")]), span(kind=3))
    malformed = 0
    for _ in range(3000):
        bad = bytearray(good)
        for _ in range(chance.randint(1, 4)):
            bad[chance.randrange(len(bad))] = chance.randrange(256)
        try:
            decode(bytes(bad[: chance.randint(0, len(bad))]))
        except Malformed:
            malformed += 1
    assert 0 < malformed < 3000


def test_what_protobuf_parses_as_one_message_holds_the_same_spans() -> None:
    """The walk on the wire agrees with the library's own parser."""
    body = request(span(), span(name="b")) + request(span(name="c"), service="payments")
    whole = ExportTraceServiceRequest.FromString(body)
    names = [s.name for r in whole.resource_spans for scope in r.scope_spans for s in scope.spans]
    assert [(s.service, s.name) for s in decode(body).spans] == list(
        zip(["shop", "shop", "payments"], names, strict=True)
    )
