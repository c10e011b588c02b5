"""Two boards that keep every rule and have one panel of each kind that ours use: what the mutants are made of.

The overview is mutated; the detail is the board that its links lead to and stays as it is.
"""

import json
from functools import cache

from dashboards.grafana.board import Annotation, Board, Variable
from dashboards.grafana.links import Link
from dashboards.grafana.panels import Column, Look, Panel, Query, Row
from dashboards.grafana.promql import at, or_zero, quantile, rate, total
from dashboards.grafana.style import BAD, GOOD, NONE_IS_GOOD, ONE_IS_GOOD, Step, Thresholds, bad_from, good_from
from dashboards.grafana.upgrade import Json, modern

COUNT, BUCKET = "http_server_request_duration_seconds_count", "http_server_request_duration_seconds_bucket"
SHOP, ROUTE = 'job="shop"', 'http_route=~"$route"'
_ROUTES = Variable(name="route", title="Route", selector=COUNT, label="http_route")
_TO_ROUTE = Link(title="This route in detail", board="sample-detail", labels={"route": "http_route"})
_TO_OBJECTIVE = Link(title="This objective in detail", board="sample-detail", labels={"objective": "objective"})
_SERVED = rate(COUNT, SHOP, ROUTE)
_FAILED = rate(COUNT, SHOP, ROUTE, 'http_response_status_code=~"5.."')
_SPANS = rate("traces_span_metrics_duration_milliseconds_bucket", 'span_kind="SPAN_KIND_SERVER"')
_FIRING = at("ALERTS", 'alertstate="firing"')
_RELEASE = f"max by (deployed_to, version) ({at('release_info')})"
_FAILURES = f"max by (deployed_to) ({at('releases_change_failure_ratio')})"


def _billed(what: str) -> str:
    return f"max by (source, currency) ({at(f'cost_month_{what}_billed')})"


def _panel(title: str, unit: str, *queries: tuple[str, str], **more: object) -> Panel:
    asked = [Query(expr=expr, legend=legend) for expr, legend in queries]
    return Panel(title=title, description=f"{title}, of the sample.", unit=unit, queries=asked, **more)  # type: ignore[arg-type]


_REQUESTS = Row(
    title="Requests",
    panels=[
        _panel("Rate", "reqps", (total(_SERVED, "http_route"), "{{http_route}}"), links=(_TO_ROUTE,)),
        _panel(
            "Error share",
            "percentunit",
            (f"({or_zero(_FAILED, _SERVED, 'http_route')}) / {total(_SERVED, 'http_route')}", "{{http_route}}"),
            thresholds=bad_from(0.05, warn=0.01),
            maximum=1,
        ),
        _panel("Latency", "s", (quantile("0.95", rate(BUCKET, SHOP, ROUTE), "http_route"), "p95 {{http_route}}")),
        _panel("Spans", "ms", (f"topk(5, {quantile('0.95', _SPANS, 'service_name', 'span_name')})", "{{span_name}}")),
    ],
)
_NOW = Row(
    title="Now",
    panels=[
        _panel(
            "Probe",
            "none",
            (f"min by (target) ({at('probe_success')})", "{{target}}"),
            look=Look.NUMBER,
            thresholds=ONE_IS_GOOD,
            mappings={0: "fails", 1: "works"},
            maximum=1,
        ),
        _panel(
            "Newest order",
            "s",
            (f"time() - max({at('orders_newest_timestamp_seconds')})", "age"),
            look=Look.NUMBER,
            thresholds=bad_from(600),
        ),
        _panel("Print queue", "short", (f"max({at('orders_print_queue_depth')})", "orders"), look=Look.NUMBER),
        _panel(
            "Funnel",
            "short",
            (f"sum by (step) (increase({at('orders_funnel_sessions_total')}[$__range]))", "{{step}}"),
            look=Look.BARS,
        ),
        _panel(
            "Oversold",
            "short",
            (f"sum by (location) ({at('inventory_oversold_units')}) > 0", "{{location}}"),
            nothing="Nothing is oversold",
            thresholds=NONE_IS_GOOD,
        ),
    ],
)
_TABLES = Row(
    title="Tables",
    panels=[
        _panel(
            "Alerts",
            "none",
            (f"max by (alertname, severity, objective) ({_FIRING})", "{{alertname}}"),
            look=Look.TABLE,
            nothing="No alert fires",
            columns=(
                Column(source="alertname", heading="Alert"),
                Column(source="severity", heading="Severity"),
                Column(source="objective", heading="Objective", links=(_TO_OBJECTIVE,)),
            ),
        ),
        _panel(
            "Objectives",
            "percentunit",
            (f"max by (objective) ({at('objective:error_budget:remaining_ratio')})", "left"),
            (f"max by (objective) ({at('objective:error_budget:burn_rate1h')})", "burn"),
            look=Look.TABLE,
            minimum=None,
            columns=(
                Column(source="objective", heading="Objective", links=(_TO_OBJECTIVE,)),
                Column(source="Value #A", heading="Budget left", unit="percentunit", thresholds=good_from(0.25)),
                Column(source="Value #B", heading="Burn rate, 1 h", unit="none"),
            ),
            sorted_by="Burn rate, 1 h",
        ),
    ],
)
_JOINS = Row(
    title="Joins",
    panels=[
        _panel(
            "Failed changes",
            "percentunit",
            (f"{_FAILURES} * on (deployed_to) group_left (version) {_RELEASE}", "{{deployed_to}} {{version}}"),
            maximum=1,
        ),
        _panel(
            "Budget used",
            "percentunit",
            (f"{_billed('to_date')} / {_billed('budget')}", "{{source}} ({{currency}})"),
            thresholds=Thresholds(steps=(Step(value=None, colour=GOOD), Step(value=1, colour=BAD)), drawn=True),
        ),
        _panel("Backup size", "bytes", (f"max by (system) ({at('recovery_backup_size_bytes')})", "{{system}}")),
        _panel("Replication lag", "s", (f"max by (system) ({at('recovery_replication_lag_seconds')})", "{{system}}")),
        _panel("Generator", "percentunit", (f"max({at('loadtest_generator_cpu_ratio')})", "CPU"), maximum=1),
    ],
)
OVERVIEW = Board(
    name="sample-overview",
    title="Sample overview",
    question="Does everything work?",
    rows=(_REQUESTS, _NOW, _TABLES, _JOINS),
    variables=(_ROUTES,),
    annotations=(
        Annotation(
            name="Deployments",
            expr=f"max by (deployed_to) ({at('releases_last_deployment_timestamp_seconds')})",
            text="{{deployed_to}} deployed",
            colour="#CC79A7",
        ),
    ),
)
DETAIL = Board(
    name="sample-detail",
    title="Sample detail",
    question="What is wrong with this route, with this objective?",
    rows=(
        Row(
            title="Route",
            panels=[
                _panel("Rate", "reqps", (total(_SERVED), "requests")),
                _panel(
                    "Burn",
                    "none",
                    (at("objective:error_budget:burn_rate1h", 'objective=~"$objective"'), "{{objective}}"),
                ),
            ],
        ),
    ),
    variables=(
        _ROUTES,
        Variable(name="objective", title="Objective", selector="objective:target:ratio", label="objective"),
    ),
)


@cache
def _overview() -> str:
    return json.dumps(modern(OVERVIEW.dashboard()))


@cache
def _detail() -> str:
    return json.dumps(modern(DETAIL.dashboard()))


def overview() -> Json:
    """Return a fresh copy of the overview's JSON."""
    return dict(json.loads(_overview()))


def detail() -> Json:
    """Return a fresh copy of the detail's JSON."""
    return dict(json.loads(_detail()))
