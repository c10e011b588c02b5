"""A database on SQLite or PostgreSQL: reads, writes, and the round trip's time to it."""

import fcntl
import os
import sqlite3
import time
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, cast

from opentelemetry.trace import Tracer
from sqlalchemy import Connection, Engine, Insert, Table, create_engine, event, func, make_url, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import ArgumentError
from sqlalchemy.pool import ConnectionPoolEntry, QueuePool

from staging.statement_spans import trace_statements

ROUND_TRIP_HELP = (
    "time that each statement waits in place of a database's network round trip; "
    "it is a model, for SQLite runs inside the process: default 10 on SQLite, 0 on PostgreSQL"
)
DEFAULT_ROUND_TRIP_S = {"sqlite": 0.010, "postgresql": 0.0}
_LOCK = "write_lock"
# Connections beyond those that are kept, for a moment.
_OVERFLOW = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Connections:
    """How many of the connections that a process may have are used, and how many are open and idle."""

    used: int
    idle: int
    most: int


class Database:
    """Connections to one database, shared by the threads of this process and by other replicas.

    In life a shop's database is a network away. SQLite is not, so with it every statement first waits
    `round_trip_s` inside its span; many rows in one statement wait once. The wait comes before the statement
    takes any lock, as the way there does. Every release waits alike.

    SQLite has one writer at a time, and its own waiting is a back-off that may starve a writer for long.
    So writers queue at a lock file beside the database, from their first statement to their commit.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._reader = engine.execution_options(isolation_level="AUTOCOMMIT")

    @property
    def dialect(self) -> str:
        """Return `sqlite` or `postgresql`."""
        return self._engine.dialect.name

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """Give a connection whose statements each see what is committed by then."""
        with self._reader.connect() as connection:
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """Give a connection in a transaction: committed at the end of the block, undone when it raises."""
        with self._engine.connect() as connection:
            connection.execution_options(writing=True)
            try:
                with connection.begin():
                    yield connection
            finally:
                if _LOCK in connection.info:
                    fcntl.flock(connection.info[_LOCK], fcntl.LOCK_UN)

    @contextmanager
    def alone(self, name: str) -> Iterator[Connection | None]:
        """Give a connection to read from, to one block of this name at a time in all processes; None to any other.

        The lock ends with its process or, on PostgreSQL, with the connection.
        """
        held = _hold_file if self.dialect == "sqlite" else _hold_advisory
        with held(self._reader, name) as connection:
            yield connection

    def connections(self) -> Connections:
        """Return how many connections are used and idle at this moment."""
        pool = cast("QueuePool", self._engine.pool)  # a file's and PostgreSQL's
        return Connections(used=pool.checkedout(), idle=pool.checkedin(), most=pool.size() + _OVERFLOW)

    def close(self) -> None:
        """Close the connections that are idle."""
        self._engine.dispose()

    def insert(self, table: Table) -> postgresql.Insert | sqlite.Insert:
        """Return an INSERT with `on_conflict_do_nothing` and `on_conflict_do_update`."""
        return postgresql.insert(table) if self.dialect == "postgresql" else sqlite.insert(table)


@contextmanager
def _hold_file(engine: Engine, name: str) -> Iterator[Connection | None]:
    lock = os.open(f"{engine.url.database}.{name}.lock", os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        yield None
    else:
        with engine.connect() as connection:
            yield connection
    finally:
        os.close(lock)


@contextmanager
def _hold_advisory(engine: Engine, name: str) -> Iterator[Connection | None]:
    key = zlib.crc32(name.encode())
    with engine.connect() as connection:
        if not connection.scalar(select(func.pg_try_advisory_lock(key))):
            yield None
            return
        try:
            yield connection
        finally:
            connection.invalidate()  # a session's lock ends with its session, whatever state that is in


def is_inserted(connection: Connection, statement: Insert) -> bool:
    """Run an INSERT of one row that may meet a conflict; return whether it inserted one.

    Of an INSERT, SQLAlchemy keeps the row count only where it is told to: on PostgreSQL it is lost otherwise.
    """
    return connection.execute(statement, execution_options={"preserve_rowcount": True}).rowcount == 1


def open_database(url: str, *, connections: int, round_trip_s: float | None, tracer: Tracer) -> Database:
    """Return the database at a SQLAlchemy URL, not yet connected; raises ValueError for a URL of another kind."""
    engine = _engine(url, connections)
    wait_s = DEFAULT_ROUND_TRIP_S[engine.dialect.name] if round_trip_s is None else round_trip_s
    trace_statements(engine, tracer)

    def travel(*_: object) -> None:
        if wait_s:
            time.sleep(wait_s)

    event.listen(engine, "before_cursor_execute", travel)
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _prepare_sqlite(f"{engine.url.database}.lock"))
        event.listen(engine, "close", _close_lock)
        event.listen(engine, "before_cursor_execute", _begin_sqlite)
    return Database(engine)


def _engine(url: str, connections: int) -> Engine:
    try:
        parsed = make_url(url)
    except ArgumentError:
        raise ValueError("not a database URL, such as sqlite:////tmp/shop.db or postgresql://host/shop") from None
    kind = parsed.get_backend_name()
    if kind == "sqlite" and parsed.database and parsed.database != ":memory:":
        return create_engine(
            parsed,
            isolation_level="AUTOCOMMIT",
            hide_parameters=True,
            pool_size=connections,
            max_overflow=_OVERFLOW,
        )
    if kind == "postgresql":
        driver = parsed.set(drivername="postgresql+psycopg")
        return create_engine(
            driver,
            hide_parameters=True,
            pool_size=connections,
            max_overflow=_OVERFLOW,
            pool_pre_ping=True,
            connect_args={"connect_timeout": 5},
        )
    raise ValueError("the database must be a SQLite file (sqlite:////tmp/shop.db) or PostgreSQL (postgresql://…)")


def _prepare_sqlite(lock_path: str) -> Any:  # noqa: ANN401 - SQLAlchemy's listeners are untyped
    def prepare(connection: sqlite3.Connection, entry: ConnectionPoolEntry) -> None:
        lock = os.open(lock_path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
        entry.info[_LOCK] = lock
        connection.execute("PRAGMA busy_timeout=5000")
        # Two replicas that turn a new file to WAL at once would refuse each other.
        fcntl.flock(lock, fcntl.LOCK_EX)
        try:
            connection.execute("PRAGMA journal_mode=WAL")
        finally:
            fcntl.flock(lock, fcntl.LOCK_UN)
        connection.execute("PRAGMA synchronous=NORMAL")
        connection.execute("PRAGMA foreign_keys=ON")

    return prepare


def _close_lock(_connection: sqlite3.Connection, entry: ConnectionPoolEntry) -> None:
    lock = entry.info.pop(_LOCK, None)
    if lock is not None:
        os.close(lock)


def _begin_sqlite(connection: Connection, *_: object) -> None:
    if not connection.get_execution_options().get("writing"):
        return
    raw: Any = connection.connection.dbapi_connection
    if not raw.in_transaction:
        fcntl.flock(connection.info[_LOCK], fcntl.LOCK_EX)
        raw.execute("BEGIN IMMEDIATE")
