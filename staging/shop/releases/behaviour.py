"""The parts of a checkout, and of what follows it, that a release may do in its own way."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from sqlalchemy import Connection

from staging.database import Database
from staging.shop.carts import CartLine
from staging.shop.hosted.news import ApplyOnce, NewsApplying
from staging.shop.offers.vouchers import ConditionalUse, VoucherUse
from staging.shop.orders import CommittedFirst, Order, Stage, own_name
from staging.shop.provider import PaymentKey, key_of_order
from staging.shop.stock import ConditionalTaking, PricedLine, StockAtOneLocation


class LineReading(Protocol):
    """How prices and stock of a cart's lines are read."""

    def read(self, connection: Connection, lines: Sequence[CartLine], location: str) -> list[PricedLine]:
        """Return the lines, priced, in the order given."""


class StockTaking(Protocol):
    """How an order's stock is taken, inside the transaction that enters the order."""

    def take(self, connection: Connection, lines: Sequence[PricedLine], location: str) -> bool:
        """Take every line's quantity; False when there was too little."""


class OrderWriting(Protocol):
    """How an order is entered and accepted, and what is known of the commit when its shopper is answered."""

    def enter(self, database: Database, write: Callable[[Connection], None]) -> None:
        """Run `write`, which enters an order and takes its stock, in a transaction."""

    def accept(self, database: Database, order_id: str) -> bool:
        """Turn a pending order into an accepted one; False when it was pending no longer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Behaviour:
    """How a checkout, the push events of its order, webhooks and logins behave; by default correctly."""

    lines: LineReading = field(default_factory=StockAtOneLocation)
    stock: StockTaking = field(default_factory=ConditionalTaking)
    writing: OrderWriting = field(default_factory=CommittedFirst)
    name_shown: Callable[[Order], str | None] = own_name
    payment_key: PaymentKey = key_of_order
    pushed_until: Stage = Stage.SHIPPED
    vouchers: VoucherUse = field(default_factory=ConditionalUse)
    news: NewsApplying = field(default_factory=ApplyOnce)
    admits_customers: bool = True
    presses_work: bool = True
