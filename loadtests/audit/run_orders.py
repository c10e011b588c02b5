"""The orders of a run among those of the shop, each with the purchase that it came of.

Pure: no I/O. An order is the run's when it says so, or when its id was acknowledged; one that names no run also when
its key is in the ledger. Of anyone else's nothing is kept but how many there were.
"""

import itertools
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property, reduce
from operator import or_
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from loadtests.audit.attempts import NONE, Attempts, places
from loadtests.audit.batches import ORDERS, RecordsContradictError
from loadtests.audit.carts import Bools, Carts, Ints, LevelCodes, Units, joined
from loadtests.audit.status_words import KNOWN, UNKNOWN
from loadtests.audit.statuses import STRANGE, Strange, numbered, strange_rows

EMPTY: Final = pa.RecordBatch.from_pylist([], schema=ORDERS)
_AT_ONCE: Final = 500_000
STATUSES: Final = tuple(KNOWN["orders"])
HOLDS_STOCK: Final = frozenset({"accepted", "invoiced", "pending"})
# What an order is that was made as promised: one that came back was, and its stock and its money went back, too.
KEPT: Final = frozenset({"accepted", "invoiced", "returned", "refunded"})
_MOST_UNITS = 1 << 31


@dataclass(frozen=True, kw_only=True)
class RunOrders:
    """The orders of a run, a row each; `order_id` and `key` are columns of text, the rest of numbers.

    `purchase` is the number of the purchase that an order came of, NONE where no attempt is known to have made it;
    `is_acknowledged` says that it is known by its id; `by_key` is the purchase that its key says, NONE for a key that
    isn't the ledger's.
    `left_out` counts the orders of others, `unnamed` those of which nobody knows whose they are. `strange` are the rows
    of a status that means nothing, `of_another` the runs that acknowledged orders name, which aren't this one.
    """

    order_id: pa.Array
    key: pa.Array
    status: NDArray[np.int8]
    created_at: Ints
    total_cents: Ints
    purchase: Ints
    by_key: Ints
    is_acknowledged: Bools
    carts: Carts
    codes: LevelCodes
    left_out: int = 0
    unnamed: int = 0
    strange: Strange = field(default_factory=Strange)
    of_another: Mapping[str, str] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.status)

    def has(self, *statuses: str) -> Bools:
        """Return which orders have one of those statuses."""
        return np.isin(self.status, [STATUSES.index(status) for status in statuses])

    @cached_property
    def is_live(self) -> Bools:
        """Which orders were made, whatever came of them later: they weren't declined, cancelled, and didn't fail."""
        return self.has(*KEPT, "pending")

    @cached_property
    def holds_stock(self) -> Bools:
        """Which orders keep units from others."""
        return self.has(*HOLDS_STOCK)

    @cached_property
    def has_key(self) -> Bools:
        """Which orders have a key of the shop's, whether it is the ledger's or not."""
        return np.asarray(self.key.is_valid().to_numpy(zero_copy_only=False))

    @cached_property
    def sold(self) -> Units:
        """The units that they hold."""
        return self.codes.units(self.carts, self.holds_stock)

    @cached_property
    def maybe_back(self) -> Units:
        """The units of orders that were repaid: a shop may have put them back, or not."""
        return self.codes.units(self.carts, self.has("refunded"))

    @cached_property
    def maybe_sold(self) -> Units:
        """The units of orders of which nobody knows whether they hold them."""
        return self.codes.units(self.carts, self.is_strange)

    @cached_property
    def is_strange(self) -> Bools:
        """Which orders have a status that means nothing."""
        return np.asarray(self.status == STRANGE)

    def id_of(self, number: int) -> str:
        """Return an order's id."""
        return str(self.order_id[number].as_py())

    def status_of(self, number: int) -> str:
        """Return what has become of an order."""
        status: str = UNKNOWN if self.status[number] == STRANGE else STATUSES[int(self.status[number])]
        return status


def orders_of_run(run: str, attempts: Attempts, batches: Iterable[pa.RecordBatch]) -> RunOrders:
    """Return the orders of `run` among `batches` (of `batches.ORDERS`); raises RecordsContradictError."""
    parts = [_part(run, attempts, batch) for batch in gathered(itertools.chain([EMPTY], batches))]
    whole = RunOrders(
        order_id=pa.concat_arrays([part.order_id for part in parts]),
        key=pa.concat_arrays([part.key for part in parts]),
        carts=joined([part.carts for part in parts]),
        codes=attempts.codes,
        left_out=sum(part.left_out for part in parts),
        unnamed=sum(part.unnamed for part in parts),
        strange=reduce(or_, (part.strange for part in parts)),
        of_another={order: run for part in parts for order, run in part.of_another.items()},
        **{
            name: np.concatenate([getattr(part, name) for part in parts])
            for name in ("status", "created_at", "total_cents", "purchase", "by_key", "is_acknowledged")
        },
    )
    if (twice := repeated(whole.order_id)) is not None:
        raise RecordsContradictError(f"order {twice} is there twice: one row an order")
    return whole


def gathered(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """Yield batches joined to large ones: what is looked up in a million ids pays for the table of them each time."""
    held: list[pa.RecordBatch] = []
    rows = 0
    for batch in batches:
        held.append(batch)
        rows += len(batch)
        if rows >= _AT_ONCE:
            yield pa.concat_batches(held)
            held, rows = [], 0
    if held:
        yield pa.concat_batches(held)


def repeated(ids: pa.Array) -> str | None:
    """Return an id that is there more than once, None when there is none."""
    if len(ids.unique()) == len(ids):
        return None
    counted = pc.value_counts(ids)
    return str(counted.field("values")[pc.index(pc.greater(counted.field("counts"), 1), value=True).as_py()].as_py())


def _part(run: str, attempts: Attempts, batch: pa.RecordBatch) -> RunOrders:
    by_id = places(batch.column("order_id"), attempts.acknowledged_ids)
    acknowledged = attempts.purchase[attempts.acknowledged[by_id]] if len(attempts.acknowledged) else by_id
    by_key = _by_key(batch.column("key"), by_id, acknowledged, attempts)
    says = batch.column("run")
    is_named = np.asarray(says.is_valid().to_numpy(zero_copy_only=False))
    is_ours = np.asarray(pc.fill_null(pc.equal(says, run), fill_value=False).to_numpy(zero_copy_only=False))
    names_run = np.asarray(batch.column("names_run").to_numpy(zero_copy_only=False))
    is_unnamed = (by_id < 0) & (by_key < 0) & ~is_named & ~names_run
    ours = (by_id >= 0) | is_ours | (~is_named & (by_key >= 0))
    kept = batch if ours.all() else batch.filter(pa.array(ours))
    purchase = np.where(by_id >= 0, acknowledged, by_key)
    ids = kept.column("order_id")
    status = numbered(kept.column("status"), "orders", STATUSES)
    of_another = np.flatnonzero((by_id >= 0) & is_named & ~is_ours)
    return RunOrders(
        order_id=ids,
        key=kept.column("key"),
        status=status,
        created_at=np.asarray(kept.column("created_at").to_numpy(), np.int64),
        total_cents=np.asarray(kept.column("total_cents").to_numpy(), np.int64),
        purchase=purchase[ours],
        by_key=by_key[ours],
        is_acknowledged=(by_id >= 0)[ours],
        carts=attempts.codes.carts(bounded(kept.column("lines"), ids)),
        codes=attempts.codes,
        left_out=int(np.count_nonzero(~ours & ~is_unnamed)),
        unnamed=int(np.count_nonzero(is_unnamed)),
        strange=strange_rows(kept.column("status"), ids, status == STRANGE),
        of_another={str(batch.column("order_id")[int(row)].as_py()): str(says[int(row)].as_py()) for row in of_another},
    )


def _by_key(keys: pa.Array, by_id: Ints, acknowledged: Ints, attempts: Attempts) -> Ints:
    """Return the purchase that each key says; one that is the key of the acknowledged purchase isn't looked up."""
    known = np.flatnonzero(by_id >= 0)
    same = pc.equal(keys.take(pa.array(known)), attempts.purchase_keys.take(pa.array(acknowledged[known])))
    is_same = np.zeros(len(keys), np.bool_)
    is_same[known] = pc.fill_null(same, fill_value=False).to_numpy(zero_copy_only=False)
    found = np.where(is_same, acknowledged, NONE)
    found[~is_same] = places(keys.filter(pa.array(~is_same)), attempts.purchase_keys)
    return found


def bounded(lines: pa.ListArray, ids: pa.Array) -> pa.ListArray:
    """Return lines whose units can be added up; raises RecordsContradictError."""
    units = lines.flatten().flatten()[1].to_numpy(zero_copy_only=False)
    strange = np.flatnonzero((units < 0) | (units > _MOST_UNITS))
    if len(strange):
        ends = np.cumsum(lines.value_lengths().to_numpy(zero_copy_only=False))
        order = ids[int(np.searchsorted(ends, strange[0], side="right"))].as_py()
        raise RecordsContradictError(f"order {order}: {units[strange[0]]} units in a line: expected 0 to {_MOST_UNITS}")
    return lines
