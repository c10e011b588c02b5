"""Request indicators by the name of what exports them, so that nobody writes the selectors of a known proxy again.

Good is a request that was answered without a server error (5xx, or an error status of its span), and for a latency
also within the limit, where the histogram tells errors apart. Names are those of each project's documentation.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from slo.objectives.indicators import Availability, Latency
from slo.objectives.selectors import Matcher, selector_of
from slo.objectives.sources import Counters


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpMetrics:
    """Where the requests of one exporter are counted and timed; `units_per_s` is the histogram's unit.

    `good` holds for a request without a server error. `always` are matchers that count each request once.
    `timed_by_status` is false where the histogram doesn't have the labels of `good`.
    """

    documented: str
    requests: str
    duration: str
    good: Matcher
    units_per_s: int = 1
    always: tuple[Matcher, ...] = ()
    timed_by_status: bool = True


def _not(label: str, pattern: str) -> Matcher:
    return Matcher(label=label, op="!~", value=pattern)


HTTP_METRICS: Mapping[str, HttpMetrics] = MappingProxyType(
    {
        "opentelemetry": HttpMetrics(
            documented="https://opentelemetry.io/docs/specs/semconv/http/http-metrics/",
            requests="http_server_request_duration_seconds_count",
            duration="http_server_request_duration_seconds",
            good=_not("http_response_status_code", "5.."),
        ),
        "opentelemetry-spans": HttpMetrics(
            documented="opentelemetry-collector-contrib, connector/spanmetricsconnector/README.md",
            requests="traces_span_metrics_calls_total",
            duration="traces_span_metrics_duration_milliseconds",
            units_per_s=1000,
            good=Matcher(label="status_code", op="!=", value="STATUS_CODE_ERROR"),
            always=(Matcher(label="span_kind", op="=", value="SPAN_KIND_SERVER"),),
        ),
        "ingress-nginx": HttpMetrics(
            documented="https://kubernetes.github.io/ingress-nginx/user-guide/monitoring/",
            requests="nginx_ingress_controller_requests",
            duration="nginx_ingress_controller_request_duration_seconds",
            good=_not("status", "5.."),
        ),
        "traefik": HttpMetrics(
            documented="https://doc.traefik.io/traefik/observability/metrics/overview/",
            requests="traefik_service_requests_total",
            duration="traefik_service_request_duration_seconds",
            good=_not("code", "5.."),
        ),
        "envoy": HttpMetrics(
            documented="https://www.envoyproxy.io/docs/envoy/latest/configuration/upstream/cluster_manager/cluster_stats",
            requests="envoy_cluster_upstream_rq_xx",
            duration="envoy_cluster_upstream_rq_time",
            units_per_s=1000,
            good=Matcher(label="envoy_response_code_class", op="!=", value="5"),
            timed_by_status=False,
        ),
        "istio": HttpMetrics(
            documented="https://istio.io/latest/docs/reference/config/metrics/",
            requests="istio_requests_total",
            duration="istio_request_duration_milliseconds",
            units_per_s=1000,
            good=_not("response_code", "5.."),
            always=(Matcher(label="reporter", op="=", value="destination"),),
        ),
    }
)


def http_indicator(
    name: str, match: Mapping[str, str], within_s: float | None, steps: tuple[str, ...] = ()
) -> Availability | Latency:
    """Return the indicator of the requests that `match` selects; with `within_s` a latency, else an availability.

    `name` is a key of HTTP_METRICS; `match` takes the place of a matcher of its own on the same label.
    """
    metrics = HTTP_METRICS[name]
    own = tuple(Matcher(label=label, op="=", value=value) for label, value in match.items())
    own = (*(one for one in metrics.always if one.label not in match), *own)
    if within_s is None:
        total = selector_of(metrics.requests, own)
        good = selector_of(metrics.requests, (*own, metrics.good))
        return Availability(source=Counters(good=good, total=total, steps=steps))
    total = selector_of(f"{metrics.duration}_count", own)
    told_apart = (metrics.good,) if metrics.timed_by_status else ()
    good = selector_of(f"{metrics.duration}_bucket", (*own, *told_apart, _bucket(within_s * metrics.units_per_s)))
    return Latency(source=Counters(good=good, total=total, steps=steps), threshold_s=within_s)


def _bucket(bound: float) -> Matcher:
    """Return the matcher of a bucket; a whole bound is written 250 in Prometheus 2 and 250.0 in Prometheus 3."""
    bound = round(bound, 9)
    if bound == int(bound):
        return Matcher(label="le", op="=~", value=rf"{int(bound)}(\.0)?")
    return Matcher(label="le", op="=", value=f"{bound:g}")
