"""Which rows can be true: what each column must hold, and what becomes of a source where it doesn't."""

from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from exporters.serving.source import Unreadable
from exporters.sources.table import Table
from exporters.subjects.inventory import counts
from exporters.subjects.inventory.config import LocationConfig, SalesConfig, SkuRule
from exporters.subjects.inventory.sales import sales
from exporters.subjects.inventory.skus import Normaliser, normaliser
from exporters.subjects.inventory.values import Count
from slo.documents import BadInput, validate
from tests.exporters.subjects.inventory.scraped import NS, context

NOW_S = 1_764_400_000
SOURCE = {"csv": {"path": "x.csv"}}


def count(columns: dict[str, list[Any]], rule: Normaliser | None = None, **settings: Any) -> Count:
    named = {name: name for name in columns}
    config = validate({**SOURCE, "columns": named, **settings}, LocationConfig, "exporters.yaml")
    table = Table(columns=columns, rows=len(columns["sku"]))
    return counts.count(table, config, rule or Normaliser(rule=config.sku), "store", NOW_S * NS)


def refusal(columns: dict[str, list[Any]], **settings: Any) -> str:
    with pytest.raises(Unreadable) as caught:
        count(columns, **settings)
    return str(caught.value)


@pytest.mark.parametrize("written", [3, 3.0, "3", " 3 ", "+3", "3.00", "3.0000", Decimal("3.000")])
def test_a_whole_number_is_one_however_it_is_written(written: object) -> None:
    assert count({"sku": ["a", "b"], "quantity": [written, "-2"]}).available.tolist() == [3, -2]


@pytest.mark.parametrize(
    "lie",
    [
        None, "", "n/a", "1,5", 1.5, "1e3", float("nan"), float("inf"), 1e300, "NaN", True, b"3", Decimal("NaN"),
        Decimal("sNaN"), 10**9 + 1, -(10**9) - 1, 2**70, [], {}, "٣x",
        "1.000", "-250.000",
    ],
)  # fmt: skip
def test_what_is_no_number_of_units_makes_the_source_unreadable(lie: object) -> None:
    assert refusal({"sku": ["a", "b"], "quantity": [1, lie]}).startswith(
        "store: row 2: quantity: expected a whole number of units up to 1000000000, found "
    )


@pytest.mark.parametrize("lie", [None, "", "  ", 1.5, True, "a\nb", "x" * 129, b"a"])
def test_what_is_no_sku_makes_the_source_unreadable(lie: object) -> None:
    assert refusal({"sku": ["a", lie], "quantity": [1, 1]}).startswith(
        "store: row 2: sku: expected a SKU of 1 to 128 printable characters, found "
    )


def test_a_whole_message_names_row_column_value_and_what_is_allowed() -> None:
    assert refusal({"sku": ["a", "b"], "quantity": [1, "many"]}) == (
        "store: row 2: quantity: expected a whole number of units up to 1000000000, found 'many'"
        " (1 bad rows of 2, allowed are 0)"
    )
    assert refusal({"sku": ["a"], "quantity": [1], "reserved": [-1]}) == (
        "store: row 1: reserved: expected a whole number of units from 0 to 1000000000, found -1"
        " (1 bad rows of 1, allowed are 0)"
    )


def test_below_zero_is_oversold_a_fact_and_reserved_units_are_not_available() -> None:
    found = count({"sku": ["a", "b"], "quantity": [-4, 3], "reserved": [0, 5]})
    assert dict(zip(found.skus, found.available.tolist(), strict=True)) == {"a": -4, "b": -2}


def test_a_number_is_a_code_too() -> None:
    assert count({"sku": [4711, " x "], "quantity": [1, 2]}).skus == ("4711", "x")


def test_as_many_bad_rows_as_allowed_are_left_out_counted_and_nothing_is_said_of_their_skus() -> None:
    found = count({"sku": ["a", "b", None, "d"], "quantity": [1, "x", 5, 4]}, max_bad_rows=2)
    assert (found.skus, found.available.tolist()) == (("a", "d"), [1, 4])
    assert found.excluded == {"sku": 1, "quantity": 1}
    assert found.unclear == {"b"}
    assert "3 bad rows of 4, allowed are 2" in refusal(
        {"sku": ["a", "b", None, "d"], "quantity": [1, "x", 5, None]}, max_bad_rows=2
    )


@pytest.mark.parametrize("duplicates", ["add", "refuse"])
def test_what_is_left_of_a_sku_with_a_bad_row_is_no_figure(duplicates: str) -> None:
    shelves: dict[str, list[Any]] = {"sku": ["a", "b", "b"], "quantity": [1, "x", 4]}
    found = count(shelves, max_bad_rows=1, duplicates=duplicates)
    assert (found.skus, found.available.tolist(), found.unclear) == (("a",), [1], frozenset({"b"}))


def test_a_sku_twice_is_refused_or_added_up_as_configured() -> None:
    twice: dict[str, list[Any]] = {"sku": ["a", "b", "a"], "quantity": [1, 2, 3]}
    assert refusal(twice) == "store: row 1: sku: expected each SKU once, found 'a' (2 bad rows of 3, allowed are 0)"
    added = count(twice, duplicates="add")
    assert (added.skus, added.available.tolist()) == (("a", "b"), [4, 2])
    left = count(twice, max_bad_rows=2)
    assert (left.skus, left.unclear, left.excluded) == (("b",), frozenset({"a"}), {"duplicate": 2})


def test_fewer_rows_than_ever_are_no_answer() -> None:
    assert refusal({"sku": [], "quantity": []}) == "store: 0 rows, expected at least 1"
    assert refusal({"sku": ["a"], "quantity": [1]}, min_rows=1000) == "store: 1 rows, expected at least 1000"


def test_a_code_that_is_in_no_file_of_codes_is_left_out_counted_and_named(tmp_path: Path) -> None:
    (tmp_path / "codes.csv").write_text("code,sku\n0815,TT-1\n4711,TT-2\n")
    rule = normaliser(SkuRule(codes="codes.csv"), context(tmp_path))
    found = count({"sku": [4711, "bag"], "quantity": [1, 2]}, rule)
    assert (found.skus, found.excluded) == (("TT-2",), {"unknown_sku": 1})
    assert found.example == "row 2: sku: expected a code that is in the file of codes, found 'bag'"
    with pytest.raises(Unreadable, match=r"^store: no row is left of 1 \(unknown_sku: 1\)$"):
        count({"sku": ["bag"], "quantity": [2]}, rule)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("sku,code\n", "line 1: expected code,sku, found sku,code"),
        ("code,sku\na\n", "line 2: expected a code and a SKU"),
        ("code,sku\na,X\na,Y\n", "line 3: 'a' has two SKUs"),
    ],
)
def test_a_file_of_codes_that_can_not_be_used_is_refused(tmp_path: Path, text: str, says: str) -> None:
    (tmp_path / "codes.csv").write_text(text)
    with pytest.raises(BadInput) as caught:
        normaliser(SkuRule(codes="codes.csv"), context(tmp_path))
    assert str(caught.value) == f"{tmp_path}/codes.csv: {says}"


def test_prefix_case_and_white_space_are_removed() -> None:
    found = count({"sku": [" s/tt-1", "s/tt-2 "], "quantity": [1, 2]}, sku={"remove_prefix": "s/", "upper_case": True})
    assert found.skus == ("TT-1", "TT-2")


def test_times_are_the_newest_change_and_the_oldest_stocktake_in_the_zone_of_the_source() -> None:
    at = datetime.fromtimestamp(NOW_S, UTC)
    found = count(
        {
            "sku": ["a", "b"],
            "quantity": [1, 2],
            "updated_at": [at, at.replace(year=2020)],
            "counted_at": ["2025-11-01 12:00", None],
        },
        time_zone="Europe/Berlin",
    )
    assert found.changed_at_s == NOW_S
    assert found.oldest_count_s == datetime(2025, 11, 1, 11, tzinfo=UTC).timestamp()


def test_times_are_read_as_they_are_written() -> None:
    found = count({"sku": ["a"], "quantity": [1], "updated_at": ["01.11.2025 12:00"]}, time_format="%d.%m.%Y %H:%M")
    assert found.changed_at_s == datetime(2025, 11, 1, 12, tzinfo=UTC).timestamp()


@pytest.mark.parametrize(
    "lie", ["yesterday", "2099-01-01T00:00:00Z", 12, datetime(2099, 1, 1, tzinfo=UTC), "0000-00-00"]
)
def test_a_time_that_can_not_be_makes_the_source_unreadable(lie: object) -> None:
    assert "updated_at: expected a time that isn't ahead, found " in refusal(
        {"sku": ["a"], "quantity": [1], "updated_at": [lie]}
    )


def test_sales_of_a_sku_add_up_and_its_last_sale_is_the_latest() -> None:
    document = {**SOURCE, "window_days": 7, "columns": {"sku": "sku", "units": "units", "last_sold_at": "at"}}
    config = validate(document, SalesConfig, "exporters.yaml")
    early, late = datetime(2025, 1, 1, tzinfo=UTC), datetime(2025, 2, 1, tzinfo=UTC)
    table = Table(columns={"sku": ["a", "b", "a"], "units": [1, -2, 3], "at": [late, None, early]}, rows=3)
    found = sales(table, config, Normaliser(rule=SkuRule()), "sales", NOW_S * NS)
    assert (found.skus, found.units.tolist(), found.window_s) == (("a", "b"), [4, -2], 7 * 86_400)
    assert found.last_sold_s is not None
    assert found.last_sold_s.tolist()[0] == late.timestamp()
    assert str(found.last_sold_s.tolist()[1]) == "nan"


def test_what_is_left_of_the_sales_of_a_sku_with_a_bad_row_is_no_figure() -> None:
    document = {**SOURCE, "window_days": 7, "max_bad_rows": 1, "columns": {"sku": "sku", "units": "units"}}
    config = validate(document, SalesConfig, "exporters.yaml")
    table = Table(columns={"sku": ["a", "b", "b"], "units": [1, "x", 4]}, rows=3)
    found = sales(table, config, Normaliser(rule=SkuRule()), "sales", NOW_S * NS)
    assert (found.skus, found.units.tolist(), found.unclear) == (("a",), [1], frozenset({"b"}))
