"""How unusual a day's cost is, against the same weekday of the weeks before: pure arithmetic.

The modified z-score 0.6745 · (x - median) / MAD; above 3.5 a value is taken for an outlier (Iglewicz and Hoaglin, How
to Detect and Handle Outliers, 1993). One past outlier moves neither the median nor the MAD much.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from statistics import median

from exporters.subjects.cost.bill import ZERO

WEEKS, FEWEST_WEEKS = 8, 4
THRESHOLD = 3.5
_CONSISTENCY = 0.6745
_LEAST_SPREAD = 0.01  # of the median: a cost that never moved isn't unusual by a hair


@dataclass(frozen=True, slots=True, kw_only=True)
class Unusual:
    """A day's cost, what is typical of its weekday, and its score; None where all was 0."""

    cost: float
    typical: float
    score: float | None


def unusual(days: Mapping[date, Decimal], complete: Sequence[date]) -> Unusual | None:
    """Judge the last of the complete days; None with fewer than 4 earlier ones of its weekday."""
    if not complete:
        return None
    day, known = complete[-1], set(complete)
    weeks = [day - timedelta(weeks=n) for n in range(1, WEEKS + 1)]
    past = [float(days.get(one, ZERO)) for one in weeks if one in known]
    if len(past) < FEWEST_WEEKS:
        return None
    cost, typical = float(days.get(day, ZERO)), median(past)
    spread = max(median(abs(one - typical) for one in past), _LEAST_SPREAD * abs(typical))
    score = _CONSISTENCY * (cost - typical) / spread if spread else None
    return Unusual(cost=cost, typical=typical, score=score)
