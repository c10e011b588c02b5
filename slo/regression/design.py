"""The design of a comparison: how many pairs of blocks, of what length, and after which of them is looked."""

import itertools
import math
from dataclasses import dataclass

BOTH_UP_LOOKS = (4, 6, 8, 10, 12)
_FEWEST = 3
_MOST = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Design:
    """Blocks of `block_s` seconds, the first `skip_s` of each left out; looks are numbers of whole pairs, ascending.

    `switch_s` is what putting the other release up takes, 0 where both are up. Raises ValueError for a design that
    nothing can be judged by: no look, one before the third pair, or no time left of a block.
    """

    looks: tuple[int, ...] = BOTH_UP_LOOKS
    block_s: float = 30.0
    skip_s: float = 5.0
    switch_s: float = 0.0

    def __post_init__(self) -> None:
        """Refuse what can't be judged."""
        if not self.looks or self.looks[0] < _FEWEST or self.looks[-1] > _MOST:
            raise ValueError(f"looks {self.looks}: at least one, from {_FEWEST} to {_MOST} pairs")
        if any(later <= earlier for earlier, later in itertools.pairwise(self.looks)):
            raise ValueError(f"looks {self.looks}: each must come after more pairs than the one before")
        times = (self.block_s, self.skip_s, self.switch_s)
        if not all(math.isfinite(one) and one >= 0 for one in times) or self.block_s <= self.skip_s:
            raise ValueError(f"blocks of {self.block_s} s, the first {self.skip_s} s left out: no time is left")

    @property
    def pairs(self) -> int:
        """The most pairs that are played."""
        return self.looks[-1]

    @property
    def judged_s(self) -> float:
        """What is judged of a block."""
        return self.block_s - self.skip_s

    def lasts_s(self, pairs: int) -> float:
        """Return about how long so many pairs take: 1.5 switches a pair, since the order in each is drawn at random."""
        return pairs * (2 * self.block_s + 1.5 * self.switch_s)
