"""What the audit keeps of orders and payments while they stream past: what it will be asked, and not the rows.

Pure: no I/O. Of an order of the run that is its id, its amount and three small numbers; of anyone else's nothing.
"""

import sys
from array import array
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from loadtests.audit.shop_records import Order, Payment
from loadtests.results.ledger import Attempt, Line

EXAMPLES: Final = 20
HOLDS_STOCK: Final = frozenset({"accepted", "pending"})
# What an order is that was made as promised: one that came back was, and its stock and its money went back, too.
KEPT: Final = frozenset({"accepted", "returned", "refunded"})
_TAKEN = frozenset({"captured"})
_PAID = _TAKEN | {"authorised", "authorized"}
_NONE = -1
Units = Counter[tuple[str, str]]
"""Units by (SKU, location)."""


class RepeatedRowError(ValueError):
    """The shop records hold one order, or one payment, twice: what was sold or paid can't be counted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Broken:
    """One order, payment or stock level that shows a broken promise."""

    key: str | None
    order_id: str | None
    detail: str


class Found:
    """The broken promises of one check: all are counted, the first are kept."""

    def __init__(self) -> None:
        self.count = 0
        self.examples: list[Broken] = []

    def add(self, detail: str, key: str | None = None, order_id: str | None = None) -> None:
        """Count one; keep it if it is among the first."""
        self.count += 1
        if len(self.examples) < EXAMPLES:
            self.examples.append(Broken(key=key, order_id=order_id, detail=detail))


class LedgerIndex:
    """The attempts of a run, found by the key or by the order that the shop acknowledged.

    `used_twice` are the keys of more than one attempt that wasn't refused: by them no order can be told.
    """

    def __init__(self, attempts: Sequence[Attempt]) -> None:
        self.attempts = attempts
        self.outcomes: Counter[str] = Counter(attempt.outcome for attempt in attempts)
        self.by_key: dict[str, int] = {}
        self.by_order: dict[str, int] = {}
        self.used_twice: list[str] = []
        for number, attempt in enumerate(attempts):
            before = self.by_key.get(attempt.key)
            if before is None or attempts[before].outcome == "refused":
                self.by_key[attempt.key] = number
            elif attempt.outcome != "refused":
                self.used_twice.append(attempt.key)
            if attempt.outcome == "accepted" and attempt.order_id is not None:
                self.by_order[attempt.order_id] = number

    def units(self) -> Units:
        """Return what the shop may have sold in the run: all that it didn't refuse."""
        sold: Units = Counter()
        for attempt in self.attempts:
            if attempt.outcome != "refused":
                add_units(sold, attempt.lines)
        return sold


class OrderTally:
    """The orders of `run` among those that were added, compared with its ledger as they come.

    An order is the run's when it says so, or when its id was acknowledged; one that names no run also when its key is
    in the ledger. `left_out` counts those of others, `unnamed` those of which nobody knows whose they are.
    """

    def __init__(self, run: str, ledger: LedgerIndex) -> None:
        self._run, self._ledger = run, ledger
        self._ambiguous = frozenset(ledger.used_twice)
        self._numbers: dict[str, int] = {}
        self._ids: list[str] = []
        self._statuses: list[str] = []
        self._totals, self._attempts, self._paid = array("q"), array("l"), array("L")
        self._first_made = array("l", [_NONE]) * len(ledger.attempts)
        self.is_there = bytearray(len(ledger.attempts))
        self.sold: Units = Counter()
        self.held = self.left_out = self.unnamed = self.compared = self.with_our_key = self.with_other_key = 0
        self.matched = self.with_other_id = 0
        self.differs, self.never_attempted, self.without_key = Found(), Found(), Found()
        self.made_again: dict[int, list[str]] = {}

    def __len__(self) -> int:
        return len(self._numbers)

    def add(self, order: Order) -> None:
        """Take one order in; raises RepeatedRowError when it was added before."""
        by_id = self._ledger.by_order.get(order.order_id, _NONE)
        by_key = _NONE if order.key is None else self._ledger.by_key.get(order.key, _NONE)
        if by_id < 0 and order.run != self._run:
            if order.run is not None or (by_key < 0 and order.names_run):
                self.left_out += 1
                return
            if by_key < 0:
                self.unnamed += 1
                return
        if order.order_id in self._numbers:
            raise RepeatedRowError(f"order {order.order_id} is there twice: one row an order")
        attempt = by_id if by_id >= 0 else by_key
        number = self._numbers[order.order_id] = len(self._statuses)
        self._ids.append(order.order_id)
        self._statuses.append(sys.intern(order.status))
        self._totals.append(order.total_cents)
        self._attempts.append(attempt)
        self._paid.append(0)
        self.matched += attempt >= 0
        if by_id >= 0:
            self._compare(order, by_id)
        elif by_key >= 0:
            self.with_other_id += self._ledger.attempts[by_key].outcome == "accepted"
        if order.status in HOLDS_STOCK:
            self._hold(order, number, attempt, by_key)

    def number_of(self, order_id: str) -> int | None:
        """Return the number of an order of the run, None for any other."""
        return self._numbers.get(order_id)

    def pay(self, number: int) -> None:
        """Count a payment of the order with that number."""
        self._paid[number] += 1

    def total_of(self, number: int) -> int:
        """Return what an order costs."""
        return self._totals[number]

    def status_of(self, number: int) -> str:
        """Return what has become of an order."""
        return self._statuses[number]

    def key_of(self, number: int) -> str | None:
        """Return the key of the attempt that an order came of."""
        attempt = self._attempts[number]
        return None if attempt < 0 else self._ledger.attempts[attempt].key

    def accepted(self) -> Iterable[tuple[str, int, int]]:
        """Yield the orders that were accepted: id, number, and how often each was paid."""
        for number, order_id in enumerate(self._ids):
            if self._statuses[number] == "accepted":
                yield order_id, number, self._paid[number]

    def attempts_without_order(self) -> int:
        """Return how many attempts that weren't acknowledged have no order that is known to be theirs."""
        return sum(
            attempt.outcome != "accepted" and made < 0
            for attempt, made in zip(self._ledger.attempts, self._first_made, strict=True)
        )

    def _compare(self, order: Order, by_id: int) -> None:
        """Compare an acknowledged order with what was promised."""
        attempt = self._ledger.attempts[by_id]
        if order.status in KEPT:
            self.is_there[by_id] = 1
        self.compared += 1
        how = None
        if order.lines != attempt.lines and units_of(order.lines) != units_of(attempt.lines):
            how = "holds other things than were ordered"
        elif order.total_cents != attempt.amount_cents:
            how = f"costs {order.total_cents}, promised was {attempt.amount_cents}"
        if how is not None:
            self.differs.add(f"order {order.order_id} {how}", attempt.key, order.order_id)

    def _hold(self, order: Order, number: int, attempt: int, by_key: int) -> None:
        self.held += 1
        add_units(self.sold, order.lines)
        if order.key is not None:
            self.with_our_key += by_key >= 0
            self.with_other_key += by_key < 0 <= attempt
        if attempt < 0 and order.key is None:
            self.without_key.add(f"order {order.order_id} of this run was never attempted", None, order.order_id)
        elif attempt < 0:
            self.never_attempted.add(
                f"order {order.order_id} of this run was never attempted", order.key, order.order_id
            )
        elif self._first_made[attempt] < 0:
            self._first_made[attempt] = number
        elif order.key not in self._ambiguous:
            first = self._ids[self._first_made[attempt]]
            self.made_again.setdefault(attempt, [first]).append(order.order_id)


class PaymentTally:
    """The payments that were added, each against its order of the run.

    `orphans` are those captured whose order isn't the run's, by its id: the orders of others may explain them.
    """

    def __init__(self, orders: OrderTally | None) -> None:
        self._orders, self._seen = orders, set[int]()
        self.count = self.matched = self.paid = 0
        self.wrong_amount, self.for_dead_order = Found(), Found()
        self.orphans: dict[str, tuple[str, ...]] = {}

    def add(self, payment: Payment) -> None:
        """Take one payment in; raises RepeatedRowError when it was added before."""
        mark = hash(payment.payment_id)
        if mark in self._seen:
            raise RepeatedRowError(f"payment {payment.payment_id} is there twice: one row a payment")
        self._seen.add(mark)
        self.count += 1
        if payment.status not in _PAID or self._orders is None:
            return
        taken, reference = payment.status in _TAKEN, payment.reference
        self.paid += 1
        number = self._orders.number_of(reference)
        if number is not None:
            self._match(self._orders, payment, number, taken=taken)
        elif taken:
            self.orphans[reference] = (*self.orphans.get(reference, ()), payment.payment_id)

    def _match(self, orders: OrderTally, payment: Payment, number: int, *, taken: bool) -> None:
        self.matched += 1
        orders.pay(number)
        key, reference, status = orders.key_of(number), payment.reference, orders.status_of(number)
        if payment.amount_cents != orders.total_of(number):
            detail = f"order {reference} costs {orders.total_of(number)}, paid was {payment.amount_cents}"
            self.wrong_amount.add(detail, key, reference)
        if taken and status not in HOLDS_STOCK and status not in KEPT:
            detail = f"payment {payment.payment_id} was captured and its order {reference} is {status}"
            self.for_dead_order.add(detail, None, reference)


class OtherOrders:
    """The orders of others: what they sold since the stock was read (`since`, ns), and since the run ended.

    They explain the payments of `orphans`. `of_run` counts the run's own orders among those that were added.
    """

    def __init__(
        self, run: str, orders: OrderTally, orphans: Collection[str], since: int, ended_at: int | None
    ) -> None:
        self._run, self._orders, self._orphans = run, orders, orphans
        self._since, self._ended_at = since, ended_at
        self.of_run = 0
        self.sold: Units = Counter()
        self.sold_later: Units = Counter()
        self.paid_for: set[str] = set()

    def add(self, order: Order) -> None:
        """Take one order in, whoever's it is."""
        if self._orders.number_of(order.order_id) is not None:
            self.of_run += 1
            return
        if order.run == self._run:
            return
        if order.order_id in self._orphans:
            self.paid_for.add(order.order_id)
        if order.status in HOLDS_STOCK and order.created_at >= self._since:
            add_units(self.sold, order.lines)
            if self._ended_at is not None and order.created_at > self._ended_at:
                add_units(self.sold_later, order.lines)


def add_units(sold: Units, lines: Iterable[Line]) -> None:
    """Add the units of some lines."""
    for line in lines:
        sold[line.sku, line.location] += line.quantity


def units_of(lines: Iterable[Line]) -> Units:
    """Return the units of some lines."""
    units: Units = Counter()
    add_units(units, lines)
    return units
