"""A comparison's evidence: its document, objectives and policy in a manifest of its own, and the runs that it is of.

Of each run the hash of its manifest is kept, as it was when the comparison ended: steps may be added to that since, and
no other run can take its place.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from loadtests.comparison.job import ComparisonJob, read_job
from loadtests.evidence.check import Flaw, Held, hold
from loadtests.evidence.manifest import FILE, Manifest, ReadEntry, read_manifest
from loadtests.evidence.signature import later_evidence
from loadtests.evidence.steps import write_manifest
from loadtests.results.run_directory import RunDirectory
from slo.documents import BadInput

STEP = "compare"


def list_comparison(folder: Path, job: ComparisonJob) -> None:
    """List a comparison that is over in a manifest that begins with it; raises OSError."""
    read = tuple(_read(folder.parent, runs_of(job)))
    write_manifest(RunDirectory(path=folder), job.name, step=STEP, read=read)


def runs_of(job: ComparisonJob) -> tuple[str, ...]:
    """Return the names of the runs that hold a comparison's blocks."""
    return tuple(dict.fromkeys(block.run for block in job.blocks))


def void_runs(job: ComparisonJob) -> frozenset[str]:
    """Return the runs of which no block counts, as none was valid: their records needn't agree."""
    counting = {block.run for block in job.blocks if block.invalid_because is None}
    return frozenset(runs_of(job)) - counting


def _read(runs: Path, names: tuple[str, ...]) -> Iterator[ReadEntry]:
    for name in names:
        try:
            data = read_manifest(runs / name).to_bytes()
        except BadInput:
            continue  # a run that was killed has none, and its block doesn't count
        yield ReadEntry(path=_beside(name), sha256=hashlib.sha256(data).hexdigest())


def _beside(name: str) -> str:
    return f"../{name}/{FILE}"


def hold_comparison(folder: Path) -> Held:
    """Hold a comparison's folder against its manifest, and its runs' manifests against those that it was made of.

    The runs' files are not read. Raises OSError, and BadInput for what can't be read at all (`check_readable`).
    """
    held = hold(folder)
    if held.manifest is None or held.flaws:
        return held
    return replace(held, flaws=tuple(_of_runs(folder, held.manifest)))


def _of_runs(folder: Path, manifest: Manifest) -> Iterator[Flaw]:
    listed = {read.path: read.sha256 for read in manifest.steps[0].read}
    try:
        names = runs_of(read_job(folder))
    except BadInput as error:
        yield Flaw(path=folder.name, what=str(error).replace(f"{folder}/", ""))
        return
    for name in names:
        what = _wrong(folder.parent / name, listed.get(_beside(name)))
        if what is not None:
            yield Flaw(path=f"{name}/{FILE}", what=what)


def since_comparison(comparison: Manifest, run: str, manifest: Manifest) -> tuple[Flaw, ...]:
    """Return what evidence came into a run after its comparison ended, by both manifests.

    None where the run's manifest isn't one that the comparison holds, which is a flaw of the comparison.
    """
    listed = {read.path: read.sha256 for read in comparison.steps[0].read}
    steps = manifest.steps_of(listed.get(_beside(run), ""), len(manifest.steps))
    return () if steps is None else tuple(later_evidence(manifest, steps))


def _wrong(run: Path, sha256: str | None) -> str | None:
    if sha256 is None:
        return "the comparison ended without it: its run left none"
    try:
        manifest = read_manifest(run)
    except BadInput as error:
        return str(error).removeprefix(f"{run / FILE}: ")
    return None if manifest.began_as(sha256) else "changed: not that of the run which the comparison played"
