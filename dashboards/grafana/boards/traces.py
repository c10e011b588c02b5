"""The dashboard "Traces": which operation is slow, which fails, and which is called more often than the load explains.

It rests on span metrics, which the recorder of a run and OpenTelemetry's Collector make of spans under the same names
(https://github.com/open-telemetry/opentelemetry-collector-contrib/tree/main/connector/spanmetricsconnector).
"""

from dashboards.grafana.board import Board, Variable
from dashboards.grafana.boards import marks
from dashboards.grafana.links import Link
from dashboards.grafana.panels import Column, Look, Panel, Query, Row
from dashboards.grafana.promql import at, or_zero, quantile, rate, total
from dashboards.grafana.style import bad_from

_CALLS, _DURATION = "traces_span_metrics_calls_total", "traces_span_metrics_duration_milliseconds"
_SERVICE, _KIND = 'service_name=~"$service"', 'span_kind=~"$kind"'
_CHOSEN = (_SERVICE, _KIND)
_SERVER = 'span_kind="SPAN_KIND_SERVER"'
_FAILED = 'status_code="STATUS_CODE_ERROR"'
_OPERATION = ("service_name", "span_name", "span_kind")
_NAMED = "{{service_name}} {{span_name}}"
_SLOW_MS, _SLOWER_MS = 500, 1000

_SERVED = Link(title="This service in shop health", board="shop-health", labels={"job": "service_name"})
_INCIDENT = Link(title="Incident", board="incident")
_PEAK_RUN = Link(title="Load test", board="peak-run")
_LINKS = (_SERVED, _INCIDENT)


def _calls(*by: str) -> str:
    return total(rate(_CALLS, *_CHOSEN), *by)


def _failures(*by: str) -> str:
    return or_zero(rate(_CALLS, _FAILED, *_CHOSEN), rate(_CALLS, *_CHOSEN), *by)


def _failed_ratio(*by: str) -> str:
    return f"({_failures(*by)}) / ({_calls(*by)} > 0)"


def _p95(*by: str) -> str:
    return quantile("0.95", rate(f"{_DURATION}_bucket", *_CHOSEN), *by)


def _time_spent(*by: str) -> str:
    return total(rate(f"{_DURATION}_sum", *_CHOSEN), *by)


_SERVICES = Row(
    title="Services",
    panels=[
        Panel(
            title="Spans by service",
            description="Spans a second that ended, by service.",
            unit="cps",
            queries=[Query(expr=_calls("service_name"), legend="{{service_name}}")],
            links=_LINKS,
        ),
        Panel(
            title="Failed spans by service",
            description="Share of a service's spans whose status is an error.",
            unit="percentunit",
            thresholds=bad_from(0.05),
            queries=[Query(expr=_failed_ratio("service_name"), legend="{{service_name}}")],
            links=_LINKS,
        ),
        Panel(
            title="Duration p95 by service",
            description="95 of 100 spans of the service ended within this time, spans of the database among them.",
            unit="ms",
            queries=[Query(expr=_p95("service_name"), legend="{{service_name}}")],
            links=_LINKS,
        ),
    ],
)
_TABLE = Row(
    title="Operations",
    panels=[
        Panel(
            title="Operations, the slowest first",
            description="Every operation of the services chosen: how often it is called, how many of its spans fail, "
            "and how long 95 of 100 take. Exemplars on the panels below open a trace of it.",
            unit="short",
            look=Look.TABLE,
            height=10,
            queries=[
                Query(expr=f"{_p95(*_OPERATION)} >= 0", legend="p95"),
                Query(expr=f"{_calls(*_OPERATION)} > 0", legend="calls"),
                Query(expr=_failed_ratio(*_OPERATION), legend="failed"),
                Query(expr=f"{_time_spent(*_OPERATION)} >= 0", legend="time spent"),
            ],
            columns=[
                Column(source="service_name", heading="Service", links=[_SERVED]),
                Column(source="span_name", heading="Operation", least_px=170),
                Column(source="span_kind", heading="Kind", least_px=140),
                Column(
                    source="Value #A",
                    heading="p95",
                    unit="ms",
                    thresholds=bad_from(_SLOWER_MS, warn=_SLOW_MS),
                ),
                Column(source="Value #B", heading="Calls", unit="cps"),
                Column(source="Value #C", heading="Failed", unit="percentunit", thresholds=bad_from(0.05, warn=0.01)),
                Column(source="Value #D", heading="Time spent a second", unit="ms"),
            ],
            sorted_by="p95",
        ),
    ],
)
_WORST = Row(
    title="The worst operations over time",
    panels=[
        Panel(
            title="Duration p95 of the ten slowest",
            description="95 of 100 spans of the operation ended within this time.",
            unit="ms",
            queries=[Query(expr=f"topk(10, {_p95(*_OPERATION)})", legend=_NAMED)],
            links=[*_LINKS, _PEAK_RUN],
        ),
        Panel(
            title="Failed spans of the ten most failing",
            description="Spans a second of the operation whose status is an error; a flat zero is an operation that "
            "doesn't fail.",
            unit="cps",
            queries=[Query(expr=f"topk(10, {_failures(*_OPERATION)})", legend=_NAMED)],
            links=_LINKS,
        ),
        Panel(
            title="Calls of the ten busiest",
            description="Spans a second of the operation. One that grows faster than the requests is called more often "
            "in each of them.",
            unit="cps",
            queries=[Query(expr=f"topk(10, {_calls(*_OPERATION)})", legend=_NAMED)],
            links=_LINKS,
        ),
    ],
)
_PER_REQUEST = Row(
    title="Where a request's time goes",
    panels=[
        Panel(
            title="Time spent by operation, the ten most",
            description="Milliseconds a second that spans of the operation last, all together. A parent holds its "
            "children's time.",
            unit="ms",
            queries=[Query(expr=f"topk(10, {_time_spent(*_OPERATION)})", legend=_NAMED)],
            links=_LINKS,
        ),
        Panel(
            title="Spans inside a request, by service",
            description="Spans of all kinds for each server span of the service. It climbs when a release asks the "
            "database or others more often for the same page.",
            unit="short",
            queries=[
                Query(
                    expr=f"{total(rate(_CALLS, _SERVICE), 'service_name')} "
                    f"/ ({total(rate(_CALLS, _SERVICE, _SERVER), 'service_name')} > 0)",
                    legend="{{service_name}}",
                )
            ],
            links=_LINKS,
        ),
    ],
)
BOARD = Board(
    name="traces",
    title="Traces",
    question="Which operation is slow, which fails, and which is called too often?",
    rows=(_SERVICES, _TABLE, _WORST, _PER_REQUEST),
    annotations=(marks.RELEASES, marks.LOAD_TESTS),
    variables=(
        Variable(name="service", title="Service", selector=at(_CALLS), label="service_name"),
        Variable(name="kind", title="Kind of span", selector=at(_CALLS, _SERVICE), label="span_kind"),
    ),
)
