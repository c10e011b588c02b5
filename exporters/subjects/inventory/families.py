"""Checked counts as metric families: pure but for the note of since when a SKU has differed."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from prometheus_client.metrics_core import Metric

from exporters.names import inventory as names
from exporters.names.family import Family, new_gauge
from exporters.serving.columns import ColumnFamily
from exporters.sources.csv_drop import DAY_S
from exporters.subjects.inventory.config import FORECAST, SALES, SEASON, WEB_SHOP, InventoryConfig
from exporters.subjects.inventory.drift import Drift, Standing, drift
from exporters.subjects.inventory.levels import Column, Index, index_of, largest
from exporters.subjects.inventory.values import Count, Growth, Sales, ShopNumbers, Units, Value

RECENT = "recent"


@dataclass(frozen=True, slots=True, kw_only=True)
class Read:
    """What one scrape read: the locations and the rest, None where a source couldn't be read or isn't configured."""

    counts: Mapping[str, Count]
    shop: ShopNumbers | None
    sales: Sales | None
    season: Sales | None
    growth: Growth | None


def read_of(values: Mapping[str, Value], config: InventoryConfig) -> Read:
    """Sort the values by what they are of."""
    counts = {name: value for name in config.locations if isinstance(value := values.get(name), Count)}
    shop, sales, season = values.get(WEB_SHOP), values.get(SALES), values.get(SEASON)
    growth = values.get(FORECAST)
    return Read(
        counts=counts,
        shop=shop if isinstance(shop, ShopNumbers) else None,
        sales=sales if isinstance(sales, Sales) else None,
        season=season if isinstance(season, Sales) else None,
        growth=growth if isinstance(growth, Growth) else None,
    )


@dataclass(slots=True)
class Series:
    """The series of a family by a place and a SKU, gathered place by place."""

    first: list[str] = field(default_factory=list)
    skus: list[str] = field(default_factory=list)
    values: list[NDArray[Any]] = field(default_factory=list)

    def add(self, first: str, skus: Sequence[str], values: NDArray[Any]) -> None:
        """Add a series for each of `skus`."""
        self.first += [first] * len(skus)
        self.skus += skus
        self.values.append(values)

    def family(self, family: Family) -> Metric:
        """Return what was gathered."""
        return ColumnFamily(family, (self.first, self.skus), np.concatenate(self.values) if self.values else [])


@dataclass(frozen=True, slots=True, kw_only=True)
class Families:
    """The families of one scrape."""

    config: InventoryConfig
    read: Read
    index: Index
    columns: Mapping[str, Column]
    standing: Standing
    now_s: float

    def all(self) -> Iterator[Metric]:
        """Yield each family that what was read allows."""
        yield from self._units()
        yield from self._counted()
        yield from self._times()
        if self.read.shop is not None:
            yield from self._drift(self.read.shop)
        if self._whole:
            yield from self._warehouse_out()
        if self._whole:
            yield from self._cover()
        if self.read.sales is not None and self.config.dead_after_days is not None:
            yield from self._dead(self.read.sales, self.config.dead_after_days * DAY_S)
        yield self._excluded()

    @property
    def _whole(self) -> bool:
        """Whether every location was read: what adds them up would else be short."""
        return len(self.columns) == len(self.config.locations)

    def _units(self) -> Iterator[Metric]:
        available, other = Series(), new_gauge(names.SKUS_IN_OTHER)
        weight = self._weight()
        for location, column in self.columns.items():
            listed = np.flatnonzero(column.listed)
            chosen = listed[largest(weight[listed], self.config.top_skus)]
            self._top(available, location, column.units, chosen)
            own = int((chosen != self.index.places.get(names.OTHER, -1)).sum())
            other.add_metric((location,), len(listed) - own)
        yield available.family(names.AVAILABLE_UNITS)
        yield other

    def _weight(self) -> Units:
        """By what SKUs are chosen for a series of their own: units sold, or units on hand where no sales are known."""
        if self.read.sales is not None:
            return self.index.sold(self.read.sales)
        return _sum([column.units for column in self.columns.values()])

    def _top(self, series: Series, location: str, units: Units, chosen: NDArray[np.intp]) -> None:
        """Add a series for each chosen SKU, and one for the rest, so that all add up to the whole.

        A SKU that is itself called other has no series of its own: it is among the rest.
        """
        chosen = chosen[chosen != self.index.places.get(names.OTHER, -1)]
        values = units[chosen]
        series.add(location, [self.index.skus[place] for place in chosen.tolist()], values)
        series.add(location, [names.OTHER], units.sum(keepdims=True) - values.sum())

    def _counted(self) -> Iterator[Metric]:
        skus, out = new_gauge(names.SKUS), new_gauge(names.STOCK_OUT_SKUS)
        oversold, owed = new_gauge(names.OVERSOLD_SKUS), Series()
        for location, column in self.columns.items():
            missing = np.where(column.listed, np.maximum(-column.units, 0), 0)
            skus.add_metric((location,), int(column.listed.sum()))
            out.add_metric((location,), int((column.listed & (column.units <= 0)).sum()))
            oversold.add_metric((location,), int((missing > 0).sum()))
            self._top(owed, location, missing, self._largest_of(missing))
        yield from (skus, out, oversold, owed.family(names.OVERSOLD_UNITS))

    def _largest_of(self, units: Units) -> NDArray[np.intp]:
        """Return the places of the SKUs with most units, among those that have any."""
        places = np.flatnonzero(units)
        return places[largest(np.abs(units[places]), self.config.top_skus)]

    def _times(self) -> Iterator[Metric]:
        changed, counted = new_gauge(names.DATA_TIME), new_gauge(names.OLDEST_COUNT_TIME)
        for location, count in self.read.counts.items():
            if count.changed_at_s is not None:
                changed.add_metric((location,), count.changed_at_s)
            if count.oldest_count_s is not None:
                counted.add_metric((location,), count.oldest_count_s)
        yield from (changed, counted)

    def _drift(self, shop: ShopNumbers) -> Iterator[Metric]:
        compared = {
            name: drift(self.index.column(shop.locations[name]), column)
            for name, column in self.columns.items()
            if name in shop.locations
        }
        signed, absolute = Series(), new_gauge(names.DRIFT_ABSOLUTE_UNITS)
        skus, unlisted = new_gauge(names.DRIFT_SKUS), new_gauge(names.UNLISTED_SKUS)
        for location, found in compared.items():
            self._top(signed, location, found.units, self._largest_of(found.units))
            absolute.add_metric((location,), int(np.abs(found.units).sum()))
            skus.add_metric((location,), int(found.differing.sum()))
            unlisted.add_metric((location, "shop"), found.absent_from_shop)
            unlisted.add_metric((location, "location"), found.absent_from_location)
        yield from (signed.family(names.DRIFT_UNITS), absolute, skus, unlisted)
        yield from self._standing(compared)

    def _standing(self, compared: Mapping[str, Drift]) -> Iterator[Metric]:
        standing, oldest = new_gauge(names.DRIFT_STANDING_UNITS), new_gauge(names.DRIFT_OLDEST)
        for location, found in compared.items():
            since = self.standing.since_s(location, found, self.index, self.now_s)
            old = [sku for sku, at in since.items() if self.now_s - at >= self.config.sync_within_s]
            standing.add_metric((location,), int(np.abs(found.units[self.index.at(old)]).sum()))
            if since:
                oldest.add_metric((location,), min(since.values()))
        yield from (standing, oldest)

    def _warehouse_out(self) -> Iterator[Metric]:
        kinds = {name: self.config.locations[name].kind for name in self.columns}
        warehouses = [column for name, column in self.columns.items() if kinds[name] == "warehouse"]
        stores = {name: column for name, column in self.columns.items() if kinds[name] == "store"}
        if not warehouses or not stores:
            return
        listed = np.logical_or.reduce([column.listed for column in warehouses])
        clear = np.logical_and.reduce([column.clear for column in warehouses])
        out = listed & clear & (_sum([np.maximum(column.units, 0) for column in warehouses]) == 0)
        left = {name: np.where(out, np.maximum(column.units, 0), 0) for name, column in stores.items()}
        skus, units = new_gauge(names.WAREHOUSE_OUT_SKUS), Series()
        skus.add_metric((), int((_sum(list(left.values())) > 0).sum()))
        for location, there in left.items():
            self._top(units, location, there, self._largest_of(there))
        yield from (skus, units.family(names.WAREHOUSE_OUT_UNITS))

    def _cover(self) -> Iterator[Metric]:
        rates = dict(self._rates())
        if not rates:
            return
        available = np.maximum(_sum([column.units for column in self.columns.values()]), 0)
        clear = np.logical_and.reduce([column.clear for column in self.columns.values()])
        cover, short = Series(), new_gauge(names.COVER_SHORT_SKUS)
        selling = new_gauge(names.SELLING_SKUS)
        for demand, per_s in rates.items():
            places = np.flatnonzero((per_s > 0) & clear)
            lasts_s = available[places] / per_s[places]
            chosen = largest(-lasts_s, self.config.top_skus)
            cover.add(demand, [self.index.skus[place] for place in places[chosen].tolist()], lasts_s[chosen])
            short.add_metric((demand,), int((lasts_s < self.config.lead_time_days * DAY_S).sum()))
            selling.add_metric((demand,), len(places))
        yield from (cover.family(names.COVER), short, selling)

    def _rates(self) -> Iterator[tuple[str, NDArray[np.floating]]]:
        """Yield units per second by SKU of each demand that is known."""
        if self.read.sales is not None:
            yield RECENT, self.index.sold(self.read.sales) / self.read.sales.window_s
        if self.read.season is not None and self.read.growth is not None:
            yield SEASON, self.index.sold(self.read.season) * self.read.growth.ratio / self.read.season.window_s

    def _dead(self, sales: Sales, after_s: float) -> Iterator[Metric]:
        last = self.index.last_sold_s(sales)
        sold = self.index.sold(sales) > 0 if last is None else self.now_s - last < after_s  # never sold: NaN, not less
        sold = sold | ~self.index.clear(sales.unclear)
        skus, units = new_gauge(names.DEAD_SKUS), new_gauge(names.DEAD_UNITS)
        for location, column in self.columns.items():
            dead = np.where(sold, 0, np.maximum(column.units, 0))
            skus.add_metric((location,), int((dead > 0).sum()))
            units.add_metric((location,), int(dead.sum()))
        yield from (skus, units)

    def _excluded(self) -> Metric:
        rows = new_gauge(names.EXCLUDED_ROWS)
        others = {WEB_SHOP: self.read.shop, SALES: self.read.sales, SEASON: self.read.season}
        for source, value in (*self.read.counts.items(), *others.items()):
            for reason, count in ({} if value is None else value.excluded).items():
                rows.add_metric((source, reason), count)
        return rows


def _sum(columns: Sequence[Units]) -> Units:
    total: Units = np.sum(columns, axis=0, dtype=np.int64)
    return total


def families(read: Read, config: InventoryConfig, standing: Standing, now_s: float) -> Iterable[Metric]:
    """Return the families of what one scrape read; what a missing source feeds is absent."""
    lists = [count.skus for count in read.counts.values()]
    lists += [count.skus for count in read.shop.locations.values()] if read.shop else []
    lists += [sales.skus for sales in (read.sales, read.season) if sales is not None]
    index = index_of(lists)
    columns = {name: index.column(count) for name, count in read.counts.items()}
    if not columns:
        return ()
    found = Families(config=config, read=read, index=index, columns=columns, standing=standing, now_s=now_s)
    return tuple(family for family in found.all() if isinstance(family, ColumnFamily) or family.samples)
