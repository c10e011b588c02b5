"""Span metrics count as the Collector's connector does."""

from prometheus_client import CollectorRegistry, generate_latest

from exporters.spans.span_metrics import BUCKETS_MS, OVERFLOW, SpanMetrics
from exporters.spans.span_row import Span
from tests.exporters.fakes import Samples, samples


def span(service: str = "shop", name: str = "GET /", took_ms: float = 1.0, status: str = "unset") -> Span:
    return Span("t", "s", "", service, name, "server", 0, round(took_ms * 1e6), status, "{}")


def counted(*spans: Span, max_series: int = 100) -> Samples:
    registry = CollectorRegistry()
    metrics = SpanMetrics(registry, max_series)
    metrics.count(spans[:1])
    metrics.count(spans[1:])
    return samples(generate_latest(registry).decode())


def test_calls_and_durations_are_counted_by_service_name_kind_and_status() -> None:
    found = counted(span(took_ms=2), span(took_ms=2.000001), span(took_ms=20_000), span(took_ms=7, status="error"))
    labels = ("shop", "SPAN_KIND_SERVER", "GET /", "STATUS_CODE_UNSET")
    assert found["traces_span_metrics_calls_total", *labels] == 3
    assert found["traces_span_metrics_calls_total", *labels[:3], "STATUS_CODE_ERROR"] == 1
    assert found["traces_span_metrics_duration_milliseconds_count", *labels] == 3
    assert found["traces_span_metrics_duration_milliseconds_sum", *labels] == 20_004.000001
    buckets = {
        key[1]: value for key, value in found.items() if key[0].endswith("_bucket") and key[-1] == "STATUS_CODE_UNSET"
    }
    assert buckets == {"2.0": 1} | {f"{bound:.1f}": 2 for bound in BUCKETS_MS[1:]} | {"+Inf": 3}


def test_buckets_are_the_connectors_defaults() -> None:
    assert BUCKETS_MS == (2, 4, 6, 8, 10, 50, 100, 200, 400, 800, 1000, 1400, 2000, 5000, 10000, 15000)


def test_more_series_than_allowed_are_counted_together_and_none_is_lost() -> None:
    spans = [span(name=f"GET /{n}") for n in range(10)] + [span("other"), span(name="GET /0")]
    found = {key[1:]: value for key, value in counted(*spans, max_series=3).items() if key[0].endswith("calls_total")}
    rest = ("SPAN_KIND_SERVER", OVERFLOW, "STATUS_CODE_UNSET")
    assert found["shop", *rest] == 7
    assert found[OVERFLOW, *rest] == 1
    assert found["shop", "SPAN_KIND_SERVER", "GET /0", "STATUS_CODE_UNSET"] == 2
    assert (len(found), sum(found.values())) == (5, 12)
