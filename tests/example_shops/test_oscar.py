"""django-oscar under load by its example: PASS on SQLite, and on PostgreSQL the audit finds that it oversells."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import NullPool, create_engine, text

from tests.example_shops.oscar import EXAMPLE, oscar
from tests.example_shops.played import Example, Played, example
from tests.example_shops.recorded import asked_anew, bought
from tests.loadtests.browser.world import real_chromium
from tests.postgresql import postgresql

pytestmark = [pytest.mark.heavy, pytest.mark.timeout(900)]
HOODIES, SHOPPERS = 5, 20
SOLD = "SELECT num_allocated FROM partner_stockrecord WHERE partner_sku = 'DROP-1'"


@contextmanager
def served(folder: Path, database: str | None = None) -> Iterator[Example]:
    """Serve a shop, and give the example's files in a folder."""
    files = folder / "files"
    files.mkdir()
    for file in (*EXAMPLE.glob("*.yaml"), *EXAMPLE.glob("[crs]*.py")):
        shutil.copy(file, files)
    with oscar(folder / "shop", database) as (server, variables):
        yield example(files, server, variables)


@pytest.fixture(scope="module")
def on_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Example]:
    with served(tmp_path_factory.mktemp("oscar")) as shop:
        yield shop


@pytest.fixture
def on_postgresql(tmp_path: Path) -> Iterator[Example]:
    with postgresql() as database, served(tmp_path, database) as shop:
        yield shop


def hoodies_sold(shop: Example) -> int:
    """Return how many of the drop's product the shop's own database says are sold."""
    address = shop.variables["OSCAR_DSN"].replace("postgresql://", "postgresql+psycopg://")
    with create_engine(address, poolclass=NullPool).connect() as connection:
        return int(connection.execute(text(SOLD)).scalar_one())


def accepted(played: Played) -> int:
    """Return how many orders of the run the shop accepted, by the ledger."""
    return int(played.document("audit.json")["counts"]["accepted"])


def test_a_run_after_try_passes_and_its_orders_are_the_shops(on_sqlite: Example) -> None:
    tried = on_sqlite.peakproof("try", "plan.yaml", "--on", "local", "--journey", "window-shop", "--journey", "buy")
    assert tried.code == 0, tried.out
    assert "order accepted: 100" in tried.out
    played = on_sqlite.played("plan.yaml")
    assert played.code == 0, played.out
    counts = played.document("audit.json")["counts"]
    assert 0 < counts["accepted"] <= counts["orders_in_shop"] == counts["payments_in_provider"]
    assert set(played.answers().values()) == {"holds"}
    cleaned = on_sqlite.peakproof("cleanup", "latest")
    assert cleaned.code == 0, cleaned.out
    assert "everything that the run created is gone" in cleaned.out.splitlines()


def test_a_flash_drop_on_sqlite_sells_as_many_as_there_are(on_sqlite: Example) -> None:
    played = on_sqlite.played("drop.yaml")
    assert played.code == 0, played.out
    assert accepted(played) == hoodies_sold(on_sqlite) == HOODIES
    assert played.document("audit.json")["counts"]["refused"] > 0
    assert played.most_at_once("checkout") >= SHOPPERS
    assert set(played.answers().values()) == {"holds"}


def test_a_flash_drop_on_postgresql_oversells_and_the_audit_says_by_how_much(on_postgresql: Example) -> None:
    played = on_postgresql.played("drop.yaml")
    assert accepted(played) == hoodies_sold(on_postgresql) > HOODIES, played.out
    assert played.most_at_once("checkout") >= SHOPPERS
    assert played.code == 99, played.out
    assert f"London: {HOODIES - accepted(played)} of DROP-1 are left" in played.out
    broken = [name for name, answer in played.answers().items() if answer != "holds"]
    assert broken == ["stock-not-negative"]


def test_what_a_recorded_visit_is_imported_to_buys_after_a_few_lines_by_hand(on_sqlite: Example) -> None:
    answers = bought(on_sqlite, "oscar", SHOP_CARD_TOKEN="tok_ok")
    assert set(answers.values()) == {"holds"}


def test_a_visit_recorded_anew_asks_for_the_same(on_sqlite: Example) -> None:
    real_chromium()
    fresh, before = asked_anew(on_sqlite, "oscar")
    assert fresh == before
