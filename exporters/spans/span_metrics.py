"""Calls and durations by service, span, kind and status, as the Collector's spanmetrics connector makes them.

Names, labels and buckets are the connector's defaults (connector/spanmetricsconnector/README.md and connector.go of
opentelemetry-collector-contrib, unit `ms`), as its Prometheus exporters write them.
"""

import threading
from bisect import bisect_left
from collections.abc import Iterable
from itertools import accumulate

from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector, CollectorRegistry

from exporters.names import spans as names
from exporters.names.family import le, new_counter, new_histogram
from exporters.spans.span_row import Span

BUCKETS_MS = (2, 4, 6, 8, 10, 50, 100, 200, 400, 800, 1000, 1400, 2000, 5000, 10000, 15000)
MAX_SERIES = 1000
OVERFLOW = "otel.metric.overflow"  # as the OpenTelemetry SDKs mark what exceeds their cardinality limit
_LE = (*(le(bound) for bound in BUCKETS_MS), "+Inf")
_NS_PER_MS = 1e6
Key = tuple[str, str, str, str]


class SpanMetrics(Collector):
    """Counts spans, in a dict of lists: labels().observe() for each span costs several times as much.

    At most `max_series` combinations get a series of their own. Later ones are counted under the span name
    `otel.metric.overflow` of their service, or of the service `otel.metric.overflow` when it is new as well.
    """

    def __init__(self, registry: CollectorRegistry, max_series: int = MAX_SERIES) -> None:
        self._series: dict[Key, list[int]] = {}  # counts by bucket
        self._sums_ns: dict[Key, int] = {}
        self._services: set[str] = set()
        self._max_series = max_series
        self._lock = threading.Lock()
        registry.register(self)

    def count(self, spans: Iterable[Span]) -> None:
        """Count each span once."""
        with self._lock:
            for span in spans:
                key = (span.service, span.name, span.kind, span.status)
                counts = self._series.get(key)
                if counts is None:
                    key, counts = self._new(key)
                took_ns = span.ended_at - span.started_at
                counts[bisect_left(BUCKETS_MS, took_ns / _NS_PER_MS)] += 1
                self._sums_ns[key] += took_ns

    def _new(self, key: Key) -> tuple[Key, list[int]]:
        service, _, kind, status = key
        if len(self._series) >= self._max_series:
            key = (service if service in self._services else OVERFLOW, OVERFLOW, kind, status)
        else:
            self._services.add(service)
        self._sums_ns.setdefault(key, 0)
        return key, self._series.setdefault(key, [0] * len(_LE))

    def describe(self) -> Iterable[Metric]:
        """Return the two families, empty."""
        return (new_counter(names.SPAN_CALLS), new_histogram(names.SPAN_DURATION))

    def collect(self) -> Iterable[Metric]:
        """Return both families."""
        with self._lock:
            rows = [(key, counts.copy(), self._sums_ns[key]) for key, counts in self._series.items()]
        calls, duration = new_counter(names.SPAN_CALLS), new_histogram(names.SPAN_DURATION)
        for (service, name, kind, status), counts, sum_ns in rows:
            labels = (service, name, f"SPAN_KIND_{kind.upper()}", f"STATUS_CODE_{status.upper()}")
            cumulative = list(accumulate(counts))
            calls.add_metric(labels, cumulative[-1])
            duration.add_metric(labels, list(zip(_LE, cumulative, strict=True)), sum_ns / _NS_PER_MS)
        return (calls, duration)
