"""The dashboard "Peak run".

It answers one question: does the shop hold while the load climbs? Rows follow the data: the load on
the shop, what shoppers got, the servers' own metrics, orders and stock, and whether the generator can be
believed. Rate and errors are on the left, latency on the right.
"""

import grafanalib.core as grafana

from dashboards.grafana.panels import Look, Panel, Query, Row, lay_out

UID = "peakproof-peak-run"
TITLE = "Peak run"
_RATE = "[$__rate_interval]"
_REQUESTS = f"rate(loadtest_requests_total{_RATE})"
_ERRORS = f"rate(loadtest_request_errors_total{_RATE})"
_RESPONSE = f"rate(loadtest_response_seconds_bucket{_RATE})"
_PERCENTILES = (("0.5", "p50"), ("0.95", "p95"), ("0.99", "p99"))


def _quantile(ratio: str, rate: str, *by: str) -> str:
    return f"histogram_quantile({ratio}, sum by ({', '.join(('le', *by))}) ({rate}))"


def _served(suffix: str, job: str, *, matching: str = "") -> str:
    return f'rate(http_server_request_duration_seconds_{suffix}{{job="{job}"{matching}}}{_RATE})'


def _server_errors(job: str) -> str:
    """Return the 5xx rate by route: zero where the route answers without errors, absent where it is not scraped."""
    bad = _served("count", job, matching=', http_response_status_code=~"5.."')
    return f"sum by (http_route) ({bad}) or sum by (http_route) ({_served('count', job)}) * 0"


def _red(title: str, job: str, what: str) -> Row:
    """Return rate, errors and latency by route of one scraped job."""
    by_route = f"sum by (http_route) ({_served('count', job)})"
    p95 = _quantile("0.95", _served("bucket", job), "http_route")
    return Row(
        title=title,
        panels=[
            Panel(
                title=f"Requests of {what}",
                description=f"Requests a second that {what} answered, by route, in its own counting.",
                unit="reqps",
                queries=[Query(expr=by_route, legend="{{http_route}}")],
            ),
            Panel(
                title=f"Server errors of {what}",
                description=f"Replies a second of {what} with a 5xx status, by route; a flat zero is a healthy route.",
                unit="reqps",
                queries=[Query(expr=_server_errors(job), legend="{{http_route}}")],
            ),
            Panel(
                title=f"Latency p95 of {what}",
                description=f"95 of 100 requests were answered by {what} within this time, by route. "
                "Waiting before the server began is not in it.",
                unit="s",
                queries=[Query(expr=p95, legend="{{http_route}}")],
            ),
        ],
    )


_LOAD = Row(
    title="Load: planned against achieved",
    panels=[
        Panel(
            title="Sessions started",
            description="Sessions a second that the plan wants, and those that started. A gap means the run is not "
            "the load it claims to be.",
            unit="cps",
            queries=[
                Query(expr="sum(loadtest_planned_sessions_per_second)", legend="planned"),
                Query(expr=f"sum(rate(loadtest_sessions_started_total{_RATE}))", legend="started"),
            ],
        ),
        Panel(
            title="Requests by step",
            description="Requests a second finished by the load generator, by step of the journeys.",
            unit="reqps",
            queries=[Query(expr=f"sum by (step) ({_REQUESTS})", legend="{{step}}")],
        ),
        Panel(
            title="Open sessions",
            description="Sessions under way. It climbs while arrivals stay level when the shop gets slower.",
            unit="short",
            queries=[Query(expr="sum(loadtest_open_sessions)", legend="open")],
        ),
    ],
)
_ORDERS = Row(
    title="Orders and errors, as the shopper met them",
    panels=[
        Panel(
            title="Orders a minute",
            description="Orders a minute by what became of them. Unknown ones are settled by the audit after the run.",
            unit="opm",
            queries=[Query(expr=f"sum by (outcome) (rate(loadtest_orders_total{_RATE})) * 60", legend="{{outcome}}")],
        ),
        Panel(
            title="Errors by step",
            description="Requests a second whose reply was not what the step expects. Out of stock and declined "
            "cards are healthy answers and are not counted.",
            unit="reqps",
            queries=[
                Query(expr=f"sum by (step) ({_ERRORS}) or sum by (step) ({_REQUESTS}) * 0", legend="{{step}}"),
            ],
        ),
        Panel(
            title="Errors by reason",
            description="The same errors by what went wrong: timeout, connection, 5xx, wrong reply and others.",
            unit="reqps",
            queries=[
                Query(expr=f"sum by (reason) ({_ERRORS}) or on () sum({_REQUESTS}) * 0", legend="{{reason}}"),
            ],
        ),
    ],
)
_LATENCY = Row(
    title="Latency from the scheduled start",
    panels=[
        Panel(
            title="Response time of all steps",
            description="What the shopper waited, from the moment the click was due, so a stalled shop can't hide "
            "behind requests that were never sent.",
            unit="s",
            queries=[Query(expr=_quantile(ratio, _RESPONSE), legend=name) for ratio, name in _PERCENTILES],
        ),
        Panel(
            title="Response time p95 by step",
            description="95 of 100 requests of the step were answered within this time, from the scheduled start.",
            unit="s",
            queries=[Query(expr=_quantile("0.95", _RESPONSE, "step"), legend="{{step}}")],
        ),
        Panel(
            title="Shopper's p95 against the server's",
            description="When the two part, time is lost before the server begins: connections, queues, the network, "
            "or the generator itself (last row).",
            unit="s",
            queries=[
                Query(expr=_quantile("0.95", _RESPONSE), legend="shopper"),
                Query(expr=_quantile("0.95", _served("bucket", "shop")), legend="server"),
            ],
        ),
    ],
)
_SPAN_RATE = f"rate(traces_span_metrics_duration_milliseconds_bucket{_RATE})"
_SPANS = Row(
    title="Spans: where the time goes",
    panels=[
        Panel(
            title="Calls of the ten busiest spans",
            description="Spans a second by service and name. A name that grows faster than the load is called "
            "more often per request.",
            unit="cps",
            queries=[
                Query(
                    expr=f"topk(10, sum by (service_name, span_name) (rate(traces_span_metrics_calls_total{_RATE})))",
                    legend="{{service_name}} {{span_name}}",
                ),
            ],
        ),
        Panel(
            title="p95 of the ten slowest spans",
            description="Duration that 95 of 100 spans of a name stay within, slowest ten names at each moment.",
            unit="ms",
            queries=[
                Query(
                    expr=f"topk(10, {_quantile('0.95', _SPAN_RATE, 'service_name', 'span_name')})",
                    legend="{{service_name}} {{span_name}}",
                ),
            ],
        ),
    ],
)
_SHOP = Row(
    title="Business: stock and funnel",
    panels=[
        Panel(
            title="Locations with the least stock",
            description="Units on hand by location, lowest ten first.",
            unit="short",
            look=Look.BARS,
            queries=[Query(expr="bottomk(10, sum by (location) (shop_stock_units))", legend="{{location}}")],
        ),
        Panel(
            title="SKUs out of stock",
            description="SKUs with nothing left, by location. It climbs when the plan sells more than there is.",
            unit="short",
            queries=[
                Query(
                    expr="count by (location) (shop_stock_units <= 0) or count by (location) (shop_stock_units) * 0",
                    legend="{{location}}",
                ),
            ],
        ),
        Panel(
            title="Funnel",
            description="Sessions that reached each step of the way to an order, in the time shown.",
            unit="short",
            look=Look.BARS,
            queries=[
                Query(expr="sum by (step) (increase(shop_funnel_sessions_total[$__range]))", legend="{{step}}"),
            ],
        ),
        Panel(
            title="Orders by location",
            description="Orders a minute that each location has to fulfil, as the shop counts them.",
            unit="opm",
            queries=[
                Query(expr=f"sum by (location) (rate(shop_order_locations_total{_RATE})) * 60", legend="{{location}}"),
            ],
        ),
    ],
)
_GENERATOR = Row(
    title="Generator: can the figures above be believed?",
    panels=[
        Panel(
            title="Age of the figures",
            description="Age of the load generator's last snapshot. It climbs when the run is dead: everything above "
            "is then the last known figure.",
            unit="s",
            queries=[Query(expr="time() - max(loadtest_snapshot_timestamp_seconds)", legend="age")],
        ),
        Panel(
            title="Sessions dropped",
            description="Sessions a second that were due and never started. Anything but zero makes the run invalid.",
            unit="cps",
            queries=[Query(expr=f"sum(rate(loadtest_sessions_dropped_total{_RATE}))", legend="dropped")],
        ),
        Panel(
            title="Generator CPU",
            description="CPU of the busiest worker as a ratio of one core. Above 90 % the generator measures itself.",
            unit="percentunit",
            maximum=1,
            queries=[Query(expr="max(loadtest_generator_cpu_ratio)", legend="busiest worker")],
        ),
        Panel(
            title="Scheduling lag p99",
            description="How late the generator itself sent what was due. It counts as the shopper's waiting, so it "
            "must stay far below the thresholds.",
            unit="s",
            queries=[Query(expr="max(loadtest_scheduling_lag_p99_seconds)", legend="p99")],
        ),
        Panel(
            title="Multiple of the plan",
            description="1 while the plan is played unchanged, 0 while it is paused, else the multiple of it that is "
            "played. A change before the end of the judged window makes the run invalid.",
            unit="short",
            queries=[Query(expr="max(loadtest_plan_factor)", legend="factor")],
        ),
    ],
)
ROWS = (
    _LOAD,
    _ORDERS,
    _LATENCY,
    _red("Shop: the server's own view", "shop", "the shop"),
    _red("Payment provider", "payments", "the payment provider"),
    _SPANS,
    _SHOP,
    _GENERATOR,
)


def dashboard() -> grafana.Dashboard:
    """Return the dashboard as grafanalib's object; `modern` turns it into JSON."""
    datasource = grafana.Template(name="datasource", label="Prometheus", type="datasource", query="prometheus")
    return grafana.Dashboard(
        uid=UID,
        title=TITLE,
        description="Does the shop hold while the load climbs?",
        tags=["peakproof"],
        timezone="utc",
        refresh="5s",
        time=grafana.Time("now-15m", "now"),
        templating=grafana.Templating(list=[datasource]),
        panels=lay_out(ROWS),
    ).auto_panel_ids()
