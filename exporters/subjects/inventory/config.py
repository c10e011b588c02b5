"""The part `inventory` of exporters.yaml: each location's own source, the web shop's, and what sells."""

from collections.abc import Iterator, Mapping
from typing import Annotated, Literal, Self
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, Field, model_validator

from exporters.sources.csv_drop import DAY_S
from exporters.sources.kinds import TableConfig
from loadtests.environment.target_fields import File, Label
from slo.documents import Document

WEB_SHOP, SALES, SEASON, FORECAST = "web-shop", "sales", "season", "forecast"
RESERVED = frozenset({WEB_SHOP, SALES, SEASON, FORECAST})
Name = Annotated[str, Field(min_length=1, max_length=200)]
_HOUR_S = 3600


def _zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise ValueError("must be a time zone of the tz database, as Europe/Berlin is") from None
    return name


class SkuRule(Document):
    """How a source's own code becomes the SKU that all sources share; white space around it is always removed.

    `codes` is a CSV file with the columns `code` and `sku`; a code that isn't in it is unknown.
    """

    remove_prefix: Name | None = None
    upper_case: bool = False
    codes: File | None = None


class RowsConfig(TableConfig):
    """What is common to all sources: which rows are let through, and how their times are written.

    Above `max_bad_rows` rows that can't be true the whole source counts as unreadable; up to it they are left out and
    counted. Fewer than `min_rows` is no answer either.
    """

    sku: SkuRule = SkuRule()
    time_zone: Annotated[str, AfterValidator(_zone)] = "UTC"
    time_format: Name | None = None
    max_bad_rows: int = Field(default=0, ge=0)
    min_rows: int = Field(default=1, ge=1)


class CountColumns(Document):
    """The source's own names of what a location counts.

    `updated_at` is when a row last changed, `counted_at` when its units were last counted by hand.
    """

    sku: Name
    quantity: Name
    reserved: Name | None = None
    updated_at: Name | None = None
    counted_at: Name | None = None

    def wanted(self) -> Iterator[str]:
        """Return the columns that are read."""
        yield from (name for _, name in self if name is not None)


class LocationConfig(RowsConfig):
    """A warehouse or a store, and the source of its own count.

    `duplicates: add` is for a source with a row for each shelf or batch. `shop_name` is what the web shop calls it.
    """

    kind: Literal["warehouse", "store"] = "store"
    columns: CountColumns
    duplicates: Literal["refuse", "add"] = "refuse"
    in_web_shop: bool = True
    shop_name: Name | None = None
    stale_after_s: float = Field(default=DAY_S + 2 * _HOUR_S, gt=0)

    @property
    def tells_time(self) -> bool:
        """Whether it is known when its data last changed."""
        return self.csv is not None or self.columns.updated_at is not None

    @model_validator(mode="after")
    def _stale_before_it_is_refused(self) -> Self:
        if self.csv is not None and self.stale_after_s > self.csv.max_age_s:
            raise ValueError("stale_after_s: must be no more than csv.max_age_s, after which the file isn't read")
        return self


class ShopColumns(Document):
    """The web shop's own names of what it believes each location has."""

    sku: Name
    location: Name
    quantity: Name
    reserved: Name | None = None

    def wanted(self) -> Iterator[str]:
        """Return the columns that are read."""
        yield from (name for _, name in self if name is not None)


class ShopConfig(RowsConfig):
    """The web shop's number of units by SKU and location, in one source."""

    columns: ShopColumns


class SalesColumns(Document):
    """The source's own names of the units sold of each SKU in the window, and of its last sale ever."""

    sku: Name
    units: Name
    last_sold_at: Name | None = None

    def wanted(self) -> Iterator[str]:
        """Return the columns that are read."""
        yield from (name for _, name in self if name is not None)


class SalesConfig(RowsConfig):
    """Units sold by SKU over the last `window_days`, over all channels; asked at most every `every_s`."""

    columns: SalesColumns
    window_days: float = Field(gt=0, le=3660)
    every_s: float = Field(default=_HOUR_S, ge=0)


class SeasonConfig(SalesConfig):
    """Units sold by SKU in `window_days` of the last season, and the forecast whose growth scales them."""

    forecast: File


class AlertLimits(Document):
    """From where on a figure is worth an alert."""

    drift_ratio: float = Field(default=0.01, ge=0, lt=1)
    drift_units: int = Field(default=10, ge=0)
    short_skus: int = Field(default=0, ge=0)
    warehouse_out_skus: int = Field(default=0, ge=0)


class InventoryConfig(Document):
    """Locations, each with its own source, and what their counts are held against.

    `sync_within_s` is how soon the web shop is told of a change; `lead_time_days` from an order to units on the shelf.
    """

    locations: Annotated[Mapping[Label, LocationConfig], Field(min_length=1, max_length=1000)]
    web_shop: ShopConfig | None = None
    sales: SalesConfig | None = None
    season: SeasonConfig | None = None
    lead_time_days: float = Field(default=21, gt=0, le=3660)
    dead_after_days: float | None = Field(default=None, gt=0, le=3660)
    sync_within_s: float = Field(default=900, gt=0)
    top_skus: int = Field(default=100, ge=1, le=1_000_000)
    alerts: AlertLimits = AlertLimits()

    @model_validator(mode="after")
    def _holds_together(self) -> Self:
        if taken := sorted(RESERVED & self.locations.keys()):
            raise ValueError(f"locations: {taken[0]}: is the name of another source")
        if self.alerts.short_skus >= self.top_skus:
            raise ValueError("alerts.short_skus: must be less than top_skus, or the alert can't fire")
        if self.dead_after_days is not None:
            self._can_tell_dead_stock(self.dead_after_days)
        return self

    def _can_tell_dead_stock(self, days: float) -> None:
        if self.sales is None:
            raise ValueError("dead_after_days: needs sales")
        if self.sales.columns.last_sold_at is None and self.sales.window_days < days:
            raise ValueError("dead_after_days: needs sales.columns.last_sold_at, or sales over a window as long")
