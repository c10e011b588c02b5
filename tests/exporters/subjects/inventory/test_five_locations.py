"""Five locations with five stock systems of different kinds: the figures equal what is known of them."""

import gc
import os
import signal
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest

from tests.exporters.subjects.inventory import five_locations as five
from tests.exporters.subjects.inventory.five_locations import EAST, LOCATIONS, NORTH, SOUTH, WAREHOUSE, WEST, Facts
from tests.exporters.subjects.inventory.scraped import Exporter, Scrape, context
from tests.mariadb import MariaDb, mariadb
from tests.postgresql import postgresql

pytestmark = pytest.mark.heavy
SOURCES = {*LOCATIONS, "web-shop"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Five:
    facts: Facts
    postgres: str
    maria: MariaDb
    api: five.WestApi
    folder: Path

    def exporter(self) -> Exporter:
        variables = {"SHOP_DB": self.postgres, "WAREHOUSE_DB": self.postgres, "NORTH_DB": self.maria.url}
        return Exporter(five.document(self.api.url), context(self.folder, {**variables, "WEST_KEY": five.TOKEN}))

    def scrape(self, within_s: float = 20) -> Scrape:
        return self.exporter().scrape(within_s)


@pytest.fixture(scope="module")
def servers() -> Iterator[tuple[str, MariaDb]]:
    with postgresql() as postgres, mariadb() as maria:
        yield postgres, maria


@pytest.fixture
def shop(servers: tuple[str, MariaDb], tmp_path: Path) -> Iterator[Five]:
    facts = five.facts()
    postgres, maria = servers
    five.fill_postgresql(postgres, facts)
    five.fill_mariadb(maria, facts, tmp_path)
    five.fill_sqlite(tmp_path, facts)
    five.drop_csv(tmp_path, facts)
    with five.west_api(facts) as api:
        yield Five(facts=facts, postgres=postgres, maria=maria, api=api, folder=tmp_path)


def down(scrape: Scrape) -> set[str]:
    return {source for source, up in scrape.up.items() if not up}


def test_the_figures_equal_what_is_known_of_each_location(shop: Five) -> None:
    found = shop.scrape()
    assert down(found) == set()
    for name in LOCATIONS:
        own = shop.facts.own[name]
        units = {key[1]: value for key, value in found.by("inventory_available_units").items() if key[0] == name}
        assert len(units) == 21
        assert sum(units.values()) == sum(own.values())
        assert all(value == own[sku] for sku, value in units.items() if sku != "other")
        assert found.of("inventory_skus", name) == five.COUNT
        assert found.of("inventory_other_skus", name) == five.COUNT - 20
        assert found.of("inventory_stock_out_skus", name) == sum(units <= 0 for units in own.values())
        assert found.of("inventory_oversold_skus", name) == sum(units < 0 for units in own.values())
        owed = {key: value for key, value in found.by("inventory_oversold_units").items() if key[0] == name}
        assert sum(owed.values()) == -sum(units for units in own.values() if units < 0) > 0


def test_the_drift_of_each_location_is_the_known_one(shop: Five) -> None:
    found = shop.scrape()
    known = {name: shop.facts.drift(name) for name in LOCATIONS}
    assert [len(known[name]) for name in LOCATIONS] == [24, 10, 1, 1, 0]
    for name, units in known.items():
        drift = {key[1]: value for key, value in found.by("inventory_drift_units").items() if key[0] == name}
        assert sum(drift.values()) == sum(units.values())
        assert all(value == units[sku] for sku, value in drift.items() if sku != "other")
        assert len(drift) == min(20, len(units)) + 1
        assert found.of("inventory_drift_absolute_units", name) == sum(abs(value) for value in units.values())
        assert found.of("inventory_drift_skus", name) == len(units)
    assert found.by("inventory_drift_unlisted_skus")["shop", SOUTH] == 1
    assert found.by("inventory_drift_unlisted_skus")["location", EAST] == 1
    assert sum(found.by("inventory_drift_unlisted_skus").values()) == 2


def test_what_the_warehouse_is_out_of_and_a_store_has_is_found(shop: Five) -> None:
    found = shop.scrape()
    own = shop.facts.own
    out = {code for code, units in own[WAREHOUSE].items() if units <= 0}
    held = {name: sum(max(own[name][code], 0) for code in out) for name in (NORTH, SOUTH, EAST, WEST)}
    assert found.of("inventory_warehouse_out_skus") == sum(any(own[name][code] > 0 for name in held) for code in out)
    for name, units in held.items():
        by_sku = {key[1]: value for key, value in found.by("inventory_warehouse_out_units").items() if key[0] == name}
        assert sum(by_sku.values()) == units


def test_each_location_is_asked_once_a_scrape_and_the_service_page_by_page(shop: Five) -> None:
    shop.scrape()
    assert shop.api.asked == ["/stock", "/stock?from=100", "/stock?from=200"]


@pytest.mark.parametrize("gone", [WAREHOUSE, NORTH, SOUTH, EAST, WEST])
def test_a_source_that_is_gone_takes_no_other_down_and_comes_back(shop: Five, gone: str) -> None:
    exporter = shop.exporter()
    whole = exporter.scrape()
    harm, mend = _harms(shop, gone)
    harm()
    without = exporter.scrape()
    mend()
    assert down(without) == {gone}
    kept = {"inventory_available_units", "inventory_skus", "inventory_stock_out_skus", "inventory_drift_skus"}
    expected = {key: value for key, value in whole.samples.items() if key[0] in kept and gone not in key}
    # What is chosen for a series of its own is chosen by the units of all locations.
    expected = {key: value for key, value in expected.items() if key[0] != "inventory_available_units"}
    assert {key: value for key, value in without.samples.items() if key in expected} == expected
    assert not [key for key in without.samples if gone in key]
    assert without.by("inventory_warehouse_out_skus") == {}
    assert exporter.scrape().samples.keys() == whole.samples.keys()


def _harms(shop: Five, name: str) -> tuple[Callable[[], object], Callable[[], object]]:
    def sql(*statements: str) -> None:
        with psycopg.connect(shop.postgres, autocommit=True) as db:
            for statement in statements:
                db.execute(statement)

    south, drop = shop.folder / "south.db", shop.folder / "drops" / "stock-2026-11-29.csv"
    content, written = drop.read_bytes(), drop.stat()

    def mended_drop() -> None:
        drop.write_bytes(content)
        os.utime(drop, ns=(written.st_atime_ns, written.st_mtime_ns))

    return {
        WAREHOUSE: (
            lambda: sql("alter table article rename to gone"),
            lambda: sql("alter table gone rename to article"),
        ),
        NORTH: (
            lambda: shop.maria.execute("rename table bestand to gone"),
            lambda: shop.maria.execute("rename table gone to bestand"),
        ),
        SOUTH: (lambda: south.rename(shop.folder / "gone"), lambda: (shop.folder / "gone").rename(south)),
        EAST: (drop.unlink, mended_drop),
        WEST: (lambda: setattr(shop.api, "status", 503), lambda: setattr(shop.api, "status", 200)),
    }[name]


def test_a_source_that_hangs_is_down_within_the_deadline_and_no_other(shop: Five) -> None:
    exporter = shop.exporter()
    os.kill(shop.maria.pid, signal.SIGSTOP)
    shop.api.hold = threading.Event()
    try:
        found = exporter.scrape(within_s=2)
    finally:
        os.kill(shop.maria.pid, signal.SIGCONT)
        shop.api.hold.set()
    assert down(found) == {NORTH, WEST}
    assert found.took_s < 4
    assert found.of("inventory_skus", WAREHOUSE) == five.COUNT
    assert found.by("inventory_drift_skus").keys() == {(WAREHOUSE,), (SOUTH,), (EAST,)}
    shop.api.hold = None
    for _ in range(100):
        if not down(exporter.scrape()):
            break
        time.sleep(0.1)
    assert down(exporter.scrape()) == set()


# PyMySQL leaves a socket that couldn't be connected to the garbage collector.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_database_that_is_killed_is_down_until_it_is_back(tmp_path: Path) -> None:
    document = {
        "locations": {
            "north": {
                "sql": {"url": {"env": "NORTH_DB"}, "query": "select ean, menge from bestand"},
                "columns": {"sku": "ean", "quantity": "menge"},
            },
            "south": {
                "sql": {"url": {"value": "sqlite:///south.db"}, "query": "select code, pieces from shelf"},
                "columns": {"sku": "code", "quantity": "pieces"},
                "duplicates": "add",
            },
        }
    }
    facts = five.facts()
    five.fill_sqlite(tmp_path, facts)
    with mariadb() as server:
        five.fill_mariadb(server, facts, tmp_path)
        exporter = Exporter(document, context(tmp_path, {"NORTH_DB": server.url}))
        assert exporter.scrape().up == {"north": True, "south": True}
        os.kill(server.pid, signal.SIGKILL)
        time.sleep(0.2)
        assert exporter.scrape().up == {"north": False, "south": True}
        gc.collect()
        server.start_again()
        assert exporter.scrape().up == {"north": True, "south": True}


@pytest.mark.parametrize(
    ("statement", "says"),
    [
        ("update article set on_hand = 'NaN' where article_no = 'TT-0003'", "found Decimal('NaN')"),
        ("update article set on_hand = null where article_no = 'TT-0003'", "found None"),
        ("update article set on_hand = 1.5 where article_no = 'TT-0003'", "found Decimal('1.50')"),
        ("update article set on_hand = 9999999999 where article_no = 'TT-0003'", "found Decimal('9999999999.00')"),
        ("update article set allocated = -1 where article_no = 'TT-0003'", "found -1"),
        ("update article set changed = now() + interval '1 day' where article_no = 'TT-0003'", "expected a time"),
        ("update article set changed = 'infinity' where article_no = 'TT-0003'", ""),
        (
            "alter table article drop constraint article_pkey; insert into article select * from article",
            "each SKU once",
        ),
        ("delete from article", "0 rows, expected at least 1"),
    ],
)
def test_a_database_that_lies_is_down_and_says_what_it_said(
    shop: Five, caplog: pytest.LogCaptureFixture, statement: str, says: str
) -> None:
    with psycopg.connect(shop.postgres, autocommit=True) as db:
        db.execute(statement)
    found = shop.scrape()
    assert down(found) == {WAREHOUSE}
    assert [record.getMessage() for record in caplog.records if "warehouse" in record.getMessage()]
    assert says in caplog.text
    assert not [key for key in found.samples if WAREHOUSE in key]


def test_as_many_skus_as_allowed_are_an_answer_and_one_more_is_not(
    servers: tuple[str, MariaDb], tmp_path: Path
) -> None:
    query = "select 'sku-' || i as sku, 1 as units from generate_series(1, {}) i"
    for rows, up in ((300_000, True), (300_001, False)):
        document = {
            "locations": {
                "big": {
                    "sql": {"url": {"env": "DB"}, "query": query.format(rows), "max_rows": 300_000},
                    "columns": {"sku": "sku", "quantity": "units"},
                }
            }
        }
        found = Exporter(document, context(tmp_path, {"DB": servers[0]})).scrape()
        assert found.up == {"big": up}
        assert len(found.by("inventory_available_units")) == (101 if up else 0)
        assert found.of("inventory_available_units", "big", "other") == (299_900 if up else None)


def test_a_corrupt_sqlite_file_is_down_and_no_other(shop: Five) -> None:
    with closing(sqlite3.connect(shop.folder / "south.db")) as db:
        (size,) = db.execute("pragma page_size").fetchone()
    whole = (shop.folder / "south.db").read_bytes()
    (shop.folder / "south.db").write_bytes(whole[:size] + b"\xff" * size + whole[2 * size :])
    assert down(shop.scrape()) == {SOUTH}
