"""`runs mark` and `runs unmark`: which run is a baseline, and whose raw records stay."""

from collections.abc import Iterator

from loadtests.run_store.aggregates import Aggregates
from loadtests.run_store.baselines import why_no_baseline, why_not_in_place_of
from loadtests.run_store.entries import Mark
from loadtests.run_store.store import Contents, RunStore
from loadtests.runtime.clock import Clock
from scripts.context import Context
from scripts.run_store.opened import FoundRun, find_stored, put_run
from slo.documents import BadInput
from slo.outcomes import EnvironmentLacks

PLANS_OWN = ""
"""The name of a baseline that is given none: its plan's."""


def mark_run(name: str, baseline: str | None, why: str | None, store: RunStore, context: Context) -> Iterator[str]:
    """Mark a run, putting it into the store where it isn't yet; returns lines to print.

    `baseline` is its name, `PLANS_OWN` for the plan's, None for a run that is only kept. Raises BadInput for a run that
    may not become a baseline at all, EnvironmentLacks for one that may not replace the one before.
    """
    contents = store.contents()
    found = find_stored(name, store, contents, context)
    run = found.aggregates
    if baseline is None:
        _put(found, contents, store)
        store.mark(Mark(kind="kept", run=run.run, identity=run.identity, marked_at=_now(), why=why))
        yield f"kept: {run.run}: its raw records stay in {store.address}"
        return
    label = baseline or run.plan or ""
    before = _allowed(run, label, store, contents)
    _put(found, contents, store)
    store.mark(
        Mark(
            kind="baseline",
            run=run.run,
            name=label,
            identity=run.identity,
            marked_at=_now(),
            why=why,
            replaced=before.run if before and before.run != run.run else None,
        )
    )
    yield f"baseline {label}: {run.run}, release {run.identity.handed_on}"
    if before is not None and before.run != run.run:
        yield f"it replaces {before.run}"


def unmark(name: str, baseline: str | None, store: RunStore) -> Iterator[str]:
    """Remove the mark of a baseline by its name, or of a run that is kept; raises BadInput where there is none."""
    contents = store.contents()
    found = [one for one in contents.marks if _is_meant(one, name, baseline)]
    if not found:
        what = f"baseline {baseline}" if baseline else name
        raise BadInput(f"{store.address}: {what}: not marked; `peakproof runs list` shows what is")
    for mark in found:
        store.unmark(mark)
        yield f"unmarked: {mark.run}{f', baseline {mark.name}' if mark.name else ''}"


def _is_meant(mark: Mark, name: str, baseline: str | None) -> bool:
    if baseline is not None:
        return mark.kind == "baseline" and mark.name == baseline
    return mark.run == name


def _allowed(run: Aggregates, label: str, store: RunStore, contents: Contents) -> Mark | None:
    """Return the baseline before; raises where the run may not take its place."""
    reasons = why_no_baseline(run)
    if reasons:
        raise BadInput("\n".join(f"{run.run}: may not become a baseline: {one}" for one in reasons))
    broken = contents.unusable.get(f"marks/baseline/{label}.json")
    if broken:
        raise BadInput(f"{broken}: `peakproof runs unmark` can't remove it: remove that file by hand")
    before = contents.baseline(label)
    if before is None or before.run == run.run:
        return before
    entry = contents.entry(before.run)
    if entry is None:
        raise EnvironmentLacks(
            f"{store.address}: baseline {label}: its run {before.run} isn't whole in the store{_free(label)}"
        )
    reasons = why_not_in_place_of(run, store.aggregates(entry))
    if reasons:
        lines = "\n".join(f"{run.run}: doesn't replace {before.run}: {one}" for one in reasons)
        raise EnvironmentLacks(f"{lines}\nbaseline {label} stays as it is{_free(label)}")
    return before


def _free(label: str) -> str:
    return f"; `peakproof runs unmark --baseline {label}` frees the name, for good"


def _put(found: FoundRun, contents: Contents, store: RunStore) -> None:
    entry = contents.entry(found.aggregates.run)
    if found.directory is not None and (entry is None or entry.records is None):
        put_run(store, found.directory)
    elif found.directory is not None:
        _put_if_judged_since(found, contents, store)


def _put_if_judged_since(found: FoundRun, contents: Contents, store: RunStore) -> None:
    """Put a run again whose verdict was made since it was put."""
    entry = contents.entry(found.aggregates.run)
    if entry is not None and found.directory is not None and store.aggregates(entry) != found.aggregates:
        put_run(store, found.directory)


def _now() -> int:
    return Clock.start().now()
