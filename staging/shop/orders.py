"""Orders: entered as pending with their stock taken, then accepted, or ended with the stock put back."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy import Connection, Row, func, select, update

from staging.database import Database
from staging.shop.schema import order_lines, orders
from staging.shop.stock import PricedLine, put_back


class Status(StrEnum):
    """What became of an order; only `pending` may change."""

    PENDING = "pending"
    ACCEPTED = "accepted"
    DECLINED = "declined"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderLine:
    """Some of one SKU, sold from a location."""

    sku: str
    quantity: int
    location: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """An order and its lines; `created_at` in ns since the epoch."""

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
    """Enter a new order without its lines; a key that has an order already raises IntegrityError."""
    connection.execute(
        orders.insert().values(
            order_id=order.order_id,
            idempotency_key=order.key,
            session=order.session,
            run=order.run,
            status=order.status.value,
            location=order.location,
            total_cents=order.total_cents,
            created_at=order.created_at,
        )
    )


def enter_lines(connection: Connection, order: Order, lines: Sequence[PricedLine]) -> None:
    """Enter an order's lines."""
    rows = [
        {
            "order_id": order.order_id,
            "position": position,
            "sku": line.sku,
            "quantity": line.quantity,
            "unit_cents": line.unit_cents,
            "location": order.location,
            "design_id": line.design_id,
        }
        for position, line in enumerate(lines)
    ]
    connection.execute(order_lines.insert(), rows)


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


_WITH_LINES = (
    select(orders, order_lines.c.sku, order_lines.c.quantity)
    .join(order_lines, order_lines.c.order_id == orders.c.order_id)
    .order_by(orders.c.sequence, order_lines.c.position)
)


def find_order(database: Database, order_id: str) -> Order | None:
    """Return an order, in one statement."""
    with database.reading() as connection:
        rows = connection.execute(_WITH_LINES.where(orders.c.order_id == order_id)).all()
    return _order(rows) if rows else None


def find_order_of_key(database: Database, key: str) -> Order | None:
    """Return the order of an idempotency key."""
    with database.reading() as connection:
        rows = connection.execute(_WITH_LINES.where(orders.c.idempotency_key == key)).all()
    return _order(rows) if rows else None


def orders_page(database: Database, run: str | None, after: int, limit: int) -> tuple[list[Order], int | None]:
    """Return at most `limit` orders numbered above `after`, of one run or of all, and where the next page starts."""
    numbers = select(orders.c.sequence).where(orders.c.sequence > after).order_by(orders.c.sequence).limit(limit)
    if run is not None:
        numbers = numbers.where(orders.c.run == run)
    with database.reading() as connection:
        rows = connection.execute(_WITH_LINES.where(orders.c.sequence.in_(numbers.scalar_subquery()))).all()
    of_order: dict[int, list[Row[tuple[object, ...]]]] = {}
    for row in rows:
        of_order.setdefault(row.sequence, []).append(row)
    return [_order(group) for group in of_order.values()], (max(of_order) if len(of_order) == limit else None)


def _order(rows: Sequence[Row[tuple[object, ...]]]) -> Order:
    first = rows[0]
    return Order(
        order_id=first.order_id,
        key=first.idempotency_key,
        session=first.session,
        run=first.run,
        status=Status(first.status),
        location=first.location,
        total_cents=first.total_cents,
        created_at=first.created_at,
        lines=tuple(OrderLine(sku=row.sku, quantity=row.quantity, location=first.location) for row in rows),
    )


def counts(database: Database) -> list[tuple[Status, str, int]]:
    """Return how many orders there are by status and location."""
    statement = select(orders.c.status, orders.c.location, func.count()).group_by(orders.c.status, orders.c.location)
    with database.reading() as connection:
        return [(Status(status), location, number) for status, location, number in connection.execute(statement)]
