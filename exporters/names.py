"""Every metric and label name that Peakproof exposes, with its help text: the one place to look one up.

`docs/contracts.md` ("Prometheus jobs of a run") promises these names to rules and dashboards.
"""

from dataclasses import dataclass, field
from typing import Literal

from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.utils import floatToGoString

Kind = Literal["counter", "gauge", "histogram"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Family:
    """One metric family as it appears on the wire: counters carry their `_total`."""

    name: str
    kind: Kind
    help: str
    labels: tuple[str, ...] = ()


STEP = "step"
REASON = "reason"
OUTCOME = "outcome"
SKU = "sku"
LOCATION = "location"
STATUS = "status"
# The load generator, from live.json.
PLANNED_RATE = Family(
    name="loadtest_planned_sessions_per_second", kind="gauge", help="Sessions per second that the plan asks for now."
)
PLANNED_SESSIONS = Family(
    name="loadtest_planned_sessions_total", kind="counter", help="Sessions that the plan has asked for so far."
)
SESSIONS_STARTED = Family(
    name="loadtest_sessions_started_total", kind="counter", help="Sessions that were started so far."
)
SESSIONS_DROPPED = Family(
    name="loadtest_sessions_dropped_total", kind="counter", help="Sessions that were due and never started."
)
OPEN_SESSIONS = Family(name="loadtest_open_sessions", kind="gauge", help="Sessions under way now.")
REQUESTS = Family(name="loadtest_requests_total", kind="counter", help="Requests that ended, by step.", labels=(STEP,))
REQUEST_ERRORS = Family(
    name="loadtest_request_errors_total",
    kind="counter",
    help="Requests whose reply was not what the step expects, by step and reason.",
    labels=(STEP, REASON),
)
RESPONSE_SECONDS = Family(
    name="loadtest_response_seconds",
    kind="histogram",
    help="Response time from the scheduled start to the last byte, by step.",
    labels=(STEP,),
)
SCHEDULING_LAG = Family(
    name="loadtest_scheduling_lag_p99_seconds",
    kind="gauge",
    help="99th percentile of how late sessions started, over the last seconds.",
)
GENERATOR_CPU = Family(
    name="loadtest_generator_cpu_ratio",
    kind="gauge",
    help="CPU time of the busiest worker as a ratio of one core.",
)
PLAN_FACTOR = Family(
    name="loadtest_plan_factor",
    kind="gauge",
    help="The multiple of the plan that is played now; 0 while the run is paused.",
)
LOAD_ORDERS = Family(
    name="loadtest_orders_total", kind="counter", help="Order attempts by what came of them.", labels=(OUTCOME,)
)
SNAPSHOT_TIME = Family(
    name="loadtest_snapshot_timestamp_seconds",
    kind="gauge",
    help="Unix time at which the run wrote the snapshot that these metrics come from.",
)
# The shop, from its admin interface.
STOCK_UNITS = Family(
    name="shop_stock_units", kind="gauge", help="Units in stock; below zero is oversold.", labels=(SKU, LOCATION)
)
FUNNEL_SESSIONS = Family(
    name="shop_funnel_sessions_total",
    kind="counter",
    help="Sessions that reached a step of the funnel.",
    labels=(STEP,),
)
SHOP_ORDERS = Family(
    name="shop_orders_total", kind="counter", help="Orders by what the shop made of them.", labels=(STATUS,)
)
ORDER_LOCATIONS = Family(
    name="shop_order_locations_total",
    kind="counter",
    help="Accepted orders by the location that fulfils them.",
    labels=(LOCATION,),
)
# Span metrics, named as the OpenTelemetry Collector's spanmetrics connector and its Prometheus exporter name them.
SPAN_LABELS = ("service_name", "span_name", "span_kind", "status_code")
SPAN_CALLS = Family(
    name="traces_span_metrics_calls_total", kind="counter", help="Spans that ended.", labels=SPAN_LABELS
)
SPAN_DURATION = Family(
    name="traces_span_metrics_duration_milliseconds",
    kind="histogram",
    help="Duration of spans.",
    labels=SPAN_LABELS,
)
# The recorder's own counts.
SPANS_RECEIVED = Family(
    name="recorder_spans_received_total", kind="counter", help="Spans that senders handed over, good or bad."
)
SPANS_REJECTED = Family(
    name="recorder_spans_rejected_total",
    kind="counter",
    help="Spans refused because they are invalid, by reason.",
    labels=(REASON,),
)
SPANS_DROPPED = Family(
    name="recorder_spans_dropped_total",
    kind="counter",
    help="Valid spans that did not reach the run directory, by reason.",
    labels=(REASON,),
)
SPANS_WRITTEN = Family(
    name="recorder_spans_written_total", kind="counter", help="Spans written to closed parts of the run directory."
)
REQUESTS_REFUSED = Family(
    name="recorder_requests_refused_total",
    kind="counter",
    help="Requests refused whole, their spans uncounted, by HTTP status.",
    labels=(STATUS,),
)
SPANS_WAITING = Family(name="recorder_spans_waiting", kind="gauge", help="Spans received and not yet in a closed part.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """The two families that every subject has, also when its source can't be read."""

    subject: str
    up: Family = field(init=False)
    duration: Family = field(init=False)

    def __post_init__(self) -> None:
        up = Family(
            name=f"{self.subject}_exporter_up",
            kind="gauge",
            help=f"1 when the last read of {self.subject} succeeded, 0 when it failed.",
        )
        duration = Family(
            name=f"{self.subject}_exporter_scrape_duration_seconds",
            kind="gauge",
            help=f"How long the last read of {self.subject} took.",
        )
        object.__setattr__(self, "up", up)
        object.__setattr__(self, "duration", duration)


def bound(value: float) -> str:
    """Return a bucket's upper bound as it stands in the label `le`."""
    return str(floatToGoString(value))  # type: ignore[no-untyped-call]


def counter(family: Family) -> CounterMetricFamily:
    """Return a new, empty counter family."""
    return CounterMetricFamily(family.name, family.help, labels=family.labels)


def gauge(family: Family) -> GaugeMetricFamily:
    """Return a new, empty gauge family."""
    return GaugeMetricFamily(family.name, family.help, labels=family.labels)


def histogram(family: Family) -> HistogramMetricFamily:
    """Return a new, empty histogram family."""
    return HistogramMetricFamily(family.name, family.help, labels=family.labels)
