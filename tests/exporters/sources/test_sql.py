"""A SQL query as a source: what it gives, and every way in which a database fails or lies."""

import sqlite3
import time
from pathlib import Path

import pytest

from exporters.context import ExporterContext
from exporters.serving.source import Deadline, Unreadable
from exporters.sources.sql import SqlConfig, SqlSource
from slo.documents import BadInput, validate


def context(folder: Path, **variables: str) -> ExporterContext:
    return ExporterContext(variables=variables, folder=folder, runs=folder, now=lambda: 0)


def in_s(seconds: float) -> Deadline:
    return Deadline(at=time.monotonic() + seconds)


def source(folder: Path, query: str, **more: object) -> SqlSource:
    config = validate({"url": {"value": "sqlite:///stock.db"}, "query": query, **more}, SqlConfig, "exporters.yaml")
    return SqlSource(config, context(folder), "inventory.locations.store-1")


@pytest.fixture
def stock(tmp_path: Path) -> Path:
    with sqlite3.connect(tmp_path / "stock.db") as db:
        db.execute("create table stock (sku text, units int)")
        db.executemany("insert into stock values (?, ?)", [("a", 1), ("b", -2), ("c", None)])
    db.close()
    return tmp_path


def failure(one: SqlSource, wanted: tuple[str, ...] = ("sku",), seconds: float = 5) -> str:
    with pytest.raises(Unreadable) as caught:
        one.read(wanted, in_s(seconds))
    return str(caught.value)


def test_the_columns_that_are_asked_for_come_as_the_database_holds_them(stock: Path) -> None:
    table = source(stock, "select units, sku from stock order by sku").read(("sku", "units"), in_s(5))
    assert table.rows == 3
    assert table.columns == {"sku": ["a", "b", "c"], "units": [1, -2, None]}


def test_a_query_can_not_write(stock: Path) -> None:
    assert failure(source(stock, "insert into stock values ('d', 1) returning sku")) == (
        "inventory.locations.store-1: OperationalError: attempt to write a readonly database"
    )


def test_a_file_that_is_not_there_is_not_made(tmp_path: Path) -> None:
    assert failure(source(tmp_path, "select 1")) == (
        "inventory.locations.store-1: OperationalError: unable to open database file"
    )
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_is_no_database_is_a_failed_read(tmp_path: Path) -> None:
    (tmp_path / "stock.db").write_bytes(b"sku;units\n" * 200)
    assert failure(source(tmp_path, "select sku from stock")) == (
        "inventory.locations.store-1: DatabaseError: file is not a database"
    )


def test_a_missing_column_is_named_with_those_there_are(stock: Path) -> None:
    assert failure(source(stock, "select sku, units from stock"), ("sku", "on_hand")) == (
        "inventory.locations.store-1: no column 'on_hand'; there are: sku, units"
    )


def test_a_column_that_is_there_twice_is_not_guessed_at(stock: Path) -> None:
    assert failure(source(stock, "select sku, units as sku from stock"), ("sku",)) == (
        "inventory.locations.store-1: 2 columns 'sku'; there are: sku, sku"
    )


def test_more_rows_than_allowed_end_the_read(stock: Path) -> None:
    endless = "with recursive n(i) as (select 1 union all select i + 1 from n) select i as sku from n"
    assert failure(source(stock, endless, max_rows=50_000)) == (
        "inventory.locations.store-1: more than the 50000 rows allowed"
    )


def test_a_query_that_does_not_end_is_ended_at_the_deadline(stock: Path) -> None:
    endless = "with recursive n(i) as (select 1 union all select i + 1 from n) select max(i) as sku from n"
    assert failure(source(stock, endless), seconds=0.3) == (
        "inventory.locations.store-1: no whole answer within the deadline"
    )


def test_a_password_stands_in_no_configuration_and_in_no_message(tmp_path: Path) -> None:
    secret = "postgresql://u:hunter22@127.0.0.1:1/db"
    written = validate({"url": {"value": secret}, "query": "select 1"}, SqlConfig, "exporters.yaml")
    with pytest.raises(BadInput) as caught:
        SqlSource(written, context(tmp_path), "store")
    assert str(caught.value) == (
        "store.sql.url: must not hold a password; name a variable that holds the address: {env: NAME}"
    )
    config = validate({"url": {"env": "STORE_URL"}, "query": "select 1"}, SqlConfig, "exporters.yaml")
    message = failure(SqlSource(config, context(tmp_path, STORE_URL=secret), "store"))
    assert message.startswith("store: OperationalError: connection ")
    assert "hunter22" not in message


def test_a_driver_that_repeats_the_password_is_masked(tmp_path: Path) -> None:
    config = validate({"url": {"env": "STORE_URL"}, "query": "select 1"}, SqlConfig, "exporters.yaml")
    repeats = "postgresql://u:hunter22@/db?host=/nowhere/hunter22"
    message = failure(SqlSource(config, context(tmp_path, STORE_URL=repeats), "store"))
    assert 'on socket "/nowhere/***/' in message
    assert "hunter22" not in message


@pytest.mark.parametrize("option", ["password", "sslpassword"])
def test_a_password_among_the_options_of_an_address_is_one_too(tmp_path: Path, option: str) -> None:
    written = validate({"url": {"value": f"postgresql://u@h/db?{option}=x"}, "query": "select 1"}, SqlConfig, "a.yaml")
    with pytest.raises(BadInput, match=r"^store\.sql\.url: must not hold a password; name a variable"):
        SqlSource(written, context(tmp_path), "store")


@pytest.mark.parametrize("url", ["mysql://u@h/db?connect_timeout=hunter22", "postgresql:///db?host=a&port=hunter22"])
def test_an_option_that_can_not_be_used_is_refused_and_not_repeated(tmp_path: Path, url: str) -> None:
    config = validate({"url": {"env": "STORE_URL"}, "query": "select 1"}, SqlConfig, "exporters.yaml")
    with pytest.raises(BadInput) as caught:
        SqlSource(config, context(tmp_path, STORE_URL=url), "store")
    assert str(caught.value) == "store.sql.url: has an option with a value that isn't one of its kind"


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ("oracle://u@h/db", "oracle: no such kind of database"),
        ("nonsense", "not a database's address"),
    ],
)
def test_an_address_of_another_kind_is_refused(tmp_path: Path, url: str, problem: str) -> None:
    config = validate({"url": {"env": "STORE_URL"}, "query": "select 1"}, SqlConfig, "exporters.yaml")
    with pytest.raises(BadInput) as caught:
        SqlSource(config, context(tmp_path, STORE_URL=url), "store")
    assert str(caught.value) == (
        f"store.sql.url: {problem}; expected an address that begins with postgresql:, mysql:, mariadb: or sqlite:"
    )


def test_a_variable_that_is_not_set_is_named(tmp_path: Path) -> None:
    config = validate({"url": {"env": "STORE_URL"}, "query": "select 1"}, SqlConfig, "exporters.yaml")
    with pytest.raises(BadInput, match=r"^store\.sql\.url: the environment variable STORE_URL is not set$"):
        SqlSource(config, context(tmp_path), "store")


def test_a_file_that_somebody_writes_to_is_named_as_locked_and_read_when_it_is_free(stock: Path) -> None:
    one = source(stock, "select sku from stock")
    writer = sqlite3.connect(stock / "stock.db", isolation_level=None)
    writer.execute("begin exclusive")
    assert failure(one, seconds=2) == "inventory.locations.store-1: OperationalError: database is locked"
    writer.execute("rollback")
    writer.close()
    assert one.read(("sku",), in_s(5)).rows == 3


def test_a_read_leaves_no_lock_behind(stock: Path) -> None:
    source(stock, "select sku from stock").read(("sku",), in_s(5))
    writer = sqlite3.connect(stock / "stock.db", isolation_level=None, timeout=0)
    writer.execute("begin exclusive")
    writer.close()


def test_a_second_read_waits_for_the_first_and_no_second_connection_is_opened(stock: Path) -> None:
    one = source(stock, "select sku from stock")
    with one._turn:
        assert failure(one, seconds=0.1) == "inventory.locations.store-1: another read is still under way"
