"""Opening the store that a command means, and finding a run in it or beside it."""

import argparse
from dataclasses import dataclass
from pathlib import Path

from loadtests.evidence.check import check_no_links
from loadtests.results.run_directory import RunDirectory
from loadtests.run_store.aggregates import Aggregates
from loadtests.run_store.aggregating import aggregate
from loadtests.run_store.store import Contents, RunStore
from loadtests.runtime.clock import Clock
from scripts.context import Context
from scripts.running.evidence import page_flaws
from scripts.running.runs import find_held
from slo.documents import BadInput
from slo.outcomes import Outcome
from slo.validity.manifest import shown

VARIABLE = "PEAKPROOF_STORE"
FOLDER = "run-store"
_NAMED = 20


def add_store(parser: argparse.ArgumentParser) -> None:
    """Add --store."""
    parser.add_argument(
        "--store",
        metavar="STORE",
        help="the store of runs: a folder, or a bucket such as s3://bucket/folder"
        f" (default: ${VARIABLE}, else {FOLDER}/ here)",
    )


def open_store(options: argparse.Namespace, context: Context) -> RunStore:
    """Open the store that is meant; raises BadInput or EnvironmentLacks."""
    address = options.store or context.environment.get(VARIABLE) or FOLDER
    is_folder = "://" not in address and not Path(address).is_absolute()
    return RunStore(str(context.folder / address) if is_folder else address)


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundRun:
    """A run's aggregates, from the store or made of its directory, which is None where the run is only in the store."""

    aggregates: Aggregates
    directory: RunDirectory | None


def find_stored(name: str, store: RunStore, contents: Contents, context: Context) -> FoundRun:
    """Find a run by name, path or `latest`: here first, then in the store; raises BadInput."""
    directory = _here(name, context)
    if directory is not None:
        return FoundRun(aggregates=_held(directory), directory=directory)
    entry = contents.entries[-1] if name == "latest" and contents.entries else contents.entry(Path(name).name)
    if entry is not None:
        return FoundRun(aggregates=store.aggregates(entry), directory=None)
    if name in contents.partly_written:
        raise BadInput(
            f"{store.address}: {name}: only partly written: `peakproof runs put {name}` where its directory is"
        )
    broken = contents.unusable.get(f"index/{name}.json")
    raise BadInput(
        broken or f"{name}: no such run: expected a path, a name below {context.runs} or in {store.address}, or latest"
    )


def put_run(store: RunStore, directory: RunDirectory, *, records: bool = True) -> Aggregates:
    """Put a finished run into the store; returns its aggregates."""
    aggregates = _held(directory)
    store.put(directory, aggregates, Clock.start().now(), records=records)
    return aggregates


def _held(directory: RunDirectory) -> Aggregates:
    """Return the aggregates of a run, which isn't valid where its evidence or its verdict isn't as it was left."""
    check_no_links(directory.path)
    aggregates, flaws = aggregate(directory), page_flaws(directory.path)
    if not flaws:
        return aggregates
    named = [shown(file, what) for file, what in flaws[:_NAMED]]
    untrusted: dict[str, object] = {"invalid": (*named, *aggregates.invalid)}
    if aggregates.outcome == Outcome.PASS.value:
        untrusted |= {"outcome": Outcome.INCONCLUSIVE.value, "headline": f"its evidence isn't whole: {named[0]}"}
    return aggregates.model_copy(update=untrusted)


def _here(name: str, context: Context) -> RunDirectory | None:
    try:
        return RunDirectory(path=find_held(name, context))
    except BadInput:
        return None
