"""Stock: read with its price, taken all or none, put back."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, bindparam, select, update

from staging.database import Database
from staging.shop.carts import CartLine
from staging.shop.schema import skus, stock


@dataclass(frozen=True, slots=True, kw_only=True)
class PricedLine:
    """A cart line as it would be sold: its unit price and what its location had on hand when it was read."""

    sku: str
    quantity: int
    design_id: str | None
    unit_cents: int
    on_hand: int


class OutOfStockError(Exception):
    """A line's quantity of `sku` is more than its location has."""

    def __init__(self, sku: str) -> None:
        super().__init__(sku)
        self.sku = sku


class StockAtOneLocation:
    """The lines' prices and stock, in one statement."""

    def read(self, connection: Connection, lines: Sequence[CartLine], location: str) -> list[PricedLine]:
        """Return the lines, priced, in the order given."""
        wanted = {line.sku for line in lines}
        statement = (
            select(stock.c.sku, skus.c.unit_cents, stock.c.quantity)
            .join(skus, skus.c.sku == stock.c.sku)
            .where(stock.c.sku.in_(wanted), stock.c.location == location)
        )
        rows = {row.sku: row for row in connection.execute(statement)}
        return [price(line, rows[line.sku].unit_cents, rows[line.sku].quantity) for line in lines]


class ConditionalTaking:
    """Stock taken under the database's own lock: a row is written only while it holds enough."""

    def take(self, connection: Connection, lines: Sequence[PricedLine], location: str) -> bool:
        """Take every line's quantity; False when some line had too little, and the transaction must be undone."""
        statement = (
            update(stock)
            .where(
                stock.c.sku == bindparam("of_sku"),
                stock.c.location == bindparam("at"),
                stock.c.quantity >= bindparam("taken"),
            )
            .values(quantity=stock.c.quantity - bindparam("taken"))
        )
        # In one order for all checkouts, or two of them could wait for each other's rows.
        ordered = sorted(lines, key=lambda line: line.sku)
        taken = [{"of_sku": line.sku, "at": location, "taken": line.quantity} for line in ordered]
        return connection.execute(statement, taken).rowcount == len(lines)


def put_back(connection: Connection, lines: Iterable[tuple[str, int]], location: str) -> None:
    """Add the quantities of (SKU, quantity) pairs to a location's stock."""
    statement = (
        update(stock)
        .where(stock.c.sku == bindparam("of_sku"), stock.c.location == bindparam("at"))
        .values(quantity=stock.c.quantity + bindparam("returned"))
    )
    connection.execute(statement, [{"of_sku": sku, "at": location, "returned": n} for sku, n in sorted(lines)])


def price(line: CartLine, unit_cents: int, on_hand: int) -> PricedLine:
    """Return a cart line with its price and stock."""
    return PricedLine(
        sku=line.sku, quantity=line.quantity, design_id=line.design_id, unit_cents=unit_cents, on_hand=on_hand
    )


def require_enough(lines: Sequence[PricedLine]) -> None:
    """Raise OutOfStockError for the first SKU of which the lines together need more than was on hand."""
    wanted = Counter[str]()
    for line in lines:
        wanted[line.sku] += line.quantity
        if wanted[line.sku] > line.on_hand:
            raise OutOfStockError(line.sku)


def stock_of_style(database: Database, style: str) -> dict[str, dict[str, int]]:
    """Return the stock of a style's SKUs: SKU to location to quantity."""
    statement = (
        select(stock.c.sku, stock.c.location, stock.c.quantity)
        .join(skus, skus.c.sku == stock.c.sku)
        .where(skus.c.style == style)
    )
    found: dict[str, dict[str, int]] = {}
    with database.reading() as connection:
        for sku, location, quantity in connection.execute(statement):
            found.setdefault(sku, {})[location] = quantity
    return found


def all_stock(database: Database) -> list[dict[str, str | int]]:
    """Return every row of stock, by SKU and location."""
    statement = select(stock.c.sku, stock.c.location, stock.c.quantity).order_by(stock.c.sku, stock.c.location)
    with database.reading() as connection:
        return [dict(row) for row in connection.execute(statement).mappings()]


def set_stock(database: Database, levels: Sequence[tuple[str, str, int]]) -> int:
    """Set (SKU, location, quantity) levels, all or none; returns how many rows there were to set."""
    statement = (
        update(stock)
        .where(stock.c.sku == bindparam("of_sku"), stock.c.location == bindparam("at"))
        .values(quantity=bindparam("level"))
    )
    rows = [{"of_sku": sku, "at": location, "level": quantity} for sku, location, quantity in sorted(levels)]
    with database.writing() as connection:
        return connection.execute(statement, rows).rowcount
