"""The faults that a release may come with: each one a way of doing something that looks right and isn't."""

import itertools
import math
import time
import zlib
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace

from sqlalchemy import Connection, bindparam, select, update

from staging.database import Database
from staging.shop.carts import CartLine
from staging.shop.catalogue import LOCATIONS
from staging.shop.hosted.news import ApplyOnce, News, NewsType
from staging.shop.offers.vouchers import ConditionalUse, Kind, Voucher
from staging.shop.orders import CommittedFirst, Order, Stage, Status
from staging.shop.releases.behaviour import Behaviour
from staging.shop.schema import products, skus, stock
from staging.shop.stock import ConditionalTaking, PricedLine, StockAtOneLocation, price, put_back

_KEPT_S = 0.2


class _QueryPerLine:
    """Seven statements for each line where one would do for all: slow with the length of the cart."""

    def read(self, connection: Connection, lines: Sequence[CartLine], location: str) -> list[PricedLine]:
        return [self._read_one(connection, line, location) for line in lines]

    def _read_one(self, connection: Connection, line: CartLine, location: str) -> PricedLine:
        style = line.sku.split("-")[0]
        connection.execute(select(products).where(products.c.style == style)).one()
        unit_cents = connection.execute(select(skus.c.unit_cents).where(skus.c.sku == line.sku)).scalar_one()
        on_hand = {where: self._on_hand(connection, line.sku, where) for where in LOCATIONS}
        return price(line, unit_cents, on_hand[location])

    def _on_hand(self, connection: Connection, sku: str, location: str) -> int:
        found = select(stock.c.quantity).where(stock.c.sku == sku, stock.c.location == location)
        on_hand: int = connection.execute(found).scalar_one()
        return on_hand


class _StockReadThenWritten:
    """Writes what was read before the transaction, less what is sold: what others took meanwhile comes back."""

    def take(self, connection: Connection, lines: Sequence[PricedLine], location: str) -> bool:
        statement = (
            update(stock)
            .where(stock.c.sku == bindparam("of_sku"), stock.c.location == bindparam("at"))
            .values(quantity=bindparam("left"))
        )
        ordered = sorted(lines, key=lambda line: line.sku)
        left = [{"of_sku": line.sku, "at": location, "left": line.on_hand - line.quantity} for line in ordered]
        return connection.execute(statement, left).rowcount == len(lines)


class _PricesOfTheNextList(StockAtOneLocation):
    """Charges a fourth of the SKUs by a price list that the pages and the cart don't show yet."""

    def read(self, connection: Connection, lines: Sequence[CartLine], location: str) -> list[PricedLine]:
        return [self._next(line) for line in super().read(connection, lines, location)]

    def _next(self, line: PricedLine) -> PricedLine:
        return replace(line, unit_cents=line.unit_cents + 100) if _falls_on(4, line.sku) else line


class _TakenAgainOnRetry(ConditionalTaking):
    """Takes the stock again when a first try was slow to answer, and never gives the first back: one in five."""

    def __init__(self) -> None:
        self._takings = itertools.count(1)

    def take(self, connection: Connection, lines: Sequence[PricedLine], location: str) -> bool:
        taken = super().take(connection, lines, location)
        if taken and next(self._takings) % 5 == 0:
            super().take(connection, lines, location)
        return taken


class _AcknowledgedBeforeCommit(CommittedFirst):
    """Answers before the commit, and doesn't look at one that fails, as one in eight does: the order is gone."""

    def __init__(self) -> None:
        self._entered = itertools.count(1)

    def enter(self, database: Database, write: Callable[[Connection], None]) -> None:
        with suppress(_CommitFailedError):
            super().enter(database, lambda connection: self._write(connection, write))

    def accept(self, database: Database, order_id: str) -> bool:
        super().accept(database, order_id)
        return True

    def _write(self, connection: Connection, write: Callable[[Connection], None]) -> None:
        write(connection)
        if next(self._entered) % 8 == 0:
            raise _CommitFailedError


class _CommitFailedError(Exception):
    """A transaction that could not be committed, and was undone."""


class _NameFromACacheForAll:
    """Keeps an order's name for a moment in a cache that doesn't ask whose it is: others are shown it."""

    def __init__(self) -> None:
        self._kept: tuple[float, str | None] = (-math.inf, None)

    def __call__(self, order: Order) -> str | None:
        kept_at, name = self._kept
        if time.monotonic() - kept_at < _KEPT_S:
            return name
        self._kept = time.monotonic(), order.recipient
        return order.recipient


def _falls_on(one_in: int, name: str) -> bool:
    """Whether a name is one in so many, the same in each process."""
    return zlib.crc32(name.encode()) % one_in == 0


def _fresh_key_on_retry(order_id: str, attempt: int) -> str:
    """Return another key for a retry, so that the provider takes it for another payment."""
    return f"{order_id}-{attempt}" if attempt else order_id


class _NewsForgotten:
    """Answers that the news was taken, and forgets it: an order that was paid stays pending."""

    def apply(self, database: Database, order: Order, news: News) -> None:
        pass


class _NewsAppliedAgain:
    """Takes the stock again with each repetition of the news that an order is paid."""

    def apply(self, database: Database, order: Order, news: News) -> None:
        if order.status is Status.ACCEPTED and news.type is NewsType.CAPTURED:
            with database.writing() as connection:
                put_back(connection, [(line.sku, -line.quantity) for line in order.lines], order.location)
        ApplyOnce().apply(database, order, news)


class _UseReadThenWritten(ConditionalUse):
    """Counts the uses of a gift card and looks at none of them."""

    def is_left(self, voucher: Voucher) -> bool:
        return voucher.kind is Kind.GIFT_CARD or super().is_left(voucher)

    def use(self, connection: Connection, kind: Kind, code: str) -> bool:
        return super().use(connection, kind, code) or kind is Kind.GIFT_CARD


_FAULTS: Mapping[str, Callable[[Behaviour], Behaviour]] = {
    "query-per-line": lambda good: replace(good, lines=_QueryPerLine()),
    "stock-read-then-written": lambda good: replace(good, stock=_StockReadThenWritten()),
    "fresh-key-on-retry": lambda good: replace(good, payment_key=_fresh_key_on_retry),
    "silent-once-paid": lambda good: replace(good, pushed_until=Stage.PAID),
    "news-forgotten": lambda good: replace(good, news=_NewsForgotten()),
    "news-applied-again": lambda good: replace(good, news=_NewsAppliedAgain()),
    "gift-card-use-not-looked-at": lambda good: replace(good, vouchers=_UseReadThenWritten()),
    "prices-of-the-next-list": lambda good: replace(good, lines=_PricesOfTheNextList()),
    "stock-taken-again-on-retry": lambda good: replace(good, stock=_TakenAgainOnRetry()),
    "acknowledged-before-commit": lambda good: replace(good, writing=_AcknowledgedBeforeCommit()),
    "name-cached-for-all": lambda good: replace(good, name_shown=_NameFromACacheForAll()),
    "presses-stopped": lambda good: replace(good, presses_work=False),
    "customers-locked": lambda good: replace(good, admits_customers=False),
}


def behaviour_with(faults: Sequence[str]) -> Behaviour:
    """Return the behaviour with these faults in it; raises ValueError for one that isn't known."""
    behaviour = Behaviour()
    for fault in faults:
        if fault not in _FAULTS:
            raise ValueError(f"unknown fault {fault!r}; known: {', '.join(sorted(_FAULTS))}")
        behaviour = _FAULTS[fault](behaviour)
    return behaviour
