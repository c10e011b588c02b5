"""Drops: a style with little stock that is sold from a moment on; kept in memory, read again once a second."""

import logging
import threading
import time
from dataclasses import dataclass

from sqlalchemy import select, update
from sqlalchemy.exc import SQLAlchemyError

from staging.database import Database
from staging.shop.schema import drops

READ_EVERY_S = 1.0
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Drop:
    """A style and when it opens, in ns since the epoch."""

    style: str
    opens_at: int

    def is_open(self, now: int) -> bool:
        """Whether it is sold at a moment."""
        return now >= self.opens_at


class Drops:
    """The drops of all replicas; what another one has set is known here a second later at most.

    So a cart costs no statement for them, and the moment itself is kept by the clock of each replica.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._known: dict[str, Drop] = {}

    def read(self) -> None:
        """Read them from the database."""
        with self._database.reading() as connection:
            self._known = {
                row.style: Drop(style=row.style, opens_at=row.opens_at) for row in connection.execute(select(drops))
            }

    def keep_reading(self, stopping: threading.Event) -> None:
        """Read once a second until `stopping` is set; a shop without a drop reads nothing."""
        while self._known and not stopping.wait(READ_EVERY_S):
            try:
                self.read()
            except SQLAlchemyError:
                _log.exception("the drops could not be read; tried again")

    def all(self) -> list[Drop]:
        """Return the drops, by style."""
        return sorted(self._known.values(), key=lambda drop: drop.style)

    def not_open(self, style: str) -> Drop | None:
        """Return the drop of a style when it hasn't opened yet."""
        drop = self._known.get(style)
        return drop if drop is not None and not drop.is_open(time.time_ns()) else None

    def open_at(self, style: str, opens_at: int) -> None:
        """Set when a style opens."""
        with self._database.writing() as connection:
            connection.execute(update(drops).where(drops.c.style == style).values(opens_at=opens_at))
        self.read()
