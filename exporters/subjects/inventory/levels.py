"""The counts of all locations side by side: one index of SKUs, one column of units a location."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from exporters.subjects.inventory.values import Count, Sales, Units

Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """Units by SKU of one list, over all SKUs there are: 0 where it doesn't list one, as it has none then.

    Nothing is said of a SKU that isn't `clear`.
    """

    units: Units = field(repr=False)
    listed: Mask = field(repr=False)
    clear: Mask = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Index:
    """Every SKU that some source names, each with its place in the columns."""

    skus: Sequence[str] = field(repr=False)
    places: Mapping[str, int] = field(repr=False)

    def column(self, count: Count) -> Column:
        """Return a count as a column."""
        size = len(self.skus)
        at = self.at(count.skus)
        units, listed = np.zeros(size, dtype=np.int64), np.zeros(size, dtype=bool)
        units[at] = count.available
        listed[at] = True
        return Column(units=units, listed=listed, clear=self.clear(count.unclear))

    def clear(self, unclear: Iterable[str]) -> Mask:
        """Return a column that is true but for the SKUs that are `unclear`."""
        mask = np.ones(len(self.skus), dtype=bool)
        mask[[self.places[sku] for sku in unclear if sku in self.places]] = False
        return mask

    def sold(self, sales: Sales) -> Units:
        """Return units sold as a column."""
        units = np.zeros(len(self.skus), dtype=np.int64)
        units[self.at(sales.skus)] = sales.units
        return units

    def last_sold_s(self, sales: Sales) -> NDArray[np.float64] | None:
        """Return when each SKU was last sold, NaN where it never was; None where the source doesn't say."""
        if sales.last_sold_s is None:
            return None
        times = np.full(len(self.skus), np.nan)
        times[self.at(sales.skus)] = sales.last_sold_s
        return times

    def at(self, skus: Sequence[str]) -> NDArray[np.intp]:
        """Return the places of SKUs."""
        return np.fromiter(map(self.places.__getitem__, skus), dtype=np.intp, count=len(skus))


def index_of(lists: Iterable[Sequence[str]]) -> Index:
    """Return the index of the SKUs of all `lists`."""
    places = {sku: place for place, sku in enumerate(dict.fromkeys(chain.from_iterable(lists)))}
    return Index(skus=tuple(places), places=places)


def largest(values: NDArray[np.float64] | Units, most: int) -> NDArray[np.intp]:
    """Return the places of the `most` largest values, the largest first; of equal ones the first."""
    if len(values) > most:
        chosen = np.argpartition(-values, most - 1)[:most]
        # Of those that equal the smallest that is in, the first ones are in: the choice is the same at each scrape.
        edge = values[chosen].min()
        above = np.flatnonzero(values > edge)
        chosen = np.concatenate([above, np.flatnonzero(values == edge)[: most - len(above)]])
    else:
        chosen = np.arange(len(values))
    return chosen[np.argsort(-values[chosen], kind="stable")]
