"""The print queue of a shop: one of its replicas at a time takes the orders, in the order of their payment.

An order is printed when it has been prepared and a press is free, and shipped when its printing ends: both moments are
written when it is given to a press, a little ahead of time, so that whoever follows the order finds them there. The
replica that prints holds a lock of the database's that ends with its process; and a row is written once, whoever does.
"""

import logging
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, bindparam, case, select, update
from sqlalchemy.exc import SQLAlchemyError

from staging.database import Database
from staging.shop.orders import Status
from staging.shop.printing.presses import Presses
from staging.shop.schema import orders

LOCK = "printing"
PREPARED_S = 0.5
PRINT_S = 0.5
PRESSES = 1000
LOOK_EVERY_S = 0.25
AHEAD_NS = 400_000_000  # more than a look takes to come again, so that a moment is written before it has come
TAKE_OVER_S = 1.0
MOST_AT_ONCE = 1000
_Waiting = tuple[str, int]
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Begun:
    """An order given to a press: from when (ns)."""

    order_id: str
    at: int


class PrintQueue:
    """The print queue of one database: `presses`, an order taking one for `print_s`, while they are `working`."""

    def __init__(
        self, database: Database, working: Callable[[], bool], presses: int = PRESSES, print_s: float = PRINT_S
    ) -> None:
        self._database, self._working = database, working
        self._number, self._print_ns = presses, round(print_s * 1e9)

    def keep_printing(self, stopping: threading.Event) -> None:
        """Print until `stopping` is set, whenever no other replica does."""
        while not stopping.is_set():
            try:
                with self._database.alone(LOCK) as connection:
                    if connection is not None:
                        self._print(connection, stopping)
            except SQLAlchemyError:
                _log.exception("orders could not be printed; tried again")
            stopping.wait(TAKE_OVER_S)

    def _print(self, connection: Connection, stopping: threading.Event) -> None:
        presses, looked_at = self.presses(connection), time.time_ns()
        while not stopping.wait(LOOK_EVERY_S):
            now = time.time_ns()
            if self._working():
                self.look(connection, presses, looked_at, now + AHEAD_NS)
            looked_at = now

    def presses(self, connection: Connection) -> Presses:
        """Return the presses as the last orders left them."""
        last = orders.c.printed_at.is_not(None)
        begun = select(orders.c.printed_at).where(last).order_by(orders.c.printed_at.desc()).limit(self._number)
        return Presses(self._number, self._print_ns, connection.scalars(begun))

    def look(self, connection: Connection, presses: Presses, since: int, until: int) -> Sequence[Begun]:
        """Give waiting orders to the presses, none from before `since` or after `until` (ns); return them."""
        begun = list(self._begin(_waiting(connection), presses, since, until))
        if begun:
            with self._database.writing() as writing:
                writing.execute(_PRINT, [self._row(one) for one in begun])
        return begun

    def _begin(self, waiting: Sequence[_Waiting], presses: Presses, since: int, until: int) -> Iterator[Begun]:
        for order_id, placed_at in waiting:
            at = presses.begin(max(since, placed_at + round(PREPARED_S * 1e9)), until)
            if at is None:
                return
            yield Begun(order_id=order_id, at=at)

    def _row(self, one: Begun) -> dict[str, object]:
        return {"of_order": one.order_id, "printed": one.at, "shipped": one.at + self._print_ns}


_PLACED_AT = case((orders.c.hosted.is_(True), orders.c.paid_at), else_=orders.c.created_at)
_TO_PRINT = (orders.c.status == Status.ACCEPTED.value) & orders.c.printed_at.is_(None)
_PRINT = (
    update(orders)
    .where(orders.c.order_id == bindparam("of_order"), _TO_PRINT)
    .values(printed_at=bindparam("printed"), shipped_at=bindparam("shipped"))
)


def _waiting(connection: Connection) -> Sequence[_Waiting]:
    """Return the orders that wait for a press, the first first: each with when it was placed."""
    statement = (
        select(orders.c.order_id, _PLACED_AT)
        .where(_TO_PRINT)
        .order_by(orders.c.paid_at, orders.c.sequence)
        .limit(MOST_AT_ONCE)
    )
    return [(order_id, placed_at) for order_id, placed_at in connection.execute(statement)]
