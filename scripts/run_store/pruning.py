"""`runs prune`: removes raw records that are older than some days, and says what that frees."""

from collections.abc import Iterator

from loadtests.results.run_directory import RunDirectory
from loadtests.run_store.local_comparisons import local_comparisons, remove_comparison
from loadtests.run_store.local_runs import local_runs, remove_run, size_of
from loadtests.run_store.pruning import Prunable, prunable
from loadtests.run_store.store import Contents, RunStore
from loadtests.runtime.clock import Clock
from scripts.context import Context
from scripts.run_store.opened import put_run
from slo.documents import BadInput

_MB = 1_000_000


def prune(store: RunStore, context: Context, *, days: int, dry_run: bool) -> Iterator[str]:
    """Remove what may go, its aggregates kept in the store first; returns lines to print."""
    contents = store.contents()
    going, staying = prunable(
        local_runs(context.runs),
        contents,
        now=Clock.start().now(),
        days=days,
        comparisons=local_comparisons(context.runs),
    )
    freed = 0
    for one in going:
        size, line = _removed(one, contents, store, context, dry_run=dry_run)
        freed += size
        yield line
    yield from (f"stays  {one.run}: {one.because}" for one in staying)
    if not going:
        yield f"nothing to prune: no unmarked records of over {days} days"
        return
    yield f"{'would free' if dry_run else 'freed'} {freed / _MB:,.1f} MB"


def _removed(one: Prunable, contents: Contents, store: RunStore, context: Context, *, dry_run: bool) -> tuple[int, str]:
    word = "would remove" if dry_run else "removed"
    if one.what == "directory" and one.path is not None:
        size = size_of(one.path)
        try:
            if not dry_run:
                _keep_aggregates(one, contents, store)
                remove_run(one.path, context.runs)
        except BadInput as error:
            return 0, f"stays  {one.run}: {str(error).splitlines()[0]}"
        return size, f"{word} {one.path} ({size / _MB:,.1f} MB); its aggregates are in {store.address}"
    if one.what == "comparison" and one.path is not None:
        size = size_of(one.path)
        if not dry_run:
            store.put_comparison(one.path)
            remove_comparison(one.path, context.runs)
        return size, f"{word} {one.path} ({size / _MB:,.1f} MB); its documents are in {store.address}"
    if one.what == "partly written":
        size = store.partly_written_size(one.run)
        if not dry_run:
            store.drop_partly_written(one.run)
        return size, f"{word} what was partly written of {one.run} in {store.address} ({size / _MB:,.1f} MB)"
    entry = contents.entry(one.run)
    size = (entry.records or 0) if entry else 0
    if entry is not None and not dry_run:
        store.drop_records(entry)
    return size, f"{word} the records of {one.run} in {store.address} ({size / _MB:,.1f} MB)"


def _keep_aggregates(one: Prunable, contents: Contents, store: RunStore) -> None:
    if one.path is not None and contents.entry(one.run) is None:
        put_run(store, RunDirectory(path=one.path), records=False)
