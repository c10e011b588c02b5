"""A query's rows become records: read-only, in bounds, streamed; what is wrong is named by the query's own words."""

import os
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from loadtests.audit.readers import Access, readers_of
from loadtests.audit.sql_child import Reader, why_not
from loadtests.audit.sql_databases import database_at, names_in
from loadtests.audit.unavailable import RecordsError
from loadtests.environment.pinned_http import PinnedHttp
from loadtests.environment.record_targets import OrdersSource, StockSource
from loadtests.environment.targets import Environment
from slo.documents import BadInput

NOON = 1_795_867_200
QUERY = """
    SELECT id AS order_id, k AS key, run, placed AS created_at, total AS total_cents,
           '[{"sku":"tee","quantity":1}]' AS lines -- one :each
    FROM orders WHERE (:run IS NULL OR run = :run) AND placed >= :since AND placed <= :until"""


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Return the address of a shop's database with 3,000 orders, each third of another run."""
    path = tmp_path_factory.mktemp("sql") / "shop.db"
    with sqlite3.connect(path) as db:
        db.execute("create table orders (id integer, k text, run text, placed integer, total integer)")
        rows = [(n, f"k{n}", "other" if n % 3 == 0 else "r1", NOON + n, 100) for n in range(3000)]
        db.executemany("insert into orders values (?, ?, ?, ?, ?)", rows)
    db.close()
    return f"sqlite:///{path}"


def asked(address: str, query: str, run: str | None = "r1", since: int = 0, **declared: Any) -> list[dict[str, Any]]:
    """Return what a query gives, read in this process."""
    source = OrdersSource.model_validate({"sql": {"url": {"env": "X"}, "query": query}, **declared})
    call = {"kind": "orders", "run": run, "since": since, "first": None, "deadline_s": 30.0}
    return list(Reader("orders", source, address).rows(call))


def why(address: str, query: str, **declared: Any) -> str:
    with pytest.raises(Exception) as failure:  # noqa: PT011 - the driver's, or ours
        asked(address, query, **declared)
    return why_not(failure.value)


def test_the_query_gets_the_run_and_the_times_in_the_unit_of_the_source(shop: str) -> None:
    assert len(asked(shop, QUERY, "r1", times="s")) == 2000
    assert len(asked(shop, QUERY, None, times="s")) == 3000
    (last,) = asked(shop, f"{QUERY};", "r1", since=(NOON + 2999) * 10**9, times="s")
    line = {"sku": "tee", "quantity": 1, "location": "warehouse"}
    assert (last["order_id"], last["key"], last["created_at"]) == ("2999", "k2999", (NOON + 2999) * 10**9)
    assert (last["lines"], last["status"]) == ([line], "accepted")
    wide = "SELECT 1 AS order_id, :since AS created_at, 1 AS total_cents, '[]' AS lines"
    (one,) = asked(shop, wide, since=NOON * 10**9, zone="UTC")  # as SQLite's own functions write a time
    assert one["created_at"] == NOON * 10**9


def test_only_our_names_are_values_and_any_other_colon_is_sql_s() -> None:
    assert names_in(""" SELECT ':no', "a:b", `c:d`, x::text, $$ :e $$ -- :f
        /* :g */ FROM t WHERE at > :since AND a[1:2] """) == {"since"}
    with pytest.raises(BadInput, match=r"^the query has :runs; there are :run, :since and :until$"):
        names_in("SELECT * FROM orders WHERE run = :runs")


WRONG: list[tuple[str, str]] = [
    ("SELECT absent FROM orders", "OperationalError: no such column: absent"),
    ("SELEC 1", 'OperationalError: near "SELEC": syntax error'),
    ("DELETE FROM orders", "OperationalError: attempt to write a readonly database"),
    ("PRAGMA query_only = OFF", "the query gives no rows; expected a SELECT"),
    ("SELECT id FROM orders", "no column for order_id, created_at, total_cents, lines; its columns: id; name them"),
    (QUERY.replace("total AS", "NULL AS"), "row 1: total_cents: is NULL"),
    (QUERY.replace("placed AS", "'soon' AS"), "row 1: created_at: must be a number of the unit that times says, found"),
]


@pytest.mark.parametrize(("query", "message"), WRONG)
def test_what_is_wrong_with_a_query_is_said_in_one_line(shop: str, query: str, message: str) -> None:
    assert why(shop, query, times="s").startswith(message)
    assert len(asked(shop, QUERY, times="s")) == 2000  # nothing was written


@pytest.mark.parametrize("query", ["ATTACH DATABASE '{}' AS other", "VACUUM INTO '{}'"])
def test_a_query_makes_no_file(query: str, shop: str, tmp_path: Path) -> None:
    assert "authoriz" in why(shop, query.format(tmp_path / "made.db"))
    assert list(tmp_path.iterdir()) == []


def test_more_rows_than_allowed_end_the_read(shop: str) -> None:
    endless = "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT x AS order_id, 1 AS total_cents,"
    query = f"{endless} {NOON} AS created_at, '[]' AS lines FROM n"
    assert why(shop, query, times="s", max_rows=2500) == "more than the 2,500 rows that max_rows allows"


def test_what_is_no_database_is_refused_and_its_password_not_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for address, message in {
        "oracle://me:hunter2@db": "must be an address that begins with postgresql: or postgres: or mysql: or mariadb:",
        "postgresql://me:hunter2@db:port/x": "not a database's address",
        "postgresql://me:an@hunter2@db/shop": "its password or its user holds an @: write %40",
        f"sqlite:///{tmp_path}/none.db": f"{tmp_path}/none.db: no such file",
        "sqlite://": "expected sqlite:/// and a path",
    }.items():
        with pytest.raises(BadInput) as refusal:
            database_at(address)
        assert str(refusal.value).startswith(message)
        assert "hunter2" not in str(refusal.value)
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    with pytest.raises(BadInput) as refusal:
        database_at("mysql://me:hunter2@db/shop")
    assert str(refusal.value) == "pymysql, the driver for mysql, isn't installed: pip install 'peakproof[sql]'"


@pytest.fixture(scope="module")
def process(shop: str) -> Iterator[Any]:
    facts = {
        "base_url": "http://127.0.0.1:9",
        "storefront": "twisted-threads",
        "ceiling": {"requests_per_s": 1, "open_sessions": 1, "orders": 1},
        "shop_records": {
            "stock": {"sql": {"url": {"env": "DB"}, "query": "SELECT k AS sku, total AS quantity FROM orders"}},
        },
    }
    environment = Environment.model_validate(facts)
    access = Access(token=None, http=PinnedHttp(environment), variables={**os.environ, "DB": shop})
    found = readers_of(environment, access)["stock"]
    yield found
    found.close()


def test_a_query_has_a_process_of_its_own_that_is_ended_when_it_takes_too_long(process: Any) -> None:
    stock = process.stock(1)
    assert (stock.taken_at, len(stock.levels()), stock.levels()["k7", "warehouse"]) == (1, 3000, 100)
    assert len(process.stock(1, 3).stock) == 3
    endless = "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT x AS sku, 1 AS quantity FROM n"
    slow = StockSource.model_validate({"sql": {"url": {"env": "DB"}, "query": f"{endless} WHERE x < 0"}})
    process._source, process._longest_s = slow, 0.1
    process.close()  # it reads its source when it is started
    with pytest.raises(RecordsError) as failure:
        process.stock(1)
    assert str(failure.value) == "shop_records.stock.sql: no end within 0.1 s: select less, or say deadline_s"
    assert process._process is None
