"""The shop's stock as metrics: read from its admin interface, checked, and turned into one family.

A quantity below zero is exported as it is: it is what an oversold shop looks like.
"""

from collections.abc import Iterable
from typing import Annotated, Literal

from prometheus_client.metrics_core import Metric
from pydantic import FailFast, Field

from exporters import names
from exporters.serving.scrape import Subject
from exporters.serving.source import AdminSource, Answer, Count, Deadline, Label, Unreadable, capped, parsed

MAX_SERIES = 50_000


class Level(Answer):
    """The units of one SKU at one location."""

    sku: Label
    location: Label
    quantity: Annotated[int, Field(ge=-(2**53), le=2**53)]


class Stock(Answer):
    """`peakproof/stock/v1`: every level the shop knows."""

    format: Literal["peakproof/stock/v1"]
    taken_at: Count
    stock: Annotated[list[Level], FailFast()]


def read_stock(source: AdminSource, deadline: Deadline, max_series: int = MAX_SERIES) -> Stock:
    """Read the stock; raises Unreadable when it is malformed, has more series than allowed, or a level twice."""
    stock = parsed(source.read(deadline), Stock, source.shown)
    capped(len(stock.stock), max_series, source.shown)
    if len({(level.sku, level.location) for level in stock.stock}) != len(stock.stock):
        raise Unreadable(f"{source.shown}: the same SKU and location twice")
    return stock


def families(stock: Stock) -> Iterable[Metric]:
    """Turn the stock into its metric family."""
    units = names.gauge(names.STOCK_UNITS)
    for level in stock.stock:
        units.add_metric((level.sku, level.location), level.quantity)
    yield units


def subject(source: AdminSource, max_series: int = MAX_SERIES) -> Subject[Stock]:
    """Return the subject `stock`."""

    def read(deadline: Deadline) -> Stock:
        return read_stock(source, deadline, max_series)

    return Subject(name="stock", about="units in stock by SKU and location", read=read, families=families)
