"""Parsers of what other programs say of a run: OTLP, Prometheus, a kill URL, a release, a host's API."""

import gzip
import json
from collections.abc import Callable
from typing import cast

from prometheus_client import CollectorRegistry

from exporters.serving.exposition import rendered
from exporters.serving.pages import budget_s, query_of
from exporters.serving.protection import _basic
from exporters.serving.source import AdminSource, Deadline, Unreadable
from exporters.sources.rest_api import RestApi
from exporters.spans.otlp import decode
from exporters.spans.otlp_http import Refused, unpacked
from exporters.spans.otlp_json import decode_json
from exporters.spans.span_row import Malformed
from loadtests.environment.direct_http import DirectSession
from loadtests.guardrails.kill_switch import says_stop
from loadtests.guardrails.preflight import page_of
from loadtests.guardrails.release_watch import _release_in
from scripts.ci.api import Api, ApiRefusedError
from scripts.local_stack.prometheus import Prometheus
from scripts.rules.exposed import of_file
from slo.documents import BadInput
from slo.outcomes import EnvironmentLacks
from tests.exporters.otlp_bytes import as_json, pair, request, span
from tests.fuzzing.files import of_file as parser_of
from tests.fuzzing.parser import Parser
from tests.fuzzing.served import Served

_URL = "http://shop.example/page"
_LATER = Deadline(at=1e18)
_MOST_UNPACKED = 1 << 17


def _otlp(data: bytes) -> object:
    return decode(data)


def _otlp_packed(data: bytes) -> object:
    return decode(unpacked(data, _MOST_UNPACKED))


def _of_prometheus(ask: Callable[[Prometheus], object]) -> Callable[[bytes], object]:
    def parse(data: bytes) -> object:
        prometheus = Prometheus("http://127.0.0.1:9090", None)
        prometheus._threads.http = Served(data)  # as its own session
        return ask(prometheus)

    return parse


def _api(data: bytes) -> object:
    api = Api("http://ci.example", {}, {})
    api._http = cast("DirectSession", Served(data))
    return [*api.pages("/notes")]


def _rest(data: bytes) -> object:
    head, _, body = data.partition(b"\n")
    api = RestApi(base=_URL, headers={}, session=Served(body, headers=_fields(head)).as_session(), now_s=lambda: 1e9)
    return api.get("/x", _LATER)


def _fields(head: bytes) -> dict[str, str]:
    """Return what the first line of an input is as header fields."""
    pairs = [part.partition(":") for part in head.decode("latin-1").split("|")]
    return {name.strip().lower(): value.strip() for name, _, value in pairs if name.strip()}


def _admin(data: bytes) -> object:
    return AdminSource(url=_URL, session=lambda: Served(data).as_session()).read(_LATER)


def _request_fields(data: bytes) -> object:
    """Read what a client of an exporter or of the recorder says in its request's head."""
    text = data.decode("latin-1")
    accept, _, encoding = text.partition("\n")
    rendered(CollectorRegistry(), accept, encoding)
    _basic(data)
    return budget_s(text), query_of(text)


_SPANS = (
    request(
        span(), span(name="x" * 300, attributes=[pair("http.route", string_value="/a"), pair("password", int_value=1)])
    ),
    request(span(parent_span_id=bytes(8), kind=9), service=""),
)
_JSON_SPANS = json.dumps(
    {
        "resourceSpans": [
            {
                "resource": {"attributes": [{"key": "service.name", "value": {"stringValue": "shop"}}]},
                "scopeSpans": [
                    {
                        "spans": [
                            {
                                "traceId": "0af7651916cd43dd8448eb211c80319c",
                                "spanId": "b7ad6b7169203331",
                                "parentSpanId": "",
                                "name": "GET /",
                                "kind": 2,
                                "startTimeUnixNano": "1000",
                                "endTimeUnixNano": 3000000000,
                                "attributes": [{"key": "a", "value": {"arrayValue": {"values": [{"intValue": "1"}]}}}],
                                "status": {"code": "STATUS_CODE_ERROR"},
                            }
                        ]
                    }
                ],
            }
        ]
    }
).encode()
_VECTOR = json.dumps(
    {"status": "success", "data": {"resultType": "vector", "result": [{"metric": {"job": "a"}, "value": [1.5, "2"]}]}}
).encode()
_MATRIX = json.dumps(
    {
        "status": "success",
        "data": {"resultType": "matrix", "result": [{"metric": {}, "values": [[1, "NaN"], [2, "+Inf"]]}]},
    }
).encode()
_TARGETS = json.dumps(
    {
        "status": "success",
        "data": {
            "activeTargets": [
                {
                    "labels": {"job": "shop"},
                    "scrapeInterval": "1m30s",
                    "scrapeUrl": "http://a",
                    "health": "down",
                    "lastError": "x",
                }
            ]
        },
    }
).encode()
_PAGE = (
    b"# HELP http_server_request_duration_seconds x\n# TYPE http_server_request_duration_seconds histogram\n"
    b'http_server_request_duration_seconds_count{http_route="/a\\"b",code="200"} 12 1395066363000\n'
    b'http_server_request_duration_seconds_bucket{le="+Inf"} 12 # {trace_id="x"} 0.67\n# EOF\nup 1\n'
)
_JSON = (
    b'"status"',
    b'"success"',
    b'"data"',
    b'"result"',
    b'"value"',
    b'"values"',
    b'"metric"',
    b"[1,2]",
    b"[[1]]",
    b'"scalar"',
    b'"\\ud800"',
)

PARSERS = (
    Parser(
        name="otlp",
        parse=_otlp,
        refuses=(Malformed,),
        seeds=_SPANS,
        tokens=(b"\x0a\xff\xff\xff\xff\x0f", b"\x12\x00", b"\x80" * 11),
    ),
    Parser(
        name="otlp-json",
        parse=decode_json,
        refuses=(Malformed,),
        seeds=(_JSON_SPANS, *map(as_json, _SPANS)),
        tokens=(
            b'"spans"',
            b'"traceId"',
            b'"intValue"',
            b'"arrayValue"',
            b'{"values":[',
            b"1e999",
            b'"NaN"',
            b"null",
            b"[[",
        ),
    ),
    Parser(
        name="otlp-gzip",
        parse=_otlp_packed,
        refuses=(Malformed, Refused),
        seeds=(gzip.compress(_SPANS[0], mtime=0),),
        other_seeds=(gzip.compress(bytes(_MOST_UNPACKED * 2), mtime=0),),
    ),
    Parser(
        name="prometheus-query",
        parse=_of_prometheus(lambda one: one.instant("up", 10**18)),
        refuses=(EnvironmentLacks,),
        seeds=(
            _VECTOR,
            _MATRIX,
            b'{"status":"success","data":{"resultType":"scalar","result":[1,"1"]}}',
        ),
        other_seeds=(b'{"status":"error","error":"bad"}',),
        tokens=_JSON,
        is_shown=True,
    ),
    Parser(
        name="prometheus-targets",
        parse=_of_prometheus(lambda one: (one.down(), one.scrape_interval_s())),
        refuses=(EnvironmentLacks,),
        seeds=(_TARGETS,),
        tokens=_JSON,
        is_shown=True,
    ),
    Parser(
        name="prometheus-rules",
        parse=_of_prometheus(Prometheus.rules),
        refuses=(EnvironmentLacks,),
        seeds=(b'{"status":"success","data":{"groups":[{"name":"a","rules":[]}]}}',),
        tokens=_JSON,
        is_shown=True,
    ),
    Parser(
        name="metrics-page",
        parse=lambda data: page_of(_URL, Served(data).as_session()),
        refuses=(EnvironmentLacks,),
        seeds=(_PAGE,),
        tokens=(b"# TYPE ", b"# HELP ", b"# EOF", b"{", b'le="', b"NaN", b"+Inf", b"\\n", b" # {"),
        is_shown=True,
    ),
    Parser(
        name="scrape-file",
        parse=parser_of("scrape.txt", lambda path: of_file(path).count('up_total{a="b"}')),
        refuses=(BadInput,),
        seeds=(_PAGE,),
        tokens=(b"# TYPE ", b"# HELP ", b"# EOF", b"{", b'le="', b"NaN", b"+Inf", b"\\n"),
        is_shown=True,
    ),
    Parser(
        name="kill-page",
        parse=lambda data: says_stop(_URL, Served(data).as_session()),
        refuses=(EnvironmentLacks,),
        seeds=(b"stop", b'{"stop": true}', b"\xef\xbb\xbf{}", "stop".encode("utf-16")),
        is_shown=True,
    ),
    Parser(
        name="release-page",
        parse=lambda data: _release_in(data, "version", _URL),
        refuses=(EnvironmentLacks,),
        seeds=(b'{"version": "2026.47.0"}',),
        other_seeds=(b'{"version": {"a": []}}',),
        is_shown=True,
    ),
    Parser(name="ci-api", parse=_api, refuses=(ApiRefusedError,), seeds=(b'[{"id": 1, "body": "x"}]',), is_shown=True),
    Parser(
        name="rest-api",
        parse=_rest,
        refuses=(Unreadable,),
        seeds=(
            b'Link: <http://a>; rel="next"|ETag: "x"|X-RateLimit-Remaining: 0|Retry-After: 5\n[{"id": 1}]',
            b'\n{"a": 1}',
        ),
    ),
    Parser(
        name="admin-page",
        parse=_admin,
        refuses=(Unreadable,),
        seeds=(b'{"stock": [{"sku": "a", "quantity": 1}]}',),
        is_shown=True,
    ),
    Parser(
        name="request-fields",
        parse=_request_fields,
        refuses=(BadInput,),
        seeds=(
            b"application/openmetrics-text;version=1.0.0;q=0.5,text/plain;q=0.2,*/*;q=0.1\ngzip;q=0, identity",
            b"Basic YTpi",
            b"a=b&c=d",
            b"10.5",
        ),
        tokens=(b";q=", b"q=1e400", b"gzip", b"*/*", b"&", b"=", b"Basic "),
    ),
)
