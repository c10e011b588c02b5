"""What two releases are compared by: a measure an objective, and its value in each pair of adjacent blocks."""

from dataclasses import dataclass
from enum import Enum

MOST_LOST_RATIO = 0.01


class Kind(Enum):
    """What a measure's values are; of each the higher is the worse, but for orders.

    A latency is a quantile of the steps' latency from the schedule, in seconds, infinite where the request at the
    quantile failed. An error ratio is bad / events. Orders are accepted orders by started session.
    """

    LATENCY = "latency"
    ERRORS = "errors"
    ORDERS = "orders"


@dataclass(frozen=True, slots=True, kw_only=True)
class Measure:
    """One thing that the releases are compared by; `slo.regression.limits` makes them from settings.

    `name` is the objective's, or `orders-per-session`. `fail_over` and `pass_under` bound the change that is found and
    the one that is passed: a ratio B / A of latencies (1.05, 1.10), a difference of ratios B - A of errors, and of
    orders the *share* of A's orders by session that is lost (0.02, 0.04), whatever A's turn out to be. `min_change_s`
    is the least change of a latency that matters, in seconds; 0 for others. `source` is `records` or `prometheus`.
    `budget_ratio` is the error budget of an objective of a bad ratio, None of other measures.
    """

    name: str
    kind: Kind
    steps: tuple[str, ...]
    fail_over: float
    pass_under: float
    min_change_s: float = 0.0
    quantile: float | None = None
    source: str = "records"
    budget_ratio: float | None = None

    @property
    def most_lost_ratio(self) -> float:
        """How much of a block's requests may be lost on our side: half of the budget, 1 % where there is none."""
        return MOST_LOST_RATIO if self.budget_ratio is None else self.budget_ratio / 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Value:
    """A measure's value in one block, and the events that it rests on; `value` None where nothing is known.

    What isn't known is never good: `because` says why.
    """

    value: float | None
    events: int
    because: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """A measure's values in two adjacent blocks, one of each release; `number` counts the job's pairs from 1."""

    number: int
    a: Value
    b: Value


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """A measure with its pairs, in the order of time, none left out: a pair without a value has `Value.value` None."""

    measure: Measure
    pairs: tuple[Pair, ...]
