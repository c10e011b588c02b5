"""What services have left of what they need: requests in flight, connections to the database, processor, memory, files.

Requests in flight and connections are OpenTelemetry's; what a process uses is told by Prometheus' client libraries
(https://prometheus.io/docs/instrumenting/writing_clientlibs/#process-metrics).
"""

from dashboards.grafana.boards import served
from dashboards.grafana.links import Link
from dashboards.grafana.panels import Panel, Query, Row
from dashboards.grafana.promql import at, rate, total
from dashboards.grafana.style import bad_from

_JOB = 'job=~"$job"'
_BY_PROCESS = ("job", "instance")
# A full pool beside an idle one is no half-full one.
_BY_POOL = (*_BY_PROCESS, "db_client_connection_pool_name")
# Of the services that answer HTTP, not of Prometheus or exporters.
_OF_SERVICES = f"and on (job) {served.requests('job', matching=(_JOB,))}"
_FULL = bad_from(0.9, warn=0.7)
_LINKS = (Link(title="Incident", board="incident"), Link(title="Load test", board="peak-run"))

_USED = total(at("db_client_connection_count", _JOB, 'db_client_connection_state="used"'), *_BY_POOL)
_MOST = total(at("db_client_connection_max", _JOB), *_BY_POOL)


def _of_services(vector: str) -> str:
    return f"{total(vector, *_BY_PROCESS)} {_OF_SERVICES}"


WAITING = Row(
    title="Saturation: what waits, and for what",
    panels=[
        Panel(
            title="Requests in flight",
            description="Requests that each service has begun and not answered. It climbs while the rate stays level "
            "when something behind them is slow.",
            unit="short",
            queries=[Query(expr=total(at("http_server_active_requests", _JOB), "job"), legend="{{job}}")],
            links=_LINKS,
        ),
        Panel(
            title="Database connections used",
            nothing="no service tells of its pool (db_client_connection_max)",
            description="Connections that a process uses, of those that the pool may have, by pool. At 100 % requests "
            "wait for one, and the database looks idle.",
            unit="percentunit",
            maximum=1,
            thresholds=_FULL,
            queries=[
                Query(expr=f"{_USED} / {_MOST}", legend="{{job}} {{instance}} {{db_client_connection_pool_name}}")
            ],
            links=_LINKS,
        ),
    ],
)
PROCESSES = Row(
    title="Saturation: what each process uses",
    panels=[
        Panel(
            title="CPU by process",
            description="Processor time a second: 1 is a core. A Python process that reaches 1 is at its end, whatever "
            "the machine has left.",
            unit="short",
            queries=[Query(expr=_of_services(rate("process_cpu_seconds_total", _JOB)), legend="{{job}} {{instance}}")],
            links=_LINKS,
        ),
        Panel(
            title="Memory by process",
            description="Resident memory of each process. A line that only climbs ends in a restart.",
            unit="bytes",
            queries=[
                Query(expr=_of_services(at("process_resident_memory_bytes", _JOB)), legend="{{job}} {{instance}}")
            ],
            links=_LINKS,
        ),
        Panel(
            title="Open files, of those allowed",
            description="File descriptors, connections among them, of those that the process may have. At 100 % it "
            "accepts no connection any more.",
            unit="percentunit",
            maximum=1,
            thresholds=_FULL,
            queries=[
                Query(
                    expr=f"{total(at('process_open_fds', _JOB), *_BY_PROCESS)} "
                    f"/ {total(at('process_max_fds', _JOB), *_BY_PROCESS)} {_OF_SERVICES}",
                    legend="{{job}} {{instance}}",
                )
            ],
            links=_LINKS,
        ),
    ],
)
