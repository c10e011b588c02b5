"""`compare --run RUN --baseline-days NAME`: a finished run against the runs of earlier days."""

import argparse
from collections.abc import Iterator, Sequence

from loadtests.run_store.aggregates import Aggregates, ReleaseIdentity
from loadtests.run_store.baselines import baseline_identity
from loadtests.run_store.days import EarlierDays, earlier_days, measured_days, not_compared, why_not_compared
from loadtests.run_store.store import RunStore
from scripts.comparing.judging import tell_end
from scripts.context import Context
from scripts.run_store.days_folder import SAME, keep_days
from scripts.run_store.opened import add_store, find_stored, open_store
from slo.documents import BadInput
from slo.formatting import clean, clip, count, percent, seconds
from slo.outcomes import EnvironmentLacks, ExitCode, Outcome
from slo.regression.comparison import MeasureResult
from slo.regression.days import FEWEST_DAYS, DaysComparison, compare_days
from slo.regression.measures import Kind
from slo.regression.settings import ComparisonSettings

_TABLE = "{:<32} {:<13} {:>12} {:>12} {:>10} {:>11}"


def add_days(parser: argparse.ArgumentParser) -> None:
    """Add what comparing needs of a store: --store, --baseline, and a run against --baseline-days."""
    add_store(parser)
    parser.add_argument(
        "--baseline",
        metavar="NAME",
        help="the release of this baseline is A: the switch command gets it as PEAKPROOF_RELEASE",
    )
    parser.add_argument(
        "--baseline-days",
        metavar="NAME",
        help="compare --run with the earlier runs of this baseline's release, a value a day:"
        f" at least {FEWEST_DAYS} days, where the old release can't be put up again",
    )
    parser.add_argument("--run", dest="run_name", metavar="RUN", help="with --baseline-days: path, name or latest")


def release_of_baseline(options: argparse.Namespace, context: Context) -> ReleaseIdentity | None:
    """Return the release that --baseline makes A, None without it; raises BadInput."""
    if options.baseline is None:
        return None
    return baseline_identity(open_store(options, context), options.baseline)


def is_of_days(options: argparse.Namespace) -> bool:
    """Whether a finished run is compared with earlier days; raises BadInput where half of that is given."""
    if options.baseline_days is None and options.run_name is not None:
        raise BadInput("--run: needs --baseline-days NAME, the baseline whose earlier days it is compared with")
    return options.baseline_days is not None


def compare_with_days(options: argparse.Namespace, context: Context, settings: ComparisonSettings) -> ExitCode:
    """Compare a finished run with earlier days, print what is shown, and keep it as a comparison's folder.

    The exit code is the verdict's by the policy; one that is only advice is INCONCLUSIVE, whatever it says.
    """
    store = open_store(options, context)
    run = find_stored(options.run_name or "latest", store, store.contents(), context).aggregates
    days, found = against_days(store, options.baseline_days, run, settings)
    folder, verdict = keep_days(days, found, run, settings, options, context.runs)
    for line in days_lines(days, found, run):
        context.say(line)
    return tell_end(folder, verdict, context)


def against_days(
    store: RunStore, name: str, run: Aggregates, settings: ComparisonSettings
) -> tuple[EarlierDays, DaysComparison]:
    """Return earlier days and what they show; raises BadInput, or EnvironmentLacks where the run isn't valid."""
    reasons = why_not_compared(run)
    if reasons:
        raise EnvironmentLacks("\n".join(f"{run.run}: nothing is shown of its release: {one}" for one in reasons))
    days = earlier_days(store, name, run)
    return days, compare_days(measured_days(days, run, settings), settings)


def days_lines(days: EarlierDays, comparison: DaysComparison, run: Aggregates) -> Iterator[str]:
    """Return the comparison for people."""
    word = comparison.outcome.value
    here, there = run.identity.release or "unknown", days.baseline.identity.release or "unknown"
    if comparison.is_advisory and comparison.outcome is not Outcome.INCONCLUSIVE:
        word = f"{Outcome.INCONCLUSIVE.value} (advice: {word})"
    yield f"{word}  release {clean(here)} against {clean(there)} on {comparison.days} earlier days"
    yield clean(comparison.because)
    if here == there:
        yield SAME
    yield ""
    yield _TABLE.format("measure", "outcome", "earlier", "now", "change", "detectable")
    yield from (_row(one) for one in comparison.results)
    if comparison.advisory:
        yield ""
        yield from _advice(comparison.advisory)
    if comparison.needs:
        yield f"needs     {clean(comparison.needs)}"
    yield from (f"not compared  {clean(name)}: {clean(because)}" for name, because in not_compared(days).items())
    yield from (f"left out  {clean(one)}" for one in days.left_out)


def _advice(advisory: Sequence[str]) -> Iterator[str]:
    names = ", ".join(clean(one) for one in advisory)
    yield f"advice    only a change of over 20 % would be found of {names}: it decides nothing (75)"


def _row(one: MeasureResult) -> str:
    name = clip(clean(one.measure.name), 32)
    if one.change is None:
        return _TABLE.format(name, one.outcome.value, "-", "-", "-", "-") + f"  {clean(one.because or '')}"
    figure = seconds if one.measure.kind is Kind.LATENCY else count if one.measure.kind is Kind.ORDERS else percent
    values = ["-" if value is None else figure(value) for value in (one.value_a, one.value_b)]
    return _TABLE.format(name, one.outcome.value, *values, _change(one, one.change), _change(one, one.detectable))


def _change(one: MeasureResult, change: float | None) -> str:
    if change is None:
        return "-"
    if one.measure.kind is Kind.LATENCY:
        change -= 1
    elif one.measure.kind is Kind.ORDERS:
        change = -change / one.value_a if one.value_a else -change
    return f"{'+' if change > 0 else '-' if change < 0 else ''}{percent(abs(change))}"
