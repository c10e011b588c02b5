"""The first screen of the board "Incident": what is broken, and the place: route, provider, location or queue.

Sixteen grid rows are what 1366 x 768 shows. The panels stand in the order of triage, which is also the order in which a
phone stacks them.
"""

from dataclasses import replace

from dashboards.grafana.boards import payments, served
from dashboards.grafana.boards.burn_panels import BURNING, PAGE_FACTOR
from dashboards.grafana.boards.incident_links import (
    BUSINESS,
    EXPORTERS,
    INVENTORY,
    OBJECTIVES,
    ROUTES,
    SHOP_HEALTH,
    TRACES,
)
from dashboards.grafana.boards.order_queries import QUEUE_AGE
from dashboards.grafana.boards.stock_panels import DRIFT_LIMITS
from dashboards.grafana.panels import Column, Look, Panel, Query, Row
from dashboards.grafana.promql import at, or_zero, rate, total
from dashboards.grafana.style import NONE_IS_GOOD, bad_from, good_from
from slo.rules import names as rules

_PER_MINUTE = " * 60"
_HOUR_S = 3600
_SHORT, _TALL = 5, 6
_FIRING, _PENDING, _PAGE = 'alertstate="firing"', 'alertstate="pending"', 'severity="page"'
_OF = "of"
_STOCK = ("environment", "location")
_NOT_CAPTURED = rate("orders_payments_total", 'status!="captured"')


def _alerts() -> Panel:
    active = "without (alertstate)"
    pages, firing = f"sum {active} ({at('ALERTS', _FIRING, _PAGE)})", f"sum {active} ({at('ALERTS', _FIRING)})"
    state = f"3 * {pages} or 2 * {firing} or sum {active} ({at('ALERTS', _PENDING)})"
    waiting = f"time() - {at('ALERTS_FOR_STATE')}"
    return Panel(
        title="Alerts: what is broken, since when",
        description="Alerts that fire and page, then other alerts that fire, then what is pending: for how long its "
        "condition has held, and of which objective or exporter. docs/runbooks has a page for each.",
        unit="short",
        look=Look.TABLE,
        height=_SHORT,
        width=12,
        nothing="no alert, as far as rules are loaded",
        queries=[
            Query(expr=_of_what(state), legend="state"),
            Query(expr=_of_what(waiting), legend="for"),
        ],
        columns=[
            Column(
                source="Value #A",
                heading="State",
                mappings={3: "page", 2: "ticket", 1: "pending"},
                thresholds=bad_from(2, warn=1),
                width_px=75,
            ),
            Column(source="alertname", heading="Alert", links=[OBJECTIVES, EXPORTERS], width_px=165),
            Column(source=_OF, heading="Objective or exporter", least_px=200),
            Column(source="Value #B", heading="For", unit="s", width_px=85),
            Column(source="environment", heading="Environment", width_px=110),
        ],
        sorted_by="State",
    )


def _of_what(alerts: str) -> str:
    """Return alerts with what each is of in one label: an alert has either an objective or an exporter."""
    return f'label_join({alerts}, "{_OF}", "", "objective", "exporter")'


def _number(panel: Panel) -> Panel:
    return replace(panel, look=Look.NUMBER, height=_SHORT, width=3)


_NUMBERS = (
    Panel(
        title="Alerts firing",
        description="Alerts that fire now. Zero is said only where rules are evaluated.",
        unit="short",
        thresholds=NONE_IS_GOOD,
        queries=[
            Query(
                expr=f"count({at('ALERTS', _FIRING, severity)}) or 0 * count({at(rules.TARGET)})",
                legend=legend,
            )
            for severity, legend in ((_PAGE, "pages"), ('severity!="page"', "others"))
        ],
        links=[OBJECTIVES],
    ),
    Panel(
        title="Requests failed",
        description=f"Share of all requests of all services that failed. {served.WHAT_FAILED}",
        unit="percentunit",
        thresholds=bad_from(0.05, warn=0.01),
        nothing=served.NO_REQUEST,
        queries=[Query(expr=served.failed_ratio(), legend="failed")],
        links=[SHOP_HEALTH],
    ),
    Panel(
        title="Expected orders",
        description="Accepted orders, of the orders to be placed that are expected by the same hour yesterday and a "
        "week ago, the lower: what is declined as on every day is missing from it, too. Environments without records "
        "of both are left out.",
        unit="percentunit",
        thresholds=good_from(0.8, warn=0.5),
        nothing="unknown: no orders read, or none expected",
        queries=[
            Query(
                expr=payments.expected_ratio(),
                legend="of expected",
            )
        ],
        links=[BUSINESS],
    ),
    Panel(
        title="Budget burn 1h",
        description="How fast the error budget of the worst objective was spent in the last hour, as a multiple of the "
        f"rate that uses it up over its period: from {PAGE_FACTOR:g} on it pages (period of 28 d).",
        unit="short",
        decimals=1,
        thresholds=BURNING,
        queries=[Query(expr=f"max({at(rules.burn_rate(_HOUR_S))})", legend="worst objective")],
        links=[OBJECTIVES],
    ),
)
ALERTS = Row(title="", panels=[*(_number(panel) for panel in _NUMBERS), _alerts()])
PLACES = Row(
    title="",
    panels=[
        Panel(
            title="Errors by route, the five worst",
            description=f"Share of a route's requests that failed. {served.WHAT_FAILED} A route without requests has "
            "no line.",
            unit="percentunit",
            height=_SHORT,
            thresholds=bad_from(0.05),
            queries=[
                Query(expr=f"topk(5, {served.failed_ratio(*served.BY_ROUTE)})", legend="{{job}} {{http_route}}"),
            ],
            links=[ROUTES, TRACES],
        ),
        Panel(
            title="Latency p95 by route, the five slowest",
            description="95 of 100 requests of the route were answered within this time, in the service's own "
            "counting. Waiting before the service began is not in it.",
            unit="s",
            height=_SHORT,
            queries=[
                Query(expr=f"topk(5, {served.latency('0.95', *served.BY_ROUTE)})", legend="{{job}} {{http_route}}"),
            ],
            links=[ROUTES, TRACES],
        ),
        Panel(
            title="Payments without an order, by provider",
            description="Payments a minute that became no order: declined, failed or cancelled, by provider; and those "
            "captured beyond the accepted orders, which are money without an order: a charge twice, or news of a "
            "payment that the shop lost.",
            unit="opm",
            height=_SHORT,
            queries=[
                Query(
                    expr=f"({or_zero(_NOT_CAPTURED, rate('orders_payments_total'), 'provider')}){_PER_MINUTE}",
                    legend="{{provider}} not captured",
                ),
                Query(
                    expr=f"{payments.without_an_order()}{_PER_MINUTE}",
                    legend="captured without an order",
                ),
            ],
            links=[BUSINESS],
        ),
    ],
)
WAITING = Row(
    title="",
    panels=[
        Panel(
            title="Orders a minute, against expected",
            description="Orders placed and accepted a minute, and how many are to be expected by the same hour "
            "yesterday and a week ago, the lower.",
            unit="opm",
            height=_TALL,
            width=7,
            queries=[
                Query(expr=f"{payments.ACCEPTED}{_PER_MINUTE}", legend="accepted"),
                Query(expr=f"{total(rate('orders_placed_total'))}{_PER_MINUTE}", legend="placed"),
                Query(expr=f"{total(at('orders_expected_per_second'))}{_PER_MINUTE}", legend="expected"),
            ],
            links=[BUSINESS],
        ),
        Panel(
            title="Stock by location: oversold, drift, out of stock",
            description="Units that a location promised and doesn't have, units by which the shop and the location "
            "differ for longer than the shop takes to learn of a change, and SKUs without a unit.",
            unit="short",
            look=Look.TABLE,
            height=_TALL,
            width=9,
            queries=[
                Query(expr=total(at("inventory_oversold_units"), *_STOCK), legend="oversold"),
                Query(expr=total(at("inventory_drift_standing_units"), *_STOCK), legend="drift"),
                Query(expr=total(at("inventory_stock_out_skus"), *_STOCK), legend="out of stock"),
            ],
            columns=[
                Column(source="location", heading="Location", links=[INVENTORY], least_px=112),
                Column(source="environment", heading="Environment"),
                Column(source="Value #A", heading="Oversold", unit="short", thresholds=NONE_IS_GOOD),
                Column(source="Value #B", heading="Drift", unit="short", thresholds=DRIFT_LIMITS),
                Column(source="Value #C", heading="SKUs out", unit="short", thresholds=NONE_IS_GOOD),
            ],
            sorted_by="Drift",
        ),
        Panel(
            title="Print queue: orders",
            description="Accepted orders that wait for their printing, and orders past their promise and not shipped.",
            unit="short",
            look=Look.NUMBER,
            height=_TALL,
            width=4,
            queries=[
                Query(expr=total(at("orders_print_queue_depth")), legend="waiting"),
                Query(expr=total(at("orders_overdue")), legend="overdue"),
            ],
            links=[BUSINESS],
        ),
        Panel(
            title="Print queue: oldest",
            description="How long the order that was paid first has waited for its printing; 0 when none waits.",
            unit="s",
            look=Look.NUMBER,
            height=_TALL,
            width=4,
            queries=[Query(expr=QUEUE_AGE, legend="waits")],
            links=[BUSINESS],
        ),
    ],
)
