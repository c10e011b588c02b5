"""The shop's stock as metrics: read from its admin interface, checked, and turned into one family.

What is reserved for orders already placed is no more in stock. A quantity below zero is exported as it is: it is what
an oversold shop looks like.
"""

from collections.abc import Iterable

from prometheus_client.metrics_core import Metric

from exporters.names import shop
from exporters.names.family import new_gauge
from exporters.serving.scrape import Subject, of_one_source
from exporters.serving.source import Deadline, Source, Unreadable, capped, parsed
from loadtests.audit.shop_records import StockDocument, StockLevel

MAX_SERIES = 50_000
_MAX_LABEL, _MAX_QUANTITY = 128, 1 << 53


def read_stock(source: Source, deadline: Deadline, max_series: int = MAX_SERIES) -> StockDocument:
    """Read the stock; raises Unreadable when it is malformed, has more series than allowed, or a level twice."""
    stock = parsed(source.read(deadline), StockDocument, source.shown)
    if "format" not in stock.model_fields_set:
        raise Unreadable(f"{source.shown}: format: required and missing")
    capped(len(stock.stock), max_series, source.shown)
    if len(stock.levels()) != len(stock.stock):
        raise Unreadable(f"{source.shown}: the same SKU and location twice")
    wrong = next((number for number, level in enumerate(stock.stock) if not _fits(level)), None)
    if wrong is not None:
        bounds = f"names of 1 to {_MAX_LABEL} characters and a quantity up to 2^53"
        raise Unreadable(f"{source.shown}: stock[{wrong}]: expected {bounds}")
    return stock


def _fits(level: StockLevel) -> bool:
    """Whether its names fit a label, and its quantity a sample without loss."""
    labels = 0 < len(level.sku) <= _MAX_LABEL and 0 < len(level.location) <= _MAX_LABEL
    return labels and abs(level.quantity) <= _MAX_QUANTITY


def families(stock: StockDocument) -> Iterable[Metric]:
    """Turn the stock into its metric family."""
    units = new_gauge(shop.STOCK_UNITS)
    for level in stock.stock:
        units.add_metric((level.sku, level.location), level.left)
    yield units


def subject(source: Source, max_series: int = MAX_SERIES) -> Subject[StockDocument]:
    """Return the subject `stock`."""

    def read(deadline: Deadline) -> StockDocument:
        return read_stock(source, deadline, max_series)

    return of_one_source("stock", "units in stock by SKU and location", "shop", read, families)
