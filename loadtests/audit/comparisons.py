"""What the audit compares, promise by promise: the ledger against the orders, the payments and the stock.

Pure: no I/O. A comparison finds what is broken, and says where it can't find anything.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from loadtests.audit.attempts import ACCEPTED, REFUSED, UNKNOWN, Attempts, places
from loadtests.audit.carts import Bools, Ints, Units
from loadtests.audit.found import Found
from loadtests.audit.others import OtherOrders, clock_offset
from loadtests.audit.run_orders import KEPT, RunOrders
from loadtests.audit.run_payments import RunPayments
from loadtests.audit.shop_records import Levels

PENDING_NS: Final = 300_000_000_000
"""How long an order may be pending before that is a broken promise: until then its payment may be under way."""
LATE_NS: Final = 600_000_000_000
"""How long after the run's end a stock still says what the run did: later, deliveries and corrections may have come."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What the audit compares; None where a source isn't declared or couldn't be read (`sources` has the reason).

    `others` are the orders of others, once they were asked for, and `others_unread` is why they couldn't be read.
    `lacking` names the workers whose ledger may have more rows than are in `attempts`; `buys` is whether anybody was to
    buy in the run. Times are ns: the run ended at `ended_at`, its orders were read at `orders_read_at`.
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


def _orders(evidence: Evidence) -> RunOrders:
    assert evidence.orders is not None  # noqa: S101 - what reads them needs the source
    return evidence.orders


def _payments(evidence: Evidence) -> RunPayments:
    assert evidence.payments is not None  # noqa: S101 - what reads them needs the source
    return evidence.payments


def _key(evidence: Evidence, order: int) -> str | None:
    """Return the key of the purchase that an order came of."""
    purchase = _orders(evidence).purchase[order]
    return None if purchase < 0 else str(evidence.attempts.purchase_keys[int(purchase)].as_py())


def _other_words(evidence: Evidence) -> str | None:
    """Return that the shop's orders and the ledger have no id and no key in common, None when they have."""
    orders, accepted = _orders(evidence), evidence.attempts.count(ACCEPTED)
    read = len(orders) + orders.unnamed
    if (orders.purchase >= 0).any() or not accepted or not read:
        return None
    return (
        f"none of the shop's {read} orders of the run has an id or a key of the ledger:"
        " order_id must be what the storefront gave to accepted(), key the key of its order"
    )


def _ages(evidence: Evidence) -> tuple[Bools, Bools]:
    """Return which orders have been pending for longer than they may, and which for less."""
    pending, is_old = _orders(evidence).has("pending"), _is_old(evidence)
    return pending & is_old, pending & ~is_old


def _is_old(evidence: Evidence) -> Bools:
    """Return which orders were surely placed longer ago than one may be pending, however far apart both clocks are."""
    orders = _orders(evidence)
    ahead_ns = clock_offset(evidence.attempts, orders).least
    return np.asarray(evidence.orders_read_at - orders.created_at + ahead_ns > PENDING_NS)


# -- orders ------------------------------------------------------------------------------------------------------


def _order_exists(evidence: Evidence) -> Compared:
    attempts, orders, broken = evidence.attempts, _orders(evidence), Found()
    named = attempts.acknowledged
    there = places(attempts.acknowledged_ids, orders.order_id)
    is_kept = orders.has(*KEPT, "pending")
    lost = np.flatnonzero((there < 0) | ~is_kept[there]) if len(orders) else np.arange(len(named))

    def told(number: int) -> tuple[str, str | None, str | None]:
        attempt, order_id = int(named[number]), str(attempts.order_id[int(named[number])].as_py())
        how = "not in the shop" if there[number] < 0 else orders.status_of(int(there[number]))
        return f"order {order_id} was acknowledged and is {how}", str(attempts.key[attempt].as_py()), order_id

    broken.add_all(lost, told)
    mistaken = _other_words(evidence)
    by_key_only = np.unique(orders.by_key[~orders.is_acknowledged & (orders.by_key >= 0)])
    lost_ids = int(np.count_nonzero(attempts.purchase_outcome[by_key_only] == ACCEPTED))
    if lost_ids and not orders.is_acknowledged.any():
        mistaken = (
            f"the keys of {lost_ids} acknowledged orders are in the shop, and none of their ids:"
            " order_id must be what the storefront gave to accepted()"
        )
    return Compared(checked=len(named), broken=broken, mistaken=mistaken)


def _order_once(evidence: Evidence) -> Compared:
    attempts, orders, broken = evidence.attempts, _orders(evidence), Found()
    _made_again(attempts, orders, broken)
    _shared(attempts, broken)
    _mixed_up(attempts, orders, broken)
    loose = _loose(evidence)
    if not evidence.lacking:
        broken.add_all(loose.unexplained, lambda order: _never_attempted(orders, order))
    return Compared(
        checked=int(np.count_nonzero(orders.is_live)),
        broken=broken,
        doubt=_why_once_is_open(evidence, len(loose.explained)),
        mistaken=_other_words(evidence),
    )


def _made_again(attempts: Attempts, orders: RunOrders, broken: Found) -> None:
    those = np.flatnonzero(orders.is_live & (orders.purchase >= 0))
    those = those[~attempts.is_ambiguous[orders.purchase[those]]]
    times = np.bincount(orders.purchase[those], minlength=len(attempts.purchase_keys))

    def told(purchase: int) -> tuple[str, str | None, str | None]:
        ids = [orders.id_of(int(order)) for order in those[orders.purchase[those] == purchase][:5]]
        detail = f"one attempt made {times[purchase]} orders: {', '.join(ids)}"
        return detail, str(attempts.purchase_keys[purchase].as_py()), ids[0]

    broken.add_all(np.flatnonzero(times > 1), told)


def _shared(attempts: Attempts, broken: Found) -> None:
    def told(attempt: int) -> tuple[str, str | None, str | None]:
        order_id, key = str(attempts.order_id[attempt].as_py()), str(attempts.key[attempt].as_py())
        return f"order {order_id} was acknowledged to two attempts, one of them {key}", key, order_id

    broken.add_all(attempts.sharing, told)


def _mixed_up(attempts: Attempts, orders: RunOrders, broken: Found) -> None:
    """Find orders whose number one attempt was told and that another made, which was told another number."""
    those = np.flatnonzero(orders.is_acknowledged & (orders.by_key >= 0) & (orders.by_key != orders.purchase))
    those = those[attempts.purchase_outcome[orders.by_key[those]] == ACCEPTED]
    told_it = attempts.order_id.take(pa.array(attempts.last[orders.by_key[those]]))
    is_other = pc.fill_null(pc.not_equal(told_it, orders.order_id.take(pa.array(those))), fill_value=False)

    def told(order: int) -> tuple[str, str | None, str | None]:
        key, order_id = str(attempts.purchase_keys[int(orders.purchase[order])].as_py()), orders.id_of(order)
        return f"order {order_id} was acknowledged to {key} and is that of {orders.key[order].as_py()}", key, order_id

    broken.add_all(those[is_other.to_numpy(zero_copy_only=False)], told)


def _never_attempted(orders: RunOrders, order: int) -> tuple[str, str | None, str | None]:
    order_id = orders.id_of(order)
    return f"order {order_id} of this run was never attempted", orders.key[order].as_py(), order_id


@dataclass(frozen=True, slots=True, kw_only=True)
class _Loose:
    """The live orders of the run that neither id nor key ties to an attempt.

    `explained` are those that an attempt of unknown outcome may have made, by what they hold and cost; `refused` those
    that only a refused attempt asked for; `unexplained` all others.
    """

    explained: Ints
    refused: Ints
    unexplained: Ints


def _loose(evidence: Evidence) -> _Loose:
    attempts, orders = evidence.attempts, _orders(evidence)
    loose = np.flatnonzero(orders.is_live & (orders.purchase < 0))
    knows_our_keys = bool((orders.by_key >= 0).any())
    if knows_our_keys:  # then a key that isn't the ledger's is one that nobody used
        strangers = loose[orders.has_key[loose]]
        loose = loose[~orders.has_key[loose]]
    else:
        strangers = loose[:0]
    has_order = np.zeros(len(attempts.purchase_keys), np.bool_)
    has_order[orders.purchase[orders.purchase >= 0]] = True
    free = ~has_order
    by_unknown, rest = _taken(attempts, orders, loose, free & (attempts.purchase_outcome == UNKNOWN))
    by_refused, rest = _taken(attempts, orders, rest, free & (attempts.purchase_outcome == REFUSED))
    return _Loose(explained=by_unknown, refused=by_refused, unexplained=np.concatenate([rest, strangers]))


def _taken(attempts: Attempts, orders: RunOrders, loose: Ints, free: Bools) -> tuple[Ints, Ints]:
    """Return the loose orders that hold and cost what as many free purchases asked for, and the others."""
    left: dict[tuple[int, int], int] = {}
    for attempt in attempts.last[free].tolist() if len(loose) else ():
        asked = int(attempts.carts.sums[attempt]), int(attempts.cents[attempt])
        left[asked] = left.get(asked, 0) + 1
    took = np.zeros(len(loose), np.bool_)
    for place, order in enumerate(loose.tolist()):
        asked = int(orders.carts.sums[order]), int(orders.total_cents[order])
        if left.get(asked, 0):
            left[asked] -= 1
            took[place] = True
    return loose[took], loose[~took]


def _why_once_is_open(evidence: Evidence, explained: int) -> str | None:
    attempts, orders = evidence.attempts, _orders(evidence)
    twice = np.flatnonzero(attempts.is_ambiguous)
    if len(twice):
        key = str(attempts.purchase_keys[int(twice[0])].as_py())
        return (
            f"the key {key} stands for two attempts of the ledger"
            + (f", and {len(twice) - 1} more do" if len(twice) > 1 else "")
            + ": give each order a key of its own, or none"
        )
    if orders.unnamed:
        return (
            f"{orders.unnamed} orders say nothing of a run and are in no row of the ledger:"
            " give each row its `run`, null for a customer's"
        )
    if explained:
        return f"{explained} orders of the run have no key of the ledger: whether an attempt made two can't be told"
    return None


def _order_as_promised(evidence: Evidence) -> Compared:
    attempts, orders, broken = evidence.attempts, _orders(evidence), Found()
    known = np.flatnonzero(orders.is_live & (orders.purchase >= 0))
    ambiguous = attempts.is_ambiguous[orders.purchase[known]]
    known = known[~ambiguous | orders.is_acknowledged[known]]
    attempt = attempts.last[orders.purchase[known]]
    other_units = orders.carts.sums[known] != attempts.carts.sums[attempt]
    other_total = orders.total_cents[known] != attempts.cents[attempt]
    asked = attempts.asked_cents[attempt]  # 0 where the storefront didn't know it
    other_word = (asked != 0) & (attempts.cents[attempt] != asked)

    def told(place: int) -> tuple[str, str | None, str | None]:
        order, one = int(known[place]), int(attempt[place])
        if other_units[place]:
            how = "holds other things than were ordered"
        elif other_total[place]:
            how = f"costs {orders.total_cents[order]}, promised was {attempts.cents[one]}"
        else:
            how = f"was acknowledged at {attempts.cents[one]}, the shopper was to pay {attempts.asked_cents[one]}"
        return f"order {orders.id_of(order)} {how}", _key(evidence, order), orders.id_of(order)

    broken.add_all(np.flatnonzero(other_units | other_total | other_word), told)
    return Compared(checked=len(known), broken=broken, mistaken=_other_words(evidence))


def _refused_not_ordered(evidence: Evidence) -> Compared:
    """Compare what was refused to its shopper with the shop's orders: none is to be there, nor reserved for long."""
    attempts, orders, broken = evidence.attempts, _orders(evidence), Found()
    too_long, _ = _ages(evidence)
    stays = orders.has(*KEPT) | too_long
    is_refused = np.zeros(len(orders), np.bool_)
    tied = np.flatnonzero(orders.purchase >= 0)
    is_refused[tied] = attempts.purchase_outcome[orders.purchase[tied]] == REFUSED
    is_refused[_loose(evidence).refused] = True

    def told(order: int) -> tuple[str, str | None, str | None]:
        detail = f"order {orders.id_of(order)} was refused to its shopper and is {orders.status_of(order)} in the shop"
        return detail, _key(evidence, order), orders.id_of(order)

    if not evidence.lacking:
        broken.add_all(np.flatnonzero(is_refused & stays), told)
    refused = int(np.count_nonzero(attempts.purchase_outcome == REFUSED))
    return Compared(checked=len(orders) + refused, broken=broken, mistaken=_other_words(evidence))


def _order_settled(evidence: Evidence) -> Compared:
    orders, broken = _orders(evidence), Found()
    too_long, still = _ages(evidence)

    def told(order: int) -> tuple[str, str | None, str | None]:
        for_s = (evidence.orders_read_at - orders.created_at[order]) / 1e9
        detail = f"order {orders.id_of(order)} has been pending for {for_s / 60:.0f} min, and keeps what it holds"
        return detail, _key(evidence, order), orders.id_of(order)

    broken.add_all(np.flatnonzero(too_long), told)
    count = int(np.count_nonzero(still))
    doubt = f"{count} orders have been pending for under {PENDING_NS // 60_000_000_000} min: audit again after that"
    return Compared(checked=len(orders), broken=broken, doubt=doubt if count else None, mistaken=_other_words(evidence))


# -- payments ----------------------------------------------------------------------------------------------------


def _paid_once(evidence: Evidence) -> Compared:
    orders, payments, broken = _orders(evidence), _payments(evidence), Found()
    paid, captured = payments.by_order(payments.pays), payments.by_order(payments.is_captured)
    under_way = payments.by_order(payments.has("pending")) > 0
    accepted = orders.has("accepted")
    unpaid = accepted & (paid == 0) & (orders.total_cents != 0)
    waits = unpaid & under_way & ~_is_old(evidence)
    twice = (accepted | orders.has("pending")) & (paid > 1)
    twice |= orders.has("returned", "refunded") & (captured > 1)

    def told(order: int) -> tuple[str, str | None, str | None]:
        detail = f"order {orders.id_of(order)} was paid {paid[order]} times"
        return detail, _key(evidence, order), orders.id_of(order)

    broken.add_all(np.flatnonzero((unpaid & ~waits) | twice), told)
    checked = int(np.count_nonzero(orders.is_live))
    doubt = f"{np.count_nonzero(waits)} payments are pending: audit again when they are settled"
    return Compared(
        checked=checked,
        broken=broken,
        doubt=doubt if waits.any() else None,
        mistaken=_other_references(evidence, int(np.count_nonzero(accepted))),
    )


def _other_references(evidence: Evidence, accepted: int) -> str | None:
    """Return that no payment refers to an order by its id, None when one does or there is none of either."""
    payments = _payments(evidence)
    others = 0 if evidence.others is None else len(evidence.others.paid_for)
    paid = int(np.count_nonzero(payments.pays))
    if payments.is_matched.any() or not paid or not accepted or others:
        return None
    return (
        f"none of {paid} payments refers to one of the run's {accepted} orders:"
        " reference must be the order_id of its order"
    )


def _paid_right_amount(evidence: Evidence) -> Compared:
    orders, payments, broken = _orders(evidence), _payments(evidence), Found()
    those = np.flatnonzero(payments.pays & payments.is_matched)
    order = payments.order[those]
    wrong = those[payments.amount_cents[those] != orders.total_cents[order]]

    def told(payment: int) -> tuple[str, str | None, str | None]:
        number = int(payments.order[payment])
        cost, paid, order_id = orders.total_cents[number], payments.amount_cents[payment], orders.id_of(number)
        return f"order {order_id} costs {cost}, paid was {paid}", _key(evidence, number), order_id

    broken.add_all(wrong, told)
    return Compared(checked=len(those), broken=broken)


def _no_payment_without_order(evidence: Evidence) -> Compared:
    payments, orders, broken = _payments(evidence), _orders(evidence), Found()
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
    is_dead = ~orders.is_live
    is_dead |= orders.has("refunded") & (payments.by_order(payments.has("refunded")) == 0)
    matched = np.flatnonzero(payments.is_captured & payments.is_matched)
    broken.add_all(matched[is_dead[payments.order[matched]]], kept)
    return Compared(
        checked=int(np.count_nonzero(payments.pays & payments.is_matched)) + len(orphans),
        broken=broken,
        mistaken=_other_references(evidence, int(np.count_nonzero(orders.has("accepted")))),
    )


# -- stock -------------------------------------------------------------------------------------------------------


def _stock_moved(evidence: Evidence) -> Compared:
    before, after, broken = evidence.stock_before or {}, evidence.stock_after or {}, Found()
    orders, others = _orders(evidence), evidence.others or OtherOrders()
    sold = orders.sold + others.sold
    levels = before.keys() | after.keys()
    went = {level: before.get(level, 0) - after.get(level, 0) for level in sorted(levels | sold.keys())}
    # A shop puts back what it repaid, or it doesn't: which one is seen where all levels agree on it.
    likely = min((sold, sold + orders.maybe_back), key=lambda units: sum(went[one] != units[one] for one in went))
    doubts: list[str] = []
    for level, down in went.items():
        sku, location = level
        least, most = sold[level] - others.back[level], sold[level] + orders.maybe_back[level] + others.maybe[level]
        detail = f"{location}: {sku} went down by {down}, {likely[level]} were sold"
        if level in before and level not in after:
            gone = f"{location}: {sku} vanished from the stock, in which there were {before[level]}"
            if before[level] == likely[level]:
                doubts.append(f"{gone}, all of them sold: let the records name what is sold out, too")
            else:
                broken.add(gone)
        elif level not in before and down != likely[level]:
            doubts.append(f"{location}: {sku} wasn't in the stock before the run, and {likely[level]} were sold")
        elif not least <= down <= most:
            broken.add(detail)
        elif down != likely[level]:
            doubts.append(f"{detail}; orders that were repaid or are of others may explain that: when isn't known")
    return Compared(
        checked=len(levels),
        broken=broken,
        doubt=_no_level(after) or _first_of(doubts),
        mistaken=_other_skus(levels, sold) or (_read_late(evidence, broken) if broken.count else None),
    )


def _first_of(doubts: Sequence[str]) -> str | None:
    return doubts[0] + (f" (and {len(doubts) - 1} more)" if len(doubts) > 1 else "") if doubts else None


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


def _read_late(evidence: Evidence, broken: Found) -> str | None:
    """Return that what looks broken in the stock may have come after the run, None when it was read in time."""
    if evidence.stock_read_at is None or evidence.ended_at is None:
        return None
    late_s = (evidence.stock_read_at - evidence.ended_at) / 1e9
    if late_s * 1e9 <= LATE_NS:
        return None
    return (
        f"{broken.examples[0].detail}; the stock was read {late_s / 60:.0f} min after the run's end, and what else"
        " moved it since isn't known: audit within 10 min"
    )


def _stock_not_negative(evidence: Evidence) -> Compared:
    """Compare the levels at the end of the run: what others sold since is given back, what it began with isn't its."""
    before, after, broken = evidence.stock_before or {}, evidence.stock_after or {}, Found()
    others = evidence.others or OtherOrders()
    later = others.later + others.maybe_later
    sold = evidence.attempts.units() if evidence.orders is None else evidence.orders.sold
    for level, left in sorted(after.items()):
        was_so = before.get(level, 0) < 0 and not sold[level]
        if left + later[level] < 0 and not was_so:
            broken.add(f"{level[1]}: {left + later[level]} of {level[0]} are left")
    gone = sorted(before.keys() - after.keys())
    doubt = f"{gone[0][1]}: {gone[0][0]} vanished from the stock: how much is left isn't known" if gone else None
    return Compared(
        checked=len(after),
        broken=broken,
        doubt=_no_level(after) or doubt,
        mistaken=_read_late(evidence, broken) if broken.count else None,
    )


COMPARISONS: tuple[tuple[str, tuple[str, ...], Callable[[Evidence], Compared]], ...] = (
    ("order-exists", ("orders",), _order_exists),
    ("order-once", ("orders",), _order_once),
    ("order-as-promised", ("orders",), _order_as_promised),
    ("refused-not-ordered", ("orders",), _refused_not_ordered),
    ("order-settled", ("orders",), _order_settled),
    ("paid-once", ("orders", "payments"), _paid_once),
    ("paid-right-amount", ("orders", "payments"), _paid_right_amount),
    ("no-payment-without-order", ("orders", "payments"), _no_payment_without_order),
    ("stock-moved-by-what-was-sold", ("orders", "stock"), _stock_moved),
    ("stock-not-negative", ("stock",), _stock_not_negative),
)
