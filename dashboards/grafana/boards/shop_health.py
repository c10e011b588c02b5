"""The dashboard "Shop health": rate, errors and duration in the order of the data's flow, saturation, week over week.

Rate and errors are on the left, duration on the right. First the services, then their routes, then what they call, then
what they have left of what they need. It rests on OpenTelemetry's HTTP metrics, which a shop in any language exports.
"""

from dashboards.grafana.board import Board, Variable
from dashboards.grafana.boards import called, marks, served
from dashboards.grafana.boards.saturation import PROCESSES, WAITING
from dashboards.grafana.links import Link
from dashboards.grafana.panels import Panel, Query, Row
from dashboards.grafana.promql import at, or_zero, quantile, total
from dashboards.grafana.style import bad_from

_JOB, _ROUTE = 'job=~"$job"', 'http_route=~"$route"'
_CHOSEN = (_JOB, _ROUTE)
_COUNTED = f"{served.DURATION}_count"
_BUCKETS = f"{served.DURATION}_bucket"
_TRACES = Link(title="Operations of this service", board="traces", labels={"service": "job"})
_INCIDENT = Link(title="Incident", board="incident")
_TOP = "topk(12, {})"
_FAILURES = bad_from(0.05)

_SERVICES = Row(
    title="Services",
    panels=[
        Panel(
            title="Requests by service",
            description="Requests a second that each service answered, in its own counting.",
            unit="reqps",
            queries=[Query(expr=served.requests("job", matching=_CHOSEN), legend="{{job}}")],
            links=[_TRACES],
        ),
        Panel(
            title="Errors by service",
            description=f"Share of a service's requests that failed. {served.WHAT_FAILED}",
            unit="percentunit",
            thresholds=_FAILURES,
            queries=[Query(expr=served.failed_ratio("job", matching=_CHOSEN), legend="{{job}}")],
            links=[_TRACES, _INCIDENT],
        ),
        Panel(
            title="Latency p95 by service",
            description="95 of 100 requests of the service were answered within this time. Waiting before the service "
            "began is not in it.",
            unit="s",
            queries=[Query(expr=served.latency("0.95", "job", matching=_CHOSEN), legend="{{job}}")],
            links=[_TRACES],
        ),
    ],
)
_ROUTES = Row(
    title="Routes of the services chosen",
    panels=[
        Panel(
            title="Requests by route",
            description="Requests a second by route, the twelve busiest.",
            unit="reqps",
            queries=[
                Query(
                    expr=_TOP.format(served.requests(*served.BY_ROUTE, matching=_CHOSEN)),
                    legend="{{job}} {{http_route}}",
                )
            ],
            links=[_TRACES],
        ),
        Panel(
            title="Errors by route",
            description=f"Share of a route's requests that failed, the twelve worst. {served.WHAT_FAILED}",
            unit="percentunit",
            thresholds=_FAILURES,
            queries=[
                Query(
                    expr=_TOP.format(served.failed_ratio(*served.BY_ROUTE, matching=_CHOSEN)),
                    legend="{{job}} {{http_route}}",
                )
            ],
            links=[_TRACES, _INCIDENT],
        ),
        Panel(
            title="Latency p95 by route",
            description="95 of 100 requests of the route were answered within this time, the twelve slowest.",
            unit="s",
            queries=[
                Query(
                    expr=_TOP.format(served.latency("0.95", *served.BY_ROUTE, matching=_CHOSEN)),
                    legend="{{job}} {{http_route}}",
                )
            ],
            links=[_TRACES],
        ),
    ],
)
_STATUSES = Row(
    title="Replies of the routes chosen",
    panels=[
        Panel(
            title="Replies by status",
            description="Replies a second by HTTP status: which kind of failure it is, and whether redirects or "
            "refusals took the place of pages.",
            unit="reqps",
            queries=[
                Query(
                    expr=served.requests("http_response_status_code", matching=_CHOSEN),
                    legend="{{http_response_status_code}}",
                )
            ],
            links=[_INCIDENT],
        ),
        Panel(
            title="Latency: p50, p95, p99",
            description="Half, 95 and 99 of 100 requests were answered within these times. A p50 that stays while the "
            "p99 climbs is few requests that wait; both climbing is all of them.",
            unit="s",
            queries=[
                Query(expr=served.latency(ratio, matching=_CHOSEN), legend=name)
                for ratio, name in (("0.5", "p50"), ("0.95", "p95"), ("0.99", "p99"))
            ],
            links=[Link(title="Slow operations", board="traces")],
        ),
    ],
)
_NO_CALLS = "no call, or no service tells of its calls (http_client_request_duration_seconds)"
_CALLS = Row(
    title="What the services call",
    panels=[
        Panel(
            title="Calls by callee",
            nothing=_NO_CALLS,
            description="HTTP requests a second that the services sent to others, such as the payment provider, by "
            "address.",
            unit="reqps",
            queries=[Query(expr=called.requests(_JOB), legend=called.LEGEND)],
            links=[_TRACES],
        ),
        Panel(
            title="Failed calls by callee",
            nothing=_NO_CALLS,
            description="Share of the calls that came back with a 5xx status or not at all, as the caller saw them.",
            unit="percentunit",
            thresholds=_FAILURES,
            queries=[Query(expr=called.failed_ratio(_JOB), legend=called.LEGEND)],
            links=[_TRACES],
        ),
        Panel(
            title="Latency p95 by callee",
            nothing=_NO_CALLS,
            description="95 of 100 calls were answered within this time, as the caller saw them: the network is in it.",
            unit="s",
            queries=[Query(expr=called.latency("0.95", _JOB), legend=called.LEGEND)],
            links=[_TRACES],
        ),
    ],
)


def _week(title: str, description: str, unit: str, now: str, before: str) -> Panel:
    return Panel(
        title=title,
        description=f"{description} A week ago is the same time of the same weekday.",
        unit=unit,
        nothing="no data of a week ago",
        queries=[Query(expr=now, legend="now"), Query(expr=before, legend="a week ago")],
        links=[_INCIDENT],
    )


_BEFORE, _FAILED_BEFORE = served.a_week_ago(_COUNTED, *_CHOSEN), served.a_week_ago(_COUNTED, served.FAILED, *_CHOSEN)
_WEEK = Row(
    title="Week over week",
    panels=[
        _week(
            "Requests, now and a week ago",
            "Requests a second of the routes chosen.",
            "reqps",
            served.requests(matching=_CHOSEN),
            total(_BEFORE),
        ),
        _week(
            "Errors, now and a week ago",
            f"Share of the requests of the routes chosen that failed. {served.WHAT_FAILED}",
            "percentunit",
            served.failed_ratio(matching=_CHOSEN),
            f"({or_zero(_FAILED_BEFORE, _BEFORE)}) / ({total(_BEFORE)} > 0)",
        ),
        _week(
            "Latency p95, now and a week ago",
            "95 of 100 requests of the routes chosen were answered within this time.",
            "s",
            served.latency("0.95", matching=_CHOSEN),
            quantile("0.95", served.a_week_ago(_BUCKETS, *_CHOSEN)),
        ),
    ],
)
BOARD = Board(
    name="shop-health",
    title="Shop health",
    question="Which service and route is slow or failing, and what has it run out of?",
    rows=(_SERVICES, _ROUTES, _STATUSES, _CALLS, WAITING, PROCESSES, _WEEK),
    annotations=(marks.RELEASES, marks.LOAD_TESTS),
    variables=(
        Variable(name="job", title="Service", selector=at(_COUNTED), label="job"),
        Variable(name="route", title="Route", selector=at(_COUNTED, _JOB), label="http_route"),
    ),
)
