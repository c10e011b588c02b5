"""`runs show`: one run's aggregates on a screen."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from loadtests.cleanup.journal import Journal
from loadtests.results.run_directory import RunDirectory
from loadtests.run_store.aggregates import Aggregates, Latency
from loadtests.run_store.baselines import why_no_baseline
from loadtests.run_store.entries import Mark
from loadtests.run_store.season import day_of
from slo.formatting import clean, clip, count, percent, seconds

_TABLE = "{:<32} {:<11} {:>10} {:>9} {:>9} {:>9} {:>9}"


def shown(run: Aggregates, marks: Sequence[Mark]) -> Iterator[str]:
    """Return a run's lines: what it was, its verdict, its figures in the judged window, and what it is marked as."""
    yield f"{run.run}  {day_of(run.started_at)} UTC, ended: {run.ended or 'unknown'}"
    yield f"{run.outcome or 'not judged'}  {clean(run.about or '')}"
    if run.headline:
        yield clean(run.headline)
    yield ""
    yield _TABLE.format("objective", "outcome", "events", "bad", "p50", "p95", "p99")
    for one in run.objectives:
        yield _line(one.name, one.outcome, one.events, one.bad, one.latency)
    if run.steps:
        yield ""
        yield _TABLE.format("step", "", "requests", "bad", "p50", "p95", "p99")
    for step in run.steps:
        yield _line(step.step, "", step.latency.requests, step.bad, step.latency)
    yield ""
    yield f"plan        {clean(run.plan or 'unknown')} (sha256 {(run.plan_sha256 or 'unknown')[:12]})"
    yield f"release     {clean(run.identity.release or 'unknown')}{_image(run)}"
    yield from (f"changed     {clean(one)}" for one in run.changed)
    yield from (f"marked      {_mark(one)}" for one in marks)
    reasons = why_no_baseline(run)
    if reasons:
        yield f"baseline    may not become one: {clean('; '.join(reasons))}"


def cleaned_up(path: Path) -> Iterator[str]:
    """Return when what a run created was last removed, if its directory is here and says so."""
    last = next((row for row in reversed(Journal(RunDirectory(path=path).cleanup).rows) if row.event == "ended"), None)
    if last is not None:
        open_ = f"{last.left or 'nothing'} known to be left, {last.unproven or 'nothing'} not proven"
        yield f"cleaned up  {day_of(last.at)} UTC: {open_}"


def _line(name: str, outcome: str, events: int | None, bad: int | None, latency: Latency | None) -> str:
    share = "-" if not events or bad is None else percent(bad / events)
    waits = (latency.p50_s, latency.p95_s, latency.p99_s) if latency else (None, None, None)
    # Where there are requests, a quantile that isn't known is one at a request that failed.
    missing = "failed" if latency and latency.requests else "-"
    quantiles = [missing if one is None else seconds(one) for one in waits]
    total = "-" if events is None else count(events)
    return _TABLE.format(clip(clean(name), 32), clean(outcome), total, share, *quantiles)


def _image(run: Aggregates) -> str:
    return f", image {clip(clean(run.identity.image), 90)}" if run.identity.image else ""


def _mark(mark: Mark) -> str:
    what = f"baseline {clean(mark.name or '')}" if mark.kind == "baseline" else "kept"
    return f"{what} since {day_of(mark.marked_at)}{f': {clean(mark.why)}' if mark.why else ''}"
