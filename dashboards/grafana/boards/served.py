"""What a service answered, in its own counting: OpenTelemetry's HTTP server metrics as the boards ask for them.

Names and labels are those of OpenTelemetry's semantic conventions for HTTP metrics
(https://opentelemetry.io/docs/specs/semconv/http/http-metrics/) as Prometheus shows them.
"""

from dashboards.grafana.promql import at, or_zero, quantile, rate, total

DURATION = "http_server_request_duration_seconds"
BY_ROUTE = ("job", "http_route")
# The server failed (5xx), or it refuses a customer: forbidden, locked, too many requests.
FAILED = 'http_response_status_code=~"5..|403|423|429"'
WHAT_FAILED = "Failed are replies with a 5xx status and those that refuse a customer: 403, 423, 429."
NO_REQUEST = "no request now, or none is counted"
_A_WEEK_AGO = " offset 7d"


def requests(*by: str, matching: tuple[str, ...] = ()) -> str:
    """Return the requests a second, by labels."""
    return total(rate(f"{DURATION}_count", *matching), *by)


def failed(*by: str, matching: tuple[str, ...] = ()) -> str:
    """Return the failed requests a second: 0 where requests came and none failed."""
    counted = f"{DURATION}_count"
    return or_zero(rate(counted, FAILED, *matching), rate(counted, *matching), *by)


def failed_ratio(*by: str, matching: tuple[str, ...] = ()) -> str:
    """Return the share of the requests that failed; absent where none came."""
    return f"({failed(*by, matching=matching)}) / ({requests(*by, matching=matching)} > 0)"


def latency(ratio: str, *by: str, matching: tuple[str, ...] = ()) -> str:
    """Return a quantile of the time to answer, in seconds."""
    return quantile(ratio, rate(f"{DURATION}_bucket", *matching), *by)


def a_week_ago(metric: str, *matchers: str) -> str:
    """Return a counter's increase per second at the same time a week ago."""
    return f"rate({at(metric, *matchers)}[$__rate_interval]{_A_WEEK_AGO})"
