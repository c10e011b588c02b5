"""Recording in the manifest what a step of a run did: the run itself when it ends, and each step after it."""

import hashlib
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from loadtests.evidence.files import Found, describe, hashes, is_evidence, is_listable, look
from loadtests.evidence.lock import locked
from loadtests.evidence.manifest import FILE, Manifest, ReadEntry, StepEntry, read_manifest
from loadtests.results.run_directory import RunDirectory, write_bytes
from loadtests.results.run_json import PEAKPROOF
from loadtests.runtime.clock import Clock
from slo.documents import BadInput

RUN = "run"
_GROWS = ".jsonl"
_UNLINKED = "0" * 64


def write_manifest(
    directory: RunDirectory, run: str | None = None, *, step: str = RUN, read: tuple[ReadEntry, ...] = ()
) -> Manifest:
    """List all evidence of a run that has just ended, in a manifest that begins with it; raises OSError.

    `run` is its name, where that isn't the directory's. Whatever lies in the directory is listed, however it is called:
    see `loadtests.evidence.files.is_evidence`. `read` is what lies elsewhere and belongs to it.
    """
    with locked(directory.path):
        paths = [path for path, found in look(directory.path).items() if is_listable(path, found) and is_evidence(path)]
        first = new_step(step).model_copy(update={"wrote": describe(directory.path, paths), "read": read})
        manifest = Manifest.begun(run or directory.name).with_step(first)
        write_bytes(directory.manifest, manifest.to_bytes())
    return manifest


@contextmanager
def recorded_step(
    directory: RunDirectory, step: str, *, writes: Collection[Path] = (), reads: Collection[Path] = ()
) -> Iterator[list[Path]]:
    """Add to the manifest what a step wrote and removed of what it `writes`, and what it `reads`.

    `writes` are the files that it may write or remove, and folders of which all is its own; what it learns only while
    it goes on it adds to the list that it is given. Whatever else appears or changes meanwhile is somebody else's
    doing: it isn't listed, or stays as it was. `reads` are the files that it rests on, where these aren't all of the
    evidence; of them the hash that they have when it begins is kept. A directory without a manifest, or with one that
    can't be read, stays so: nothing can be added to what isn't known. A step that fails has still written what it
    wrote.
    """
    own = list(writes)
    before, read = look(directory.path), read_entries(directory, reads, own)
    try:
        yield own
    finally:
        _add(directory, step, before, read, _below(directory, own))


def read_entries(directory: RunDirectory, reads: Collection[Path], own: Collection[Path]) -> tuple[ReadEntry, ...]:
    """Return what a step reads that writes its `own`: the manifest as a whole where no file is named."""
    paths = _below(directory, reads) or {FILE}
    there = _there(directory, paths)
    found = {**hashes(directory.path, there), **_grown(directory, _below(directory, own).intersection(there))}
    return tuple(ReadEntry(path=path, sha256=hash_) for path, hash_ in found.items())


def _grown(directory: RunDirectory, paths: Collection[str]) -> dict[str, str]:
    """Return the hashes by which lines of JSON are listed that have more lines since, before what they are now.

    A step that goes on with a file of its own adds rows to it, and may have been killed before it could list them.
    """
    latest = latest_manifest(directory) if any(path.endswith(_GROWS) for path in paths) else None
    listed = {} if latest is None else latest.listed()
    entries = {path: listed[path].entry for path in paths if path.endswith(_GROWS) and path in listed}
    return {
        path: entry.sha256
        for path, entry in entries.items()
        if hashlib.sha256((directory.path / path).read_bytes()[: entry.size]).hexdigest() == entry.sha256
    }


def latest_manifest(directory: RunDirectory) -> Manifest | None:
    """Return the manifest as it is by now, None where there is none that can be read: nothing can be added to it."""
    try:
        return read_manifest(directory.path)
    except BadInput:
        return None


def _below(directory: RunDirectory, paths: Collection[Path]) -> set[str]:
    return {path.relative_to(directory.path).as_posix() for path in paths}


def _add(
    directory: RunDirectory,
    step: str,
    before: Mapping[str, Found],
    read: tuple[ReadEntry, ...],
    own: Collection[str],
) -> None:
    after = look(directory.path)
    wrote = [
        path
        for path, found in after.items()
        if is_listable(path, found) and before.get(path) != found and _is_own(path, own)
    ]
    removed = tuple(sorted(path for path in before.keys() - after.keys() if _is_own(path, own)))
    if not wrote and not removed:
        return
    _append(directory, new_step(step).model_copy(update={"read": read, "removed": removed}), wrote)


def _is_own(path: str, own: Collection[str]) -> bool:
    """Whether a step says that it writes a file, or the folder that it lies in."""
    return path in own or any(path.startswith(f"{one}/") for one in own)


def _append(directory: RunDirectory, step: StepEntry, wrote: Collection[str]) -> None:
    """Add a step to the manifest as it is by now; to one that can't be read nothing can be added.

    So is what it `wrote`, and removed: whoever does either to the same file at once may have been added before it.
    """
    if not directory.manifest.exists():
        return
    with locked(directory.path):
        latest = latest_manifest(directory)
        if latest is None:
            return
        there, gone = _there(directory, wrote), set(step.removed).difference(_there(directory, step.removed))
        listed = {"wrote": describe(directory.path, there), "removed": tuple(sorted(gone))}
        write_bytes(directory.manifest, latest.with_step(step.model_copy(update=listed)).to_bytes())


def _there(directory: RunDirectory, paths: Collection[str]) -> list[str]:
    return [path for path in paths if (directory.path / path).is_file()]


def pruned(manifest: Manifest, kept: Collection[str]) -> Manifest:
    """Return the manifest of a run of which only some files are kept, for a store: it names those that went."""
    gone = tuple(sorted(path for path in manifest.listed() if is_evidence(path) and path not in kept))
    return manifest.with_step(new_step("prune").model_copy(update={"removed": gone})) if gone else manifest


def new_step(step: str) -> StepEntry:
    """Return the entry of a step that ends now; what it did is still to be set."""
    return StepEntry(step=step, at=Clock.start().now(), peakproof=PEAKPROOF, after=_UNLINKED)
