"""The stock of a shop as columns: label values that stay, values that are drawn anew."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from prometheus_client.metrics_core import GaugeMetricFamily, Metric

from exporters.names.family import Family
from exporters.serving.columns import ColumnFamily

LOCATIONS = 20
UNITS = Family(
    name="shop_inventory_stock_units",
    kind="gauge",
    help="Units on hand.",
    labels=("sku", "location"),
    bounded_by="the benchmark",
)
Values = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Stock:
    """So many series: each SKU at twenty locations."""

    skus: Sequence[str]
    locations: Sequence[str]

    @classmethod
    def of(cls, series: int) -> "Stock":
        """Return a stock of `series` series."""
        places = ["warehouse", *(f"store-{number}" for number in range(1, LOCATIONS))]
        return cls(
            skus=[f"sku-{number // LOCATIONS:06d}" for number in range(series)],
            locations=[places[number % LOCATIONS] for number in range(series)],
        )

    def prometheus_clients(self, values: Values) -> Metric:
        """Return the family as prometheus-client's users make it."""
        family = GaugeMetricFamily(UNITS.name, UNITS.help, labels=UNITS.labels)
        for sku, location, value in zip(self.skus, self.locations, values, strict=True):
            family.add_metric((sku, location), value)
        return family

    def ours(self, values: Values) -> Metric:
        """Return the same family as columns."""
        return ColumnFamily(UNITS, [self.skus, self.locations], values)


@dataclass(frozen=True, slots=True)
class One:
    """A registry of one family."""

    family: Metric

    def collect(self) -> Iterable[Metric]:
        """Return it."""
        return (self.family,)


def all_others(values: Values, chance: np.random.Generator) -> Values:
    """Return values of which none is what it was: whole units, as a stock has them."""
    return values + chance.integers(1, 50, len(values))


def some_others(values: Values, share: float, chance: np.random.Generator) -> Values:
    """Return values of which `share`, scattered evenly, aren't what they were."""
    changed = values.copy()
    changed[chance.choice(len(values), round(share * len(values)), replace=False)] += 1
    return changed
