"""What a location counts and what the web shop believes of it: a table, checked row by row, as columns."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from zoneinfo import ZoneInfo

import numpy as np

from exporters.sources.table import Table
from exporters.subjects.inventory import rows
from exporters.subjects.inventory.config import CountColumns, LocationConfig, RowsConfig, ShopColumns, ShopConfig
from exporters.subjects.inventory.rows import Flaws, Times
from exporters.subjects.inventory.skus import Normaliser
from exporters.subjects.inventory.values import Count, ShopNumbers, Units

_NS = 1_000_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Rows:
    """The rows of one read with the flaws that were found in them so far."""

    table: Table
    config: RowsConfig
    flaws: Flaws
    skus: Sequence[object]
    times: Times

    def kept(self) -> list[int]:
        """Return the numbers of the rows that aren't left out."""
        out = self.flaws.left_out
        return [n for n in range(self.table.rows) if n not in out] if out else list(range(self.table.rows))

    def clear(self) -> list[int]:
        """Return the rows that are kept, without those of a SKU of which another row is left out: it would be short."""
        unclear, kept = self.unclear(), self.kept()
        return [n for n in kept if self.skus[n] not in unclear] if unclear else kept

    def unclear(self) -> frozenset[str]:
        """Return the SKUs of which a row that can't be true is left out."""
        return frozenset(sku for n in self.flaws.bad if isinstance(sku := self.skus[n], str))


def begin(table: Table, config: RowsConfig, normaliser: Normaliser, sku: str, shown: str, now_ns: int) -> Rows:
    """Return the rows of a table, those without a SKU left out; raises Unreadable when there are too few."""
    rows.check_rows(table.rows, config.min_rows, shown)
    flaws = Flaws(shown=shown, max_bad_rows=config.max_bad_rows, rows=table.rows)
    skus = normaliser.skus(table.columns[sku])
    rows.checked_skus(skus, table.columns[sku], sku, flaws)
    times = Times(zone=ZoneInfo(config.time_zone), written=config.time_format, now_s=now_ns / _NS)
    return Rows(table=table, config=config, flaws=flaws, skus=skus, times=times)


def count(table: Table, config: LocationConfig, normaliser: Normaliser, shown: str, now_ns: int) -> Count:
    """Return a location's own count; raises Unreadable where more rows than allowed can't be true."""
    read = begin(table, config, normaliser, config.columns.sku, shown, now_ns)
    available = available_units(read, config.columns)
    updated = _extreme(read, config.columns.updated_at, max)
    counted = _extreme(read, config.columns.counted_at, min)
    skus, summed = _each_once(read, available, read.clear(), adds=config.duplicates == "add")
    read.flaws.check()
    changed_at_s = None if table.changed_at_ns is None else table.changed_at_ns / _NS
    if config.columns.updated_at is not None:
        changed_at_s = updated
    return Count(
        skus=skus,
        available=summed,
        unclear=read.unclear(),
        excluded=dict(read.flaws.counts),
        example=read.flaws.example,
        changed_at_s=changed_at_s,
        oldest_count_s=counted,
    )


def shop_numbers(
    table: Table, config: ShopConfig, normaliser: Normaliser, names: Mapping[str, str], shown: str, now_ns: int
) -> ShopNumbers:
    """Return what the web shop believes; `names` are the configuration's names by the shop's own."""
    read = begin(table, config, normaliser, config.columns.sku, shown, now_ns)
    available = available_units(read, config.columns)
    of_row = table.columns[config.columns.location]
    by_location: dict[str, list[int]] = {name: [] for name in names.values()}
    for number in read.kept():
        own = of_row[number]
        name = names.get(own.strip() if isinstance(own, str) else str(own))
        if name is None:
            read.flaws.add(number, rows.UNKNOWN_LOCATION, own, config.columns.location)
        else:
            by_location[name].append(number)
    each = {name: _each_once(read, available, numbers, adds=False) for name, numbers in by_location.items()}
    read.flaws.check()
    unclear = read.unclear()
    located = {name: Count(skus=skus, available=summed, unclear=unclear) for name, (skus, summed) in each.items()}
    return ShopNumbers(locations=located, excluded=dict(read.flaws.counts), example=read.flaws.example)


def available_units(read: Rows, columns: CountColumns | ShopColumns) -> Units:
    """Return the quantity less what is reserved, row by row."""
    quantity = rows.units(read.table.columns[columns.quantity], columns.quantity, rows.QUANTITY, read.flaws)
    if columns.reserved is None:
        return quantity
    return quantity - rows.units(read.table.columns[columns.reserved], columns.reserved, rows.RESERVED, read.flaws)


def _each_once(read: Rows, available: Units, kept: Sequence[int], *, adds: bool) -> tuple[tuple[str, ...], Units]:
    whole = len(kept) == read.table.rows
    skus = [*map(str, read.skus)] if whole else [str(read.skus[n]) for n in kept]
    if len(set(skus)) == len(skus):
        return tuple(skus), available if len(kept) == len(available) else available[np.array(kept, dtype=np.intp)]
    if not adds:
        return _without_duplicates(read, available, kept)
    totals: dict[str, int] = {}
    for sku, n in zip(skus, kept, strict=True):
        totals[sku] = totals.get(sku, 0) + int(available[n])
    return tuple(totals), np.array(list(totals.values()), dtype=np.int64)


def _without_duplicates(read: Rows, available: Units, kept: Sequence[int]) -> tuple[tuple[str, ...], Units]:
    twice = rows.duplicates(read.skus, kept)
    for n in kept:
        if read.skus[n] in twice:
            read.flaws.add(n, rows.DUPLICATE, read.skus[n], "sku")
    once = [n for n in kept if n not in read.flaws.left_out]
    return tuple(str(read.skus[n]) for n in once), available[np.array(once, dtype=np.intp)]


def _extreme(read: Rows, name: str | None, of: Callable[[Sequence[float]], float]) -> float | None:
    """Return the newest or the oldest time of a column, None where it has none."""
    if name is None:
        return None
    times = read.times.seconds(read.table.columns[name], name, read.flaws)
    known = times[~np.isnan(times)]
    return of(known.tolist()) if len(known) else None
