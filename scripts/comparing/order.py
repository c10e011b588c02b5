"""The order in which a comparison's blocks are played: drawn at random within each pair."""

from collections.abc import Sequence
from itertools import pairwise
from random import Random

from loadtests.comparison.job import Variant


def draw(pairs: int, seed: str) -> tuple[Variant, ...]:
    """Return the variants of `pairs` pairs of blocks in the order of time: in each pair A first or B, by chance.

    The first n pairs are the same however many are drawn. Orders that save switches (ABBA) would let a slow drift of
    the shop correlate neighbouring pairs, on whose independence the verdict rests.
    """
    random = Random(seed)  # noqa: S311 - a design, not a secret
    order: list[Variant] = []
    for _ in range(pairs):
        order += ("a", "b") if random.random() < 0.5 else ("b", "a")  # noqa: PLR2004 - either is as likely
    return tuple(order)


def switches(order: Sequence[Variant], up: Variant = "a") -> int:
    """Return how often the other release is put up, from the one `up` before the first block to A after the last."""
    return sum(before != after for before, after in pairwise((up, *order, "a")))
