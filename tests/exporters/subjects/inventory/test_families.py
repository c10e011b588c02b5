"""The figures of the inventory, from small facts that can be added up in the head."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest

from exporters.subjects.inventory.drift import Standing
from exporters.subjects.inventory.families import families, read_of
from exporters.subjects.inventory.values import Count, Growth, Sales, ShopNumbers, Value
from tests.exporters.subjects.inventory.scraped import inventory, samples_of

DAY_S = 86_400
NOW_S = 1_764_400_000.0
SOURCE = {"csv": {"path": "x.csv"}, "columns": {"sku": "sku", "quantity": "quantity"}}
SHOP = {"csv": {"path": "x.csv"}, "columns": {"sku": "sku", "location": "at", "quantity": "quantity"}}
SOLD = {"csv": {"path": "x.csv"}, "columns": {"sku": "sku", "units": "units"}, "window_days": 10}
PLACES = {"locations": {"depot": {**SOURCE, "kind": "warehouse"}, "shop-1": SOURCE, "shop-2": SOURCE}}


def counted(**units: int) -> Count:
    return Count(skus=tuple(units), available=np.array(list(units.values()), dtype=np.int64))


def believed(**locations: Count) -> ShopNumbers:
    return ShopNumbers(locations={name.replace("_", "-"): count for name, count in locations.items()})


def sold(days: float = 10, **units: int) -> Sales:
    return Sales(skus=tuple(units), units=np.array(list(units.values()), dtype=np.int64), window_s=days * DAY_S)


def figures(
    values: Mapping[str, Value], standing: Standing | None = None, now_s: float = NOW_S, **settings: Any
) -> dict[tuple[str, ...], float]:
    config = inventory({**PLACES, **settings})
    return samples_of(list(families(read_of(values, config), config, standing or Standing(), now_s)))


def of(found: Mapping[tuple[str, ...], float], name: str) -> dict[tuple[str, ...], float]:
    return {key[1:]: value for key, value in found.items() if key[0] == f"inventory_{name}"}


def test_the_skus_that_sell_most_have_a_series_and_the_rest_adds_up_to_the_whole() -> None:
    found = figures(
        {"shop-1": counted(a=5, b=-2, c=7, d=1), "sales": sold(b=9, d=3, a=1)}, top_skus=2, sales=SOLD,
    )  # fmt: skip
    assert of(found, "available_units") == {("shop-1", "b"): -2, ("shop-1", "d"): 1, ("shop-1", "other"): 12}
    assert of(found, "other_skus") == {("shop-1",): 2}
    assert of(found, "skus") == {("shop-1",): 4}


def test_a_sku_that_is_called_other_is_in_the_rest() -> None:
    found = figures({"shop-1": counted(other=50, a=1)})
    assert of(found, "available_units") == {("shop-1", "a"): 1, ("shop-1", "other"): 50}
    assert of(found, "other_skus") == {("shop-1",): 1}


def test_none_left_is_a_stock_out_and_below_zero_is_oversold_too() -> None:
    found = figures({"shop-1": counted(a=0, b=-3, c=1, d=-1)}, top_skus=1)
    assert of(found, "stock_out_skus") == {("shop-1",): 3}
    assert of(found, "oversold_skus") == {("shop-1",): 2}
    assert of(found, "oversold_units") == {("shop-1", "b"): 3, ("shop-1", "other"): 1}


def test_nothing_oversold_is_a_zero_and_not_a_missing_series() -> None:
    assert of(figures({"shop-1": counted(a=1)}), "oversold_units") == {("shop-1", "other"): 0}


def test_drift_is_the_shop_s_number_less_the_location_s_own() -> None:
    values: dict[str, Value] = {"shop-1": counted(a=5, b=5, c=5), "web-shop": believed(shop_1=counted(a=7, b=5, d=4))}
    found = figures(values, web_shop=SHOP, top_skus=2)
    assert of(found, "drift_units") == {("shop-1", "c"): -5, ("shop-1", "d"): 4, ("shop-1", "other"): 2}
    assert of(found, "drift_absolute_units") == {("shop-1",): 11}
    assert of(found, "drift_skus") == {("shop-1",): 3}
    assert of(found, "drift_unlisted_skus") == {("shop", "shop-1"): 1, ("location", "shop-1"): 1}


def test_drift_is_said_of_sources_alone_that_were_both_read() -> None:
    numbers = believed(shop_1=counted(a=1), shop_2=counted(a=1))
    found = figures({"shop-1": counted(a=2), "web-shop": numbers}, web_shop=SHOP)
    assert of(found, "drift_skus") == {("shop-1",): 1}
    without = figures({"shop-1": counted(a=2)}, web_shop=SHOP)
    assert not [key for key in without if "drift" in key[0]]


def test_nothing_is_said_of_a_sku_of_which_a_row_was_left_out() -> None:
    own = Count(skus=("a",), available=np.array([1]), unclear=frozenset({"b"}))
    found = figures({"shop-1": own, "web-shop": believed(shop_1=counted(a=1, b=9))}, web_shop=SHOP)
    assert of(found, "drift_absolute_units") == {("shop-1",): 0}
    numbers = ShopNumbers(locations={"shop-1": Count(skus=(), available=np.array([], int), unclear=frozenset({"a"}))})
    assert of(figures({"shop-1": own, "web-shop": numbers}, web_shop=SHOP), "drift_skus") == {("shop-1",): 0}


def test_a_difference_stands_once_it_was_there_at_every_read_for_longer_than_the_shop_takes() -> None:
    standing, settings = Standing(), {"web_shop": SHOP, "sync_within_s": 100}

    def at(after_s: float, **shop: int) -> dict[tuple[str, ...], float]:
        values: dict[str, Value] = {"shop-1": counted(a=5, b=5), "web-shop": believed(shop_1=counted(**shop))}
        return figures(values, standing, NOW_S + after_s, **settings)

    assert of(at(0, a=5, b=5), "drift_oldest_timestamp_seconds") == {}
    began = at(10, a=8, b=5)
    assert of(began, "drift_standing_units") == {("shop-1",): 0}
    assert of(began, "drift_oldest_timestamp_seconds") == {("shop-1",): NOW_S + 10}
    assert of(at(60, a=7, b=4), "drift_standing_units") == {("shop-1",): 0}
    assert of(at(110, a=7, b=4), "drift_standing_units") == {("shop-1",): 2}
    assert of(at(111, a=5, b=4), "drift_oldest_timestamp_seconds") == {("shop-1",): NOW_S + 60}
    assert of(at(120, a=7, b=4), "drift_standing_units") == {("shop-1",): 0}


def test_cover_is_what_all_locations_have_at_the_rate_of_sales() -> None:
    values: dict[str, Value] = {
        "depot": counted(a=6, b=10, c=9), "shop-1": counted(a=4, b=-20), "shop-2": counted(a=0),
        "sales": sold(10, a=5, b=1, gone=2, back=-3),
    }  # fmt: skip
    found = figures(values, sales=SOLD, lead_time_days=21)
    assert of(found, "cover_seconds") == {
        ("recent", "a"): 20 * DAY_S,
        ("recent", "b"): 0,
        ("recent", "gone"): 0,
    }
    assert of(found, "cover_short_skus") == {("recent",): 3}
    assert of(found, "selling_skus") == {("recent",): 3}
    assert of(figures(values, sales=SOLD, lead_time_days=20), "cover_short_skus") == {("recent",): 2}
    shortest = figures(values, sales=SOLD, top_skus=1)
    assert of(shortest, "cover_seconds") == {("recent", "b"): 0}


def test_cover_and_what_the_warehouse_is_out_of_need_every_location() -> None:
    found = figures({"depot": counted(a=0), "shop-1": counted(a=4), "sales": sold(a=5)}, sales=SOLD)
    assert not [key for key in found if "cover" in key[0] or "warehouse" in key[0]]


def test_the_season_s_demand_is_last_season_s_sales_times_the_forecast_s_growth() -> None:
    values: dict[str, Value] = {"depot": counted(a=60), "shop-1": counted(a=0), "shop-2": counted(a=0)}
    season = {**SOLD, "forecast": "forecast.json"}
    found = figures({**values, "season": sold(10, a=20), "forecast": Growth(ratio=1.5)}, season=season)
    assert of(found, "cover_seconds") == {("season", "a"): 20 * DAY_S}
    assert of(figures({**values, "season": sold(10, a=20)}, season=season), "cover_seconds") == {}


def test_what_nobody_bought_for_long_enough_is_dead_stock() -> None:
    values: dict[str, Value] = {"depot": counted(a=3, b=4, c=0, d=-2), "shop-1": counted(b=1, e=7)}
    found = figures({**values, "sales": sold(90, a=1, e=0)}, sales={**SOLD, "window_days": 90}, dead_after_days=90)
    assert of(found, "dead_skus") == {("depot",): 1, ("shop-1",): 2}
    assert of(found, "dead_units") == {("depot",): 4, ("shop-1",): 8}


def test_the_last_sale_tells_dead_stock_where_the_source_knows_it() -> None:
    columns = {"sku": "sku", "units": "units", "last_sold_at": "at"}
    last = np.array([NOW_S - 89 * DAY_S, NOW_S - 90 * DAY_S, np.nan])
    sales = Sales(skus=("a", "b", "c"), units=np.array([0, 0, 0]), window_s=DAY_S, last_sold_s=last)
    found = figures(
        {"depot": counted(a=1, b=2, c=4), "sales": sales}, sales={**SOLD, "columns": columns}, dead_after_days=90
    )
    assert of(found, "dead_units") == {("depot",): 6}


def test_a_sku_of_whose_sales_a_row_was_left_out_is_not_called_dead() -> None:
    sales = Sales(skus=(), units=np.array([], int), window_s=90 * DAY_S, unclear=frozenset({"a"}))
    values: dict[str, Value] = {"depot": counted(a=1, b=2), "sales": sales}
    found = figures(values, sales={**SOLD, "window_days": 90}, dead_after_days=90)
    assert of(found, "dead_units") == {("depot",): 2}


def test_what_the_warehouse_lists_and_has_none_of_while_a_store_has_some_is_counted_with_the_units_there() -> None:
    values: dict[str, Value] = {
        "depot": counted(a=0, b=-1, c=5), "shop-1": counted(a=3, b=2, c=9, d=9), "shop-2": counted(a=-4, b=4),
    }  # fmt: skip
    found = figures(values, top_skus=1)
    assert of(found, "warehouse_out_skus") == {(): 2}
    assert of(found, "warehouse_out_units") == {
        ("shop-1", "a"): 3, ("shop-1", "other"): 2, ("shop-2", "b"): 4, ("shop-2", "other"): 0,
    }  # fmt: skip


def test_rows_that_were_left_out_are_counted_by_source_and_reason() -> None:
    own = Count(skus=("a",), available=np.array([1]), excluded={"unknown_sku": 4}, changed_at_s=5.0)
    numbers = ShopNumbers(locations={}, excluded={"unknown_location": 2})
    found = figures({"shop-1": own, "web-shop": numbers}, web_shop=SHOP)
    assert of(found, "excluded_rows") == {("unknown_sku", "shop-1"): 4, ("unknown_location", "web-shop"): 2}
    assert of(found, "data_timestamp_seconds") == {("shop-1",): 5}
    assert of(found, "oldest_count_timestamp_seconds") == {}


def test_without_a_location_there_is_no_figure_at_all() -> None:
    assert figures({"web-shop": believed(shop_1=counted(a=1))}, web_shop=SHOP) == {}


@pytest.mark.parametrize("top", [1, 2, 3, 50])
def test_whatever_has_a_series_of_its_own_the_sums_stay_the_same(top: int) -> None:
    units = {f"s{n}": (n * 37) % 23 - 5 for n in range(40)}
    shop = {f"s{n}": (n * 31) % 19 - 3 for n in range(0, 40, 3)}
    values: dict[str, Value] = {"shop-1": counted(**units), "web-shop": believed(shop_1=counted(**shop))}
    found = figures(values, web_shop=SHOP, top_skus=top)
    assert sum(of(found, "available_units").values()) == sum(units.values())
    assert sum(of(found, "drift_units").values()) == sum(shop.values()) - sum(units.values())
    assert sum(of(found, "oversold_units").values()) == -sum(value for value in units.values() if value < 0)
    assert len(of(found, "available_units")) == min(top, 40) + 1
