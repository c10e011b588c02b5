"""The attempts of a run in columns, found by their key or by the order that the shop acknowledged.

Pure: no I/O. Attempts with one key are one *purchase*: a shopper who hears nothing may press again, and a shop that
keeps its word makes one order of it.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from loadtests.audit.carts import Bools, Carts, Ints, LevelCodes, Units, joined
from loadtests.results.ledger_columns import LINES

NONE: Final = -1
ACCEPTED, UNKNOWN, REFUSED = 0, 1, 2
_FEW: Final = 8
OUTCOMES: Final = ("accepted", "unknown", "refused")


@dataclass(frozen=True, kw_only=True)
class Attempts:
    """The attempts of a run, a row each: `key` and `order_id` are columns of text, the rest of numbers.

    `outcome` is ACCEPTED, UNKNOWN or REFUSED, `cents` the total that was promised, `asked_cents` the one before the
    shop answered; `sent_at` and `replied_at` are ns, 0 where that isn't known.
    """

    key: pa.Array
    order_id: pa.Array
    outcome: NDArray[np.int8]
    cents: Ints
    asked_cents: Ints
    sent_at: Ints
    replied_at: Ints
    carts: Carts
    codes: LevelCodes

    def __len__(self) -> int:
        return len(self.outcome)

    @cached_property
    def _keys(self) -> pa.DictionaryArray:
        return self.key.dictionary_encode()

    @property
    def purchase_keys(self) -> pa.Array:
        """The key of each purchase; its place is the purchase's number."""
        return self._keys.dictionary

    @cached_property
    def purchase(self) -> Ints:
        """The purchase that each attempt is of."""
        return np.asarray(self._keys.indices.to_numpy(zero_copy_only=False), np.int64)

    @cached_property
    def last(self) -> Ints:
        """The attempt that stands for each purchase: the last accepted one, or unknown one, or refused one."""
        chosen = np.full(len(self.purchase_keys), NONE, np.int64)
        for outcome in (REFUSED, UNKNOWN, ACCEPTED):
            those = np.flatnonzero(self.outcome == outcome)
            chosen[self.purchase[those]] = those
        return chosen

    @cached_property
    def purchase_outcome(self) -> NDArray[np.int8]:
        """What came of each purchase: accepted if an attempt was, or else unknown if one is, or else refused."""
        return self.outcome[self.last]

    @cached_property
    def _order_codes(self) -> Ints:
        encoded = self.order_id.dictionary_encode().indices
        return np.asarray(encoded.fill_null(NONE).to_numpy(zero_copy_only=False), np.int64)

    @cached_property
    def is_ambiguous(self) -> Bools:
        """Whether the attempts with a purchase's key are of more than one purchase: other units, or other orders."""
        stands = self.last[self.purchase]
        differs = self.carts.sums != self.carts.sums[stands]
        codes = self._order_codes
        differs |= (self.outcome == ACCEPTED) & (codes != codes[stands])
        found = np.zeros(len(self.purchase_keys), np.bool_)
        found[self.purchase[differs & (self.outcome != REFUSED)]] = True
        return found

    @cached_property
    def acknowledged(self) -> Ints:
        """The attempts that the shop acknowledged with an order's id, one for each id: the first."""
        named = np.flatnonzero((self.outcome == ACCEPTED) & (self._order_codes >= 0))
        return named[np.unique(self._order_codes[named], return_index=True)[1]] if len(named) else named

    @cached_property
    def acknowledged_ids(self) -> pa.Array:
        """The orders that the shop acknowledged; the place of each is that of its attempt in `acknowledged`."""
        return self.order_id.take(pa.array(self.acknowledged))

    @cached_property
    def sharing(self) -> Ints:
        """The attempts that were acknowledged with the order of another purchase."""
        first = np.full(len(self) + 1, NONE, np.int64)
        first[self._order_codes[self.acknowledged]] = self.purchase[self.acknowledged]
        named = (self.outcome == ACCEPTED) & (self._order_codes >= 0)
        return np.flatnonzero(named & (first[self._order_codes] != self.purchase))

    def count(self, outcome: int) -> int:
        """Return how many attempts had that outcome."""
        return int(np.count_nonzero(self.outcome == outcome))

    def units(self) -> Units:
        """Return what the shop may have sold in the run: all that it didn't refuse."""
        return self.codes.units(self.carts, self.outcome != REFUSED)


def attempts_of(table: pa.Table, codes: LevelCodes | None = None) -> Attempts:
    """Return attempts (`ledger_columns.ATTEMPTS`) in the columns of the audit."""
    codes = codes or LevelCodes()
    numbers = {
        name: np.asarray(table[name].to_numpy(), np.int64) for name in ("cents", "asked_cents", "sent_at", "replied_at")
    }
    empty = codes.carts(pa.array([], LINES))
    return Attempts(
        key=table["key"].combine_chunks(),
        order_id=table["order_id"].combine_chunks(),
        outcome=places(table["outcome"].combine_chunks(), pa.array(OUTCOMES)).astype(np.int8),
        carts=joined([empty, *(codes.carts(lines) for lines in table["lines"].chunks)]),
        codes=codes,
        **numbers,
    )


def places(values: pa.Array, among: pa.Array) -> Ints:
    """Return the place of each value among others, NONE for one that isn't there and for a null."""
    if len(values) * _FEW < len(among):
        return _places_of_few(values, among)
    found = pc.index_in(values, value_set=among, skip_nulls=True)
    return np.asarray(found.fill_null(NONE).to_numpy(zero_copy_only=False), np.int64)


def _places_of_few(values: pa.Array, among: pa.Array) -> Ints:
    """Look the other way round: a table of the few, and all others looked up in it."""
    encoded = values.dictionary_encode()
    there = pc.index_in(among, value_set=encoded.dictionary, skip_nulls=True).fill_null(NONE).to_numpy()
    rows = np.flatnonzero(there >= 0)[::-1]
    place = np.full(len(encoded.dictionary) + 1, NONE, np.int64)  # the last is that of a null
    place[there[rows]] = rows
    found: Ints = place[encoded.indices.fill_null(NONE).to_numpy(zero_copy_only=False)]
    return found
