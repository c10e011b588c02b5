"""The shop's funnel and orders as metrics: read from its admin interface, checked, and turned into families.

The shop's counters are exported as they are; one that starts again at zero is Prometheus' to notice.
"""

from collections.abc import Iterable

from prometheus_client.metrics_core import Metric

from exporters.names import shop
from exporters.names.family import new_counter
from exporters.serving.scrape import Subject, of_one_source
from exporters.serving.source import Answer, Count, Deadline, Label, Source, capped, parsed

MAX_SERIES = 1_000
MAX_STEPS = 200


class Funnel(Answer):
    """How far sessions came, what became of orders, and where the accepted ones are fulfilled."""

    funnel: dict[Label, Count]
    orders: dict[Label, Count]
    orders_by_location: dict[Label, Count]


def read_funnel(source: Source, deadline: Deadline, max_series: int = MAX_SERIES) -> Funnel:
    """Read the funnel; raises Unreadable when it is malformed or has more series than allowed."""
    funnel = parsed(source.read(deadline), Funnel, source.shown)
    series = len(funnel.funnel) + len(funnel.orders) + len(funnel.orders_by_location)
    capped(series, max_series, source.shown)
    return funnel


def families(funnel: Funnel) -> Iterable[Metric]:
    """Turn the funnel into its metric families."""
    parts = (
        (shop.FUNNEL_SESSIONS, funnel.funnel),
        (shop.SHOP_ORDERS, funnel.orders),
        (shop.ORDER_LOCATIONS, funnel.orders_by_location),
    )
    for name, counts in parts:
        counter = new_counter(name)
        for label, count in counts.items():
            counter.add_metric((label,), count)
        yield counter


def subject(source: Source, max_series: int = MAX_SERIES) -> Subject[Funnel]:
    """Return the subject `orders`."""

    def read(deadline: Deadline) -> Funnel:
        return read_funnel(source, deadline, max_series)

    return of_one_source("orders", "funnel, orders, and orders by location", "shop", read, families)
