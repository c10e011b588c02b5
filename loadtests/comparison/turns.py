"""Whose turn it is where both releases are up: the blocks of one run, and which release a session is sent to."""

from bisect import bisect_right
from collections.abc import Sequence
from typing import Self

from pydantic import model_validator

from loadtests.comparison.job import Variant
from slo.documents import WrittenDocument


class Turns(WrittenDocument):
    """The blocks of a run, in seconds from its start; `a` and `b` are the variants' labels in targets.yaml.

    `order` holds a letter for each block, the first of which begins at `first_at_s`. Before it sessions take turns.
    """

    a: str
    b: str
    first_at_s: float
    block_s: float
    order: str

    @model_validator(mode="after")
    def _possible(self) -> Self:
        if not self.order or set(self.order) - {"a", "b"} or self.block_s <= 0 or self.first_at_s < 0:
            raise ValueError("must have blocks: an order of a and b, a length above 0")
        return self

    @classmethod
    def of(cls, labels: tuple[str, str], first_at_s: float, block_s: float, order: Sequence[Variant]) -> Self:
        """Return them for the variants in the order of time."""
        return cls(a=labels[0], b=labels[1], first_at_s=first_at_s, block_s=block_s, order="".join(order))

    def label(self, variant: Variant) -> str:
        """Return a variant's label."""
        return self.a if variant == "a" else self.b

    def starts_s(self) -> tuple[float, ...]:
        """Return when each block begins."""
        return tuple(self.first_at_s + number * self.block_s for number in range(len(self.order)))

    def variant_of(self, at_s: float, session: int) -> Variant:
        """Return the release of a session that arrives at `at_s`, to which it keeps: its block's, or by its number."""
        block = bisect_right(self.starts_s(), at_s) - 1
        if block < 0:
            return "a" if session % 2 == 0 else "b"
        return "a" if self.order[block] == "a" else "b"
