"""The subject `inventory`: a source for each location, the web shop, the sales and the forecast."""

import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from prometheus_client.metrics_core import Metric

from exporters.context import ExporterContext
from exporters.serving.at_most_every import AtMostEvery
from exporters.serving.scrape import Read as ReadSource
from exporters.serving.scrape import Subject
from exporters.serving.source import Deadline
from exporters.sources.kinds import table_source
from exporters.sources.table import Table
from exporters.subjects.inventory import counts
from exporters.subjects.inventory.config import (
    FORECAST,
    SALES,
    SEASON,
    WEB_SHOP,
    InventoryConfig,
    LocationConfig,
    SalesConfig,
    SeasonConfig,
    ShopConfig,
)
from exporters.subjects.inventory.drift import Standing
from exporters.subjects.inventory.families import families, read_of
from exporters.subjects.inventory.sales import growth, sales
from exporters.subjects.inventory.skus import Normaliser, normaliser
from exporters.subjects.inventory.values import Count, Sales, ShopNumbers, Value

NAME = "inventory"
_LOG = logging.getLogger(__name__)
_NS = 1_000_000_000
Found = TypeVar("Found", Count, ShopNumbers, Sales)


@dataclass(slots=True, kw_only=True)
class _Excluded:
    """Says which rows are left out, once as long as they stay the same in number."""

    shown: str
    before: dict[str, int] = field(default_factory=dict)

    def note(self, value: Found) -> Found:
        """Log what is left out when it has changed."""
        now = dict(value.excluded)
        if now != self.before:
            left_out = ", ".join(f"{reason}: {count}" for reason, count in now.items()) or "none"
            example = f"; {value.example}" if value.example else ""
            _LOG.warning("%s: rows that are in no figure: %s%s", self.shown, left_out, example)
        self.before = now
        return value


def subject(config: InventoryConfig, context: ExporterContext) -> Subject[Value]:
    """Return the subject of a configuration, its secrets and files of codes read; raises BadInput."""
    standing: Standing = context.kept.setdefault(NAME, Standing())  # a reload is no reason to wait anew

    def of(values: Mapping[str, Value]) -> Iterable[Metric]:
        return families(read_of(values, config), config, standing, context.now() / _NS)

    about = "units by SKU and location, drift, days of cover"
    return Subject(
        name=NAME, about=about, sources=_sources(config, context), families=of, max_series=_most_series(config)
    )


def _most_series(config: InventoryConfig) -> int:
    """Return what the families can have at most: above it the rest of one would be cut, and no longer add up."""
    return (4 * len(config.locations) + 2) * (config.top_skus + 1) + 20 * len(config.locations) + 100


def _sources(config: InventoryConfig, context: ExporterContext) -> Mapping[str, ReadSource[Value]]:
    found: dict[str, ReadSource[Value]] = {
        name: _location(location, context, f"{NAME}.locations.{name}") for name, location in config.locations.items()
    }
    if config.web_shop is not None:
        found[WEB_SHOP] = _shop(config.web_shop, config, context)
    if config.sales is not None:
        found[SALES] = _sales(config.sales, context, f"{NAME}.sales")
    if config.season is not None:
        found[SEASON] = _sales(config.season, context, f"{NAME}.season")
        found[FORECAST] = _forecast(config.season, context)
    return found


def _reader(
    config: LocationConfig | ShopConfig | SalesConfig,
    context: ExporterContext,
    place: str,
    checked: Callable[[Table, Normaliser, str], Found],
) -> ReadSource[Found]:
    source, rule = table_source(config, context, place), normaliser(config.sku, context)
    wanted, excluded = tuple(dict.fromkeys(config.columns.wanted())), _Excluded(shown=place)

    def read(deadline: Deadline) -> Found:
        return excluded.note(checked(source.read(wanted, deadline), rule, source.shown))

    return read


def _location(config: LocationConfig, context: ExporterContext, place: str) -> ReadSource[Count]:
    def checked(table: Table, rule: Normaliser, shown: str) -> Count:
        return counts.count(table, config, rule, shown, context.now())

    return _reader(config, context, place, checked)


def _shop(config: ShopConfig, whole: InventoryConfig, context: ExporterContext) -> ReadSource[ShopNumbers]:
    names = {one.shop_name or name: name for name, one in whole.locations.items() if one.in_web_shop}

    def checked(table: Table, rule: Normaliser, shown: str) -> ShopNumbers:
        return counts.shop_numbers(table, config, rule, names, shown, context.now())

    return _reader(config, context, f"{NAME}.web_shop", checked)


def _sales(config: SalesConfig, context: ExporterContext, place: str) -> ReadSource[Sales]:
    def checked(table: Table, rule: Normaliser, shown: str) -> Sales:
        return sales(table, config, rule, shown, context.now())

    return AtMostEvery(config.every_s, _reader(config, context, place, checked), retry_s=0)


def _forecast(config: SeasonConfig, context: ExporterContext) -> ReadSource[Value]:
    return lambda _: growth(context, config.forecast, f"{NAME}.season.forecast")
