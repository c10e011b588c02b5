"""Checkout: price, reserve, pay, confirm.

An order is entered as `pending` together with its stock in one transaction, and paid outside it. A crash in
between leaves a pending order that holds its stock; a request with the same idempotency key resumes it, and its payment
has one key at every attempt, so the card is charged once. An order whose payment may have been made is never cancelled.
"""

import logging
import secrets
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from staging.database import Database
from staging.shop import orders
from staging.shop.carts import CartLine, read_lines
from staging.shop.orders import Order, OrderLine, Status
from staging.shop.provider import Bill, Payment, Provider
from staging.shop.releases.behaviour import Behaviour
from staging.shop.schema import carts
from staging.shop.schema import orders as order_rows
from staging.shop.stock import OutOfStockError, PricedLine, StockAtOneLocation, require_enough

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckoutRequest:
    """A checkout as requested: the session's cart, from `location`, paid by a card."""

    key: str
    session: str
    run: str | None
    location: str
    card_token: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Placed:
    """The key's one order, and whether this request entered it."""

    order: Order
    new: bool


class EmptyCartError(Exception):
    """The session has nothing in its cart."""


class KeyReusedError(Exception):
    """The idempotency key belongs to another session's order."""


class Checkout:
    """Places orders in `database`, paid at `provider`."""

    def __init__(self, database: Database, provider: Provider) -> None:
        self._database = database
        self._provider = provider

    def place(self, request: CheckoutRequest, behaviour: Behaviour) -> Placed:
        """Return the order of the request's key, entered now or before; its status says how it ended.

        `pending` means that the payment's outcome isn't known: a repeated request with that key retries the payment.
        Raises EmptyCartError, OutOfStockError (nothing was entered) or KeyReusedError.
        """
        cart, entered = self._cart_and_order(request)
        if entered:
            return self._resume(request, behaviour)
        lines = self._priced(cart, request, behaviour)
        order = _new_order(request, lines)
        try:
            self._reserve(order, lines, behaviour)
        except IntegrityError:
            return self._resume(request, behaviour)
        return Placed(order=self._settle(order, request, behaviour, new=True), new=True)

    def _cart_and_order(self, request: CheckoutRequest) -> tuple[list[CartLine], str | None]:
        cart = select(carts.c.lines).where(carts.c.session == request.session).scalar_subquery()
        order = select(order_rows.c.order_id).where(order_rows.c.idempotency_key == request.key).scalar_subquery()
        with self._database.reading() as connection:
            stored, order_id = connection.execute(select(cart, order)).one()
        return read_lines(stored), order_id

    def _priced(self, cart: Sequence[CartLine], request: CheckoutRequest, behaviour: Behaviour) -> list[PricedLine]:
        if not cart:
            raise EmptyCartError
        with self._database.reading() as connection:
            lines = behaviour.lines.read(connection, cart, request.location)
        require_enough(lines)
        return lines

    def _reserve(self, order: Order, lines: Sequence[PricedLine], behaviour: Behaviour) -> None:
        try:
            with self._database.writing() as connection:
                orders.enter(connection, order)
                if not behaviour.stock.take(connection, lines, order.location):
                    raise OutOfStockError(lines[0].sku)  # noqa: TRY301 - leaving the block undoes the transaction
        except OutOfStockError as gone:
            raise self._named(gone, lines, order.location) from None

    def _named(self, gone: OutOfStockError, lines: Sequence[PricedLine], location: str) -> OutOfStockError:
        """Return the refusal with the SKU that ran out between reading and taking."""
        cart = [CartLine(sku=line.sku, quantity=line.quantity, design_id=line.design_id) for line in lines]
        with self._database.reading() as connection:
            now = StockAtOneLocation().read(connection, cart, location)
        try:
            require_enough(now)
        except OutOfStockError as named:
            return named
        return gone

    def _resume(self, request: CheckoutRequest, behaviour: Behaviour) -> Placed:
        order = orders.find_order_of_key(self._database, request.key)
        if order is None or order.session != request.session:
            raise KeyReusedError
        if order.status is Status.PENDING:
            order = self._settle(order, request, behaviour, new=False)
        return Placed(order=order, new=False)

    def _settle(self, order: Order, request: CheckoutRequest, behaviour: Behaviour, *, new: bool) -> Order:
        bill = Bill(order_id=order.order_id, amount_cents=order.total_cents, card_token=request.card_token)
        match self._provider.pay(bill, behaviour.payment_key):
            case Payment.CAPTURED:
                status, done = Status.ACCEPTED, orders.accept(self._database, order.order_id)
            case Payment.DECLINED:
                status, done = Status.DECLINED, orders.release(self._database, order, Status.DECLINED)
            case Payment.NOT_MADE if new:
                status, done = Status.FAILED, orders.release(self._database, order, Status.FAILED)
            case _:
                # The request that entered the order may still be paying for it: only that one may cancel it.
                return order
        return replace(order, status=status) if done else self._read_again(order)

    def _read_again(self, order: Order) -> Order:
        found = orders.find_order(self._database, order.order_id) or order
        _log.info("order %s was settled by another request", order.order_id)
        return found


def _new_order(request: CheckoutRequest, lines: Sequence[PricedLine]) -> Order:
    return Order(
        order_id=f"ord_{secrets.token_hex(12)}",
        key=request.key,
        session=request.session,
        run=request.run,
        status=Status.PENDING,
        location=request.location,
        total_cents=sum(line.unit_cents * line.quantity for line in lines),
        created_at=time.time_ns(),
        lines=tuple(
            OrderLine(sku=line.sku, quantity=line.quantity, unit_cents=line.unit_cents, design_id=line.design_id)
            for line in lines
        ),
    )
