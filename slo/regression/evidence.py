"""What the pairs so far say of one measure: the change, its bounds at any level, and how it would stand at the end.

**Latency.** d = ln B - ln A of each pair; its mean has SE = sqrt(s² / n + tau²), with s the differences' own standard
deviation and tau the lasting difference of two deployments of one build, and Student's t with n - 1 degrees of freedom.
The change that matters is the larger of the ratio and of `min_change_s` at A's level (the geometric mean of its
blocks): one test on one scale decides both, ln(1 + min_change / A) in place of ln 1.05 where A is fast.

**A request at the quantile that failed** makes a block's latency infinite. Such a block counts as ten times the other
one's, so that it weighs for a FAIL as the t test lets a single outlier weigh, and the measure isn't passed; where both
failed nothing is known of the pair.

**Error ratios and orders.** d = the difference of the two bad ratios (an order that wasn't made is bad). Where few
events are bad, s says little, and nothing at all when none are. So each bound is the wider of t's and of one from the
counts: both releases' exact bounds (Clopper and Pearson, slo.statistics) put together as Zou and Donner do (Statistics
in Medicine 27, 2008). Bursts that are seen are in s; those that weren't seen are in no bound, see `longest_burst_s`.
"""

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass

from slo.regression.design import Design
from slo.regression.measures import Kind, Measure, Pair, Value
from slo.regression.spending import above, t_quantile
from slo.statistics import lower_bad_ratio, upper_bad_ratio

FEWEST_PAIRS = 3
_HALF = 0.5
_HALVINGS = 20
_LEAST_BEYOND = 5
"""Requests beyond the quantile that a block must have: p95 rests on 100 at least."""
_LEAST_SPREAD = 0.005
"""Blocks that are alike to the last digit are rounded, not certain: no ln p95 is trusted to under half a percent."""
_FAILED = math.log(10)
"""What a block whose request at the quantile failed counts: ten times as slow as the other."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """Bad events and events of both releases, over all pairs that are known."""

    bad_a: float
    events_a: float
    bad_b: float
    events_b: float

    def reach(self, level: float, times: float = 1.0) -> tuple[float, float]:
        """Return how far the bounds of B's ratio less A's lie below and above it, were there `times` as many events."""
        a, b = self.bad_a / self.events_a, self.bad_b / self.events_b
        low_a, high_a = _exact(self.bad_a * times, self.events_a * times, level)
        low_b, high_b = _exact(self.bad_b * times, self.events_b * times, level)
        return math.hypot(b - low_b, high_a - a), math.hypot(high_b - b, a - low_a)

    @property
    def variance(self) -> float:
        """Return the variance of B's ratio less A's, had each event its own luck, and never 0."""
        return _variance(self.bad_a, self.events_a) + _variance(self.bad_b, self.events_b)


@dataclass(frozen=True, slots=True, kw_only=True)
class Assumed:
    """What pairs can't show of themselves.

    `lasting` is the standard deviation of the lasting difference of two deployments (ln p95), `burst_share` the
    shortest burst of errors that a PASS must stand for, as a share of a block's judged time.
    """

    lasting: float = 0.0
    burst_share: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """A measure at a look: `pairs` of it are known, `centre` is the mean of d and `spread` its standard deviation.

    `fail_limit` and `pass_limit` are on d's scale. `can_pass` is False where a pair isn't known or a block failed.
    `lasting` is tau. `a` and `b` are both releases' levels. `together` is how many events an assumed burst takes.
    """

    differences: tuple[float, ...]
    centre: float
    spread: float
    lasting: float
    fail_limit: float
    pass_limit: float
    a: float
    b: float
    can_pass: bool
    counts: Counts | None = None
    together: float = 1.0

    @property
    def pairs(self) -> int:
        """The pairs of which both values are known."""
        return len(self.differences)

    @property
    def noise(self) -> float:
        """The standard deviation of a pair's d, which is no less than what the counts alone leave open."""
        return self.spread if self.counts is None else max(self.spread, math.sqrt(self.counts.variance * self.pairs))

    @property
    def standard_error(self) -> float:
        """The standard error of the mean of d."""
        return math.sqrt(self.noise**2 / self.pairs + self.lasting**2)

    def low(self, level: float) -> float:
        """Return the bound that d's true mean is below with a chance of `level`."""
        by_t = self.centre - self._t_reach(level, self.pairs)
        return by_t if self.counts is None else min(by_t, self.difference - self.counts.reach(level)[0])

    def high(self, level: float) -> float:
        """Return the bound that d's true mean is above with a chance of `level`."""
        by_t = self.centre + self._t_reach(level, self.pairs)
        return (
            by_t if self.counts is None else max(by_t, self.difference + self.counts.reach(level, 1 / self.together)[1])
        )

    def fails(self, level: float) -> bool:
        """Whether the change is shown at `level`, and not by a few blocks only.

        Student's t takes four outliers of one size among twelve pairs for a shift of all. So more than half of the
        pairs must be over the limit, or so many more over it than as far below that a sign test shows it at `level`.
        """
        if self.low(level) <= self.fail_limit:
            return False
        over = sum(one > self.fail_limit for one in self.differences)
        under = sum(one < -self.fail_limit for one in self.differences)
        return over > self.pairs * _HALF or _by_sign(over, over + under) <= level

    @property
    def difference(self) -> float:
        """B's level less A's, over all events."""
        return self.b - self.a

    def chance_to_fail(self, more: int, level: float) -> float:
        """Return the chance that `more` pairs show the change at `level`, as it looks now."""
        needed = self.fail_limit + self._reach(level, self.pairs + more, 0)
        return above((needed - self.centre) / self._still_open(more))

    def chance_to_pass(self, more: int, level: float) -> float:
        """Return the chance that `more` pairs rule the change out at `level`, as it looks now."""
        if not self.can_pass:
            return 0.0
        needed = self.pass_limit - self._reach(level, self.pairs + more, 1)
        return above((self.centre - needed) / self._still_open(more))

    def autocorrelation(self) -> float | None:
        """Return the correlation of each pair's d with the next one's; None where all are the same."""
        rests = [one - self.centre for one in self.differences]
        square = sum(rest * rest for rest in rests)
        if square <= 0:
            return None
        return sum(one * next_one for one, next_one in itertools.pairwise(rests)) / square

    def _t_reach(self, level: float, pairs: int) -> float:
        return t_quantile(level, pairs - 1) * math.sqrt(self.spread**2 / pairs + self.lasting**2)

    def _reach(self, level: float, pairs: int, side: int) -> float:
        """Return how far the bound on that side (0 low, 1 high) will lie from the mean, were `pairs` known."""
        by_t = self._t_reach(level, pairs)
        times = pairs / self.pairs / (self.together if side else 1)
        return by_t if self.counts is None else max(by_t, self.counts.reach(level, times)[side])

    def _still_open(self, more: int) -> float:
        """Return the standard deviation of the mean after `more` pairs, the mean now being what it is."""
        return max(self.noise, 1e-12) * math.sqrt(more / (self.pairs * (self.pairs + more)))


def evidence(measure: Measure, pairs: Sequence[Pair], assumed: Assumed, fewest: int = FEWEST_PAIRS) -> Evidence | None:
    """Return what `pairs` say of the measure; None where fewer than `fewest` of them are known."""
    read = _latencies if measure.kind is Kind.LATENCY else _ratios
    known = [pair for pair in pairs if unknown(measure, pair) is None]
    return read(measure, known, assumed, whole=len(known) == len(pairs)) if len(known) >= fewest else None


def unknown(measure: Measure, pair: Pair) -> str | None:
    """Return why a pair is no evidence of the measure, None where it is."""
    for release, value in (("A", pair.a), ("B", pair.b)):
        because = _unknown(measure, value)
        if because is not None:
            return f"{release}: {because}"
    if math.isinf(pair.a.value or 0) and math.isinf(pair.b.value or 0):
        return "the request at the quantile failed with both releases"
    return None


def longest_burst_s(found: Evidence, measure: Measure, design: Design, level: float) -> float | None:
    """Return the longest burst of errors for which a PASS would stand, in seconds; None for a latency."""
    counts = found.counts
    if counts is None or measure.kind is not Kind.ERRORS:
        return None
    rate_per_s = counts.events_b / (found.pairs * design.judged_s)
    lowest, highest = 1.0, counts.events_b

    def stands(effect: float) -> bool:
        return found.difference + counts.reach(level, 1 / effect)[1] < found.pass_limit

    if not stands(lowest):
        return 0.0
    for _ in range(_HALVINGS):
        middle = math.sqrt(lowest * highest)
        lowest, highest = (middle, highest) if stands(middle) else (lowest, middle)
    return (lowest - 1) / rate_per_s


def _unknown(measure: Measure, value: Value) -> str | None:
    if value.value is None or math.isnan(value.value) or value.value < 0:
        return value.because or "nothing is known"
    if measure.kind is Kind.LATENCY:
        least = math.ceil(_LEAST_BEYOND / (1 - (measure.quantile or 0.95)) - 1e-9)
        if value.events < least:
            return f"{value.events} requests, too few: {least} are needed"
        return None if value.value > 0 else "a latency of 0"
    if value.events <= 0:
        return value.because or "no events"
    return None if value.value <= 1 or measure.kind is Kind.ORDERS else f"{value.value:g} is no ratio"


def _latencies(measure: Measure, pairs: Sequence[Pair], assumed: Assumed, *, whole: bool) -> Evidence:
    values = [(pair.a.value or 0.0, pair.b.value or 0.0) for pair in pairs]
    differences = tuple(_log_ratio(a, b) for a, b in values)
    logs = [math.log(a if math.isfinite(a) else b) for a, b in values]
    level_a = math.exp(math.fsum(logs) / len(logs))
    centre, spread = _mean_and_spread(differences)
    least = math.log1p(measure.min_change_s / level_a)
    return Evidence(
        differences=differences,
        centre=centre,
        spread=max(spread, _LEAST_SPREAD),
        lasting=assumed.lasting,
        fail_limit=max(math.log(measure.fail_over), least),
        pass_limit=max(math.log(measure.pass_under), least),
        a=level_a,
        b=level_a * math.exp(centre),
        can_pass=whole and all(math.isfinite(a) and math.isfinite(b) for a, b in values),
    )


def _log_ratio(a: float, b: float) -> float:
    if math.isinf(b):
        return _FAILED
    return -_FAILED if math.isinf(a) else math.log(b / a)


def _ratios(measure: Measure, pairs: Sequence[Pair], assumed: Assumed, *, whole: bool) -> Evidence:
    orders = measure.kind is Kind.ORDERS
    bad = [(_bad(pair.a, orders=orders), _bad(pair.b, orders=orders)) for pair in pairs]
    differences = tuple(b - a for a, b in bad)
    centre, spread = _mean_and_spread(differences)
    events_a, events_b = (float(sum(one)) for one in zip(*((p.a.events, p.b.events) for p in pairs), strict=True))
    bad_a = math.fsum(max(0.0, a) * pair.a.events for (a, _), pair in zip(bad, pairs, strict=True))
    bad_b = math.fsum(max(0.0, b) * pair.b.events for (_, b), pair in zip(bad, pairs, strict=True))
    made = math.fsum(pair.a.value or 0.0 for pair in pairs) / len(pairs) if orders else 1.0
    return Evidence(
        differences=differences,
        centre=centre,
        spread=spread,
        lasting=0.0,
        fail_limit=measure.fail_over * made,
        pass_limit=measure.pass_under * made,
        a=bad_a / events_a,
        b=bad_b / events_b,
        can_pass=whole and made > 0,
        counts=Counts(bad_a=bad_a, events_a=events_a, bad_b=bad_b, events_b=events_b),
        together=1.0 if orders else 1 + assumed.burst_share * events_b / len(pairs),
    )


def _by_sign(over: int, either: int) -> float:
    """Return the chance that so many or more of `either` are over the limit by chance."""
    return math.ldexp(sum(math.comb(either, one) for one in range(over, either + 1)), -either)


def _bad(value: Value, *, orders: bool) -> float:
    return 1 - (value.value or 0.0) if orders else value.value or 0.0


def _mean_and_spread(values: Sequence[float]) -> tuple[float, float]:
    mean = math.fsum(values) / len(values)
    return mean, math.sqrt(math.fsum((value - mean) ** 2 for value in values) / (len(values) - 1))


def _exact(bad: float, events: float, level: float) -> tuple[float, float]:
    return lower_bad_ratio(bad, events, alpha=level), upper_bad_ratio(bad, events, alpha=level)


def _variance(bad: float, events: float) -> float:
    ratio = (bad + 0.5) / (events + 1)
    return ratio * (1 - ratio) / events
