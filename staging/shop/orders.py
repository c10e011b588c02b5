"""Orders: entered as pending with their stock taken, then accepted, or ended with the stock put back."""

from dataclasses import asdict, dataclass
from enum import StrEnum

from sqlalchemy import ColumnElement, Connection, Row, func, select, update

from staging.database import Database
from staging.shop.schema import orders
from staging.shop.stock import put_back


class Status(StrEnum):
    """What became of an order; only `pending` may change."""

    PENDING = "pending"
    ACCEPTED = "accepted"
    DECLINED = "declined"
    FAILED = "failed"


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
    """An order and its lines, all from one location; `created_at` in ns since the epoch."""

    order_id: str
    key: str
    session: str
    run: str | None
    status: Status
    location: str
    total_cents: int
    created_at: int
    lines: tuple[OrderLine, ...]


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
        )
    )


def accept(database: Database, order_id: str) -> bool:
    """Turn a pending order into an accepted one; False when it was pending no longer."""
    with database.writing() as connection:
        return _leave_pending(connection, order_id, Status.ACCEPTED)


def release(database: Database, order: Order, status: Status) -> bool:
    """End a pending order with `status` and put its stock back; False, and nothing done, when it isn't pending."""
    with database.writing() as connection:
        if not _leave_pending(connection, order.order_id, status):
            return False
        put_back(connection, [(line.sku, line.quantity) for line in order.lines], order.location)
        return True


def _leave_pending(connection: Connection, order_id: str, status: Status) -> bool:
    statement = (
        update(orders)
        .where(orders.c.order_id == order_id, orders.c.status == Status.PENDING.value)
        .values(status=status.value)
    )
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


def orders_page(database: Database, run: str | None, after: int, limit: int) -> tuple[list[Order], int | None]:
    """Return at most `limit` orders numbered above `after`, of one run or of all, and where the next page starts."""
    statement = select(orders).where(orders.c.sequence > after).order_by(orders.c.sequence).limit(limit)
    if run is not None:
        statement = statement.where(orders.c.run == run)
    with database.reading() as connection:
        rows = connection.execute(statement).all()
    return [_order(row) for row in rows], (rows[-1].sequence if len(rows) == limit else None)


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
    )


def counts(database: Database) -> list[tuple[Status, str, int]]:
    """Return how many orders there are by status and location."""
    statement = select(orders.c.status, orders.c.location, func.count()).group_by(orders.c.status, orders.c.location)
    with database.reading() as connection:
        return [(Status(status), location, number) for status, location, number in connection.execute(statement)]
