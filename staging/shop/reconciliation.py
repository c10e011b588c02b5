"""Orders that stay pending: their payment provider is asked what became of them, as a real shop does each minute.

A shopper who leaves the payment page, a webhook that never arrived, and a crash between the payment and its order all
leave an order that is pending and holds its stock. When it has been so for too long the provider is asked to let
nothing be paid for it any more, and says what was paid by then: its answer is the news that a webhook would have been.
"""

import logging
import threading
import time
from collections.abc import Callable, Sequence
from typing import Protocol

from requests import RequestException
from sqlalchemy.exc import SQLAlchemyError

from staging.database import Database
from staging.shop.hosted.news import News, NewsApplying, NewsType
from staging.shop.orders import Order, pending_orders

LOCK = "reconciliation"
PENDING_EXPIRES_S = 30.0
LOOK_EVERY_S = 1.0
MOST_AT_ONCE = 100
AGAIN_AFTER_S = 30.0
_log = logging.getLogger(__name__)


class PaymentExpiry(Protocol):
    """A payment provider that can be asked to take no payment for an order any more."""

    def expire(self, order_id: str, amount_cents: int) -> tuple[str, str] | None:
        """Return the payment that an order has from now on, its id and its status; None when that isn't known.

        One that was captured or declined before stays so; else it is cancelled.
        """


class Reconciliation:
    """Settles the orders of one database that have been pending for `expires_s`; `news` is how their news is applied.

    One replica at a time asks, and an order again only after a while.
    """

    def __init__(
        self, database: Database, provider: PaymentExpiry, news: Callable[[], NewsApplying], expires_s: float
    ) -> None:
        self._database, self._provider, self._news = database, provider, news
        self._expires_ns = round(expires_s * 1e9)
        self._asked: dict[str, float] = {}

    def keep_reconciling(self, stopping: threading.Event) -> None:
        """Ask for what has been pending for too long, until `stopping` is set."""
        while not stopping.wait(LOOK_EVERY_S):
            try:
                with self._database.alone(LOCK) as connection:
                    if connection is not None:
                        self.look(time.time_ns())
            except (SQLAlchemyError, RequestException):
                _log.exception("pending orders could not be reconciled; tried again")

    def look(self, now: int) -> None:
        """Settle the orders that were entered longer ago than one may be pending; `now` in ns."""
        for order in self._due(now):
            self._asked[order.order_id] = time.monotonic()
            answer = self._provider.expire(order.order_id, order.total_cents)
            if answer is not None and (news := _news(order, *answer)) is not None:
                self._news().apply(self._database, order, news)

    def _due(self, now: int) -> Sequence[Order]:
        since = time.monotonic() - AGAIN_AFTER_S
        self._asked = {order_id: at for order_id, at in self._asked.items() if at > since}
        pending = pending_orders(self._database, now - self._expires_ns, MOST_AT_ONCE + len(self._asked))
        return [order for order in pending if order.order_id not in self._asked][:MOST_AT_ONCE]


def _news(order: Order, payment_id: str, status: str) -> News | None:
    """Return what a webhook would say of a payment; None for a status that changes no pending order."""
    if f"payment.{status}" not in set(NewsType):
        return None
    return News(
        event_id=f"rec_{payment_id}",
        type=NewsType(f"payment.{status}"),
        payment_id=payment_id,
        reference=order.order_id,
        amount_cents=order.total_cents,
    )
