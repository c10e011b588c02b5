"""Units sold by SKU in a window, and when each was last sold: a table, checked row by row, as columns."""

import numpy as np

from exporters.context import ExporterContext
from exporters.serving.source import Unreadable
from exporters.sources.csv_drop import DAY_S
from exporters.sources.table import Table
from exporters.subjects.inventory import rows
from exporters.subjects.inventory.config import SalesConfig
from exporters.subjects.inventory.counts import begin
from exporters.subjects.inventory.skus import Normaliser
from exporters.subjects.inventory.values import Growth, Sales
from loadtests.demand.forecast import read_forecast
from slo.documents import BadInput


def sales(table: Table, config: SalesConfig, normaliser: Normaliser, shown: str, now_ns: int) -> Sales:
    """Return what was sold; rows of one SKU add up. Raises Unreadable where more rows than allowed can't be true.

    Units below zero are returns that outweigh the sales of the window: such a SKU doesn't sell.
    """
    read = begin(table, config, normaliser, config.columns.sku, shown, now_ns)
    units = rows.units(table.columns[config.columns.units], config.columns.units, rows.QUANTITY, read.flaws)
    name = config.columns.last_sold_at
    last = None if name is None else read.times.seconds(table.columns[name], name, read.flaws)
    read.flaws.check()
    kept = np.array(read.clear(), dtype=np.intp)
    of_row = [str(read.skus[n]) for n in kept]
    at = {sku: number for number, sku in enumerate(dict.fromkeys(of_row))}
    numbers = np.fromiter(map(at.__getitem__, of_row), dtype=np.intp, count=len(of_row))
    totals = np.zeros(len(at), dtype=np.int64)
    np.add.at(totals, numbers, units[kept])
    latest = None
    if last is not None:
        latest = np.full(len(at), np.nan)
        np.fmax.at(latest, numbers, last[kept])
    return Sales(
        skus=tuple(at),
        units=totals,
        window_s=config.window_days * DAY_S,
        last_sold_s=latest,
        unclear=read.unclear(),
        excluded=dict(read.flaws.counts),
        example=read.flaws.example,
    )


def growth(context: ExporterContext, file: str, shown: str) -> Growth:
    """Return the growth of a forecast that `peakproof forecast` wrote; raises Unreadable."""
    try:
        found = read_forecast(context.path(file))
    except BadInput as error:
        raise Unreadable(f"{shown}: {str(error).splitlines()[0]}") from None
    return Growth(ratio=found.growth.ratio)
