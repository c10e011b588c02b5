"""Metrics that boards ask for and that others define: OpenTelemetry's of HTTP and databases, Prometheus', a process's.

Names and labels as Prometheus has them: OpenTelemetry's dots are underscores there, and units are suffixes.
"""

from dataclasses import dataclass

from exporters.names.family import Family, Kind

SERVER, CLIENT, DATABASE = "http server", "http client", "database client"
PROCESS, PROMETHEUS, ALERTMANAGER = "process", "prometheus", "alertmanager"


@dataclass(frozen=True, slots=True, kw_only=True)
class OthersMetric:
    """A family, and what it is exported by."""

    family: Family
    subject: str


def _one(subject: str, name: str, kind: Kind, *labels: str) -> OthersMetric:
    return OthersMetric(family=Family(name=name, kind=kind, help="", labels=labels), subject=subject)


# https://opentelemetry.io/docs/specs/semconv/http/http-metrics/
_METHOD, _ADDRESS, _SCHEME = "http_request_method", ("server_address", "server_port"), "url_scheme"
_REQUEST = (_METHOD, *_ADDRESS, _SCHEME, "network_protocol_name", "network_protocol_version")
_RESPONSE = ("http_response_status_code", "error_type")
_HTTP = (
    _one(SERVER, "http_server_request_duration_seconds", "histogram", "http_route", *_REQUEST, *_RESPONSE),
    _one(SERVER, "http_server_active_requests", "gauge", _METHOD, _SCHEME, *_ADDRESS),
    _one(CLIENT, "http_client_request_duration_seconds", "histogram", *_REQUEST, *_RESPONSE),
)
# https://opentelemetry.io/docs/specs/semconv/database/database-metrics/
_POOL = "db_client_connection_pool_name"
_DATABASE = (
    _one(DATABASE, "db_client_operation_duration_seconds", "histogram", "db_system_name", "db_operation_name"),
    _one(DATABASE, "db_client_connection_count", "gauge", _POOL, "db_client_connection_state"),
    _one(DATABASE, "db_client_connection_max", "gauge", _POOL),
    _one(DATABASE, "db_client_connection_pending_requests", "gauge", _POOL),
    _one(DATABASE, "db_client_connection_timeouts_total", "counter", _POOL),
    _one(DATABASE, "db_client_connection_wait_time_seconds", "histogram", _POOL),
)
# https://prometheus.io/docs/instrumenting/writing_clientlibs/#process-metrics
_OF_A_PROCESS = (
    _one(PROCESS, "process_cpu_seconds_total", "counter"),
    _one(PROCESS, "process_resident_memory_bytes", "gauge"),
    _one(PROCESS, "process_virtual_memory_bytes", "gauge"),
    _one(PROCESS, "process_open_fds", "gauge"),
    _one(PROCESS, "process_max_fds", "gauge"),
    # A moment by its meaning, though not by its name: it has no suffix that says so.
    _one(PROCESS, "process_start_time_seconds", "gauge"),
)
# https://prometheus.io/docs/concepts/jobs_instances/, and what Prometheus and Alertmanager export of themselves.
_GROUP, _INTEGRATION = "rule_group", "integration"
_OF_PROMETHEUS = (
    _one(PROMETHEUS, "up", "gauge"),
    _one(PROMETHEUS, "scrape_duration_seconds", "gauge"),
    _one(PROMETHEUS, "scrape_samples_scraped", "gauge"),
    _one(PROMETHEUS, "scrape_samples_post_metric_relabeling", "gauge"),
    _one(PROMETHEUS, "scrape_series_added", "gauge"),
    _one(PROMETHEUS, "prometheus_config_last_reload_successful", "gauge"),
    _one(PROMETHEUS, "prometheus_tsdb_head_series", "gauge"),
    _one(PROMETHEUS, "prometheus_rule_evaluations_total", "counter", _GROUP),
    _one(PROMETHEUS, "prometheus_rule_evaluation_failures_total", "counter", _GROUP),
    _one(PROMETHEUS, "prometheus_rule_group_iterations_missed_total", "counter", _GROUP),
    _one(PROMETHEUS, "prometheus_notifications_dropped_total", "counter"),
    _one(PROMETHEUS, "prometheus_notifications_errors_total", "counter", "alertmanager"),
    _one(ALERTMANAGER, "alertmanager_alerts", "gauge", "state"),
    _one(ALERTMANAGER, "alertmanager_silences", "gauge", "state"),
    _one(ALERTMANAGER, "alertmanager_notifications_total", "counter", _INTEGRATION),
    _one(ALERTMANAGER, "alertmanager_notifications_failed_total", "counter", _INTEGRATION, "reason"),
)
OTHERS: tuple[OthersMetric, ...] = (*_HTTP, *_DATABASE, *_OF_A_PROCESS, *_OF_PROMETHEUS)
