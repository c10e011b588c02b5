"""The kinds of database that shop records are read from: how each is told to only read, in time, and to stream.

The address and the values of the query are SQLAlchemy's; a driver is loaded when its kind is asked for.
"""

import importlib.util
import re
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType
from typing import Any, Protocol

from sqlalchemy import BigInteger, DateTime, NullPool, String, bindparam, create_engine, text
from sqlalchemy.engine import URL, Connection, CursorResult, make_url
from sqlalchemy.exc import ArgumentError
from sqlalchemy.types import TypeEngine

from loadtests.environment.record_targets import NS_PER, PLACEHOLDERS, check_database
from slo.documents import BadInput

BATCH_ROWS = 1000
_CONNECT_S = 10
_APPLICATION = "peakproof-audit"
_LOCK_SHARE = 0.5  # a table that is locked is named as such, which takes less than the whole time
# What is in quotes, or a comment: '…', "…", `…`, $tag$…$tag$, -- … and /* … */.
_QUOTED = re.compile(r"'(?:[^']|'')*'|\"[^\"]*\"|`[^`]*`|\$[A-Za-z_]*\$.*?\$[A-Za-z_]*\$|--[^\n]*|/\*.*?\*/", re.DOTALL)
_NAMED = re.compile(r"(?<![:\w]):([A-Za-z_]\w*)")
_COLON = re.compile(r":(?!(?:run|since|until)\b)|(?<=:):")


class Database(Protocol):
    """One kind of database."""

    @property
    def driver(self) -> str:
        """SQLAlchemy's name of dialect and driver."""

    @property
    def module(self) -> str | None:
        """The driver's module, None where Python brings it."""

    def address(self, url: URL) -> URL:
        """Return the address that is connected to; raises BadInput with what is expected instead."""

    def arguments(self) -> dict[str, Any]:
        """Return the driver's own arguments for a connection that gives up in time."""

    def only_read(self, connection: Connection, deadline_s: float) -> None:
        """Begin a transaction that can't write and whose statements end in time."""

    def hang_up(self, connection: Connection) -> None:
        """Leave a connection with rows in it that nobody wants."""

    def moment(self, at: datetime) -> Any:  # noqa: ANN401 - a driver's
        """Return a moment as a query compares it."""


class PostgreSql:
    """PostgreSQL, by psycopg: rows come from a cursor of the server's."""

    driver, module = "postgresql+psycopg", "psycopg"

    def address(self, url: URL) -> URL:
        """Return it as it is."""
        return url

    def arguments(self) -> dict[str, Any]:
        """Return what libpq takes."""
        return {"connect_timeout": _CONNECT_S, "application_name": _APPLICATION}

    def only_read(self, connection: Connection, deadline_s: float) -> None:
        """Set the limits for this transaction alone, so that they survive a pooler between."""
        limit_ms = int(deadline_s * 1000)
        connection.exec_driver_sql("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        for name, value in (
            ("statement_timeout", limit_ms),
            ("lock_timeout", int(_LOCK_SHARE * limit_ms)),
            ("idle_in_transaction_session_timeout", limit_ms),
        ):
            connection.exec_driver_sql(f"SET LOCAL {name} = {value}")

    def hang_up(self, connection: Connection) -> None:
        """Do nothing: the rows that nobody fetched stay with the server."""

    def moment(self, at: datetime) -> datetime:
        """Return it with its zone."""
        return at


class MySql:
    """MySQL and MariaDB, by PyMySQL, which call the limit of a statement's time by two names and in two units."""

    driver, module = "mysql+pymysql", "pymysql"

    def address(self, url: URL) -> URL:
        """Return it as it is."""
        return url

    def arguments(self) -> dict[str, Any]:
        """Return PyMySQL's own time-out of connecting."""
        return {"connect_timeout": _CONNECT_S}

    def only_read(self, connection: Connection, deadline_s: float) -> None:
        """Set the session's limits; each of its transactions reads alone."""
        version = str(connection.exec_driver_sql("SELECT VERSION()").scalar())
        limit = f"max_statement_time = {deadline_s:g}"
        if "MariaDB" not in version:
            limit = f"max_execution_time = {int(deadline_s * 1000)}"
        waiting_s = max(1, int(_LOCK_SHARE * deadline_s))
        connection.exec_driver_sql(f"SET SESSION {limit}, lock_wait_timeout = {waiting_s}")
        connection.exec_driver_sql(f"SET SESSION net_write_timeout = {max(1, int(deadline_s))}")
        connection.rollback()
        connection.exec_driver_sql("SET SESSION TRANSACTION READ ONLY")  # also for what commits by itself
        connection.rollback()

    def hang_up(self, connection: Connection) -> None:
        """Close the socket: PyMySQL would read all rows first, however many there are."""
        raw: Any = connection.connection.dbapi_connection
        raw._force_close()  # noqa: SLF001 - it has no other way
        if (result := raw._result) is not None:  # noqa: SLF001 - the same
            result.unbuffered_active = False
            raw._result = None  # noqa: SLF001 - the same
        connection.invalidate()

    def moment(self, at: datetime) -> datetime:
        """Return it in UTC without a zone, which these columns don't have."""
        return at.replace(tzinfo=None)


class Sqlite:
    """A SQLite file: opened for reading alone, and never made."""

    driver, module = "sqlite+pysqlite", None

    def address(self, url: URL) -> URL:
        """Return the address of the file that can't be written to through it."""
        if not url.database or url.database == ":memory:" or url.database.startswith("file:"):
            raise BadInput("expected sqlite:/// and a path")
        path = Path(url.database).resolve()
        if not path.is_file():
            raise BadInput(f"{url.database}: no such file")
        return url.set(database=path.as_uri().replace("file://", "file:", 1), query={"mode": "ro", "uri": "true"})

    def arguments(self) -> dict[str, Any]:
        """Return how long a locked file is waited for."""
        return {"timeout": _CONNECT_S}

    def only_read(self, connection: Connection, deadline_s: float) -> None:
        """Refuse whatever writes, also a second file, which ATTACH would make; its process sees to its end in time."""
        del deadline_s
        connection.exec_driver_sql("PRAGMA query_only = ON")
        raw: Any = connection.connection.dbapi_connection
        raw.set_authorizer(_no_second_file)

    def hang_up(self, connection: Connection) -> None:
        """Do nothing: a row is made when it is fetched."""

    def moment(self, at: datetime) -> str:
        """Return it as SQLite's own functions write a time, in UTC."""
        return at.strftime("%Y-%m-%d %H:%M:%S")


def _no_second_file(action: int, *_: object) -> int:
    return sqlite3.SQLITE_DENY if action == sqlite3.SQLITE_ATTACH else sqlite3.SQLITE_OK


_MYSQL = MySql()
DATABASES: Mapping[str, Database] = MappingProxyType(
    {
        "postgresql": PostgreSql(),
        "mysql": _MYSQL,
        "mariadb": _MYSQL,
        "sqlite": Sqlite(),
    }
)


def database_at(address: str) -> tuple[Database, URL]:
    """Return the kind of database and the address that is connected to.

    Raises BadInput, which names no password, for one that can't be read, and for a driver that isn't installed.
    """
    try:
        check_database(address)
    except ValueError as error:
        raise BadInput(str(error)) from None
    try:
        url = make_url(address.replace("postgres:", "postgresql:", 1) if address.startswith("postgres:") else address)
        database = DATABASES[url.get_backend_name()]
    except (ArgumentError, ValueError):
        raise BadInput("not a database's address") from None  # the cause holds the password
    if "@" in (url.host or ""):  # a driver would name as the host what is the end of the password
        raise BadInput("its password or its user holds an @: write %40")
    if database.module is not None and importlib.util.find_spec(database.module) is None:
        raise BadInput(
            f"{database.module}, the driver for {url.get_backend_name()}, isn't installed: pip install 'peakproof[sql]'"
        )
    return database, database.address(url.set(drivername=database.driver))


@contextmanager
def reading(database: Database, url: URL, deadline_s: float) -> Iterator[Connection]:
    """Give a connection in a transaction that only reads, and is rolled back."""
    engine = create_engine(url, poolclass=NullPool, hide_parameters=True, connect_args=database.arguments())
    with engine.connect() as connection:
        database.only_read(connection, deadline_s)
        yield connection.execution_options(stream_results=True, max_row_buffer=BATCH_ROWS)
        connection.rollback()


def names_in(query: str) -> frozenset[str]:
    """Return the names of the query's values; raises BadInput for one that there isn't."""
    found = frozenset(_NAMED.findall(_QUOTED.sub("''", query)))
    if unknown := sorted(found - PLACEHOLDERS):
        raise BadInput(f"the query has :{unknown[0]}; there are :run, :since and :until")
    return found


@contextmanager
def asked(
    database: Database, connection: Connection, query: str, values: Mapping[str, Any]
) -> Iterator[CursorResult[Any]]:
    """Give the rows of the query, streamed; `values` holds those that it may name."""
    names = names_in(query)
    typed = [bindparam(name, value, type_=_type_of(value)) for name, value in values.items() if name in names]
    result = connection.execute(text(_escaped(query.strip().rstrip(";"))).bindparams(*typed))
    try:
        yield result
    except BaseException:
        database.hang_up(connection)
        raise
    finally:
        result.close()


def _escaped(query: str) -> str:
    """Return a query in which SQLAlchemy takes no other colon for a name than ours: JSON in a text is full of them."""
    parts = _QUOTED.split(query)
    quoted = _QUOTED.findall(query)
    bare = [_COLON.sub(r"\:", part) for part in parts]
    held = [part.replace(":", r"\:") for part in quoted]
    return "".join(one for pair in zip(bare, [*held, ""], strict=True) for one in pair)


def _type_of(value: object) -> TypeEngine[Any]:
    if isinstance(value, datetime):
        return DateTime(timezone=value.tzinfo is not None)
    return BigInteger() if isinstance(value, int) else String()


def moment_of(database: Database, at_ns: int, times: str | None) -> Any:  # noqa: ANN401 - a driver's
    """Return a moment as the query compares it: a number in the unit of `times`, or the database's own kind."""
    if times in NS_PER:
        return at_ns // NS_PER[times]
    return database.moment(datetime.fromtimestamp(at_ns // 1000 / 1e6, UTC))
