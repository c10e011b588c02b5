"""What the audit compares, promise by promise: the ledger against the orders, the payments and the stock.

Pure: no I/O. A comparison finds what is broken, and says where it can't find anything.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from loadtests.audit.shop_records import Levels
from loadtests.audit.tallies import Found, LedgerIndex, OrderTally, OtherOrders, PaymentTally, Units


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What the audit compares; None where a source isn't declared or couldn't be read (`sources` has the reason).

    `others` are the orders of others, once they were asked for, and `others_unread` is why they couldn't be read.
    `lacking` names the workers whose ledger may have more rows than are in `ledger`; `buys` is whether anybody was to
    buy in the run.
    """

    run: str
    ledger: LedgerIndex
    orders: OrderTally | None
    payments: PaymentTally | None
    stock_before: Levels | None
    stock_after: Levels | None
    sources: Mapping[str, str]
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


def _orders(evidence: Evidence) -> OrderTally:
    assert evidence.orders is not None  # noqa: S101 - what reads them needs the source
    return evidence.orders


def _other_words(evidence: Evidence) -> str | None:
    """Return that the shop's orders and the ledger have no id and no key in common, None when they have."""
    orders, accepted = _orders(evidence), evidence.ledger.outcomes["accepted"]
    read = len(orders) + orders.unnamed
    if orders.matched or not accepted or not read:
        return None
    return (
        f"none of the shop's {read} orders of the run has an id or a key of the ledger:"
        " order_id must be what the storefront gave to accepted(), key the key of its order"
    )


def _order_exists(evidence: Evidence) -> Compared:
    orders, ledger, broken = _orders(evidence), evidence.ledger, Found()
    for attempt, is_there in zip(ledger.attempts, orders.is_there, strict=True):
        if attempt.outcome == "accepted" and not is_there:
            detail = f"order {attempt.order_id} was acknowledged and is not in the shop"
            broken.add(detail, attempt.key, attempt.order_id)
    mistaken = _other_words(evidence)
    if orders.with_other_id and not orders.compared:
        mistaken = (
            f"the keys of {orders.with_other_id} acknowledged orders are in the shop, and none of their ids:"
            " order_id must be what the storefront gave to accepted()"
        )
    return Compared(checked=ledger.outcomes["accepted"], broken=broken, mistaken=mistaken)


def _order_once(evidence: Evidence) -> Compared:
    orders, ledger, broken = _orders(evidence), evidence.ledger, Found()
    for attempt, ids in orders.made_again.items():
        broken.add(f"one attempt made {len(ids)} orders: {', '.join(ids[:5])}", ledger.attempts[attempt].key, ids[0])
    keys_differ = orders.with_other_key > 0 and not orders.with_our_key
    owners = orders.attempts_without_order()
    loose = [orders.without_key] if orders.without_key.count > owners else []
    if keys_differ and orders.never_attempted.count + orders.without_key.count > owners:
        loose = [orders.never_attempted, orders.without_key]
    elif not keys_differ:
        loose.append(orders.never_attempted)
    for found in () if evidence.lacking else loose:
        broken.count += found.count
        broken.examples += found.examples
    return Compared(
        checked=orders.held, broken=broken, doubt=_why_once_is_open(evidence), mistaken=_other_words(evidence)
    )


def _why_once_is_open(evidence: Evidence) -> str | None:
    orders, twice = _orders(evidence), evidence.ledger.used_twice
    without = orders.without_key.count + (0 if orders.with_our_key else orders.never_attempted.count)
    if twice:
        return (
            f"the key {twice[0]} stands for two attempts of the ledger"
            + (f", and {len(twice) - 1} more do" if len(twice) > 1 else "")
            + ": give each order a key of its own, or none"
        )
    if orders.unnamed:
        return (
            f"{orders.unnamed} orders say nothing of a run and are in no row of the ledger:"
            " give each row its `run`, null for a customer's"
        )
    if without:
        return f"{without} orders of the run have no key of the ledger: whether an attempt made two can't be told"
    return None


def _order_as_promised(evidence: Evidence) -> Compared:
    orders = _orders(evidence)
    return Compared(checked=orders.compared, broken=orders.differs, mistaken=_other_words(evidence))


def _paid_once(evidence: Evidence) -> Compared:
    orders, broken, checked = _orders(evidence), Found(), 0
    for order_id, number, times in orders.accepted():
        checked += 1
        if times != 1:
            broken.add(f"order {order_id} was paid {times} times", orders.key_of(number), order_id)
    return Compared(checked=checked, broken=broken, mistaken=_other_references(evidence, checked))


def _payments(evidence: Evidence) -> PaymentTally:
    assert evidence.payments is not None  # noqa: S101 - what reads them needs the source
    return evidence.payments


def _other_references(evidence: Evidence, accepted: int) -> str | None:
    """Return that no payment refers to an order by its id, None when one does or there is none of either."""
    payments = _payments(evidence)
    others = 0 if evidence.others is None else len(evidence.others.paid_for)
    if payments.matched or not payments.paid or not accepted or others:
        return None
    return (
        f"none of {payments.paid} payments refers to one of the run's {accepted} orders:"
        " reference must be the order_id of its order"
    )


def _paid_right_amount(evidence: Evidence) -> Compared:
    payments = _payments(evidence)
    return Compared(checked=payments.matched, broken=payments.wrong_amount)


def _no_payment_without_order(evidence: Evidence) -> Compared:
    payments, orders, broken = _payments(evidence), _orders(evidence), Found()
    explained: set[str] = set() if evidence.others is None else evidence.others.paid_for
    for reference, ids in payments.orphans.items():
        for payment in ids if reference not in explained else ():
            detail = f"payment {payment} was captured and its order {reference} is not in the shop"
            broken.add(detail, None, reference)
    broken.count += payments.for_dead_order.count
    broken.examples += payments.for_dead_order.examples
    ours = sum(len(ids) for reference, ids in payments.orphans.items() if reference not in explained)
    accepted = sum(1 for _ in orders.accepted())
    return Compared(checked=payments.matched + ours, broken=broken, mistaken=_other_references(evidence, accepted))


def _stock_moved(evidence: Evidence) -> Compared:
    before, after, broken = evidence.stock_before or {}, evidence.stock_after or {}, Found()
    sold = _orders(evidence).sold + (Units() if evidence.others is None else evidence.others.sold)
    levels = before.keys() | after.keys()
    for sku, location in sorted(levels | sold.keys()):
        moved = before.get((sku, location), 0) - after.get((sku, location), 0)
        if moved != sold[sku, location]:
            broken.add(f"{location}: {sku} went down by {moved}, {sold[sku, location]} were sold")
    return Compared(checked=len(levels), broken=broken, doubt=_no_level(after), mistaken=_other_skus(levels, sold))


def _no_level(after: Levels) -> str | None:
    return None if after else "the shop named no level of its stock"


def _other_skus(levels: set[tuple[str, str]], sold: Units) -> str | None:
    """Return that nothing of what was sold is in the stock, None when something is."""
    if not levels or not sold or levels & sold.keys():
        return None
    (sku, location), (other_sku, other_location) = min(sold), min(levels)
    return (
        f"nothing of what was sold is in the stock: orders say {sku} at {location}, the stock"
        f" {other_sku} at {other_location}; both must use the same words"
    )


def _stock_not_negative(evidence: Evidence) -> Compared:
    """Compare the levels at the end of the run: what others sold since is given back, what it began with isn't its."""
    before, after, broken = evidence.stock_before or {}, evidence.stock_after or {}, Found()
    later = Units() if evidence.others is None else evidence.others.sold_later
    sold = evidence.ledger.units() if evidence.orders is None else evidence.orders.sold
    for level, left in sorted(after.items()):
        was_so = before.get(level, 0) < 0 and not sold[level]
        if left + later[level] < 0 and not was_so:
            broken.add(f"{level[1]}: {left + later[level]} of {level[0]} are left")
    return Compared(checked=len(after), broken=broken, doubt=_no_level(after))


COMPARISONS: tuple[tuple[str, tuple[str, ...], Callable[[Evidence], Compared]], ...] = (
    ("order-exists", ("orders",), _order_exists),
    ("order-once", ("orders",), _order_once),
    ("order-as-promised", ("orders",), _order_as_promised),
    ("paid-once", ("orders", "payments"), _paid_once),
    ("paid-right-amount", ("orders", "payments"), _paid_right_amount),
    ("no-payment-without-order", ("orders", "payments"), _no_payment_without_order),
    ("stock-moved-by-what-was-sold", ("orders", "stock"), _stock_moved),
    ("stock-not-negative", ("stock",), _stock_not_negative),
)
