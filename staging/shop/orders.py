"""Orders: entered as pending with their stock taken, then accepted, or ended with the stock put back."""

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from enum import StrEnum

from sqlalchemy import ColumnElement, Connection, Row, case, func, select, update

from staging.database import Database
from staging.shop.offers.vouchers import Discount, give_back, read_discount
from staging.shop.schema import orders
from staging.shop.stock import put_back

DUE_AFTER_NS = 2_000_000_000
"""By when an order is promised to be shipped, from when it was placed."""


class Status(StrEnum):
    """What became of an order; `pending` may become any of the others, `accepted` only `returned`."""

    PENDING = "pending"
    ACCEPTED = "accepted"
    DECLINED = "declined"
    FAILED = "failed"
    RETURNED = "returned"


class Decline(StrEnum):
    """Why a declined order wasn't paid."""

    CARD_DECLINED = "card_declined"
    CANCELLED = "cancelled"


class Stage(StrEnum):
    """How far an accepted order has come."""

    PAID = "paid"
    PRINTING = "printing"
    SHIPPED = "shipped"


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderLine:
    """Some of one SKU, sold at a unit price, printed with the shopper's own design when there is one."""

    sku: str
    quantity: int
    unit_cents: int
    design_id: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """An order and its lines, all from one location; times in ns since the epoch.

    `recipient` is the name that the shopper gave, `total_cents` what is to be paid, after the discount; `hosted` is
    paid on a page of the payment provider.
    `printed_at` and `shipped_at` are written shortly before they come; `due_at` is promised.
    """

    order_id: str
    key: str
    session: str
    run: str | None
    status: Status
    location: str
    total_cents: int
    created_at: int
    lines: tuple[OrderLine, ...]
    customer: str | None = None
    recipient: str | None = None
    hosted: bool = False
    paid_at: int | None = None
    decline: Decline | None = None
    discount: Discount | None = None
    printed_at: int | None = None
    shipped_at: int | None = None
    due_at: int | None = None

    @property
    def placed_at(self) -> int | None:
        """Return when printing could begin: None while a hosted payment isn't made."""
        return self.paid_at if self.hosted else self.created_at


def enter(connection: Connection, order: Order) -> None:
    """Enter a new order; a key that has an order already raises IntegrityError."""
    connection.execute(
        orders.insert().values(
            order_id=order.order_id,
            idempotency_key=order.key,
            session=order.session,
            run=order.run,
            status=order.status.value,
            location=order.location,
            total_cents=order.total_cents,
            lines=[asdict(line) for line in order.lines],
            created_at=order.created_at,
            customer=order.customer,
            recipient=order.recipient,
            hosted=order.hosted,
            discount=order.discount.stored() if order.discount else None,
        )
    )


class CommittedFirst:
    """Orders written so that a reply speaks of what is committed."""

    def enter(self, database: Database, write: Callable[[Connection], None]) -> None:
        """Run `write` in a transaction, and commit it."""
        with database.writing() as connection:
            write(connection)

    def accept(self, database: Database, order_id: str) -> bool:
        """Turn a pending order into an accepted one; False when it was pending no longer."""
        return accept(database, order_id)


def own_name(order: Order) -> str | None:
    """Return the name that is shown with an order: the one that its shopper gave."""
    return order.recipient


def accept(database: Database, order_id: str) -> bool:
    """Turn a pending order into an accepted one, promised for a moment; False when it was pending no longer."""
    now = time.time_ns()
    due_at = case((orders.c.hosted.is_(True), now), else_=orders.c.created_at) + DUE_AFTER_NS
    with database.writing() as connection:
        return _change(connection, order_id, Status.PENDING, status=Status.ACCEPTED.value, paid_at=now, due_at=due_at)


def release(database: Database, order: Order, status: Status, decline: Decline | None = None) -> bool:
    """End a pending order with `status`, and give its stock and its codes back.

    False, and nothing done, when it isn't pending.
    """
    with database.writing() as connection:
        if not _change(
            connection, order.order_id, Status.PENDING, status=status.value, decline=decline and decline.value
        ):
            return False
        _put_back(connection, order)
        if order.discount is not None:
            give_back(connection, order.discount)
        return True


def take_back(connection: Connection, order: Order) -> bool:
    """Turn an accepted order into a returned one, its stock put back; False when it isn't accepted."""
    if not _change(connection, order.order_id, Status.ACCEPTED, status=Status.RETURNED.value):
        return False
    _put_back(connection, order)
    return True


def _put_back(connection: Connection, order: Order) -> None:
    put_back(connection, [(line.sku, line.quantity) for line in order.lines], order.location)


def _change(connection: Connection, order_id: str, was: Status, **values: object) -> bool:
    """Change an order whose status is `was`; False when it has another."""
    statement = update(orders).where(orders.c.order_id == order_id, orders.c.status == was.value).values(**values)
    return connection.execute(statement).rowcount == 1


def find_order(database: Database, order_id: str) -> Order | None:
    """Return an order."""
    return _find(database, orders.c.order_id == order_id)


def find_order_of_key(database: Database, key: str) -> Order | None:
    """Return the order of an idempotency key."""
    return _find(database, orders.c.idempotency_key == key)


def _find(database: Database, condition: ColumnElement[bool]) -> Order | None:
    with database.reading() as connection:
        row = connection.execute(select(orders).where(condition)).one_or_none()
    return _order(row) if row else None


def pending_orders(database: Database, before: int, limit: int) -> list[Order]:
    """Return at most `limit` orders that are pending and were entered before then (ns), the oldest first."""
    statement = select(orders).where(orders.c.status == Status.PENDING.value, orders.c.created_at < before)
    with database.reading() as connection:
        return [_order(row) for row in connection.execute(statement.order_by(orders.c.sequence).limit(limit))]


def orders_page(database: Database, run: str | None, after: int, limit: int) -> tuple[list[Order], int | None]:
    """Return at most `limit` orders numbered above `after`, of one run or of all, and where the next page starts."""
    statement = select(orders).where(orders.c.sequence > after).order_by(orders.c.sequence).limit(limit)
    if run is not None:
        statement = statement.where(orders.c.run == run)
    with database.reading() as connection:
        rows = connection.execute(statement).all()
    return [_order(row) for row in rows], (rows[-1].sequence if len(rows) == limit else None)


def orders_of_customer(
    database: Database, customer: str, before: int | None, limit: int
) -> tuple[list[Order], int | None]:
    """Return at most `limit` orders of a customer, the newest first, and what `before` the next page has."""
    statement = select(orders).where(orders.c.customer == customer).order_by(orders.c.sequence.desc()).limit(limit)
    if before is not None:
        statement = statement.where(orders.c.sequence < before)
    with database.reading() as connection:
        rows = connection.execute(statement).all()
    return [_order(row) for row in rows], (rows[-1].sequence if len(rows) == limit else None)


def count_of_customer(database: Database, customer: str) -> int:
    """Return how many orders a customer has made."""
    with database.reading() as connection:
        statement = select(func.count()).select_from(orders).where(orders.c.customer == customer)
        return connection.execute(statement).scalar_one()


def _order(row: Row[tuple[object, ...]]) -> Order:
    return Order(
        order_id=row.order_id,
        key=row.idempotency_key,
        session=row.session,
        run=row.run,
        status=Status(row.status),
        location=row.location,
        total_cents=row.total_cents,
        created_at=row.created_at,
        lines=tuple(OrderLine(**line) for line in row.lines),
        customer=row.customer,
        recipient=row.recipient,
        hosted=bool(row.hosted),
        paid_at=row.paid_at,
        decline=Decline(row.decline) if row.decline else None,
        discount=read_discount(row.discount),
        printed_at=row.printed_at,
        shipped_at=row.shipped_at,
        due_at=row.due_at,
    )


def counts(database: Database) -> list[tuple[Status, str, int]]:
    """Return how many orders there are by status and location."""
    statement = select(orders.c.status, orders.c.location, func.count()).group_by(orders.c.status, orders.c.location)
    with database.reading() as connection:
        return [(Status(status), location, number) for status, location, number in connection.execute(statement)]
