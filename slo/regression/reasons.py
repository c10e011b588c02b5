"""What was found of a measure, in sentences: why it is decided as it is, and what would settle it."""

import math
from collections.abc import Sequence

from slo.formatting import count, percent, seconds
from slo.outcomes import Outcome
from slo.regression.design import Design
from slo.regression.evidence import Evidence, longest_burst_s, unknown
from slo.regression.looks import Sight
from slo.regression.measures import Kind, Measure, Pair
from slo.regression.spending import normal_quantile

_LIKELY = 0.2  # what is asked for settles it with a chance of 80 %
_MOST_PAIRS = 200
_LONG_BURST_S = 30.0
_NAMED = 3


def signed(change: float) -> str:
    """`0.123` as `+12.3 %`, `-0.02` as `-2 %`."""
    shown = percent(abs(change))
    return shown if change == 0 else f"{'+' if change > 0 else '-'}{shown}"


def sized(measure: Measure, found: Evidence, value: float) -> str:
    """Return a value on d's scale as people say it, the worse with a plus: of orders a loss has a minus."""
    if measure.kind is Kind.LATENCY:
        return signed(math.expm1(value))
    if measure.kind is Kind.ORDERS:
        return signed(-value / (1 - found.a)) if found.a < 1 else "without an order"
    return f"{signed(value)} of requests"


def levels(measure: Measure, found: Evidence) -> str:
    """Return both releases' levels: `137 ms → 154 ms`."""
    if measure.kind is Kind.LATENCY:
        return f"{seconds(found.a)} → {seconds(found.b)}"
    if measure.kind is Kind.ORDERS:
        return f"{count(1 - found.a)} → {count(1 - found.b)} by session"
    return f"{percent(found.a)} → {percent(found.b)}"


def because(measure: Measure, sight: Sight, pairs: Sequence[Pair], design: Design) -> str:
    """Return why the measure is what it is at the look."""
    found = sight.evidence
    if found is None:
        return f"too little is known: {_gaps(measure, pairs)}"
    seen = f"{sized(measure, found, found.centre)} ({levels(measure, found)})"
    if sight.outcome is Outcome.FAIL:
        tolerated = _limit(measure, found, found.fail_limit)
        return f"{seen}, at best {sized(measure, found, sight.low)}; up to {tolerated} is tolerated"
    if sight.outcome is Outcome.PASS:
        passes = _limit(measure, found, found.pass_limit)
        shown = f"{seen}, at worst {sized(measure, found, sight.high)}; under {passes} passes"
        return shown + _unless(measure, sight, found, design)
    if sight.dependent:
        return (
            f"{seen}, but the pairs aren't independent: each is like the one before (correlation "
            f"{found.autocorrelation() or 0:.2f}), so their number shows nothing"
        )
    return f"{seen}, which leaves open {sized(measure, found, sight.low)} to {sized(measure, found, sight.high)}" + (
        "" if found.can_pass else f"; and it can't pass: {_gaps(measure, pairs)}"
    )


def needs(measure: Measure, sight: Sight, pairs: Sequence[Pair], design: Design) -> str | None:
    """Return what would settle an undecided measure, None for one that is decided."""
    found = sight.evidence
    if sight.outcome is not Outcome.INCONCLUSIVE:
        return None
    if sight.dependent:
        return "longer blocks, or a staging on which nothing else comes and goes by the minute"
    if found is None or not found.can_pass:
        return f"its value in every pair; {_gaps(measure, pairs)}"
    more = _pairs_needed(sight, found)
    if more is None:
        return (
            f"no more pairs like these: the change is too close to what is tolerated, or differs too much from pair to "
            f"pair ({sized(measure, found, found.noise)}); longer blocks, more load or other tolerances do"
        )
    return f"about {count(more)} pairs ({count(math.ceil(design.lasts_s(more) / 60))} min), if it stays as it was seen"


def detectable(sight: Sight, found: Evidence) -> float:
    """Return the change, on d's scale, that so many such pairs find with a chance of 80 %."""
    reach = found.centre - found.low(sight.fail_level)
    return found.fail_limit + reach + normal_quantile(_LIKELY) * found.standard_error


def _pairs_needed(sight: Sight, found: Evidence) -> int | None:
    """Return the pairs after which it would be shown or ruled out with a chance of 80 %, the fewer of the two."""
    ways = (
        (found.centre - found.fail_limit, sight.fail_level),
        (found.pass_limit - found.centre, sight.pass_level),
    )
    counts = [one for gap, level in ways if (one := _pairs_for(found, gap, level)) is not None]
    return max(found.pairs + 1, min(counts)) if counts else None


def _pairs_for(found: Evidence, gap: float, level: float) -> int | None:
    times = normal_quantile(level) + normal_quantile(_LIKELY)
    room = gap**2 - (times * found.lasting) ** 2
    if gap <= 0 or room <= 0:
        return None
    pairs = math.ceil((times * found.noise) ** 2 / room) + 2  # two more, for what t is wider than the normal
    return pairs if pairs <= _MOST_PAIRS else None


def _limit(measure: Measure, found: Evidence, limit: float) -> str:
    said = sized(measure, found, limit)
    least = measure.kind is Kind.LATENCY and measure.min_change_s > 0
    return f"{said} ({seconds(measure.min_change_s)})" if least and _is_least(measure, found, limit) else said


def _is_least(measure: Measure, found: Evidence, limit: float) -> bool:
    return math.isclose(limit, math.log1p(measure.min_change_s / found.a))


def _unless(measure: Measure, sight: Sight, found: Evidence, design: Design) -> str:
    burst_s = longest_burst_s(found, measure, design, sight.pass_level)
    if burst_s is None or burst_s > _LONG_BURST_S:
        return ""
    return f", unless B's errors come in bursts of over {seconds(burst_s)}"


def _gaps(measure: Measure, pairs: Sequence[Pair]) -> str:
    """Return which pairs aren't known, or failed, and why the first of them."""
    gaps = [(pair.number, why) for pair in pairs if (why := unknown(measure, pair) or _failed(pair)) is not None]
    numbers = [count(number) for number, _ in gaps]
    some = ", ".join(numbers[:_NAMED]) + (f" and {len(numbers) - _NAMED} more" if len(numbers) > _NAMED else "")
    return f"pair{'s' if len(gaps) > 1 else ''} {some}: {gaps[0][1]}" if gaps else f"{count(len(pairs))} pairs"


def _failed(pair: Pair) -> str | None:
    failed = [name for name, one in (("A", pair.a), ("B", pair.b)) if math.isinf(one.value or 0.0)]
    return f"the request at the quantile failed with {' and '.join(failed)}" if failed else None
