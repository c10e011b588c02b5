"""What orders hold, as numbers: two orders hold the same units exactly when their sums agree.

Pure: no I/O.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]
Units = Counter[tuple[str, str]]
"""Units by (SKU, location)."""
_DENSE: Final = 1 << 22
_ROUND: Final = 4096


@dataclass(frozen=True, slots=True, kw_only=True)
class Carts:
    """The lines of some orders: of which order each is (from 0), of which level (its code), and how many units.

    `sums` has a number an order: the sum over its units of a random number of 64 bits for each level, modulo 2**64. It
    is the same however its lines are split or ordered, and for other units another but once in 2**64 or so.
    """

    order: Ints
    level: Ints
    quantity: Ints
    sums: NDArray[np.uint64]

    def __len__(self) -> int:
        return len(self.sums)


def joined(parts: Sequence[Carts]) -> Carts:
    """Return the carts of all parts, one after another."""
    starts = np.cumsum([0, *map(len, parts)])
    return Carts(
        order=np.concatenate([part.order + start for part, start in zip(parts, starts, strict=False)]),
        level=np.concatenate([part.level for part in parts]),
        quantity=np.concatenate([part.quantity for part in parts]),
        sums=np.concatenate([part.sums for part in parts]),
    )


class LevelCodes:
    """A number for each level (SKU, location) that was met, and the random number that stands for one of its units."""

    def __init__(self) -> None:
        self._codes: dict[tuple[str, str], int] = {}
        self._random = np.random.default_rng(0)
        self._weights = np.empty(0, np.uint64)

    def carts(self, lines: pa.ListArray) -> Carts:
        """Return the lines of some orders in numbers; `lines` is a column of `batches.LINES`."""
        sizes = np.asarray(lines.value_lengths().to_numpy(zero_copy_only=False), np.int64)
        sku, quantity, location = lines.flatten().flatten()
        level = self._levels(sku, location)
        units = np.asarray(quantity.to_numpy(zero_copy_only=False), np.int64)
        ends = np.cumsum(sizes)
        so_far = np.zeros(len(units) + 1, np.uint64)
        np.cumsum(self._weights[level] * units.astype(np.uint64), out=so_far[1:])
        return Carts(
            order=np.repeat(np.arange(len(sizes)), sizes),
            level=level,
            quantity=units,
            sums=so_far[ends] - so_far[ends - sizes],
        )

    def units(self, carts: Carts, which: Bools) -> Units:
        """Return the units of those orders."""
        taken = which[carts.order]
        totals = np.zeros(len(self._codes), np.int64)
        np.add.at(totals, carts.level[taken], carts.quantity[taken])
        return Counter({level: int(totals[code]) for level, code in self._codes.items() if totals[code]})

    def _levels(self, sku: pa.StringArray, location: pa.StringArray) -> Ints:
        skus, places = sku.dictionary_encode(), location.dictionary_encode()
        wide = max(1, len(places.dictionary))
        pairs = skus.indices.to_numpy(zero_copy_only=False).astype(np.int64) * wide
        pairs += places.indices.to_numpy(zero_copy_only=False)
        there, inverse = _distinct(pairs, len(skus.dictionary) * wide)
        names = skus.dictionary.to_pylist(), places.dictionary.to_pylist()
        codes = [self._code((names[0][pair // wide], names[1][pair % wide])) for pair in there.tolist()]
        self._weigh()
        return np.asarray(codes, np.int64)[inverse]

    def _code(self, level: tuple[str, str]) -> int:
        return self._codes.setdefault(level, len(self._codes))

    def _weigh(self) -> None:
        missing = len(self._codes) - len(self._weights)
        if missing > 0:
            drawn = self._random.integers(1, 1 << 64, max(missing, _ROUND), np.uint64, endpoint=False)
            self._weights = np.concatenate([self._weights, drawn])


def _distinct(values: Ints, below: int) -> tuple[Ints, Ints]:
    """Return the distinct values, all from 0 and less than `below`, and for each value its place among them."""
    if below > _DENSE:
        there, inverse = np.unique(values, return_inverse=True)
        return there, inverse
    places = np.zeros(below, np.int64)
    places[values] = 1
    there = np.flatnonzero(places)
    places[there] = np.arange(len(there))
    return there, places[values]
