"""Payment pages: what is to be paid on each, and where its shopper and its news go."""

import secrets
import time
from dataclasses import asdict, dataclass

from sqlalchemy import BigInteger, Boolean, Column, String, Table, select, update

from staging.database import Database, is_inserted
from staging.payments.book import metadata, payments

pages = Table(
    "payment_pages",
    metadata,
    Column("page_id", String, primary_key=True),
    Column("idempotency_key", String, nullable=False, unique=True),
    Column("reference", String, nullable=False),
    Column("amount_cents", BigInteger, nullable=False),
    Column("currency", String, nullable=False),
    Column("return_url", String, nullable=False),
    Column("webhook_url", String, nullable=False),
    Column("notified", Boolean, nullable=False),
    Column("created_at", BigInteger, nullable=False),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class PageRequest:
    """What a shop asks a page for; the payment of the page has the page's id as its idempotency key."""

    idempotency_key: str
    reference: str
    amount_cents: int
    currency: str
    return_url: str
    webhook_url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentPage:
    """A page and what it was asked for."""

    page_id: str
    request: PageRequest


class PaymentPages:
    """The pages of one database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def open(self, request: PageRequest) -> tuple[PaymentPage, bool]:
        """Return the key's one page, and whether it is new."""
        page_id = f"page_{secrets.token_urlsafe(16)}"
        row = {**asdict(request), "page_id": page_id, "notified": False, "created_at": time.time_ns()}
        with self._database.writing() as connection:
            statement = self._database.insert(pages).values(row).on_conflict_do_nothing()
            if is_inserted(connection, statement):
                return PaymentPage(page_id=page_id, request=request), True
            found = connection.execute(select(pages).where(pages.c.idempotency_key == request.idempotency_key)).one()
        return _page(found), False

    def find(self, page_id: str) -> PaymentPage | None:
        """Return a page."""
        with self._database.reading() as connection:
            row = connection.execute(select(pages).where(pages.c.page_id == page_id)).one_or_none()
        return _page(row) if row else None

    def of_reference(self, reference: str) -> PaymentPage | None:
        """Return the page of a reference."""
        with self._database.reading() as connection:
            row = connection.execute(select(pages).where(pages.c.reference == reference).limit(1)).one_or_none()
        return _page(row) if row else None

    def note_notified(self, page_id: str) -> None:
        """Note that the shop has taken the page's news."""
        with self._database.writing() as connection:
            connection.execute(update(pages).where(pages.c.page_id == page_id).values(notified=True))

    def not_notified(self) -> list[PaymentPage]:
        """Return the pages that are over and whose news the shop hasn't taken: an earlier process left them."""
        over = select(pages).join(payments, payments.c.idempotency_key == pages.c.page_id).where(~pages.c.notified)
        with self._database.reading() as connection:
            return [_page(row) for row in connection.execute(over)]


def _page(row: object) -> PaymentPage:
    fields = PageRequest.__dataclass_fields__
    request = PageRequest(**{name: getattr(row, name) for name in fields})
    return PaymentPage(page_id=row.page_id, request=request)  # type: ignore[attr-defined]  # a row of `pages`
