"""What may become a baseline: a run that passed, unchanged, of a known release, and not slower than the one before."""

from collections.abc import Iterator

from loadtests.run_store.aggregates import Aggregates, ObjectiveAggregate, ReleaseIdentity
from loadtests.run_store.conditions import differences
from loadtests.run_store.entries import Mark
from loadtests.run_store.store import Contents, RunStore
from slo.documents import BadInput
from slo.formatting import percent, seconds
from slo.outcomes import Outcome

MAX_SLOWER_RATIO = 1.02
"""How much slower than the baseline before it a run may be in the p95 of any latency objective.

Without it a baseline that is replaced each night follows a shop that grows slower by a little each night.
"""


def why_no_baseline(run: Aggregates) -> tuple[str, ...]:
    """Return why a run may not become a baseline at all, none where it may."""
    return tuple(_why_not(run))


def why_not_in_place_of(run: Aggregates, before: Aggregates) -> tuple[str, ...]:
    """Return why a run may not replace the baseline `before`, none where it may.

    A latency that isn't known of both, or is of a failed request, is never taken for one that is good enough.
    """
    others = differences(run, before)
    if others:
        return (f"it can't be compared with the baseline's run {before.run}: {'; '.join(others)}",)
    known, wanted = run.latency_objectives, before.latency_objectives
    return tuple(found for name in wanted if (found := _slower(name, known.get(name), wanted[name])))


def _why_not(run: Aggregates) -> Iterator[str]:
    if run.outcome is None:
        yield f"it was never judged: `peakproof judge {run.run}`"
    elif run.outcome != Outcome.PASS.value:
        yield f"its verdict is {run.outcome}, only a PASS may become one"
    if run.ended != "completed":
        yield f"it was not played to its end: {run.ended or 'not known how it ended'}"
    yield from (f"it isn't valid: {one}" for one in run.invalid)
    yield from run.changed
    if run.identity.handed_on is None:
        yield (
            "nothing says which release it tested: declare `release_probe` or the fingerprint's `image_digest` in"
            " targets.yaml, or run with --release"
        )
    if not run.plan_sha256 or not run.objectives_sha256:
        yield "its run.json has no hash of its plan or its objectives"


def _slower(name: str, run: ObjectiveAggregate | None, before: ObjectiveAggregate) -> str | None:
    here = run.latency.p95_s if run and run.latency else None
    there = before.latency.p95_s if before.latency else None
    if before.latency is None and (run is None or run.latency is None):
        return None  # about sessions or Prometheus' counters: no latency of the records on either side
    if here is None or there is None:
        return f"{name}: no p95 to compare: {_or_unknown(here)} instead of {_or_unknown(there)}"
    if here <= there * MAX_SLOWER_RATIO:
        return None
    slower = percent(here / there - 1) if there else "infinitely"
    return (
        f"{name}: its p95 {seconds(here)} is {slower} slower than the baseline's {seconds(there)},"
        f" allowed {percent(MAX_SLOWER_RATIO - 1)}"
    )


def _or_unknown(value: float | None) -> str:
    return "unknown" if value is None else seconds(value)


def baseline_identity(store: RunStore, name: str) -> ReleaseIdentity:
    """Return how the release of the baseline `name` is known, so that a comparison can put it up again as A.

    Its `handed_on` is what a switch command gets as PEAKPROOF_RELEASE. Raises BadInput where there is none.
    """
    mark = baseline_mark(store, store.contents(), name)
    if mark.identity.handed_on is None:
        raise BadInput(f"{store.address}: baseline {name}: its mark names no release: mark a run of one again")
    return mark.identity


def baseline_mark(store: RunStore, contents: Contents, name: str) -> Mark:
    """Return the mark of the baseline `name`; raises BadInput where there is none, or it can't be read."""
    mark = contents.baseline(name)
    if mark is not None:
        return mark
    broken = contents.unusable.get(f"marks/baseline/{name}.json")
    names = sorted(one.name or "" for one in contents.marks if one.kind == "baseline")
    there = f"there are {', '.join(names)}" if names else "there is none yet"
    raise BadInput(
        broken or f"{store.address}: no baseline {name}: {there}; `peakproof runs mark RUN --baseline {name}` makes it"
    )
