"""Span metrics, named as the OpenTelemetry Collector's connector names them, and the recorder's own counts."""

from exporters.names.family import Family

REASON, STATUS = "reason", "status"
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
