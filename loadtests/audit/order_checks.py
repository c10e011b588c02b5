"""What the audit compares with the shop's orders: each attempt's, and those that no attempt made.

Pure: no I/O.
"""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from loadtests.audit.attempts import ACCEPTED, REFUSED, UNKNOWN, Attempts, places
from loadtests.audit.carts import Bools, Ints
from loadtests.audit.evidence import Compared, Evidence, key_of, orders_of, other_words, pending_ages, strange_orders
from loadtests.audit.found import Found
from loadtests.audit.run_orders import KEPT, RunOrders
from slo.formatting import seconds


def order_exists(evidence: Evidence) -> Compared:
    """Find orders that were acknowledged, and aren't in the shop or came to nothing there."""
    attempts, orders, broken = evidence.attempts, orders_of(evidence), Found()
    named = attempts.acknowledged
    there = places(attempts.acknowledged_ids, orders.order_id)
    is_kept = orders.has(*KEPT, "pending") | orders.is_strange
    lost = np.flatnonzero((there < 0) | ~is_kept[there]) if len(orders) else np.arange(len(named))

    def told(number: int) -> tuple[str, str | None, str | None]:
        attempt, order_id = int(named[number]), str(attempts.order_id[int(named[number])].as_py())
        how = "not in the shop" if there[number] < 0 else orders.status_of(int(there[number]))
        return f"order {order_id} was acknowledged and is {how}", str(attempts.key[attempt].as_py()), order_id

    broken.add_all(lost, told)
    mistaken = other_words(evidence)
    by_key_only = np.unique(orders.by_key[~orders.is_acknowledged & (orders.by_key >= 0)])
    lost_ids = int(np.count_nonzero(attempts.purchase_outcome[by_key_only] == ACCEPTED))
    if lost_ids and not orders.is_acknowledged.any():
        mistaken = (
            f"the keys of {lost_ids} acknowledged orders are in the shop, and none of their ids:"
            " order_id must be what the storefront gave to accepted()"
        )
    doubt = _of_another_run(orders) or strange_orders(evidence)
    return Compared(checked=len(named), broken=broken, doubt=doubt, mistaken=mistaken)


def _of_another_run(orders: RunOrders) -> str | None:
    """Return which acknowledged orders say that another run placed them, None where none does."""
    if not orders.of_another:
        return None
    order, run = next(iter(orders.of_another.items()))
    return (
        f"{len(orders.of_another)} orders were acknowledged in this run and their rows name another, such as {order},"
        f" which names {run}: either the number was given twice, or the shop mixes up what it is told"
    )


def order_once(evidence: Evidence) -> Compared:
    """Find attempts that made two orders, orders of two attempts, and orders that no attempt made."""
    attempts, orders, broken = evidence.attempts, orders_of(evidence), Found()
    _made_again(attempts, orders, broken)
    _shared(attempts, broken)
    _mixed_up(attempts, orders, broken)
    loose = _loose(evidence)
    if not evidence.lacking:
        broken.add_all(loose.unexplained, lambda order: _never_attempted(orders, order))
    return Compared(
        checked=int(np.count_nonzero(orders.is_live)),
        broken=broken,
        doubt=_why_once_is_open(evidence, len(loose.explained)) or strange_orders(evidence),
        mistaken=other_words(evidence),
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
    attempts, orders = evidence.attempts, orders_of(evidence)
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
    attempts, orders = evidence.attempts, orders_of(evidence)
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


def order_as_promised(evidence: Evidence) -> Compared:
    """Find orders of other units, or at another total, than were ordered."""
    attempts, orders, broken = evidence.attempts, orders_of(evidence), Found()
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
        return f"order {orders.id_of(order)} {how}", key_of(evidence, order), orders.id_of(order)

    broken.add_all(np.flatnonzero(other_units | other_total | other_word), told)
    return Compared(checked=len(known), broken=broken, doubt=strange_orders(evidence), mistaken=other_words(evidence))


def refused_not_ordered(evidence: Evidence) -> Compared:
    """Compare what was refused to its shopper with the shop's orders: none is to be there, nor reserved for long.

    Where an order may stay pending, none is to be reserved at all.
    """
    attempts, orders, broken = evidence.attempts, orders_of(evidence), Found()
    too_long, _ = pending_ages(evidence)
    stays = orders.has(*KEPT) | (orders.has("pending") if evidence.pending_ns is None else too_long)
    is_refused = np.zeros(len(orders), np.bool_)
    tied = np.flatnonzero(orders.purchase >= 0)
    is_refused[tied] = attempts.purchase_outcome[orders.purchase[tied]] == REFUSED
    is_refused[_loose(evidence).refused] = True

    def told(order: int) -> tuple[str, str | None, str | None]:
        detail = f"order {orders.id_of(order)} was refused to its shopper and is {orders.status_of(order)} in the shop"
        return detail, key_of(evidence, order), orders.id_of(order)

    if not evidence.lacking:
        broken.add_all(np.flatnonzero(is_refused & stays), told)
    refused = int(np.count_nonzero(attempts.purchase_outcome == REFUSED))
    return Compared(
        checked=len(orders) + refused,
        broken=broken,
        doubt=strange_orders(evidence),
        mistaken=other_words(evidence),
    )


def order_settled(evidence: Evidence) -> Compared:
    """Find orders that have been pending for longer than they may."""
    orders, broken = orders_of(evidence), Found()
    too_long, still = pending_ages(evidence)

    def told(order: int) -> tuple[str, str | None, str | None]:
        for_s = (evidence.orders_read_at - orders.created_at[order]) / 1e9
        detail = f"order {orders.id_of(order)} has been pending for {seconds(for_s)}, and keeps what it holds"
        return detail, key_of(evidence, order), orders.id_of(order)

    broken.add_all(np.flatnonzero(too_long), told)
    count = int(np.count_nonzero(still))
    window = seconds((evidence.pending_ns or 0) / 1e9)
    doubt = f"{count} orders have been pending for under {window}: audit again after that"
    return Compared(
        checked=len(orders),
        broken=broken,
        doubt=doubt if count else strange_orders(evidence),
        mistaken=other_words(evidence),
    )
