"""For whom it is broken: routes with their share of all requests, payment providers, journeys and steps."""

from dashboards.grafana.boards import served
from dashboards.grafana.boards.incident_links import BUSINESS, PEAK_RUN, ROUTES
from dashboards.grafana.panels import Column, Look, Panel, Query, Row
from dashboards.grafana.promql import at, or_zero, rate
from dashboards.grafana.style import bad_from, good_from

_PER_MINUTE = " * 60"


def _payments(status: str) -> str:
    """Return payments a second by provider: 0 where it had some and none ended so."""
    ended = rate("orders_payments_total", f'status="{status}"')
    return f"({or_zero(ended, rate('orders_payments_total'), 'provider')})"


FOR_WHOM = Row(
    title="For whom",
    panels=[
        Panel(
            title="Routes: how many requests, how many failed, how slow",
            description=f"Routes of all services now. {served.WHAT_FAILED} Part of all failures says which route the "
            "failed customers met.",
            unit="short",
            look=Look.TABLE,
            width=14,
            queries=[
                Query(expr=f"{served.requests(*served.BY_ROUTE)} > 0", legend="requests"),
                Query(expr=served.failed_ratio(*served.BY_ROUTE), legend="failed"),
                Query(expr=f"{served.latency('0.95', *served.BY_ROUTE)} >= 0", legend="p95"),
                Query(
                    expr=f"({served.failed(*served.BY_ROUTE)}) / ignoring (job, http_route) group_left () "
                    f"({served.requests()} > 0)",
                    legend="of all requests",
                ),
            ],
            columns=[
                Column(source="job", heading="Service"),
                Column(source="http_route", heading="Route", links=[ROUTES], least_px=165),
                Column(source="Value #A", heading="Requests", unit="reqps"),
                Column(source="Value #B", heading="Failed", unit="percentunit", thresholds=bad_from(0.05, warn=0.01)),
                Column(source="Value #C", heading="p95", unit="s"),
                Column(source="Value #D", heading="Failed, of all", unit="percentunit"),
            ],
            sorted_by="Failed, of all",
        ),
        Panel(
            title="Payment providers",
            description="Payments a minute by how they ended, by provider.",
            unit="opm",
            look=Look.TABLE,
            width=10,
            queries=[
                Query(
                    expr=f"{_payments(status)}{_PER_MINUTE}",
                    legend=status,
                )
                for status in ("captured", "declined", "failed", "cancelled")
            ],
            columns=[
                Column(source="provider", heading="Provider", links=[BUSINESS]),
                *(
                    Column(source=f"Value #{letter}", heading=status, unit="opm")
                    for letter, status in zip("ABCD", ("Captured", "Declined", "Failed", "Cancelled"), strict=True)
                ),
            ],
            sorted_by="Captured",
        ),
    ],
)
STEPS = Row(
    title="Which step",
    panels=[
        Panel(
            title="Journeys that the probe walks",
            description="Each journey that is walked from outside as a customer would, and the step at which the last "
            "walk failed. Without a probe nothing is known from outside.",
            unit="short",
            look=Look.TABLE,
            nothing="no journey is probed, or no probe is read",
            queries=[
                Query(expr=f"min by (target, module) ({at('probe_success')})", legend="works"),
                Query(
                    expr=f"time() - max by (target, module) ({at('probe_last_success_timestamp_seconds')})",
                    legend="last success",
                ),
            ],
            columns=[
                Column(source="target", heading="Target"),
                Column(source="module", heading="Journey"),
                Column(
                    source="Value #A",
                    heading="Last walk",
                    mappings={1: "works", 0: "fails"},
                    thresholds=good_from(1),
                ),
                Column(source="Value #B", heading="Last success, ago", unit="s"),
            ],
        ),
        Panel(
            title="Steps at which the probe failed",
            description="The step and the reason of the last walk of each journey that failed.",
            unit="short",
            look=Look.TABLE,
            nothing="no probe failed",
            queries=[
                Query(expr=f"max by (target, module, step, reason) ({at('probe_failed_step')})", legend="failed"),
            ],
            columns=[
                Column(source="module", heading="Journey"),
                Column(source="step", heading="Step"),
                Column(source="reason", heading="Reason"),
            ],
        ),
        Panel(
            title="Errors by step of a load test",
            description="Requests a second of the load test under way whose reply was not what the step expects.",
            unit="reqps",
            nothing="no load test is under way",
            queries=[
                Query(
                    expr=or_zero(rate("loadtest_request_errors_total"), rate("loadtest_requests_total"), "step"),
                    legend="{{step}}",
                ),
            ],
            links=[PEAK_RUN],
        ),
    ],
)
