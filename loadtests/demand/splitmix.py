"""SplitMix64: a session's own random number generator, reproducible from a seed, and small.

`random.Random` holds 2.5 KB and takes 7 µs to seed, for each of tens of thousands of open sessions; this holds one
number. Its algorithm (Steele, Lea, Flood: Fast Splittable Pseudorandom Number Generators, OOPSLA 2014), which passes
the usual batteries; its numbers are the same on every machine and version.
"""

import math
from collections.abc import Sequence
from statistics import NormalDist
from typing import TypeVar

_MASK = 2**64 - 1
_GAMMA, _MIX_1, _MIX_2 = 0x9E3779B97F4A7C15, 0xBF58476D1CE4E5B9, 0x94D049BB133111EB
_UNIT = 2.0**-53
_normal = NormalDist().inv_cdf
Item = TypeVar("Item")


class SplitMix64:
    """A generator with the method names and meanings of `random.Random`."""

    __slots__ = ("_state",)

    def __init__(self, seed: int) -> None:
        self._state = seed & _MASK

    def random(self) -> float:
        """Return a number from 0 to below 1, any of 2**53."""
        self._state = state = (self._state + _GAMMA) & _MASK
        state = ((state ^ (state >> 30)) * _MIX_1) & _MASK
        state = ((state ^ (state >> 27)) * _MIX_2) & _MASK
        return ((state ^ (state >> 31)) >> 11) * _UNIT

    def randint(self, low: int, high: int) -> int:
        """Return a whole number from `low` to `high`, both included; they lie less than 2**40 apart."""
        return low + int(self.random() * (high - low + 1))

    def choice(self, items: Sequence[Item]) -> Item:
        """Return one of `items`; raises IndexError when there is none."""
        return items[int(self.random() * len(items))]

    def sample(self, items: Sequence[Item], count: int) -> list[Item]:
        """Return `count` different ones of `items` in the order drawn; raises ValueError when there are fewer."""
        left = list(items)
        if not 0 <= count <= len(left):
            raise ValueError(f"can't draw {count} of {len(left)}")
        return [left.pop(int(self.random() * len(left))) for _ in range(count)]

    def lognormvariate(self, mu: float, sigma: float) -> float:
        """Return a number whose logarithm is normal with mean `mu` and deviation `sigma`."""
        return math.exp(mu + sigma * _normal(max(self.random(), _UNIT / 2)))
