"""What the audit compares with the payments: that each order was paid as it should be, and nothing else was.

Pure: no I/O.
"""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from loadtests.audit.carts import Bools
from loadtests.audit.evidence import (
    Compared,
    Evidence,
    is_old,
    is_young,
    key_of,
    orders_of,
    payments_of,
    strange_orders,
    strange_payments,
    under_way,
    unpaid,
)
from loadtests.audit.found import Found


def paid_once(evidence: Evidence) -> Compared:
    """Find accepted orders that weren't paid, and orders that were paid again."""
    orders, payments, broken = orders_of(evidence), payments_of(evidence), Found()
    paid, captured = payments.by_order(payments.pays), payments.by_order(payments.is_captured)
    unheard, waits = unpaid(evidence), unpaid(evidence) & under_way(evidence) & ~is_old(evidence)
    twice = orders.has("accepted", "invoiced", "pending") & (paid > 1)
    twice |= orders.has("returned", "refunded") & (captured > 1)

    def told(order: int) -> tuple[str, str | None, str | None]:
        detail = f"order {orders.id_of(order)} was paid {paid[order]} times"
        return detail, key_of(evidence, order), orders.id_of(order)

    unread = payments.by_order(payments.is_strange) > 0
    broken.add_all(np.flatnonzero((unheard & ~waits & ~unread) | twice), told)
    checked = int(np.count_nonzero(orders.is_live))
    young = int(np.count_nonzero(waits & is_young(evidence)))
    doubt = f"{young} payments are pending: audit again when they are settled"
    return Compared(
        checked=checked,
        broken=broken,
        doubt=doubt if young else strange_payments(evidence),
        mistaken=_other_references(evidence, int(np.count_nonzero(orders.has("accepted")))),
    )


def _other_references(evidence: Evidence, accepted: int) -> str | None:
    """Return that no payment refers to an order by its id, None when one does or there is none of either."""
    payments = payments_of(evidence)
    others = 0 if evidence.others is None else len(evidence.others.paid_for)
    paid = int(np.count_nonzero(payments.pays))
    if payments.is_matched.any() or not paid or not accepted or others:
        return None
    return (
        f"none of {paid} payments refers to one of the run's {accepted} orders:"
        " reference must be the order_id of its order"
    )


def paid_right_amount(evidence: Evidence) -> Compared:
    """Find payments of another amount than their order's total."""
    orders, payments, broken = orders_of(evidence), payments_of(evidence), Found()
    those = np.flatnonzero(payments.pays & payments.is_matched)
    order = payments.order[those]
    wrong = those[payments.amount_cents[those] != orders.total_cents[order]]

    def told(payment: int) -> tuple[str, str | None, str | None]:
        number = int(payments.order[payment])
        cost, paid, order_id = orders.total_cents[number], payments.amount_cents[payment], orders.id_of(number)
        return f"order {order_id} costs {cost}, paid was {paid}", key_of(evidence, number), order_id

    broken.add_all(wrong, told)
    return Compared(checked=len(those), broken=broken, doubt=strange_payments(evidence))


def no_payment_without_order(evidence: Evidence) -> Compared:
    """Find payments that were captured and whose order is none, or came to nothing."""
    payments, orders, broken = payments_of(evidence), orders_of(evidence), Found()
    explained = frozenset[str]() if evidence.others is None else evidence.others.paid_for
    orphans = [one for one in payments.orphans.tolist() if payments.reference_of(one) not in explained]

    def lost(payment: int) -> tuple[str, str | None, str | None]:
        name, reference = payments.id_of(payment), payments.reference_of(payment)
        return f"payment {name} was captured and its order {reference} is not in the shop", None, reference

    def kept(payment: int) -> tuple[str, str | None, str | None]:
        name, order = payments.id_of(payment), int(payments.order[payment])
        status = orders.status_of(order)
        how = "refunded, which its provider doesn't know of" if status == "refunded" else status
        detail = f"payment {name} was captured and its order {orders.id_of(order)} is {how}"
        return detail, None, orders.id_of(order)

    broken.add_all(np.asarray(orphans, np.int64), lost)
    is_dead = ~orders.is_live & ~orders.is_strange
    unread = payments.by_order(payments.is_strange) > 0
    is_dead |= orders.has("refunded") & (payments.by_order(payments.has("refunded")) == 0) & ~unread
    matched = np.flatnonzero(payments.is_captured & payments.is_matched)
    broken.add_all(matched[is_dead[payments.order[matched]]], kept)
    return Compared(
        checked=int(np.count_nonzero(payments.pays & payments.is_matched)) + len(orphans),
        broken=broken,
        doubt=_strange_without_order(evidence, explained, is_dead) or strange_orders(evidence),
        mistaken=_other_references(evidence, int(np.count_nonzero(orders.has("accepted")))),
    )


def _strange_without_order(evidence: Evidence, explained: frozenset[str], is_dead: Bools) -> str | None:
    """Return which payments have a status that means nothing, and an order that came to nothing or isn't known."""
    payments = payments_of(evidence)
    theirs = pc.is_in(payments.reference, value_set=pa.array(sorted(explained), pa.string()))
    is_open = ~payments.is_matched & ~np.asarray(theirs.to_numpy(zero_copy_only=False))
    is_open[payments.is_matched] = is_dead[payments.order[payments.is_matched]]
    return payments.strange(is_open).told("payments")
