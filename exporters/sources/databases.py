"""The kinds of database that a query is sent to: how each connects in time, reads only, and streams its rows.

SQLAlchemy turns the address into the driver's arguments; from there it is the driver itself (PEP 249), so that the
server sees one statement that reads, and nothing that an engine or a pool would send beside it.
"""

import os
import socket
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Protocol

from exporters.serving.source import Deadline

if TYPE_CHECKING:  # which most exporters do without
    from sqlalchemy.engine import URL

BATCH_ROWS = 10_000
_APPLICATION = "peakproof-exporter"
_MIN_TIMEOUT_MS = 100
_BACKSTOP_MS = 250  # the server ends what the exporter has hung up on, and not in the moment in which it does
_LOCK_SHARE = 0.5  # a table that is locked is named as such, which takes less than the whole time
Batch = Sequence[Sequence[object]]
Batches = AbstractContextManager[tuple[list[str], Iterator[Batch]]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How long a read may last, and how many rows are asked for at most."""

    deadline: Deadline
    rows: int

    def left_ms(self) -> int:
        """Return the time that is left, at least what a server takes for a limit."""
        return max(_MIN_TIMEOUT_MS, int(self.deadline.left_s() * 1000))


class NoRows(Exception):  # noqa: N818 - it is what the query gave
    """The query isn't one that gives rows."""


class Database(Protocol):
    """One kind of database; its connection is the driver's own."""

    @property
    def driver(self) -> str:
        """SQLAlchemy's name of dialect and driver."""

    def address(self, url: "URL", folder: Path) -> "URL":
        """Return the address that is connected to; raises ValueError with what is expected instead."""

    def options(self, left_s: float) -> dict[str, Any]:
        """Return the driver's options for a connection that gives up in time."""

    def batches(self, raw: Any, query: str, limits: Limits) -> Batches:  # noqa: ANN401
        """Give the query's column names and its rows, read-only, while the context lasts; no names where no row is."""


@dataclass(frozen=True, slots=True)
class PostgreSql:
    """PostgreSQL: the limits hold for one transaction, so they survive a pooler between."""

    driver: str = "postgresql+psycopg"

    def address(self, url: "URL", folder: Path) -> "URL":
        """Return it as it is."""
        del folder
        return url

    def options(self, left_s: float) -> dict[str, Any]:
        """Return what libpq takes: whole seconds."""
        return {"connect_timeout": max(1, round(left_s)), "application_name": _APPLICATION, "client_encoding": "utf8"}

    @contextmanager
    def batches(self, raw: Any, query: str, limits: Limits) -> Iterator[tuple[list[str], Iterator[Batch]]]:  # noqa: ANN401
        """Take the rows off the server as fast as it gives them, end the transaction, and only then look at them.

        libpq's own call waits without the interpreter's lock: whatever other threads do, the server isn't held up.
        """
        with _hung_up_at(limits.deadline, raw):
            raw.read_only = True
            limit_ms = limits.left_ms() + _BACKSTOP_MS
            raw.execute(
                f"SET LOCAL statement_timeout = {limit_ms}; SET LOCAL idle_in_transaction_session_timeout = {limit_ms};"
                f" SET LOCAL lock_timeout = {int(_LOCK_SHARE * limit_ms)}"
            )
            from psycopg.errors import error_from_result  # noqa: PLC0415 - a driver of the extra `sql`
            from psycopg.pq import ExecStatus  # noqa: PLC0415 - the same

            result = raw.pgconn.exec_(self._bounded(query, limits.rows))
            if result.status != ExecStatus.TUPLES_OK:
                raise error_from_result(result)
            raw.commit()
        yield [result.fname(column).decode() for column in range(result.nfields)], self._rows(raw, result)

    def _bounded(self, query: str, rows: int) -> bytes:
        """Return the query with a limit round it: no plan is another for it that gives fewer rows than that."""
        return f"SELECT * FROM (\n{query.strip().rstrip(';')}\n) AS bounded LIMIT {rows}".encode()  # noqa: S608 - the owner's

    def _rows(self, raw: Any, result: Any) -> Iterator[Batch]:  # noqa: ANN401 - psycopg's
        from psycopg.adapt import Transformer  # noqa: PLC0415 - a driver of the extra `sql`

        transformer = Transformer(raw)
        transformer.set_pgresult(result)
        for first in range(0, result.ntuples, BATCH_ROWS):  # other threads have a turn between two batches
            yield transformer.load_rows(first, min(first + BATCH_ROWS, result.ntuples), tuple)


@dataclass(frozen=True, slots=True)
class MySql:
    """MySQL and MariaDB, which call the limit of a statement's time by two names and count it in two units."""

    driver: str = "mysql+pymysql"

    def address(self, url: "URL", folder: Path) -> "URL":
        """Return it as it is."""
        del folder
        return url

    def options(self, left_s: float) -> dict[str, Any]:
        """Return PyMySQL's timeouts: of connecting, and of each wait for the server."""
        return {"connect_timeout": max(1, round(left_s)), "read_timeout": left_s, "write_timeout": left_s}

    @contextmanager
    def batches(self, raw: Any, query: str, limits: Limits) -> Iterator[tuple[list[str], Iterator[Batch]]]:  # noqa: ANN401
        """Stream the rows: the driver holds one at a time."""
        from pymysql.cursors import SSCursor  # noqa: PLC0415 - a driver of the extra `sql`

        left_ms = limits.left_ms() + _BACKSTOP_MS
        in_mariadb = "MariaDB" in raw.get_server_info()
        limit = f"max_statement_time = {left_ms / 1000}" if in_mariadb else f"max_execution_time = {left_ms}"
        with raw.cursor() as settings:
            settings.execute("SET SESSION TRANSACTION READ ONLY")
            waiting_s = max(1, left_ms // 1000)
            settings.execute(f"SET SESSION {limit}, lock_wait_timeout = {waiting_s}, sql_select_limit = {limits.rows}")
        cursor = raw.cursor(SSCursor)
        try:
            cursor.execute(query)
            yield _names(cursor), _fetched(cursor)
        except BaseException:
            _broken_off(raw, cursor)
            raise
        cursor.close()


@dataclass(frozen=True, slots=True)
class Sqlite:
    """A SQLite file: opened for reading alone, never made, and read in one statement."""

    driver: str = "sqlite+pysqlite"

    def address(self, url: "URL", folder: Path) -> "URL":
        """Return the address of the file in `folder` that can't be written to through it."""
        if not url.database or url.database == ":memory:" or url.database.startswith("file:"):
            raise ValueError("expected sqlite:/// and a path")
        place = (folder / url.database).resolve().as_uri().replace("file://", "file:", 1)
        return url.set(database=place, query={"mode": "ro", "uri": "true"})

    def options(self, left_s: float) -> dict[str, Any]:
        """Return how long a locked file is waited for."""
        return {"timeout": _LOCK_SHARE * left_s}

    @contextmanager
    def batches(self, raw: Any, query: str, limits: Limits) -> Iterator[tuple[list[str], Iterator[Batch]]]:  # noqa: ANN401
        """Step through the statement; past the deadline it is interrupted."""
        raw.execute("PRAGMA query_only = ON")
        raw.set_progress_handler(lambda: int(limits.deadline.left_s() <= 0), 10_000)
        cursor = raw.execute(query)
        yield _names(cursor), _fetched(cursor)


DATABASES: Mapping[str, Database] = MappingProxyType(
    {"postgresql": PostgreSql(), "mysql": MySql(), "mariadb": MySql(), "sqlite": Sqlite()}
)


def _broken_off(raw: Any, cursor: Any) -> None:  # noqa: ANN401 - PyMySQL's connection and cursor
    """Close the socket with rows left in it: PyMySQL would read them all first, however many there are."""
    raw._force_close()  # noqa: SLF001 - it has no other way
    if (result := cursor._result) is not None:  # noqa: SLF001 - the same
        result.unbuffered_active = False
    cursor.connection = None


def _names(cursor: Any) -> list[str]:  # noqa: ANN401 - a driver's
    if not cursor.description:
        raise NoRows
    return [column[0] for column in cursor.description]


def _fetched(cursor: Any) -> Iterator[Batch]:  # noqa: ANN401 - a driver's
    while batch := cursor.fetchmany(BATCH_ROWS):
        yield batch


@contextmanager
def _hung_up_at(deadline: Deadline, raw: Any) -> Iterator[None]:  # noqa: ANN401 - psycopg's connection
    """Shut the connection's socket at the deadline: a server that was stopped would never end the read itself."""
    turn, ended = threading.Lock(), threading.Event()

    def hang_up() -> None:
        with turn, suppress(Exception):  # gone by itself in this moment
            if not ended.is_set():
                with socket.socket(fileno=os.dup(raw.fileno())) as wire:
                    wire.shutdown(socket.SHUT_RDWR)

    timer = threading.Timer(deadline.left_s(), hang_up)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        with turn:  # the descriptor's number may belong to another file once it is closed
            ended.set()
        timer.cancel()
