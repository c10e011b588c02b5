"""The rows of the board "Peak run" that the shop itself answers: its servers, its payment provider, spans, business."""

from dashboards.grafana.links import Link
from dashboards.grafana.panels import Look, Panel, Query, Row
from dashboards.grafana.promql import at, or_zero, quantile, rate, total
from dashboards.grafana.style import NO_RATE_IS_GOOD, NONE_IS_GOOD, bad_from, good_from
from exporters.names import shop, spans
from exporters.names.family import Family

_TRACES = Link(title="Traces", board="traces")
_ROUTE = Link(title="This route in shop health", board="shop-health", labels={"route": "http_route"})
_SERVICE = Link(title="This service in traces", board="traces", labels={"service": "service_name"})
_BUSINESS = Link(title="Business", board="business")
_INVENTORY = Link(title="Inventory", board="inventory")
_SERVED = "http_server_request_duration_seconds"
_SERVED_S = bad_from(0.5, warn=0.25)


def served(suffix: str, job: str, *matchers: str) -> str:
    """Return the rate of a part of a job's HTTP server metrics: `count`, `sum` or `bucket`."""
    return rate(f"{_SERVED}_{suffix}", f'job="{job}"', *matchers)


def _red(title: str, job: str, what: str) -> Row:
    """Return rate, errors and latency by route of one scraped job."""
    count, failed = served("count", job), served("count", job, 'http_response_status_code=~"5.."')
    return Row(
        title=title,
        panels=[
            Panel(
                title=f"Requests of {what}",
                description=f"Requests a second that {what} answered, by route, in its own counting.",
                unit="reqps",
                queries=[Query(expr=total(count, "http_route"), legend="{{http_route}}")],
                links=[_ROUTE],
            ),
            Panel(
                title=f"Server errors of {what}",
                description=f"Replies a second of {what} with a 5xx status, by route; a flat zero is a healthy route.",
                unit="reqps",
                thresholds=NO_RATE_IS_GOOD,
                queries=[Query(expr=or_zero(failed, count, "http_route"), legend="{{http_route}}")],
                links=[_ROUTE, _TRACES],
            ),
            Panel(
                title=f"Latency p95 of {what}",
                description=f"95 of 100 requests were answered by {what} within this time, by route. Waiting before "
                "the server began is not in it.",
                unit="s",
                thresholds=_SERVED_S,
                queries=[
                    Query(expr=quantile("0.95", served("bucket", job), "http_route"), legend="{{http_route}}"),
                ],
                links=[_ROUTE, _TRACES],
            ),
        ],
    )


def in_time_shown(family: Family, *by: str) -> str:
    """Return how much a counter grew in the time shown, by labels."""
    return total(f"increase({at(family.name)}[$__range])", *by)


_SPAN_RATE = rate(f"{spans.SPAN_DURATION.name}_bucket")
_SPAN = ("service_name", "span_name")
_SPANS = Row(
    title="Spans: where the time goes",
    panels=[
        Panel(
            title="Calls of the ten busiest spans",
            description="Spans a second by service and name. A name that grows faster than the load is called more "
            "often per request.",
            unit="cps",
            queries=[
                Query(
                    expr=f"topk(10, {total(rate(spans.SPAN_CALLS.name), *_SPAN)})",
                    legend="{{service_name}} {{span_name}}",
                ),
            ],
            links=[_SERVICE],
        ),
        Panel(
            title="p95 of the ten slowest spans",
            description="Duration that 95 of 100 spans of a name stay within, slowest ten names at each moment.",
            unit="ms",
            queries=[
                Query(
                    expr=f"topk(10, {quantile('0.95', _SPAN_RATE, *_SPAN)})",
                    legend="{{service_name}} {{span_name}}",
                ),
            ],
            thresholds=bad_from(500, warn=250),
            links=[_SERVICE],
        ),
    ],
)
_STOCK = at(shop.STOCK_UNITS.name)
_SHOP = Row(
    title="Business: stock and funnel",
    panels=[
        Panel(
            title="Locations with the least stock",
            description="Units on hand by location, lowest ten first.",
            unit="short",
            look=Look.BARS,
            minimum=None,
            thresholds=good_from(1, warn=0),
            queries=[
                Query(
                    expr=f"bottomk(10, {total(_STOCK, shop.LOCATION)})",
                    legend="{{location}}",
                ),
            ],
            links=[_INVENTORY],
        ),
        Panel(
            title="SKUs out of stock",
            description="SKUs with nothing left, by location. It climbs when the plan sells more than there is.",
            unit="short",
            queries=[
                Query(
                    expr=f"count by ({shop.LOCATION}) ({_STOCK} <= 0) or {total(_STOCK, shop.LOCATION)} * 0",
                    legend="{{location}}",
                ),
            ],
            thresholds=NONE_IS_GOOD,
            links=[_INVENTORY],
        ),
        Panel(
            title="Funnel",
            description="Sessions that reached each step of the way to an order, in the time shown.",
            unit="short",
            look=Look.BARS,
            queries=[
                Query(expr=in_time_shown(shop.FUNNEL_SESSIONS, shop.STEP), legend="{{step}}"),
            ],
            links=[_BUSINESS],
        ),
        Panel(
            title="Orders by location",
            description="Orders a minute that each location has to fulfil, as the shop counts them.",
            unit="opm",
            queries=[
                Query(
                    expr=f"{total(rate(shop.ORDER_LOCATIONS.name), shop.LOCATION)} * 60",
                    legend="{{location}}",
                ),
            ],
            links=[_BUSINESS],
        ),
    ],
)
SHOP_ROWS = (
    _red("Shop: the server's own view", "shop", "the shop"),
    _red("Payment provider", "payments", "the payment provider"),
    _SPANS,
    _SHOP,
)
