"""The run's orders as the shop's records have them: which are its, which of those are still there, whose others are.

Pure: no I/O. An order is the run's only by the shop's word: it names the run, or it names none and has the id or the
key of a row of the ledger. What the records say is another's stays another's, whatever the ledger says.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

from loadtests.audit.carts import Units
from loadtests.audit.shop_records import Order
from loadtests.results.created import ORDER, Created
from loadtests.results.ledger import Attempt

# What holds neither stock nor money any more; every other word of a shop's is an order that is still there.
GONE_STATUSES: Final = frozenset(
    {"cancelled", "canceled", "deleted", "declined", "expired", "failed", "refunded", "returned", "void", "voided"}
)
_AROUND_NS = 60_000_000_000  # the clock of a shop's database isn't this machine's


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """The time of a run, and since when the stock counts (ns)."""

    started_at: int
    ended_at: int | None
    stock_read_at: int

    def holds(self, at: int) -> bool:
        """Whether something was made while the run was played, by a clock that may be a minute off."""
        ended = at if self.ended_at is None else self.ended_at + _AROUND_NS
        return self.started_at - _AROUND_NS <= at <= ended


@dataclass(slots=True, kw_only=True)
class ShopOrders:
    """The orders that were added, each told apart: the run's that are there or gone, and those of others.

    `ids` are the run's, by the shop's word for them. `not_ours` are lines on orders that the ledger claims and the
    shop's records give to another; `unnamed` counts those made meanwhile of which nobody knows whose they are.
    `sold` is what others hold of the stock.
    """

    run: str
    span: Span
    there: dict[str, Created] = field(default_factory=dict)
    ids: set[str] = field(default_factory=set)
    others: set[str] = field(default_factory=set)
    not_ours: list[str] = field(default_factory=list)
    gone: int = 0
    unnamed: int = 0
    sold: Units = field(default_factory=Counter)
    _by_id: dict[str, Attempt] = field(default_factory=dict)
    _by_key: dict[str, Attempt] = field(default_factory=dict)

    @classmethod
    def read(cls, run: str, span: Span, attempts: Sequence[Attempt], rows: Iterable[Order]) -> "ShopOrders":
        """Return what is made of the rows; one that is there twice counts once."""
        made = cls(run=run, span=span)
        made._by_id = {one.order_id: one for one in attempts if one.order_id is not None}
        made._by_key = {one.key: one for one in attempts}
        for row in rows:
            if row.order_id not in made.ids and row.order_id not in made.others:
                made._add(row)
        return made

    def _add(self, row: Order) -> None:
        attempt = self._by_id.get(row.order_id) or (self._by_key.get(row.key) if row.key is not None else None)
        if row.run == self.run or (not row.names_run and attempt is not None):
            self.ids.add(row.order_id)
            if row.status.lower() in GONE_STATUSES:
                self.gone += 1
            else:
                self.there[row.order_id] = _created(row, attempt)
            return
        self.others.add(row.order_id)
        if attempt is not None:
            whose = "of nobody's run" if row.run is None else f"of the run {row.run}"
            self.not_ours.append(f"order {row.order_id}: the ledger has it, and the shop's records say it is {whose}")
        elif not row.names_run and self.span.holds(row.created_at):
            self.unnamed += 1
        if row.status.lower() not in GONE_STATUSES and row.created_at >= self.span.stock_read_at:
            for line in row.lines:
                self.sold[line.sku, line.location] += line.quantity

    def never_seen(self, attempts: Iterable[Attempt]) -> int:
        """Return how many acknowledged orders the shop's records don't hold at all."""
        known = self.ids | self.others
        return sum(one.outcome == "accepted" and one.order_id not in known for one in attempts)


def _created(row: Order, attempt: Attempt | None) -> Created:
    return Created(
        kind=ORDER,
        id=row.order_id,
        session=None if attempt is None else attempt.session,
        key=row.key or ("" if attempt is None else attempt.key),
        lines=row.lines,
        amount_cents=row.total_cents,
        status=row.status,
    )
