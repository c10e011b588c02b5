"""A release against runs of earlier days, where its predecessor can't be played again: the day is the unit.

Two runs on one day are more alike than on two days: the machines, the data and the neighbours are the same. A test that
takes runs for independent calls a release worse that met a bad day (docs/trust.md). So each earlier day is one value,
and the new release's day is one more draw from them: SE = s * sqrt(1 + 1 / K) over K days, Student's t with K - 1
degrees of freedom. It takes eight days, and finds only what is larger than the days differ.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from slo.outcomes import Outcome
from slo.regression.comparison import MeasureResult, result_of
from slo.regression.design import Design
from slo.regression.evidence import Assumed, Evidence, evidence, unknown
from slo.regression.looks import Levels, Sight, failing, outcome_of, passes
from slo.regression.measures import Kind, Measure, Measured, Pair, Value
from slo.regression.settings import ComparisonSettings

FEWEST_DAYS = 8
ADVISORY_OVER = 0.20
"""A comparison that finds nothing smaller than this is advice: it would pass what no shop would release."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DayValue:
    """A measure's value in one run of an earlier day; `day` is its date, and several of a day count as their mean."""

    day: str
    value: Value


@dataclass(frozen=True, slots=True, kw_only=True)
class MeasuredDays:
    """A measure's values on earlier days, in the order of time, and the new release's."""

    measure: Measure
    earlier: tuple[DayValue, ...]
    now: Value


@dataclass(frozen=True, slots=True, kw_only=True)
class DaysComparison:
    """The verdict against earlier days; in each result `pairs` is the number of days that are known.

    `advisory` names the measures in which it finds nothing smaller than 20 % (of errors: than the whole budget).
    """

    outcome: Outcome
    days: int
    results: tuple[MeasureResult, ...]
    advisory: tuple[str, ...]
    because: str
    needs: str | None = None

    @property
    def is_advisory(self) -> bool:
        """Whether the verdict must not block: a FAIL when only such measures fail, else when there is any."""
        if self.outcome is Outcome.FAIL:
            return all(one.measure.name in self.advisory for one in self.results if one.outcome is Outcome.FAIL)
        return bool(self.advisory)


def compare_days(measured: Sequence[MeasuredDays], settings: ComparisonSettings) -> DaysComparison:
    """Return the verdict over a release's run and the runs of at least eight earlier days."""
    pairs = paired(measured)
    found = [_evidence(one, settings) for one in pairs]
    design = Design(looks=(max([FEWEST_DAYS, *(len(one.pairs) for one in pairs)]),))
    levels = Levels(design, settings)
    failed = failing(found, levels, 0)
    sights = [
        Sight(
            evidence=one,
            outcome=Outcome.FAIL if index in failed else passes(one, levels.to_pass[0]),
            fail_level=failed.get(index, levels.to_fail(len(found) - len(failed))[0]),
            pass_level=levels.to_pass[0],
            look=design.pairs,
        )
        for index, one in enumerate(found)
    ]
    results = tuple(_of_days(result_of(one, sight, design)) for one, sight in zip(pairs, sights, strict=True))
    outcome = outcome_of(sights) if sights else Outcome.INCONCLUSIVE
    days = min((one.pairs for one in results), default=0)
    advisory = tuple(one.measure.name for one in results if _is_advisory(one, settings))
    return DaysComparison(
        outcome=outcome,
        days=days,
        results=results,
        advisory=advisory,
        because=_because(outcome, results, days),
        needs=_needs(outcome, days),
    )


def paired(measured: Sequence[MeasuredDays]) -> tuple[Measured, ...]:
    """Return each measure's days as pairs: an earlier day, and the new release's run."""
    return tuple(Measured(measure=one.measure, pairs=_pairs(one)) for one in measured)


def _pairs(one: MeasuredDays) -> tuple[Pair, ...]:
    """Return each day as a pair with the new release's run."""
    by_day: dict[str, list[Value]] = {}
    for day in one.earlier:
        by_day.setdefault(day.day, []).append(day.value)
    return tuple(
        Pair(number=number, a=_mean(one.measure, values), b=one.now)
        for number, values in enumerate(by_day.values(), start=1)
    )


def _mean(measure: Measure, values: Sequence[Value]) -> Value:
    known = [one for one in values if unknown(measure, Pair(number=1, a=one, b=one)) is None]
    if not known:
        return values[0]
    mean = sum(one.value or 0.0 for one in known) / len(known)
    return Value(value=mean, events=sum(one.events for one in known))


def _evidence(one: Measured, settings: ComparisonSettings) -> Evidence | None:
    """Return it with the new day's own spread in it, from which the mean of many earlier days doesn't save.

    An earlier day that isn't known keeps it from nothing, as long as eight are.
    """
    known = [pair for pair in one.pairs if unknown(one.measure, pair) is None]
    found = evidence(one.measure, known, Assumed(lasting=settings.deployment_sd), fewest=FEWEST_DAYS)
    if found is None:
        return None
    counts = found.counts and replace(
        found.counts, bad_b=found.counts.bad_b / found.pairs, events_b=found.counts.events_b / found.pairs
    )
    differs = (found.centre,) * found.pairs  # one day that is worse is worse than each: no sign test of its own
    return replace(found, differences=differs, counts=counts, lasting=max(found.spread, found.lasting))


def _of_days(result: MeasureResult) -> MeasureResult:
    needs = None if result.needs is None else "more days, or the old release played again as A"
    return replace(result, needs=needs)


def _is_advisory(result: MeasureResult, settings: ComparisonSettings) -> bool:
    if result.detectable is None:
        return True
    if result.measure.kind is Kind.LATENCY:
        return result.detectable > 1 + ADVISORY_OVER
    if result.measure.kind is Kind.ORDERS:
        return result.detectable > ADVISORY_OVER * (result.value_a or 0.0)
    return result.detectable > result.measure.pass_under / settings.pass_budget_share


def _because(outcome: Outcome, results: Sequence[MeasureResult], days: int) -> str:
    if not results:
        return "nothing is compared: no objective gives a measure"
    if days < FEWEST_DAYS:
        return f"{days} earlier days are known of every measure; it takes {FEWEST_DAYS}"
    against = f"against {days} earlier days"
    if outcome is Outcome.PASS:
        return f"the release is shown not to be worse, {against}"
    shown = "; ".join(f"{one.measure.name} {one.because}" for one in results if one.outcome is outcome)
    return f"the release is worse {against}: {shown}" if outcome is Outcome.FAIL else f"not shown {against}: {shown}"


def _needs(outcome: Outcome, days: int) -> str | None:
    if outcome is not Outcome.INCONCLUSIVE:
        return None
    if days < FEWEST_DAYS:
        more = FEWEST_DAYS - days
        return f"runs of {more} more day{'' if more == 1 else 's'}"
    return "the old release, played again as A in one job with the new one: days differ more than releases do"
