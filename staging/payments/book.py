"""The provider's book of payments: one row for each idempotency key."""

import secrets
import time
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import BigInteger, Column, Integer, MetaData, String, Table, case, select, update

from staging.database import Database, is_inserted

metadata = MetaData()
payments = Table(
    "payments",
    metadata,
    Column("sequence", Integer, primary_key=True, autoincrement=True),
    Column("payment_id", String, nullable=False),
    Column("idempotency_key", String, nullable=False, unique=True),
    Column("reference", String, nullable=False),
    Column("amount_cents", BigInteger, nullable=False),
    Column("currency", String, nullable=False),
    Column("status", String, nullable=False),
    Column("created_at", BigInteger, nullable=False),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Payment:
    """A payment that was captured, refunded, declined or given up; `created_at` in ns since the epoch."""

    sequence: int
    payment_id: str
    idempotency_key: str
    reference: str
    amount_cents: int
    currency: str
    status: str
    created_at: int

    def same_request(self, *, reference: str, amount_cents: int, currency: str) -> bool:
        """Return whether a repeated request is for the same payment."""
        return (self.reference, self.amount_cents, self.currency) == (reference, amount_cents, currency)


class Book:
    """The payments of one database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def create(self) -> None:
        """Create the table where it is missing."""
        with self._database.writing() as connection:
            metadata.create_all(connection)

    def find(self, key: str) -> Payment | None:
        """Return the payment of an idempotency key."""
        with self._database.reading() as connection:
            row = connection.execute(select(payments).where(payments.c.idempotency_key == key)).one_or_none()
        return Payment(**row._mapping) if row else None  # noqa: SLF001 - SQLAlchemy's public name

    def enter(self, key: str, *, reference: str, amount_cents: int, currency: str, status: str) -> bool:
        """Enter a payment; False when the key has one already, which then stands unchanged."""
        statement = (
            self._database.insert(payments)
            .values(
                payment_id=f"pay_{secrets.token_hex(8)}",
                idempotency_key=key,
                reference=reference,
                amount_cents=amount_cents,
                currency=currency,
                status=status,
                created_at=time.time_ns(),
            )
            .on_conflict_do_nothing()
        )
        with self._database.writing() as connection:
            return is_inserted(connection, statement)

    def of_reference(self, reference: str) -> Payment | None:
        """Return the payment of a reference: one that took the money, where there is one."""
        took = case((payments.c.status.in_(("captured", "refunded")), 0), else_=1)
        statement = select(payments).where(payments.c.reference == reference).order_by(took, payments.c.sequence)
        with self._database.reading() as connection:
            row = connection.execute(statement.limit(1)).one_or_none()
        return Payment(**row._mapping) if row else None  # noqa: SLF001 - as above

    def refund(self, reference: str) -> Payment | None:
        """Refund what was captured for a reference, once however often it is asked for; None when nothing was."""
        own = payments.c.reference == reference
        with self._database.writing() as connection:
            connection.execute(update(payments).where(own, payments.c.status == "captured").values(status="refunded"))
            row = connection.execute(
                select(payments).where(own, payments.c.status == "refunded").limit(1)
            ).one_or_none()
        return Payment(**row._mapping) if row else None  # noqa: SLF001 - as above

    def page(self, after: int, limit: int) -> Sequence[Payment]:
        """Return at most `limit` payments entered after the one numbered `after`, oldest first."""
        statement = select(payments).where(payments.c.sequence > after).order_by(payments.c.sequence).limit(limit)
        with self._database.reading() as connection:
            return [Payment(**row._mapping) for row in connection.execute(statement)]  # noqa: SLF001 - as above
