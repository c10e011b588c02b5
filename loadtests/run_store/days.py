"""Runs of earlier days as what a release is compared with, where the old one can't be put up again: a value a day."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from loadtests.run_store.aggregates import Aggregates, ObjectiveAggregate
from loadtests.run_store.baselines import baseline_mark
from loadtests.run_store.conditions import differences
from loadtests.run_store.store import RunStore
from slo.documents import BadInput
from slo.regression.days import DayValue, MeasuredDays
from slo.regression.limits import error_measure, latency_measure, orders_measure
from slo.regression.measures import Kind, Measure, Value
from slo.regression.settings import ComparisonSettings

_QUANTILES = {0.5: "p50_s", 0.95: "p95_s", 0.99: "p99_s"}


@dataclass(frozen=True, slots=True, kw_only=True)
class EarlierDays:
    """The runs of a baseline's release before a run, and why others of its release don't count."""

    baseline: Aggregates
    runs: tuple[Aggregates, ...]
    left_out: tuple[str, ...]


def earlier_days(store: RunStore, name: str, run: Aggregates) -> EarlierDays:
    """Return the runs of earlier days that `run` is compared with: of the release of the baseline `name`.

    Each of them is valid, unchanged and of the same conditions, whatever its verdict was: without the days on which the
    release failed it would look better, and its days more alike, than they were. Raises BadInput where there is no such
    baseline, or where `run` was played under other conditions than its run, with each difference.
    """
    contents = store.contents()
    mark = baseline_mark(store, contents, name)
    entry = contents.entry(mark.run)
    if entry is None:
        raise BadInput(f"{store.address}: baseline {name}: its run {mark.run} isn't whole in the store")
    baseline = store.aggregates(entry)
    others = differences(run, baseline)
    if others:
        lines = "\n".join(f"{run.run}: can't be compared with {baseline.run}: {one}" for one in others)
        raise BadInput(lines)
    found, left_out = [], []
    for one in contents.entries:
        is_earlier = (one.started_at or 0) < (run.started_at or 0) and one.run != run.run
        if one.identity != baseline.identity or not is_earlier:
            continue
        other = store.aggregates(one)
        reasons = (*why_not_compared(other), *differences(other, baseline))
        if reasons:
            left_out.append(f"{other.run}: {reasons[0]}")
        else:
            found.append(other)
    return EarlierDays(baseline=baseline, runs=tuple(found), left_out=tuple(left_out))


def why_not_compared(run: Aggregates) -> tuple[str, ...]:
    """Return why a run's figures say nothing of its release, none where they do; it may have missed its objectives."""
    return tuple(_why_not_compared(run))


def measured_days(days: EarlierDays, run: Aggregates, settings: ComparisonSettings) -> tuple[MeasuredDays, ...]:
    """Return each measure's value in every earlier run and in `run`; raises BadInput for a quantile that isn't kept."""
    if settings.quantile not in _QUANTILES:
        raise BadInput(f"comparison.quantile: of earlier days 0.5, 0.95 and 0.99 are kept, found {settings.quantile:g}")
    return tuple(
        MeasuredDays(
            measure=measure,
            earlier=tuple(DayValue(day=_day(one), value=_value(measure, one)) for one in days.runs),
            now=_value(measure, run),
        )
        for measure in _measures(days.baseline.objectives, settings)
    )


def not_compared(days: EarlierDays) -> dict[str, str]:
    """Return the objectives by which the days aren't compared, and why, as `measured_days` leaves them out."""
    return {one.name: because for one in days.baseline.objectives if (because := _why_no_measure(one)) is not None}


def _why_no_measure(one: ObjectiveAggregate) -> str | None:
    if one.indicator == "availability":
        return None if one.target is not None else "its target isn't known"
    if one.indicator != "latency":
        return f"its indicator is {one.indicator or 'not known'}: only latencies and failed requests are compared"
    if one.source != "records":
        return f"of a latency from {one.source or 'an unknown source'} no quantile is kept"
    return None if one.steps else "its steps aren't known"


def _why_not_compared(run: Aggregates) -> Iterator[str]:
    if run.outcome is None:
        yield f"it was never judged: `peakproof judge {run.run}`"
    if run.ended != "completed":
        yield f"it was not played to its end: {run.ended or 'not known how it ended'}"
    yield from (f"it isn't valid: {one}" for one in run.invalid)
    yield from run.changed


def _measures(objectives: Sequence[ObjectiveAggregate], settings: ComparisonSettings) -> Iterator[Measure]:
    """Return the measures of the objectives: a latency of the records, and a bad ratio of whatever source."""
    for one in objectives:
        if _why_no_measure(one) is not None:
            continue
        if one.indicator == "latency":
            yield latency_measure(one.name, one.steps, settings)
        elif one.target is not None:
            yield error_measure(one.name, one.steps, 1 - one.target, settings, source=one.source or "records")
    yield orders_measure((), settings)


def _value(measure: Measure, run: Aggregates) -> Value:
    if measure.kind is Kind.ORDERS:
        return _ratio(run.orders_accepted, run.sessions_started, f"{run.run}: its orders by session aren't known")
    one = next((one for one in run.objectives if one.name == measure.name), None)
    if one is None:
        return Value(value=None, events=0, because=f"{run.run}: has no objective {measure.name}")
    if measure.kind is Kind.ERRORS:
        return _ratio(one.bad, one.events, f"{run.run}: {measure.name}: its events aren't known")
    latency = one.latency
    if latency is None or not latency.requests:
        return Value(value=None, events=0, because=f"{run.run}: {measure.name}: no request of it is known")
    value = getattr(latency, _QUANTILES[measure.quantile or 0.95])
    return Value(value=math.inf if value is None else value, events=latency.requests)


def _ratio(part: int | None, whole: int | None, because: str) -> Value:
    if part is None or not whole:
        return Value(value=None, events=0, because=because)
    return Value(value=part / whole, events=whole)


def _day(run: Aggregates) -> str:
    return f"{datetime.fromtimestamp((run.started_at or 0) / 1e9, tz=UTC):%Y-%m-%d}"
