"""Two sides' self times compared, name by name: which grew beyond doubt, and enough to be worth telling.

Self times above the 99 % quantile of both sides together count as that quantile (winsorised), so that one slow trace in
a hundred makes no cause; means and growth are of these. A name is told if the test over blocks (`permutation.py`) shows
its growth and that is 2 % of the traces' duration at least, 5 % where there are over 1,000 traces: among many, whatever
differs between any two phases is significant.

In simulation (`make prove-gate`) a clean release names a cause in at most 6 % of reports.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from slo.causes.permutation import BlockSums, Growth, growth
from slo.statistics import ALPHA

_WINSORISED = 0.99
_WORTH_TELLING, _OF_MANY = 0.02, 0.05
_MANY = 1000
Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """The traces of one side: their self times in s, a row a trace and a column a name, and the block of each."""

    self_s: Floats
    block: Ints

    def capped(self, most: Floats) -> "Side":
        """Return it with no self time above its name's `most`."""
        return Side(self_s=np.minimum(self.self_s, most), block=self.block)

    def sums(self) -> BlockSums:
        """Return the sums of the blocks that hold a trace."""
        numbers, place, traces = np.unique(self.block, return_inverse=True, return_counts=True)
        sums = np.zeros((len(numbers), self.self_s.shape[1]))
        np.add.at(sums, place, self.self_s)
        return BlockSums(traces=traces.astype(np.float64), self_s=sums)


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """By name: winsorised means of either side, how much they grew, and whether that is `named` a cause."""

    before_s: Floats
    now_s: Floats
    growth: Growth
    named: npt.NDArray[np.bool_]


def compare(before: Side, now: Side, duration_s: float) -> Compared:
    """Compare the reference's traces with the judged ones, whose mean duration is `duration_s`."""
    most = np.quantile(np.vstack([before.self_s, now.self_s]), _WINSORISED, axis=0)
    before, now = before.capped(most), now.capped(most)
    grew = growth(before.sums(), now.sums())
    share = _OF_MANY if len(before.block) + len(now.block) > _MANY else _WORTH_TELLING
    return Compared(
        before_s=before.self_s.mean(axis=0),
        now_s=now.self_s.mean(axis=0),
        growth=grew,
        named=(grew.p_value <= ALPHA) & (grew.low_s > 0) & (grew.grew_s >= share * duration_s),
    )
