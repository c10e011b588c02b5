"""What came to the recorder and what became of it: spans taken, rejected, dropped, and requests refused whole."""

import threading
from collections import Counter
from collections.abc import Callable, Iterable

from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector, CollectorRegistry

from exporters.names import spans as names
from exporters.names.family import Health, new_counter, new_gauge
from exporters.spans.otlp_http import Refused
from exporters.spans.span_row import Batch
from exporters.spans.span_store import SpanStore
from slo.formatting import clean, clip

MOST_KINDS = 20
_LONGEST_KIND = 80
_OTHERS = "others"


class Tally(Collector):
    """What came in and what became of it, as metrics."""

    def __init__(self, registry: CollectorRegistry, store: SpanStore, clock: Callable[[], float]) -> None:
        self.received = 0
        self.over_cap = 0
        self.rejected: Counter[str] = Counter()
        self.refused: Counter[str] = Counter()  # by HTTP's status
        self.refusals: Counter[str] = Counter()  # by what was wrong with the request
        self._store = store
        self._clock = clock
        self._health = Health(subject="spans")
        self._lock = threading.Lock()
        registry.register(self)

    def took(self, batch: Batch) -> None:
        """Count one request's spans."""
        with self._lock:
            self.received += batch.received
            self.rejected += batch.rejected
            self.over_cap += batch.over_cap

    def turned_away(self, refused: Refused) -> None:
        """Count one refused request; of more kinds than `MOST_KINDS` the later ones together."""
        kind = clip(clean(refused.kind), _LONGEST_KIND)
        with self._lock:
            self.refused[refused.status.split()[0]] += 1
            self.refusals[kind if kind in self.refusals or len(self.refusals) < MOST_KINDS else _OTHERS] += 1

    def dropped(self) -> dict[str, int]:
        """Return the valid spans that were lost, by reason."""
        store = self._store
        return {"queue_full": store.dropped_full, "not_written": store.dropped_unwritten, "over_cap": self.over_cap}

    def describe(self) -> Iterable[Metric]:
        """Name no family, so that registering counts nothing."""
        return ()

    def collect(self) -> Iterable[Metric]:
        """Yield the recorder's families."""
        started = self._clock()
        with self._lock:
            rejected, refused, received = Counter(self.rejected), Counter(self.refused), self.received
        plain = ((names.SPANS_RECEIVED, received), (names.SPANS_WRITTEN, self._store.written))
        for name, total in plain:
            counter = new_counter(name)
            counter.add_metric((), total)
            yield counter
        by_label = (
            (names.SPANS_REJECTED, rejected),
            (names.SPANS_DROPPED, self.dropped()),
            (names.REQUESTS_REFUSED, refused),
        )
        for name, counts in by_label:
            counter = new_counter(name)
            for label, count in counts.items():
                counter.add_metric((label,), count)
            yield counter
        gauges = (
            (names.SPANS_WAITING, self._store.waiting),
            (self._health.up, 1 if self._store.writable else 0),
            (self._health.duration, self._clock() - started),
        )
        for name, value in gauges:
            gauge = new_gauge(name)
            gauge.add_metric(("spans",) if name.labels else (), value)
            yield gauge
