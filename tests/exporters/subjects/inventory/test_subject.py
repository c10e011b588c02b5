"""The subject as it is scraped: files and a small database, sales that are asked for now and then, the forecast."""

import os
import sqlite3
import subprocess
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import requests

from exporters.config import ExportersConfig, subjects
from exporters.serving.pages import serve
from loadtests.demand.forecast import forecast
from loadtests.demand.history import read_history
from loadtests.demand.sample_history import to_csv
from slo.documents import validate
from tests.exporters.subjects.inventory.scraped import NS, Exporter, context
from tests.promtool import NEEDED, PROMTOOL

DOCUMENT: dict[str, Any] = {
    "locations": {
        "depot": {
            "kind": "warehouse",
            "sql": {"url": {"value": "sqlite:///depot.db"}, "query": "select sku, units from stock"},
            "columns": {"sku": "sku", "quantity": "units"},
        },
        "store": {"csv": {"path": "store.csv"}, "columns": {"sku": "sku", "quantity": "units"}},
    },
    "web_shop": {
        "csv": {"path": "shop.csv"}, "columns": {"sku": "sku", "location": "at", "quantity": "units"},
    },
    "sales": {"csv": {"path": "sales.csv"}, "columns": {"sku": "sku", "units": "units"}, "window_days": 10},
}  # fmt: skip


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    with closing(sqlite3.connect(tmp_path / "depot.db")) as db, db:
        db.execute("create table stock (sku text, units int)")
        db.executemany("insert into stock values (?, ?)", [("a", 0), ("b", 20)])
    write(tmp_path / "store.csv", "sku,units\na,5\nb,-1\n")
    write(tmp_path / "shop.csv", "sku,at,units\na,store,7\nb,depot,20\nb,outlet,3\n")
    write(tmp_path / "sales.csv", "sku,units\na,1\nb,2\n")
    return tmp_path


def write(path: Path, text: str) -> None:
    path.write_text(text)
    then = time.time() - 60
    os.utime(path, (then, then))


def test_one_scrape_says_what_there_is_where_it_differs_and_how_long_it_lasts(folder: Path) -> None:
    found = Exporter(DOCUMENT, context(folder)).scrape()
    assert found.up == {"depot": True, "store": True, "web-shop": True, "sales": True}
    assert found.of("inventory_drift_absolute_units", "store") == 3
    assert found.of("inventory_warehouse_out_skus") == 1
    assert found.of("inventory_cover_seconds", "recent", "a") == 50 * 86_400
    assert found.of("inventory_excluded_rows", "unknown_location", "web-shop") == 1


def test_since_when_a_sku_differs_outlives_a_configuration_that_is_read_again(folder: Path) -> None:
    now_s = [time.time()]
    around = context(folder, now=lambda: int(now_s[0] * NS))
    first_s = Exporter(DOCUMENT, around).scrape().of("inventory_drift_oldest_timestamp_seconds", "store")
    now_s[0] += 600
    assert Exporter(DOCUMENT, around).scrape().of("inventory_drift_oldest_timestamp_seconds", "store") == first_s


def test_rows_that_are_in_no_figure_are_named_once(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    exporter = Exporter(DOCUMENT, context(folder))
    exporter.scrape()
    exporter.scrape()
    (said,) = [record.getMessage() for record in caplog.records]
    assert said == (
        "inventory.web_shop: rows that are in no figure: unknown_location: 1;"
        " row 3: at: expected a location of the configuration, found 'outlet'"
    )


def test_without_the_web_shop_all_but_drift_is_there(folder: Path) -> None:
    (folder / "shop.csv").unlink()
    found = Exporter(DOCUMENT, context(folder)).scrape()
    assert found.up["web-shop"] is False
    assert not [key for key in found.samples if "drift" in key[0]]
    assert found.of("inventory_skus", "store") == 2


def test_sales_are_asked_for_at_most_once_an_hour_and_again_at_once_after_a_failure(folder: Path) -> None:
    exporter = Exporter(DOCUMENT, context(folder))
    (folder / "sales.csv").rename(folder / "gone")
    assert exporter.scrape().up["sales"] is False
    (folder / "gone").rename(folder / "sales.csv")
    assert exporter.scrape().up["sales"] is True
    (folder / "sales.csv").unlink()
    assert exporter.scrape().of("inventory_selling_skus", "recent") == 2


def test_the_season_s_demand_takes_its_growth_from_the_forecast_s_own_document(folder: Path) -> None:
    document = {
        **DOCUMENT,
        "season": {
            "csv": {"path": "last.csv"}, "columns": {"sku": "sku", "units": "units"}, "window_days": 10,
            "forecast": "forecast.json",
        },
    }  # fmt: skip
    write(folder / "last.csv", "sku,units\na,1\n")
    exporter = Exporter(document, context(folder))
    without = exporter.scrape()
    assert without.up["forecast"] is False
    assert without.of("inventory_cover_seconds", "season", "a") is None
    (folder / "history.csv").write_text(to_csv())
    expected = forecast(read_history(folder / "history.csv"))
    (folder / "forecast.json").write_text(expected.to_json())
    found = exporter.scrape().of("inventory_cover_seconds", "season", "a")
    assert found == pytest.approx(50 * 86_400 / expected.growth.ratio)


def test_what_is_exported_keeps_within_the_series_that_are_allowed_for(folder: Path) -> None:
    rows = "".join(f"sku-{n},{n % 7 - 2}\n" for n in range(5_000))
    write(folder / "store.csv", f"sku,units\n{rows}")
    found = Exporter({**DOCUMENT, "top_skus": 30}, context(folder)).scrape()
    assert len(found.samples) < 300
    assert found.of("inventory_other_skus", "store") == 4_970


@NEEDED
def test_promtool_finds_nothing_to_say(folder: Path) -> None:
    config = validate({"format": "peakproof/exporters/v1", "inventory": DOCUMENT}, ExportersConfig, "exporters.yaml")
    server = serve(subjects(config, context(folder)))
    text = requests.get(server.url + "/metrics", timeout=30).text
    server.stop()
    assert "inventory_oversold_units" in text
    done = subprocess.run([str(PROMTOOL), "check", "metrics"], input=text, capture_output=True, text=True, check=False)
    assert done.stdout + done.stderr == ""
