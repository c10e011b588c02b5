"""The base class of a user's own shop records: what the shop itself says, read by a few lines of Python.

The file is run in a process of its own (`records_child`); nothing here knows of it.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, ClassVar, Final, NamedTuple

from loadtests.results.ledger import Line

KINDS: Final = ("orders", "payments", "stock", "funnel")
Moment = datetime | str | int
Amount = Any
"""A whole number: an int, or a Decimal or float without a fraction."""


class OrderRecord(NamedTuple):
    """An order as the shop has it; a dict with these keys, or some of them, is as good.

    `key` is the key that the storefront gave it, None where the shop keeps none; `run` the run that placed it, as the
    shop knows it: None for a customer's. Times are with their zone (datetime or ISO 8601), or ns since the epoch.
    `location` is that of the lines that name none.
    """

    order_id: object
    created_at: Moment
    total_cents: Amount
    lines: Sequence[Line | Mapping[str, Any] | tuple[Any, ...]] | str
    key: object = None
    run: object = ...
    status: str = "accepted"
    paid_at: Moment | None = None
    printed_at: Moment | None = None
    shipped_at: Moment | None = None
    due_at: Moment | None = None
    decline: str | None = None
    location: object = None


class PaymentRecord(NamedTuple):
    """A payment as its provider has it; `reference` is the order's id, `provider` a name where there are several."""

    payment_id: object
    reference: object
    amount_cents: Amount
    created_at: Moment
    status: str = "captured"
    provider: object = None


class StockRecord(NamedTuple):
    """The units of one SKU at one location, and how many of them are `reserved` for orders already placed."""

    sku: object
    quantity: Amount
    location: object = ...
    reserved: Amount = 0


class FunnelRecord(NamedTuple):
    """How many sessions came as far as a step."""

    step: object
    sessions: Amount


class ShopRecords:
    """What a shop says of its orders, payments and stock; a method that isn't given is left out of the audit.

    Each returns rows, best as a generator: a dict a row, or the record of that name. `location` is where units are
    whose row names none; a call that takes longer than `deadline_s` is ended, and what it was asked for is unknown.
    """

    location: ClassVar[str] = "warehouse"
    deadline_s: ClassVar[float] = 120.0

    def __init__(self, settings: Mapping[str, Any]) -> None:
        self._settings = settings
        self.since = datetime.fromtimestamp(0, UTC)

    @property
    def settings(self) -> Mapping[str, Any]:
        """The settings of targets.yaml, secrets read."""
        return self._settings

    since: datetime
    """The time from which orders and payments matter, with its zone: shortly before the run."""

    def orders(self, run: str | None) -> Iterable[Mapping[str, Any] | OrderRecord]:  # noqa: ARG002 - for the subclass
        """Return the orders of `run`, and for None everyone's since `self.since`.

        A row that names another `run` is left out, so that everyone's will do for both.
        """
        return ()

    def payments(self, since: datetime) -> Iterable[Mapping[str, Any] | PaymentRecord]:  # noqa: ARG002 - the same
        """Return the payments made since then; what is older is left out."""
        return ()

    def stock(self) -> Iterable[Mapping[str, Any] | StockRecord]:
        """Return the units of every SKU at every location, as they are now."""
        return ()

    def funnel(self) -> Iterable[Mapping[str, Any] | FunnelRecord]:
        """Return how many sessions came as far as each step."""
        return ()

    def sql(self, query: str, *, dsn: str | None = None, **values: object) -> Iterator[dict[str, Any]]:
        """Yield the rows of a query as dicts by the names of its columns, as they come from the database.

        `dsn` is SQLAlchemy's address of the database (PostgreSQL and SQLite work as they are), by default the setting
        of that name; `:name` in the query is `values` of that name. Nothing is written: what the query changes is
        rolled back.
        """
        from sqlalchemy import NullPool, create_engine, text  # noqa: PLC0415 - not everyone reads by SQL

        address = self.settings["dsn"] if dsn is None else dsn
        for plain in ("postgresql://", "postgres://"):
            if address.startswith(plain):
                address = f"postgresql+psycopg://{address.removeprefix(plain)}"
        engine = create_engine(address, poolclass=NullPool, hide_parameters=True)
        with engine.connect() as connection:
            rows = connection.execution_options(stream_results=True, max_row_buffer=1000).execute(text(query), values)
            for row in rows.mappings():
                yield dict(row)
