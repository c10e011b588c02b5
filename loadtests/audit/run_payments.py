"""The payments made since a run began, each against its order of the run.

Pure: no I/O.
"""

import itertools
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from loadtests.audit.attempts import NONE, places
from loadtests.audit.batches import PAYMENTS, RecordsContradictError
from loadtests.audit.carts import Bools, Ints
from loadtests.audit.run_orders import RunOrders, gathered, repeated
from loadtests.audit.status_words import KNOWN
from loadtests.audit.statuses import STRANGE, Strange, numbered, strange_rows

STATUSES: Final = tuple(KNOWN["payments"])
_EMPTY: Final = pa.RecordBatch.from_pylist([], schema=PAYMENTS)


@dataclass(frozen=True, kw_only=True)
class RunPayments:
    """Payments, a row each; `order` is the number of the run's order that each refers to, NONE for any other.

    `words` are the statuses as the provider has them.
    """

    payment_id: pa.Array
    reference: pa.Array
    status: NDArray[np.int8]
    amount_cents: Ints
    order: Ints
    orders: int
    words: pa.Array

    def __len__(self) -> int:
        return len(self.status)

    def has(self, *statuses: str) -> Bools:
        """Return which payments have one of those statuses."""
        return np.isin(self.status, [STATUSES.index(status) for status in statuses])

    @cached_property
    def is_captured(self) -> Bools:
        """Which payments took the money."""
        return self.has("captured")

    @cached_property
    def pays(self) -> Bools:
        """Which payments took the money, or keep it for the shop."""
        return self.has("captured", "authorised")

    @cached_property
    def is_matched(self) -> Bools:
        """Which payments refer to an order of the run."""
        return self.order >= 0

    def by_order(self, which: Bools) -> Ints:
        """Return how many of those payments each order of the run has."""
        return np.bincount(self.order[which & self.is_matched], minlength=self.orders)

    @cached_property
    def orphans(self) -> Ints:
        """The captured payments whose order isn't the run's."""
        return np.flatnonzero(self.is_captured & ~self.is_matched)

    @property
    def orphan_references(self) -> pa.Array:
        """The orders that those refer to."""
        return self.reference.take(pa.array(self.orphans)).unique()

    @cached_property
    def is_strange(self) -> Bools:
        """Which payments have a status that means nothing."""
        return np.asarray(self.status == STRANGE)

    def strange(self, which: Bools) -> Strange:
        """Return which of those payments have a status that means nothing."""
        return strange_rows(self.words, self.payment_id, self.is_strange & which)

    def id_of(self, number: int) -> str:
        """Return a payment's id."""
        return str(self.payment_id[number].as_py())

    def reference_of(self, number: int) -> str:
        """Return the order that a payment refers to."""
        return str(self.reference[number].as_py())


def payments_of_run(orders: RunOrders | None, batches: Iterable[pa.RecordBatch]) -> RunPayments:
    """Return the payments of `batches` (of `batches.PAYMENTS`); raises RecordsContradictError."""
    whole = pa.concat_batches(gathered(itertools.chain([_EMPTY], batches)))
    ids, references = whole.column("payment_id"), whole.column("reference")
    if (twice := repeated(ids)) is not None:
        raise RecordsContradictError(f"payment {twice} is there twice: one row a payment")
    amount_cents = np.asarray(whole.column("amount_cents").to_numpy(), np.int64)
    status = numbered(whole.column("status"), "payments", STATUSES)
    # Money that goes back may be a row of its own, below zero: one that went through is a refund.
    status[(amount_cents < 0) & (status == STATUSES.index("captured"))] = STATUSES.index("refunded")
    return RunPayments(
        payment_id=ids,
        reference=references,
        status=status,
        amount_cents=amount_cents,
        order=np.full(len(whole), NONE, np.int64) if orders is None else places(references, orders.order_id),
        orders=0 if orders is None else len(orders),
        words=whole.column("status"),
    )
