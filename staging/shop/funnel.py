"""The funnel: how many sessions reached each step, written in the background."""

import logging
import threading
from collections import Counter
from enum import StrEnum

from sqlalchemy import func, select
from sqlalchemy.exc import SQLAlchemyError

from staging.database import Database
from staging.shop.catalogue import LOCATIONS
from staging.shop.orders import Stage, Status, counts
from staging.shop.schema import happenings

FLUSH_EVERY_S = 1.0
_log = logging.getLogger(__name__)


class Step(StrEnum):
    """A step of the funnel, taken by a session."""

    SESSION = "session"
    SEARCH = "search"
    PRODUCT = "product"
    CART = "cart"
    CHECKOUT = "checkout"
    ORDER = "order"


OUT_OF_STOCK = "out_of_stock"


class Funnel:
    """What the sessions of all replicas did; what this replica saw is in the database a second later at most.

    A killed replica loses the steps of its last second. Orders themselves are counted from the orders.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._lock = threading.Lock()
        self._waiting: set[tuple[str, str]] = set()

    def saw(self, step: Step, session: str) -> None:
        """Note that a session took a step; a second time changes nothing."""
        self._note(step.value, session)

    def refused_out_of_stock(self, key: str) -> None:
        """Note that the checkout with this idempotency key was refused for lack of stock."""
        self._note(OUT_OF_STOCK, key)

    def pushed(self, stage: Stage, stream: str) -> None:
        """Note that a stream has sent its reader the stage of an order."""
        self._note(f"pushed_{stage}", stream)

    def _note(self, step: str, subject: str) -> None:
        with self._lock:
            self._waiting.add((step, subject))

    def flush(self) -> None:
        """Write what is queued, in one statement."""
        with self._lock:
            taken, self._waiting = self._waiting, set()
        if not taken:
            return
        rows = [{"step": step, "subject": subject} for step, subject in sorted(taken)]
        try:
            with self._database.writing() as connection:
                connection.execute(self._database.insert(happenings).on_conflict_do_nothing(), rows)
        except SQLAlchemyError:
            with self._lock:
                self._waiting |= taken
            raise

    def keep_flushing(self, stopping: threading.Event) -> None:
        """Flush once a second until `stopping` is set, then once more."""
        while not stopping.wait(FLUSH_EVERY_S):
            try:
                self.flush()
            except SQLAlchemyError:
                _log.exception("the funnel could not be written; it is kept and tried again")
        self.flush()

    def report(self) -> dict[str, dict[str, int]]:
        """Return the funnel, the orders by outcome and by location, for all replicas of the database."""
        self.flush()
        statement = select(happenings.c.step, func.count()).group_by(happenings.c.step)
        with self._database.reading() as connection:
            steps = {step: number for step, number in connection.execute(statement)}  # noqa: C416 - rows aren't tuples
        outcomes, locations = Counter[str](), Counter[str]()
        for status, location, number in counts(self._database):
            # A counter never falls: an order that was returned had been accepted.
            was = Status.ACCEPTED if status is Status.RETURNED else status
            outcomes[was] += number
            if was is Status.ACCEPTED:
                locations[location] += number
        orders = {name: outcomes[name] for name in (Status.ACCEPTED, Status.DECLINED, Status.FAILED)}
        return {
            "funnel": {step: steps.get(step, 0) for step in Step},
            "orders": {
                "accepted": orders[Status.ACCEPTED],
                "out_of_stock": steps.get(OUT_OF_STOCK, 0),
                "declined": orders[Status.DECLINED],
                "failed": orders[Status.FAILED],
            },
            "orders_by_location": {location: locations[location] for location in LOCATIONS},
        }
