"""Returns: requested by the shopper, received by the location that shipped, refunded by the payment provider."""

import heapq
import logging
import secrets
import threading
import time
from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy import Connection, select, update
from sqlalchemy.exc import SQLAlchemyError

from staging.database import Database, is_inserted
from staging.shop.hosted.provider_pages import PaymentPages
from staging.shop.offers.vouchers import give_back
from staging.shop.orders import Order, Status, find_order, release, take_back
from staging.shop.schema import returns

RECEIVED_AFTER_S = 0.5
AGAIN_AFTER_S = 1.0
LOOK_EVERY_S = 0.1
_log = logging.getLogger(__name__)


class ReturnStatus(StrEnum):
    """How far a return has come."""

    REQUESTED = "requested"
    RECEIVED = "received"
    REFUNDED = "refunded"


@dataclass(frozen=True, slots=True, kw_only=True)
class Return:
    """The return of a whole order."""

    return_id: str
    order_id: str
    status: ReturnStatus


class Returns:
    """The returns of one database; each is carried on by the replica that took it, or by one that starts later.

    Receiving one changes its order and its stock in one transaction, and the payment is refunded after it: a crash in
    between leaves a return that is received, and that is refunded when a replica starts.
    """

    def __init__(self, database: Database, pages: PaymentPages) -> None:
        self._database, self._pages = database, pages
        self._lock = threading.Lock()
        self._due: list[tuple[float, str]] = []

    def request(self, order: Order, reason: str) -> tuple[Return, bool]:
        """Return the order's one return, and whether it is new."""
        values = {
            "return_id": f"ret_{secrets.token_hex(12)}",
            "order_id": order.order_id,
            "status": ReturnStatus.REQUESTED.value,
            "reason": reason,
            "requested_at": time.time_ns(),
        }
        with self._database.writing() as connection:
            statement = self._database.insert(returns).values(values).on_conflict_do_nothing()
            is_new = is_inserted(connection, statement)
            found = _one(connection, order.order_id)
        if is_new:
            self._put(found.return_id, RECEIVED_AFTER_S)
        return found, is_new

    def cancel(self, order: Order) -> bool:
        """End an order that isn't over, with its stock and its codes put back; False when it is over already."""
        if release(self._database, order, Status.FAILED):
            return True
        with self._database.writing() as connection:
            changed = take_back(connection, order)
            if changed and order.discount is not None:
                give_back(connection, order.discount)
        return changed

    def pay_back(self, order: Order) -> bool:
        """Refund an order's payment, once however often it is asked for; False when that isn't known to be done.

        An order that was pending may have no payment, which the provider says: that is done, too.
        """
        return self._pages.refund(order.order_id) or order.status is Status.PENDING

    def find(self, return_id: str) -> Return | None:
        """Return a return."""
        with self._database.reading() as connection:
            row = connection.execute(select(returns).where(returns.c.return_id == return_id)).one_or_none()
        return _return(row) if row else None

    def of_order(self, order_id: str) -> Return | None:
        """Return the return of an order."""
        with self._database.reading() as connection:
            row = connection.execute(select(returns).where(returns.c.order_id == order_id)).one_or_none()
        return _return(row) if row else None

    def resume(self) -> None:
        """Carry on with the returns that other processes left."""
        left = select(returns.c.return_id).where(returns.c.status != ReturnStatus.REFUNDED.value)
        with self._database.reading() as connection:
            for return_id in connection.scalars(left):
                self._put(return_id, RECEIVED_AFTER_S)

    def keep_receiving(self, stopping: threading.Event) -> None:
        """Receive and refund what is due until `stopping` is set; without returns no statement is run."""
        while not stopping.wait(LOOK_EVERY_S):
            for return_id in self._take_due():
                if not self._carried_on(return_id):
                    self._put(return_id, AGAIN_AFTER_S)

    def _carried_on(self, return_id: str) -> bool:
        try:
            return self.carry_on(return_id)
        except SQLAlchemyError:
            _log.exception("a return could not be carried on; tried again")
            return False

    def carry_on(self, return_id: str) -> bool:
        """Receive and refund a return, each once whoever else does; False when the refund isn't known to be made."""
        one = self.find(return_id)
        if one is None or one.status is ReturnStatus.REFUNDED:
            return True
        self._receive(one)
        if not self._pages.refund(one.order_id):
            return False
        with self._database.writing() as connection:
            _change(connection, one, ReturnStatus.RECEIVED, ReturnStatus.REFUNDED, "refunded_at")
        return True

    def _receive(self, one: Return) -> None:
        order = find_order(self._database, one.order_id)
        if order is None:
            return
        with self._database.writing() as connection:
            if _change(connection, one, ReturnStatus.REQUESTED, ReturnStatus.RECEIVED, "received_at"):
                take_back(connection, order)

    def _put(self, return_id: str, after_s: float) -> None:
        with self._lock:
            heapq.heappush(self._due, (time.monotonic() + after_s, return_id))

    def _take_due(self) -> list[str]:
        due: list[str] = []
        with self._lock:
            while self._due and self._due[0][0] <= time.monotonic():
                due.append(heapq.heappop(self._due)[1])
        return due


def _change(connection: Connection, one: Return, was: ReturnStatus, then: ReturnStatus, at: str) -> bool:
    own = (returns.c.return_id == one.return_id) & (returns.c.status == was.value)
    statement = update(returns).where(own).values({"status": then.value, at: time.time_ns()})
    return connection.execute(statement).rowcount == 1


def _one(connection: Connection, order_id: str) -> Return:
    return _return(connection.execute(select(returns).where(returns.c.order_id == order_id)).one())


def _return(row: object) -> Return:
    return_id, order_id, status = (getattr(row, name) for name in ("return_id", "order_id", "status"))
    return Return(return_id=return_id, order_id=order_id, status=ReturnStatus(status))
