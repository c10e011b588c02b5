"""Recording in the manifest what a step of a run did: the run itself when it ends, and each step after it."""

from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from loadtests.evidence.files import Found, describe, hashes, is_evidence, is_listable, look
from loadtests.evidence.manifest import FILE, Manifest, ReadEntry, StepEntry, read_manifest
from loadtests.results.run_directory import RunDirectory, write_bytes
from loadtests.results.run_json import PEAKPROOF
from loadtests.runtime.clock import Clock
from slo.documents import BadInput

RUN = "run"
_UNLINKED = "0" * 64


def write_manifest(directory: RunDirectory, run: str | None = None) -> Manifest:
    """List all evidence of a run that has just ended, in a manifest that begins with it; raises OSError.

    `run` is its name, where that isn't the directory's. Whatever lies in the directory is listed, however it is called:
    see `loadtests.evidence.files.is_evidence`.
    """
    paths = [path for path, found in look(directory.path).items() if is_listable(path, found) and is_evidence(path)]
    first = _step(RUN).model_copy(update={"wrote": describe(directory.path, paths)})
    manifest = Manifest.begun(run or directory.name).with_step(first)
    write_bytes(directory.manifest, manifest.to_bytes())
    return manifest


@contextmanager
def recorded_step(
    directory: RunDirectory, step: str, *, reads: Collection[Path] = (), rewrites: Collection[Path] = ()
) -> Iterator[None]:
    """Add to the manifest what a step writes and removes in the directory meanwhile, and what it `reads`.

    Files are told by looking before and after, so a step needn't name what it adds. Of the evidence that is listed it
    may change what it `rewrites`; what else changes meanwhile is somebody else's doing, and stays as it was listed.
    `reads` are the files that it rests on, where these aren't all of the evidence; of them the hash that they have when
    it begins is kept. A directory without a manifest, or with one that can't be read, stays so: nothing can be added to
    what isn't known. A step that fails has still written what it wrote.
    """
    before, read = look(directory.path), _read(directory, reads)
    try:
        yield
    finally:
        _add(directory, step, before, read, _below(directory, rewrites))


def _read(directory: RunDirectory, reads: Collection[Path]) -> tuple[ReadEntry, ...]:
    """Return what a step reads: the manifest as a whole where no file is named."""
    paths = _below(directory, reads) or {FILE}
    there = [path for path in paths if (directory.path / path).is_file()]
    return tuple(ReadEntry(path=path, sha256=hash_) for path, hash_ in hashes(directory.path, there).items())


def _below(directory: RunDirectory, paths: Collection[Path]) -> set[str]:
    return {path.relative_to(directory.path).as_posix() for path in paths}


def _add(
    directory: RunDirectory,
    step: str,
    before: Mapping[str, Found],
    read: tuple[ReadEntry, ...],
    rewrites: Collection[str],
) -> None:
    try:
        manifest = read_manifest(directory.path)
    except BadInput:
        return
    after = look(directory.path)
    others = {path for path in manifest.listed() if is_evidence(path)}.difference(rewrites)
    wrote = [
        path
        for path, found in after.items()
        if is_listable(path, found) and before.get(path) != found and path not in others
    ]
    removed = tuple(sorted(before.keys() - after.keys()))
    if wrote or removed:
        changed = {"wrote": describe(directory.path, wrote), "read": read, "removed": removed}
        write_bytes(directory.manifest, manifest.with_step(_step(step).model_copy(update=changed)).to_bytes())


def add_outputs(directory: RunDirectory, step: str, manifest: Manifest | None, outputs: Collection[Path]) -> None:
    """Add to the manifest what a step made of the evidence, by the `manifest` that it read; without one nothing.

    Steps that were added meanwhile stay.
    """
    if manifest is None:
        return
    try:
        latest = read_manifest(directory.path)
    except BadInput:
        return
    read = (ReadEntry(path=FILE, sha256=manifest.sha256),)
    wrote = describe(directory.path, [path.relative_to(directory.path).as_posix() for path in outputs])
    step_entry = _step(step).model_copy(update={"wrote": wrote, "read": read})
    write_bytes(directory.manifest, latest.with_step(step_entry).to_bytes())


def pruned(manifest: Manifest, kept: Collection[str]) -> Manifest:
    """Return the manifest of a run of which only some files are kept, for a store: it names those that went."""
    gone = tuple(sorted(path for path in manifest.listed() if is_evidence(path) and path not in kept))
    return manifest.with_step(_step("prune").model_copy(update={"removed": gone})) if gone else manifest


def _step(step: str) -> StepEntry:
    return StepEntry(step=step, at=Clock.start().now(), peakproof=PEAKPROOF, after=_UNLINKED)
