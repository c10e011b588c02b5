"""Telemetry of one process: spans over OTLP and metrics for Prometheus, of the process among them."""

import os
from dataclasses import dataclass
from urllib.parse import urlsplit

from flask import Flask
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.exporter.prometheus import PrometheusMetricReader
from opentelemetry.instrumentation.flask import FlaskInstrumentor
from opentelemetry.instrumentation.requests import RequestsInstrumentor
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF, ParentBasedTraceIdRatio
from opentelemetry.trace import Tracer
from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest

QUIET = "/healthz$,/metrics$"


@dataclass(frozen=True, slots=True, kw_only=True)
class Telemetry:
    """The tracer and meter providers of one process, with a Prometheus registry of its own."""

    tracers: TracerProvider
    meters: MeterProvider
    registry: CollectorRegistry

    def tracer(self) -> Tracer:
        """Return the tracer for spans that the instrumentation libraries don't make."""
        return self.tracers.get_tracer("staging")

    def exposition(self) -> bytes:
        """Return the metrics in Prometheus' text format."""
        return generate_latest(self.registry)

    def instrument(self, app: Flask) -> None:
        """Give `app` server spans and `http.server.request.duration`, health checks and scrapes left out."""
        FlaskInstrumentor().instrument_app(  # type: ignore[no-untyped-call]  # it has no annotations
            app, tracer_provider=self.tracers, meter_provider=self.meters, excluded_urls=QUIET
        )

    def instrument_requests(self) -> None:
        """Give every outgoing call of `requests` a client span and the W3C trace context."""
        RequestsInstrumentor().instrument(tracer_provider=self.tracers, meter_provider=self.meters)

    def flush(self) -> None:
        """Export the spans that are still queued."""
        self.tracers.shutdown()


def start_telemetry(service: str, instance: str, otlp: str | None) -> Telemetry:
    """Return the telemetry of `service`; spans are made only when there is a receiver, at the URL `otlp`.

    Names follow the stable HTTP semantic conventions. A sampled parent is followed, and so is one that isn't.
    """
    os.environ["OTEL_SEMCONV_STABILITY_OPT_IN"] = "http"
    resource = Resource({"service.name": service, "service.instance.id": instance})
    tracers = TracerProvider(
        resource=resource, sampler=ParentBasedTraceIdRatio(1.0) if otlp else ALWAYS_OFF, shutdown_on_exit=False
    )
    if otlp:
        exporter = OTLPSpanExporter(endpoint=_traces_endpoint(otlp), timeout=2)
        tracers.add_span_processor(
            BatchSpanProcessor(exporter, max_queue_size=16_384, schedule_delay_millis=500, max_export_batch_size=512)
        )
    registry = CollectorRegistry(auto_describe=False)
    ProcessCollector(registry=registry)
    reader = PrometheusMetricReader(scope_info_enabled=False, registry=registry)
    meters = MeterProvider(metric_readers=[reader], resource=resource, shutdown_on_exit=False)
    return Telemetry(tracers=tracers, meters=meters, registry=registry)


def _traces_endpoint(otlp: str) -> str:
    return otlp if urlsplit(otlp).path else f"{otlp}/v1/traces"
