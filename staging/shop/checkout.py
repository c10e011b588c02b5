"""Checkout: price, reserve, pay, confirm.

An order is entered as `pending` together with its stock in one transaction, and paid outside it. A crash in
between leaves a pending order that holds its stock; a request with the same idempotency key resumes it, and its payment
has one key at every attempt, so the card is charged once. An order whose payment may have been made is never cancelled:
what nobody resumes is settled with the payment provider (`reconciliation`).
"""

import logging
import secrets
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

from sqlalchemy import Connection, select
from sqlalchemy.exc import IntegrityError

from staging.database import Database
from staging.shop import orders
from staging.shop.carts import Cart, CartLine, read_lines
from staging.shop.hosted.provider_pages import PageBill, PaymentPages
from staging.shop.offers.vouchers import Discount, discount, read_codes, use_up
from staging.shop.orders import Decline, Order, OrderLine, Status
from staging.shop.provider import Bill, Payment, Provider
from staging.shop.releases.behaviour import Behaviour
from staging.shop.schema import carts
from staging.shop.schema import orders as order_rows
from staging.shop.stock import OutOfStockError, PricedLine, StockAtOneLocation, require_enough

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckoutRequest:
    """A checkout as requested: the session's cart, from `location`, paid by a card.

    With `origin`, the shop's own, it is paid on a page of the payment provider, which returns there.
    """

    key: str
    session: str
    run: str | None
    location: str
    card_token: str
    customer: str | None = None
    recipient: str | None = None
    origin: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Placed:
    """The key's one order, whether this request entered it, and where it is to be paid, if not here."""

    order: Order
    new: bool
    payment_url: str | None = None


class EmptyCartError(Exception):
    """The session has nothing in its cart."""


class KeyReusedError(Exception):
    """The idempotency key belongs to an order of another session, or of another way to pay."""


class Checkout:
    """Places orders in `database`, paid at `provider`, or on its `pages`."""

    def __init__(self, database: Database, provider: Provider, pages: PaymentPages | None = None) -> None:
        self._database = database
        self._provider = provider
        self._pages = pages

    def place(self, request: CheckoutRequest, behaviour: Behaviour) -> Placed:
        """Return the order of the request's key, entered now or before; its status says how it ended.

        `pending` means that the payment's outcome isn't known: a repeated request with that key retries the payment.
        Raises EmptyCartError, OutOfStockError, CodeRefusedError (nothing was entered) or KeyReusedError.
        """
        cart, entered = self._cart_and_order(request)
        if entered:
            return self._resume(request, behaviour)
        lines = self._priced(cart, request, behaviour)
        subtotal_cents = sum(line.unit_cents * line.quantity for line in lines)
        taken_off = discount(self._database, cart.codes, subtotal_cents, behaviour.vouchers)
        order = _new_order(request, lines, subtotal_cents, taken_off)
        try:
            self._reserve(order, lines, behaviour)
        except IntegrityError:
            return self._resume(request, behaviour)
        return self._settle(order, request, behaviour, new=True)

    def _cart_and_order(self, request: CheckoutRequest) -> tuple[Cart, str | None]:
        lines = select(carts.c.lines).where(carts.c.session == request.session).scalar_subquery()
        codes = select(carts.c.codes).where(carts.c.session == request.session).scalar_subquery()
        order = select(order_rows.c.order_id).where(order_rows.c.idempotency_key == request.key).scalar_subquery()
        with self._database.reading() as connection:
            stored, with_codes, order_id = connection.execute(select(lines, codes, order)).one()
        return Cart(lines=read_lines(stored), codes=read_codes(with_codes)), order_id

    def _priced(self, cart: Cart, request: CheckoutRequest, behaviour: Behaviour) -> list[PricedLine]:
        if not cart.lines:
            raise EmptyCartError
        with self._database.reading() as connection:
            lines = behaviour.lines.read(connection, cart.lines, request.location)
        require_enough(lines)
        return lines

    def _reserve(self, order: Order, lines: Sequence[PricedLine], behaviour: Behaviour) -> None:
        def write(connection: Connection) -> None:
            orders.enter(connection, order)
            if not behaviour.stock.take(connection, lines, order.location):
                raise OutOfStockError(lines[0].sku)  # undoes the transaction
            if order.discount is not None:
                use_up(connection, order.discount, behaviour.vouchers)

        try:
            behaviour.writing.enter(self._database, write)
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
        if order is None or order.session != request.session or order.hosted is not (request.origin is not None):
            raise KeyReusedError
        if order.status is Status.PENDING:
            return self._settle(order, request, behaviour, new=False)
        return Placed(order=order, new=False)

    def _settle(self, order: Order, request: CheckoutRequest, behaviour: Behaviour, *, new: bool) -> Placed:
        if request.origin is not None:
            return self._open_page(order, request.origin, new=new)
        return Placed(order=self._pay(order, request, behaviour, new=new), new=new)

    def _open_page(self, order: Order, origin: str, *, new: bool) -> Placed:
        """Return the order with its page's address: what is paid there, a webhook tells."""
        if self._pages is None:
            raise ValueError("a hosted payment needs the provider's pages")
        page = self._pages.open(PageBill(order_id=order.order_id, amount_cents=order.total_cents, origin=origin))
        if isinstance(page, str):
            return Placed(order=order, new=new, payment_url=page)
        if page is Payment.NOT_MADE and new and orders.release(self._database, order, Status.FAILED):
            order = replace(order, status=Status.FAILED)
        return Placed(order=order, new=new)

    def _pay(self, order: Order, request: CheckoutRequest, behaviour: Behaviour, *, new: bool) -> Order:
        bill = Bill(order_id=order.order_id, amount_cents=order.total_cents, card_token=request.card_token)
        match self._provider.pay(bill, behaviour.payment_key):
            case Payment.CAPTURED:
                status, done = Status.ACCEPTED, behaviour.writing.accept(self._database, order.order_id)
            case Payment.DECLINED:
                declined = orders.release(self._database, order, Status.DECLINED, Decline.CARD_DECLINED)
                status, done = Status.DECLINED, declined
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


def _new_order(
    request: CheckoutRequest, lines: Sequence[PricedLine], subtotal_cents: int, taken_off: Discount | None
) -> Order:
    return Order(
        order_id=f"ord_{secrets.token_hex(12)}",
        key=request.key,
        session=request.session,
        run=request.run,
        status=Status.PENDING,
        location=request.location,
        total_cents=subtotal_cents - (taken_off.cents if taken_off else 0),
        created_at=time.time_ns(),
        lines=tuple(
            OrderLine(sku=line.sku, quantity=line.quantity, unit_cents=line.unit_cents, design_id=line.design_id)
            for line in lines
        ),
        customer=request.customer,
        recipient=request.recipient,
        hosted=request.origin is not None,
        discount=taken_off,
    )
