"""What a run has seen of an objective so far, second by second: what a miss can be certain by before the run ends."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from slo.design_effect import BLOCKS, StepCounts


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """Requests of an objective: all, the bad ones, and the sum over sessions of the squares of their bad ones."""

    bad: int = 0
    total: int = 0
    bad_squares: int = 0

    def __add__(self, other: "Judged") -> "Judged":
        """Return both together."""
        return Judged(
            bad=self.bad + other.bad, total=self.total + other.total, bad_squares=self.bad_squares + other.bad_squares
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class SoFar:
    """An objective's counts now, and at the end of each second since the first of them."""

    now: Judged = field(default_factory=Judged)
    seconds: Sequence[Judged] = ()

    @property
    def judged_s(self) -> int:
        """Return how many seconds of judged requests there are."""
        return len(self.seconds)

    def blocks(self) -> StepCounts | None:
        """Return the counts in 20 equal blocks of at least a second, None while there are fewer seconds."""
        if self.judged_s < BLOCKS:
            return None
        ends = [self.judged_s * block // BLOCKS - 1 for block in range(1, BLOCKS + 1)]
        total = np.diff(np.maximum.accumulate([self.seconds[end].total for end in ends]), prepend=0)
        bad = np.diff(np.maximum.accumulate([self.seconds[end].bad for end in ends]), prepend=0)
        # What is overdue is counted as bad before it ends, so a block may for a moment hold more bad than all.
        return StepCounts(step="", events=tuple(total.tolist()), bad=tuple(np.minimum(bad, total).tolist()))

    def session_scatter(self) -> float | None:
        """Return the most that the scatter over sessions can be, as if each had only its bad requests."""
        bad, total = self.now.bad, self.now.total
        binomial = bad * (total - bad) / total if total else 0.0
        return self.now.bad_squares / binomial if binomial else None
