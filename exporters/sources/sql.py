"""Reads one query from a database: read-only, one connection, one statement, bounded in time and rows.

PostgreSQL, MySQL, MariaDB and SQLite, by SQLAlchemy URL. The connection is opened for a read and closed after it, so
nothing stays open, locked or stale between two scrapes. The rows are streamed, so a query that lies about its size
ends at `max_rows` instead of filling the memory. A server that stops answering is hung up on at the deadline.
"""

import threading
from collections.abc import Iterator, Sequence
from contextlib import closing
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field

from exporters.context import ExporterContext
from exporters.serving.source import Deadline, Unreadable
from exporters.sources.databases import DATABASES, Batch, Limits, NoRows
from exporters.sources.secret import revealed
from exporters.sources.table import MAX_ROWS, Table, positions, too_many
from loadtests.environment.target_fields import HeaderValue
from slo.documents import BadInput, Document

if TYPE_CHECKING:  # imported where an address is read: most exporters do without
    from sqlalchemy.engine import URL

_MAX_MESSAGE = 300
_MIN_CONNECT_S = 0.1
_PASSWORDS = ("password", "passwd", "sslpassword", "ssl_key_password")


class SqlConfig(Document):
    """A query of one database: `url` as SQLAlchemy writes it, with a password only from a variable or a file."""

    url: HeaderValue
    query: Annotated[str, Field(min_length=1, max_length=20_000)]
    max_rows: int = Field(default=MAX_ROWS, ge=1, le=10_000_000)


class SqlSource:
    """One query of one database; `place` names it in messages. A read that comes during another waits for its turn."""

    def __init__(self, config: SqlConfig, context: ExporterContext, place: str) -> None:
        from sqlalchemy.exc import ArgumentError  # noqa: PLC0415 - see above

        self.shown = place
        url = _url(config, context, f"{place}.sql.url")
        self._database = DATABASES[url.get_backend_name()]
        try:
            url = self._database.address(url.set(drivername=self._database.driver), context.folder)
        except ValueError as error:
            raise BadInput(f"{place}.sql.url: {error}") from None
        dialect = url.get_dialect()
        try:
            self._dbapi: Any = dialect.import_dbapi()
        except ImportError as error:
            raise BadInput(
                f"{place}.sql.url: {error.name}, the driver for {url.get_backend_name()}, isn't installed:"
                " pip install 'peakproof[sql]'"
            ) from None
        try:
            self._arguments = dialect().create_connect_args(url)
        except (ArgumentError, ValueError):  # what they say holds a value that may be a secret
            raise BadInput(f"{place}.sql.url: has an option with a value that isn't one of its kind") from None
        self._query, self._max_rows = config.query, config.max_rows
        self._hidden = _passwords(url)
        self._turn = threading.Lock()

    def read(self, wanted: Sequence[str], deadline: Deadline) -> Table:
        """Return the columns `wanted`, by the names that the query gives them; raises Unreadable."""
        if not self._turn.acquire(timeout=deadline.left_s()):
            raise Unreadable(f"{self.shown}: another read is still under way")
        try:
            return self._table(wanted, deadline)
        except NoRows:
            raise Unreadable(f"{self.shown}: the query gives no rows; expected a SELECT") from None
        except (self._dbapi.Error, OSError, ValueError) as error:
            late = deadline.left_s() <= 0
            why = "no whole answer within the deadline" if late else self._message(error)
            raise Unreadable(f"{self.shown}: {why}") from None  # the cause may hold the address with its password
        finally:
            self._turn.release()

    def _table(self, wanted: Sequence[str], deadline: Deadline) -> Table:
        places, named = self._arguments
        limits = Limits(deadline=deadline, rows=self._max_rows + 1)
        options = self._database.options(max(_MIN_CONNECT_S, deadline.left_s()))
        with (
            closing(self._dbapi.connect(*places, **{**named, **options})) as raw,
            self._database.batches(raw, self._query, limits) as (names, batches),
        ):
            at = positions(names, wanted, self.shown) if names else []
            return self._columns(at, batches, wanted, deadline)

    def _columns(self, at: list[int], batches: Iterator[Batch], wanted: Sequence[str], deadline: Deadline) -> Table:
        columns: list[list[object]] = [[] for _ in wanted]
        rows = 0
        for batch in batches:
            rows += len(batch)
            if rows > self._max_rows:
                raise too_many(self._max_rows, self.shown)
            if deadline.left_s() <= 0:
                raise Unreadable(f"{self.shown}: no whole answer within the deadline")
            of_batch = list(zip(*batch, strict=True))
            for column, place in zip(columns, at, strict=True):
                column.extend(of_batch[place])
        return Table(columns=dict(zip(wanted, columns, strict=True)), rows=rows)

    def _message(self, error: Exception) -> str:
        """Return the first line of the driver's own message, without the password."""
        text = " ".join(str(error).partition("\n")[0].split())
        for password in self._hidden:
            text = text.replace(password, "***")
        return f"{type(error).__name__}: {text}"[:_MAX_MESSAGE]


def _url(config: SqlConfig, context: ExporterContext, place: str) -> "URL":
    from sqlalchemy.engine import make_url  # noqa: PLC0415 - see above
    from sqlalchemy.exc import ArgumentError  # noqa: PLC0415 - the same

    text = revealed(config.url, context, place)
    allowed = "expected an address that begins with postgresql:, mysql:, mariadb: or sqlite:"
    try:
        url = make_url(text)
    except (ArgumentError, ValueError):
        raise BadInput(f"{place}: not a database's address; {allowed}") from None  # the cause holds the password
    kind = url.get_backend_name()
    if kind not in DATABASES:
        raise BadInput(f"{place}: {kind}: no such kind of database; {allowed}")
    if config.url.value is not None and (url.password is not None or _passwords(url)):
        raise BadInput(f"{place}: must not hold a password; name a variable that holds the address: {{env: NAME}}")
    return url


def _passwords(url: "URL") -> tuple[str, ...]:
    """Return the passwords that an address holds, also among its options."""
    options = url.normalized_query
    found = [text for name in _PASSWORDS for text in options.get(name, ())]
    return tuple(filter(None, (url.password, *found)))
