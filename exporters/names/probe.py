"""Probes: journeys that are walked once a minute or less, and the certificates of the hosts they touch."""

from exporters.names.family import Family

TARGET, MODULE, STEP, REASON, HOST = "target", "module", "step", "reason", "host"
PROBE = (TARGET, MODULE)
_PROBES = "the probes that the configuration names, or the one that /probe was asked for"
_STEPS = f"{_PROBES}, times 30 steps and other"
_HOSTS = f"{_PROBES}, times the hosts of its environment (21 at most)"
SUCCESS = Family(
    name="probe_success",
    kind="gauge",
    help="1 when the last probe walked its journey, 0 when it failed; absent when it was skipped.",
    labels=PROBE,
    bounded_by=_PROBES,
)
TIMESTAMP = Family(
    name="probe_timestamp_seconds",
    kind="gauge",
    help="Unix time at which the last probe that was played began.",
    labels=PROBE,
    bounded_by=_PROBES,
)
INTERVAL = Family(
    name="probe_interval_seconds",
    kind="gauge",
    help="The least time from one probe to the next.",
    labels=PROBE,
    bounded_by=_PROBES,
)
LAST_SUCCESS = Family(
    name="probe_last_success_timestamp_seconds",
    kind="gauge",
    help="Unix time at which the last probe that succeeded began, since the exporter was started.",
    labels=PROBE,
    bounded_by=_PROBES,
)
RECENT_FAILURES = Family(
    name="probe_recent_failures",
    kind="gauge",
    help="How many of the last three probes failed; absent when the last is older than three intervals.",
    labels=PROBE,
    bounded_by=_PROBES,
)
SKIPPED = Family(
    name="probe_skipped",
    kind="gauge",
    help="1 with the reason for which the last probe was not played, or broken off: nothing is known of the journey.",
    labels=(*PROBE, REASON),
    bounded_by=f"{_PROBES}: one reason each",
)
FAILED_STEP = Family(
    name="probe_failed_step",
    kind="gauge",
    help="1 with the first step of the last probe that failed, and why.",
    labels=(*PROBE, STEP, REASON),
    bounded_by=f"{_PROBES}: one step and reason each",
)
DURATION = Family(
    name="probe_duration_seconds",
    kind="gauge",
    help="How long the requests of the last probe took together.",
    labels=PROBE,
    bounded_by=_PROBES,
)
REQUESTS = Family(
    name="probe_requests",
    kind="gauge",
    help="How many requests of the last probe were answered or given up.",
    labels=PROBE,
    bounded_by=_PROBES,
)
STATUS = Family(
    name="probe_http_status_code",
    kind="gauge",
    help="HTTP status of the last request of the last probe; 0 without a reply.",
    labels=PROBE,
    bounded_by=_PROBES,
)
STEP_DURATION = Family(
    name="probe_step_duration_seconds",
    kind="gauge",
    help="How long the slowest request of a step took in the last probe; other is the slowest of the steps left out.",
    labels=(*PROBE, STEP),
    bounded_by=_STEPS,
)
STEP_LIMIT = Family(
    name="probe_step_limit_seconds",
    kind="gauge",
    help="How long a request of the step may take, as the configuration says.",
    labels=(*PROBE, STEP),
    bounded_by=f"{_PROBES}, times the steps with a limit (30 at most)",
)
DNS_LOOKUP = Family(
    name="probe_dns_lookup_time_seconds",
    kind="gauge",
    help="How long it took to look all hosts of the environment up.",
    labels=PROBE,
    bounded_by=_PROBES,
)
CONNECT_DURATION = Family(
    name="probe_connect_duration_seconds",
    kind="gauge",
    help="How long a connection of its own to the host took to open.",
    labels=(*PROBE, HOST),
    bounded_by=_HOSTS,
)
TLS_DURATION = Family(
    name="probe_tls_duration_seconds",
    kind="gauge",
    help="How long the TLS handshake with the host took.",
    labels=(*PROBE, HOST),
    bounded_by=_HOSTS,
)
CERTIFICATE_TRUSTED = Family(
    name="probe_certificate_trusted",
    kind="gauge",
    help="1 when the host's certificate is its own, valid and of a trusted authority, 0 when it isn't.",
    labels=(*PROBE, HOST),
    bounded_by=_HOSTS,
)
CERTIFICATE_NOT_BEFORE = Family(
    name="probe_certificate_not_before_timestamp_seconds",
    kind="gauge",
    help="Unix time from which the host's certificate is valid, trusted or not.",
    labels=(*PROBE, HOST),
    bounded_by=_HOSTS,
)
CERTIFICATE_NOT_AFTER = Family(
    name="probe_certificate_not_after_timestamp_seconds",
    kind="gauge",
    help="Unix time at which the host's certificate expires, trusted or not.",
    labels=(*PROBE, HOST),
    bounded_by=_HOSTS,
)
