"""A SQL query of a real PostgreSQL and a real MariaDB as a source."""

import os
import signal
import threading
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from exporters.serving.source import Unreadable
from exporters.sources.sql import SqlConfig, SqlSource
from slo.documents import validate
from tests.exporters.sources.test_sql import context, failure, in_s
from tests.mariadb import MariaDb, mariadb
from tests.postgresql import postgresql

pytestmark = pytest.mark.heavy
ROWS = 30_000


def source(url: str, query: str, folder: Path, **more: object) -> SqlSource:
    config = validate({"url": {"env": "STORE_URL"}, "query": query, **more}, SqlConfig, "exporters.yaml")
    return SqlSource(config, context(folder, STORE_URL=url), "store")


@pytest.fixture(scope="module")
def postgres() -> Iterator[str]:
    with postgresql() as url:
        with psycopg.connect(url, autocommit=True) as db:
            db.execute("create table stock as select 'sku-' || i as sku, i as units from generate_series(1, 30000) i")
        yield url


@pytest.fixture(scope="module")
def maria() -> Iterator[MariaDb]:
    with mariadb() as server:
        server.execute(
            "create table stock as select concat('sku-', seq) as sku, seq as units from seq_1_to_30000",
        )
        yield server


def test_postgresql_gives_every_row_of_one_query(postgres: str, tmp_path: Path) -> None:
    table = source(postgres, "select sku, units from stock order by units;", tmp_path).read(("units",), in_s(10))
    assert table.rows == ROWS
    assert table.columns["units"] == list(range(1, ROWS + 1))


def test_mariadb_gives_every_row_of_one_query(maria: MariaDb, tmp_path: Path) -> None:
    table = source(maria.url, "select sku, units from stock order by units", tmp_path).read(("units",), in_s(10))
    assert table.columns["units"] == list(range(1, ROWS + 1))


def test_a_percent_sign_in_a_query_is_sql_s_own(postgres: str, maria: MariaDb, tmp_path: Path) -> None:
    for url in (postgres, maria.url):
        table = source(url, "select sku, units from stock where sku like '%-77'", tmp_path).read(("sku",), in_s(10))
        assert table.columns["sku"] == ["sku-77"]


def test_a_query_can_not_write(postgres: str, maria: MariaDb, tmp_path: Path) -> None:
    write = "create table taken as select 1 as sku"
    assert failure(source(maria.url, write, tmp_path)) == (
        "store: OperationalError: (1792, 'Cannot execute statement in a READ ONLY transaction')"
    )
    assert failure(source(postgres, write, tmp_path)) == 'store: SyntaxError: syntax error at or near "create"'
    writes = "create function taken() returns int language sql as 'delete from stock returning 1'"
    with psycopg.connect(postgres, autocommit=True) as db:
        db.execute(writes)
    assert failure(source(postgres, "select taken() as sku", tmp_path)) == (
        "store: ReadOnlySqlTransaction: cannot execute DELETE in a read-only transaction"
    )


def test_more_rows_than_allowed_end_the_read_at_once(postgres: str, maria: MariaDb, tmp_path: Path) -> None:
    endless = {
        postgres: "select a.sku from stock a, stock b, stock c",
        maria.url: "select a.sku from stock a, stock b, stock c",
    }
    for url, query in endless.items():
        assert failure(source(url, query, tmp_path, max_rows=50_000)) == "store: more than the 50000 rows allowed"
        assert source(url, "select sku from stock", tmp_path).read(("sku",), in_s(10)).rows == ROWS


def test_a_query_without_rows_is_named(maria: MariaDb, tmp_path: Path) -> None:
    assert failure(source(maria.url, "set @a = 1", tmp_path)) == ("store: the query gives no rows; expected a SELECT")


def test_a_query_may_end_in_a_comment_and_have_parts_of_its_own(postgres: str, tmp_path: Path) -> None:
    query = "with few as (select * from stock where units < 4) select sku, units from few order by units desc -- few"
    assert source(postgres, query, tmp_path).read(("units",), in_s(10)).columns["units"] == [3, 2, 1]


def test_no_rows_at_all_are_an_empty_table(postgres: str, maria: MariaDb, tmp_path: Path) -> None:
    for url in (postgres, maria.url):
        table = source(url, "select sku from stock where units < 0", tmp_path).read(("sku",), in_s(10))
        assert (table.rows, table.columns) == (0, {"sku": []})


def test_a_slow_query_is_ended_at_the_deadline_and_leaves_no_lock(postgres: str, tmp_path: Path) -> None:
    slow = source(postgres, "select sku, pg_sleep(60) from stock", tmp_path)
    assert failure(slow, seconds=0.5) == "store: no whole answer within the deadline"
    with psycopg.connect(postgres, autocommit=True) as db:
        left = "select count(*) from pg_locks where relation = 'stock'::regclass"
        for _ in range(50):
            row = db.execute(left).fetchone()
            if row == (0,):
                break
            db.execute("select pg_sleep(0.1)")
        assert row == (0,)


def test_mariadb_ends_a_slow_query_at_the_deadline(maria: MariaDb, tmp_path: Path) -> None:
    slow = source(maria.url, "select sku, sleep(60) from stock", tmp_path)
    assert failure(slow, seconds=0.5) == "store: no whole answer within the deadline"


def test_a_locked_table_fails_the_read_instead_of_queueing_it(postgres: str, tmp_path: Path) -> None:
    with psycopg.connect(postgres) as db:
        db.execute("lock table stock in access exclusive mode")
        locked = source(postgres, "select sku from stock", tmp_path)
        assert failure(locked, seconds=2) == "store: LockNotAvailable: canceling statement due to lock timeout"
    assert locked.read(("sku",), in_s(10)).rows == ROWS


def test_a_mariadb_that_was_stopped_is_hung_up_on_and_read_again_when_it_goes_on(
    maria: MariaDb, tmp_path: Path
) -> None:
    stopped = source(maria.url, "select sku from stock", tmp_path)
    assert stopped.read(("sku",), in_s(10)).rows == ROWS
    os.kill(maria.pid, signal.SIGSTOP)
    try:
        with pytest.raises(Unreadable):
            stopped.read(("sku",), in_s(0.5))
    finally:
        os.kill(maria.pid, signal.SIGCONT)
    assert stopped.read(("sku",), in_s(10)).rows == ROWS


def test_a_backend_of_postgresql_that_was_stopped_in_mid_answer_is_hung_up_on(postgres: str, tmp_path: Path) -> None:
    stopped = source(postgres, "select sku, pg_sleep(0.01) from stock", tmp_path)
    pids: list[int] = []

    def stop() -> None:
        with psycopg.connect(postgres, autocommit=True) as db:
            for _ in range(200):
                row = db.execute("select pid from pg_stat_activity where application_name = 'peakproof-exporter'")
                if found := row.fetchone():
                    pids.append(found[0])
                    os.kill(found[0], signal.SIGSTOP)
                    return

    stopper = threading.Thread(target=stop)
    stopper.start()
    try:
        assert failure(stopped, seconds=1) == "store: no whole answer within the deadline"
    finally:
        stopper.join()
        for pid in pids:
            os.kill(pid, signal.SIGCONT)
    assert pids
