"""What the audit compares, and what a comparison says of it.

Pure: no I/O.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from loadtests.audit.attempts import ACCEPTED, Attempts
from loadtests.audit.carts import Bools, Ints
from loadtests.audit.found import Found
from loadtests.audit.others import OtherOrders, clock_offset
from loadtests.audit.run_orders import RunOrders
from loadtests.audit.run_payments import RunPayments
from loadtests.audit.shop_records import Levels

PENDING_NS: Final = 300_000_000_000
"""How long an order may be pending where its shop doesn't say: until then its payment may be under way."""
LATE_NS: Final = 600_000_000_000
"""How long after the run's end a stock still says what the run did: later, deliveries and corrections may have come."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What the audit compares; None where a source isn't declared or couldn't be read (`sources` has the reason).

    `others` are the orders of others, once they were asked for, and `others_unread` is why they couldn't be read.
    `lacking` names the workers whose ledger may have more rows than are in `attempts`; `buys` is whether anybody was to
    buy in the run. Times are ns: the run ended at `ended_at`, its orders were read at `orders_read_at`, and one may be
    pending for `pending_ns`, None where it may stay so.
    """

    run: str
    attempts: Attempts
    orders: RunOrders | None
    payments: RunPayments | None
    stock_before: Levels | None
    stock_after: Levels | None
    sources: Mapping[str, str]
    orders_read_at: int
    stock_read_at: int | None = None
    ended_at: int | None = None
    pending_ns: int | None = PENDING_NS
    others: OtherOrders | None = None
    others_unread: str | None = None
    lacking: Sequence[str] = ()
    buys: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """What a comparison found: on how much, what is broken, and why it says nothing.

    `doubt` stands where nothing is broken, `mistaken` even then: the two sides speak of different things.
    """

    checked: int
    broken: Found = field(default_factory=Found)
    doubt: str | None = None
    mistaken: str | None = None


def orders_of(evidence: Evidence) -> RunOrders:
    """Return the orders of the run, which were read."""
    assert evidence.orders is not None  # noqa: S101 - what reads them needs the source
    return evidence.orders


def payments_of(evidence: Evidence) -> RunPayments:
    """Return the payments, which were read."""
    assert evidence.payments is not None  # noqa: S101 - what reads them needs the source
    return evidence.payments


def key_of(evidence: Evidence, order: int) -> str | None:
    """Return the key of the purchase that an order came of."""
    purchase = orders_of(evidence).purchase[order]
    return None if purchase < 0 else str(evidence.attempts.purchase_keys[int(purchase)].as_py())


def strange_orders(evidence: Evidence) -> str | None:
    """Return which orders of the run have a status that means nothing, None where none has."""
    return orders_of(evidence).strange.told("orders")


def strange_payments(evidence: Evidence) -> str | None:
    """Return which of the run's payments, or of its orders, have a status that means nothing, None where none has."""
    payments = payments_of(evidence)
    return payments.strange(payments.is_matched).told("payments") or strange_orders(evidence)


def other_words(evidence: Evidence) -> str | None:
    """Return that the shop's orders and the ledger have no id and no key in common, None when they have."""
    orders, accepted = orders_of(evidence), evidence.attempts.count(ACCEPTED)
    read = len(orders) + orders.unnamed
    if (orders.purchase >= 0).any() or not accepted or not read:
        return None
    return (
        f"none of the shop's {read} orders of the run has an id or a key of the ledger:"
        " order_id must be what the storefront gave to accepted(), key the key of its order"
    )


def pending_ages(evidence: Evidence) -> tuple[Bools, Bools]:
    """Return which orders have been pending for longer than they may, and which for less: none where they may stay."""
    pending, old, young = orders_of(evidence).has("pending"), is_old(evidence), is_young(evidence)
    return pending & old, pending & young


def is_old(evidence: Evidence) -> Bools:
    """Return which orders were surely placed longer ago than one may be pending, however far apart both clocks are."""
    return np.asarray(evidence.orders_read_at > _settles_at(evidence))


def is_young(evidence: Evidence) -> Bools:
    """Return which orders may still become what they will be: none where one may stay pending."""
    return ~is_old(evidence) if evidence.pending_ns is not None else np.zeros(len(orders_of(evidence)), np.bool_)


def _settles_at(evidence: Evidence) -> Ints:
    """Return by when each order is surely placed longer ago than one may be pending (ns, of our clock)."""
    orders = orders_of(evidence)
    if evidence.pending_ns is None:
        return np.full(len(orders), np.iinfo(np.int64).max)
    settles_at: Ints = orders.created_at - clock_offset(evidence.attempts, orders).least + evidence.pending_ns
    return settles_at


def unpaid(evidence: Evidence) -> Bools:
    """Return which orders are accepted, cost something, and have no payment that took or keeps the money."""
    orders, payments = orders_of(evidence), payments_of(evidence)
    return np.asarray(orders.has("accepted") & (payments.by_order(payments.pays) == 0) & (orders.total_cents != 0))


def under_way(evidence: Evidence) -> Bools:
    """Return which orders have a payment that is under way."""
    payments = payments_of(evidence)
    return np.asarray(payments.by_order(payments.has("pending")) > 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Unsettled:
    """How many orders are pending, or paid for by a payment under way, and by when each was for too long (ns)."""

    count: int
    until: int


def unsettled(evidence: Evidence) -> Unsettled | None:
    """Return what may still become settled in time, None when nothing may."""
    if evidence.orders is None:
        return None
    waits = evidence.orders.has("pending")
    if evidence.payments is not None:
        waits |= unpaid(evidence) & under_way(evidence)
    waits = waits & is_young(evidence)
    if not waits.any():
        return None
    return Unsettled(count=int(np.count_nonzero(waits)), until=int(_settles_at(evidence)[waits].max()))
