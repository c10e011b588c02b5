"""What services called, as the caller saw it: OpenTelemetry's HTTP client metrics as the boards ask for them.

Names and labels are those of OpenTelemetry's semantic conventions for HTTP metrics
(https://opentelemetry.io/docs/specs/semconv/http/http-metrics/#http-client) as Prometheus shows them.
"""

from dashboards.grafana.promql import or_zero, quantile, rate, total

DURATION = "http_client_request_duration_seconds"
BY_CALLEE = ("job", "server_address", "server_port")
LEGEND = "{{job}} to {{server_address}}:{{server_port}}"
_COUNTED = f"{DURATION}_count"
# A call without a reply has no status: it has an error.type.
_SERVER_ERROR, _NO_REPLY = 'http_response_status_code=~"5.."', 'http_response_status_code="", error_type!=""'


def requests(*matchers: str) -> str:
    """Return the calls a second by caller and callee."""
    return total(rate(_COUNTED, *matchers), *BY_CALLEE)


def failed_ratio(*matchers: str) -> str:
    """Return the share of the calls that failed by caller and callee; absent where none was made."""
    bad = f"{rate(_COUNTED, _SERVER_ERROR, *matchers)} or {rate(_COUNTED, _NO_REPLY, *matchers)}"
    return f"({or_zero(bad, rate(_COUNTED, *matchers), *BY_CALLEE)}) / ({requests(*matchers)} > 0)"


def latency(ratio: str, *matchers: str) -> str:
    """Return a quantile of a call's time by caller and callee, in seconds."""
    return quantile(ratio, rate(f"{DURATION}_bucket", *matchers), *BY_CALLEE)
