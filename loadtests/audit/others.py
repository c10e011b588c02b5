"""The orders of others: what they sold while the run was played, and which payments they explain.

Pure: no I/O. The clock of the shop's database isn't the load generator's: where an order was placed too close to a
moment to tell on which side of it, its units may count or may not.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from loadtests.audit.attempts import ACCEPTED, Attempts, places
from loadtests.audit.carts import Bools, Ints, LevelCodes, Units
from loadtests.audit.run_orders import HOLDS_STOCK, RunOrders, bounded, gathered
from loadtests.audit.shop_records import CLOCKS_APART_NS
from loadtests.audit.status_words import Words

_CANCELLED_NS = 3_600_000_000_000  # how long after it was placed an order may be cancelled
_FAILED = frozenset({"declined", "failed"})
_CAME_BACK = frozenset({"returned", "refunded"})
_SLACK_NS = 1_000_000_000  # of databases that keep whole seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class ClockOffset:
    """By how much the shop's clock is ahead of the load generator's, at least and at most, in ns."""

    least: int = -CLOCKS_APART_NS
    most: int = CLOCKS_APART_NS


@dataclass(frozen=True, slots=True, kw_only=True)
class Stretch:
    """From when to when the orders of others moved the stock (ns, by our clock); `ended_at` is the run's end.

    `pending_ns` is how long an order may be pending before it fails, None where it may stay so.
    """

    stock_read_at: int
    stock_read_again_at: int | None
    ended_at: int | None
    pending_ns: int | None


@dataclass(slots=True)
class OtherOrders:
    """What others bought between both readings of the stock: units that surely went, and those that may have.

    `back` are units of orders that came to nothing, and that may have been put back meanwhile. `later` and
    `maybe_later` are those of after the run's end. `paid_for` are the references that were asked about and are orders;
    `count` says how many orders of others there are, `of_run` how many of the run's own.
    """

    sold: Units = field(default_factory=Units)
    maybe: Units = field(default_factory=Units)
    back: Units = field(default_factory=Units)
    later: Units = field(default_factory=Units)
    maybe_later: Units = field(default_factory=Units)
    paid_for: frozenset[str] = frozenset()
    count: int = 0
    of_run: int = 0


def others_of(
    run: str,
    orders: RunOrders,
    references: pa.Array,
    batches: Iterable[pa.RecordBatch],
    stretch: Stretch,
    offset: ClockOffset,
) -> OtherOrders:
    """Take in everyone's orders; `references` are of payments whose order isn't the run's as it was read before."""
    found = OtherOrders()
    for batch in gathered(batches):
        is_run_s = places(batch.column("order_id"), orders.order_id) >= 0
        found.of_run += int(np.count_nonzero(is_run_s))
        rest = batch.filter(pa.array(~is_run_s))
        found.count += len(rest)
        explained = references.filter(pa.array(places(references, rest.column("order_id")) >= 0))
        found.paid_for |= frozenset(explained.to_pylist())
        _add_units(found, run, rest, orders.codes, stretch, offset)
    return found


def clock_offset(attempts: Attempts, orders: RunOrders) -> ClockOffset:
    """Return how far apart both clocks are: an order is entered between its attempt and the answer."""
    known = np.flatnonzero(orders.is_acknowledged)
    attempt = attempts.last[orders.purchase[known]]
    told = (attempts.sent_at[attempt] > 0) & (attempts.replied_at[attempt] > 0)
    told &= attempts.outcome[attempt] == ACCEPTED
    if not told.any():
        return ClockOffset()
    entered = orders.created_at[known][told]
    least = int(np.max(entered - attempts.replied_at[attempt][told])) - _SLACK_NS
    most = int(np.min(entered - attempts.sent_at[attempt][told])) + _SLACK_NS
    if least > most or most < -CLOCKS_APART_NS or least > CLOCKS_APART_NS:
        return ClockOffset()
    return ClockOffset(least=least, most=most)


def _add_units(
    found: OtherOrders, run: str, rest: pa.RecordBatch, codes: LevelCodes, stretch: Stretch, offset: ClockOffset
) -> None:
    carts = codes.carts(bounded(rest.column("lines"), rest.column("order_id")))
    holds, came_back = _has(rest.column("status"), HOLDS_STOCK), _has(rest.column("status"), _CAME_BACK)
    at = np.asarray(rest.column("created_at").to_numpy(), np.int64)
    surely, maybe = _between(at, stretch, offset)
    is_run_s = pc.fill_null(pc.equal(rest.column("run"), run), fill_value=False).to_numpy(zero_copy_only=False)
    maybe |= surely & is_run_s  # it wasn't there when the run's were read
    surely &= ~is_run_s
    found.sold += codes.units(carts, holds & surely)
    found.maybe += codes.units(carts, (holds & maybe) | (came_back & (surely | maybe)))
    found.back += codes.units(carts, ~surely & _may_come_back(rest.column("status"), at, stretch, offset))
    if stretch.ended_at is not None:
        later, maybe_later = _after(at, stretch.ended_at, offset)
        found.later += codes.units(carts, holds & later & (surely | maybe))
        found.maybe_later += codes.units(carts, holds & maybe_later & (surely | maybe))


def _may_come_back(status: pa.Array, at: Ints, stretch: Stretch, offset: ClockOffset) -> Bools:
    """Return which orders of before may have come to nothing meanwhile: nobody says when they did."""
    is_before = at <= stretch.stock_read_at + offset.most
    began = stretch.stock_read_at + offset.least
    is_recent = np.ones(len(at), np.bool_) if stretch.pending_ns is None else at >= began - stretch.pending_ns
    is_of_late = at >= began - _CANCELLED_NS
    return is_before & ((_has(status, _FAILED) & is_recent) | (_has(status, _CAME_BACK | {"cancelled"}) & is_of_late))


def _has(status: pa.Array, statuses: frozenset[str]) -> Bools:
    encoded = status.dictionary_encode()
    known = Words("orders", {})
    words = [known.ours(word) in statuses for word in encoded.dictionary.to_pylist()]
    chosen: Bools = np.asarray(words, np.bool_)[encoded.indices.to_numpy(zero_copy_only=False)]
    return chosen


def _between(at: Ints, stretch: Stretch, offset: ClockOffset) -> tuple[Bools, Bools]:
    """Return which orders were surely placed between both readings of the stock, and which may have been."""
    surely, maybe = _after(at, stretch.stock_read_at, offset)
    if stretch.stock_read_again_at is None:
        return surely, maybe
    after, maybe_after = _after(at, stretch.stock_read_again_at, offset)
    return surely & ~after & ~maybe_after, (maybe | (surely & maybe_after)) & ~after


def _after(at: Ints, moment: int, offset: ClockOffset) -> tuple[Bools, Bools]:
    """Return which times are surely later than `moment` of our clock (or at it), and which may be."""
    return at > moment + offset.most, (at >= moment + offset.least) & (at <= moment + offset.most)
