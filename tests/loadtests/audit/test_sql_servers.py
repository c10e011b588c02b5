"""Shop records of a real PostgreSQL and a real MariaDB: streamed, only read, and ended in time on the server, too."""

import os
import time
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from loadtests.audit.readers import Access, Reader, readers_of
from loadtests.audit.sql_child import Reader as InProcess
from loadtests.audit.sql_child import why_not
from loadtests.audit.sql_process import SqlProcess
from loadtests.audit.unavailable import RecordsError
from loadtests.environment.pinned_http import PinnedHttp
from loadtests.environment.resolved_environment import resolve_environment
from loadtests.environment.targets import Environment
from scripts.doctor.shop_records import shop_records
from tests.mariadb import mariadb
from tests.postgresql import postgresql

pytestmark = pytest.mark.heavy
ROWS = 30_000
LINES = '[{"sku": "tee", "quantity": 1}]'
SELECT = f"""
    SELECT id AS order_id, k AS request, run, 'complete' AS status, placed AS created_at, total, '{LINES}' AS cart
    FROM orders WHERE (:run IS NULL OR run = :run) AND placed >= :since AND placed <= :until"""  # noqa: S608 - of constants
ENDLESS = SELECT.partition("WHERE")[0].replace("FROM orders", "FROM orders, orders b, orders c")
SHAPE = {"fields": {"key": "request", "total_cents": "total", "lines": "cart"}, "money": "decimal", "zone": "UTC"}


@pytest.fixture(scope="module")
def servers() -> Iterator[dict[str, str]]:
    """Start both, each with as many orders and a function that writes; return their addresses."""
    with postgresql() as postgres, mariadb() as maria:
        with psycopg.connect(postgres, autocommit=True) as db:
            columns = "i AS id, 'k' || i AS k, 'r1' AS run, now() AS placed, 12.34::numeric AS total"
            db.execute(f"CREATE TABLE orders AS SELECT {columns} FROM generate_series(1, {ROWS}) i".encode())  # noqa: S608 - the same
            db.execute("CREATE FUNCTION taken() RETURNS int LANGUAGE sql AS 'DELETE FROM orders RETURNING 1'")
        columns = "seq AS id, concat('k', seq) AS k, 'r1' AS run, utc_timestamp(6) AS placed, 12.34 AS total"
        maria.execute(f"CREATE TABLE orders AS SELECT {columns} FROM seq_1_to_{ROWS}")  # noqa: S608 - the same
        yield {"postgresql": postgres, "mariadb": maria.url}


def environment(query: str, **declared: Any) -> Environment:
    source = {"sql": {"url": {"env": "SHOP_DB"}, "query": query}, **SHAPE, **declared}
    facts = {
        "base_url": "http://127.0.0.1:9",
        "storefront": "twisted-threads",
        "ceiling": {"requests_per_s": 1, "open_sessions": 1, "orders": 1},
        "shop_records": {"orders": source},
    }
    return Environment.model_validate(facts)


def reader(address: str, query: str, **declared: Any) -> Reader:
    target = environment(query, **declared)
    access = Access(token=None, http=PinnedHttp(target), variables={**os.environ, "SHOP_DB": address})
    return readers_of(target, access)["orders"]


def here(address: str, query: str, **declared: Any) -> str:
    """Return why a query can't be read in this process."""
    source = environment(query, **declared).records_declared["orders"]
    call = {"kind": "orders", "run": "r1", "since": 0, "first": None, "deadline_s": 30.0}
    with pytest.raises(Exception) as failure:  # noqa: PT011 - a driver's, or ours
        list(InProcess("orders", source, address).rows(call))
    return why_not(failure.value)


def why(address: str, query: str, **declared: Any) -> str:
    one = reader(address, query, **declared)
    with pytest.raises(RecordsError) as failure:
        list(one.orders("r1", 0))
    one.close()
    return str(failure.value).removeprefix("shop_records.orders.sql: ")


@pytest.mark.parametrize("kind", ["postgresql", "mariadb"])
def test_rows_are_streamed_to_the_end_or_as_far_as_anybody_wants_them(servers: dict[str, str], kind: str) -> None:
    one = reader(servers[kind], SELECT)
    assert isinstance(one, SqlProcess)
    orders = list(one.orders("r1", 0))
    assert (len(orders), orders[0].total_cents, orders[0].run, orders[0].status) == (ROWS, 1234, "r1", "accepted")
    assert [order.key for order in one.orders(None, 0, 1)] == ["k1"]  # and its process answers again
    assert list(one.orders("r2", 0)) == []
    assert list(one.orders("r1", time.time_ns() + 10**12)) == []
    one.close()
    endless = reader(servers[kind], ENDLESS.replace("id AS", "orders.id AS").replace(" k AS", " orders.k AS")
                     .replace(" run,", " orders.run,").replace(" placed AS", " orders.placed AS")
                     .replace(" total,", " orders.total,"))  # fmt: skip
    assert len(list(endless.orders("r1", 0, 3))) == 3
    assert len(list(endless.orders("r1", 0, 2))) == 2
    endless.close()


def test_nothing_is_written_and_what_is_wrong_is_the_server_s_word(servers: dict[str, str]) -> None:
    postgres, maria = servers["postgresql"], servers["mariadb"]
    wrote = "ReadOnlySqlTransaction: cannot execute DELETE in a read-only transaction"
    assert here(postgres, "SELECT taken() AS order_id") == wrote
    both = "SyntaxError: cannot insert multiple commands into a prepared statement"
    assert here(postgres, "SELECT 1; DROP TABLE orders") == both
    assert here(postgres, "SELECT absent FROM orders") == 'UndefinedColumn: column "absent" does not exist'
    wrote = "OperationalError: Cannot execute statement in a READ ONLY transaction (1792)"
    assert here(maria, "DELETE FROM orders") == wrote
    assert here(maria, "CREATE TABLE taken AS SELECT 1 AS order_id") == wrote
    assert here(maria, "SELECT absent FROM orders") == "OperationalError: Unknown column 'absent' in 'SELECT' (1054)"
    naive = "row 1: created_at: says no time zone: name it, as in zone: UTC, found datetime.datetime("
    assert here(maria, SELECT, zone=None).startswith(naive)
    too_many = "more than the 20 rows that max_rows allows"
    assert [here(address, SELECT, max_rows=20) for address in (postgres, maria)] == [too_many] * 2


def test_a_query_that_is_slow_or_locked_out_ends_here_and_on_the_server(servers: dict[str, str]) -> None:
    late = "no end within 1 s: select less, or say deadline_s"
    assert why(servers["mariadb"], "SELECT sleep(60) AS order_id", deadline_s=1) == late
    with psycopg.connect(servers["postgresql"], autocommit=True) as db:
        assert why(servers["postgresql"], "SELECT pg_sleep(60)::text AS order_id", deadline_s=1) in (
            late, "QueryCanceled: canceling statement due to statement timeout",
        )  # fmt: skip
        running = "SELECT count(*) FROM pg_stat_activity WHERE state = 'active' AND query LIKE '%pg_sleep(60)::%'"
        ends_at = time.monotonic() + 10
        while db.execute(f"{running} AND pid <> pg_backend_pid()".encode()).fetchone() != (0,):
            assert time.monotonic() < ends_at, "it still runs"
            time.sleep(0.1)
    with psycopg.connect(servers["postgresql"]) as db:
        db.execute("LOCK TABLE orders")
        locked = "LockNotAvailable: canceling statement due to lock timeout"
        assert why(servers["postgresql"], SELECT, deadline_s=2).startswith(locked)


def test_doctor_asks_the_query_for_its_first_rows_and_names_a_column_that_is_missing(servers: dict[str, str]) -> None:
    variables = {**os.environ, "SHOP_DB": servers["postgresql"]}
    lines = [one.to_json() for one in shop_records(resolve_environment(environment(SELECT), variables), variables)]
    found = {one["what"]: (one["state"], one["found"]) for one in lines}
    assert found["orders"] == ("ok", "it answers; the first: order 1, accepted, 1 lines, 1234 cents")
    assert found["stock"] == ("missing", "not declared: its part of the audit is left out")
    target = environment("SELECT id AS order_id, placed AS created_at FROM orders")
    (line, *_) = shop_records(resolve_environment(target, variables), variables)
    lacking = "no column for key (request), total_cents (total), lines (cart); its columns: order_id, created_at"
    assert line.to_json()["found"] == f"shop_records.orders.sql: {lacking}; name them with AS, or in fields"
