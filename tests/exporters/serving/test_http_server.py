"""What others reach listens only to those who bring its token; its health is everyone's to ask."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor

from exporters.serving.pages import Server, serve
from exporters.serving.source import AdminSource
from exporters.spans.recorder import Recorder
from exporters.subjects import stock
from loadtests.results.run_directory import RunDirectory
from tests.exporters.fakes import STOCK, TOKEN, shop_admin
from tests.exporters.otlp_bytes import request, span

RUN, METRICS = "canary-of-the-run", "canary-of-the-metrics"
PROTOBUF = {"Content-Type": "application/x-protobuf"}


def nearly(token: str) -> tuple[str | None, ...]:
    almost = ("", "Bearer ", "Bearer wrong", token, f"Basic {token}", f"Bearer  {token}", f"Bearer {token[:-1]}")
    return (None, *almost, f"Bearer {token}\u00e9", f"Bearer {token} {token}")


def asked(method: str, url: str, brought: str | None, body: bytes = b"") -> int:
    fields = PROTOBUF | ({} if brought is None else {"Authorization": brought})
    sent = {name: value.encode("latin-1") for name, value in fields.items()}
    return requests.request(method, url, headers=sent, data=body, timeout=30).status_code


@pytest.fixture
def recorder(tmp_path: Path) -> Iterator[Recorder]:
    recorder = Recorder(RunDirectory(path=tmp_path), token=RUN, metrics_token=METRICS)
    recorder.start()
    yield recorder
    recorder.stop()


@pytest.fixture
def exporter() -> Iterator[Server]:
    with shop_admin() as shop:
        shop.says(STOCK)
        server = serve([stock.subject(AdminSource(url=shop.url, token=TOKEN))], token=METRICS)
        yield server
        server.stop()


def test_a_recorder_takes_spans_of_those_who_take_part_and_of_nobody_else(recorder: Recorder) -> None:
    body = request(span())
    for brought in (*nearly(RUN), f"Bearer {METRICS}"):
        assert asked("POST", recorder.traces_url, brought, body) == 401, brought
    assert asked("POST", recorder.traces_url, f"Bearer {RUN}", body) == 200
    assert recorder.stop().spans == 1


def test_the_sdk_brings_the_token_that_a_variable_holds(recorder: Recorder, monkeypatch: pytest.MonkeyPatch) -> None:
    """As docker-compose.yml gives it to the stand-in shop."""
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_HEADERS", f"Authorization=Bearer%20{RUN}")
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(OTLPSpanExporter(endpoint=recorder.traces_url)))
    provider.get_tracer("test").start_span("one").end()
    provider.shutdown()
    assert recorder.stop().spans == 1


def test_a_recorder_is_read_by_those_who_take_part_and_those_who_read(recorder: Recorder) -> None:
    found = [asked("GET", recorder.metrics_url, brought) for brought in (f"Bearer {RUN}", f"Bearer {METRICS}", None)]
    assert found == [200, 200, 401]


def test_an_exporter_is_read_by_those_who_bring_its_token(exporter: Server) -> None:
    for path in ("/metrics", "/metrics/stock", "/", "/none"):
        assert asked("GET", exporter.url + path, None) == 401
    for brought in nearly(METRICS):
        assert asked("GET", f"{exporter.url}/metrics", brought) == 401, brought
    assert asked("GET", f"{exporter.url}/metrics", f"Bearer {METRICS}") == 200


def test_health_is_asked_without_a_token(exporter: Server, recorder: Recorder) -> None:
    assert asked("GET", f"{exporter.url}/healthz", None) == 200
    assert asked("GET", f"{recorder.url}/healthz", None) == 200
    assert asked("GET", f"{recorder.url}/healthz/", None) == 401


def test_a_refusal_says_what_is_wanted_and_no_more(exporter: Server) -> None:
    reply = requests.get(f"{exporter.url}/metrics", timeout=30)
    assert (reply.status_code, reply.text, reply.headers["WWW-Authenticate"]) == (
        401,
        "a bearer token is wanted\n",
        "Bearer",
    )
