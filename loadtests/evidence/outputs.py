"""Whether what was made of a run's evidence, its verdict above all, is as the step left it that made it."""

import os
from functools import lru_cache
from pathlib import Path

from loadtests.evidence.check import named
from loadtests.evidence.files import hashes, is_evidence
from loadtests.evidence.manifest import FILE, Manifest, StepEntry, check_plain, read_manifest
from slo.documents import BadInput
from slo.outcomes import Outcome

_NOTED_ONLY = "cleanup.jsonl"


def why_no_verdict(folder: Path, name: str, outcome: str) -> str | None:
    """Return why the verdict `name` in a directory, which says `outcome`, may be anybody's; None where nothing does.

    For readers of verdicts that don't judge again: it is as it was written, no evidence came after it, and a PASS has a
    manifest. The answer is kept as long as neither file changes: exporters ask at each scrape. Raises OSError.
    """
    return _why_no_verdict(folder, name, outcome, (_changed(folder / name), _changed(folder / FILE)))


def _changed(path: Path) -> tuple[int, int, int] | None:
    """Return what nobody can set back when a file is changed; None where there is none."""
    try:
        status = path.lstat()
    except FileNotFoundError:
        return None
    return (status.st_ctime_ns, status.st_ino, status.st_size)


@lru_cache(maxsize=1024)
def _why_no_verdict(folder: Path, name: str, outcome: str, _files: object) -> str | None:
    another = why_another(folder, name)
    if another is not None:
        return f"{name}: {another}"
    if outcome == Outcome.PASS.value and not (folder / FILE).is_file():
        return f"{name}: a PASS of a run without {FILE}: nothing shows whose it is"
    return None


def why_another(folder: Path, name: str) -> str | None:
    """Return why an output isn't what the manifest lists, or not of the evidence that it lists now.

    None where it is, or where there is no manifest. What is no file of its own is never read. Raises OSError.
    """
    try:
        check_plain(folder / name)
        if not os.path.lexists(folder / FILE):
            return None
        manifest = read_manifest(folder)
    except BadInput as error:
        return str(error).removeprefix(f"{folder / name}: ")
    broken = manifest.broken_link()
    if broken is not None:
        return f"{FILE} was changed: {named(broken)} isn't as it was added"
    listed = manifest.listed().get(name)
    if listed is None:
        return "no step of the manifest wrote it"
    if hashes(folder, [name])[name] != listed.entry.sha256:
        return f"changed: not what {named(listed.step)} wrote"
    return _older(manifest, listed.step)


def _older(manifest: Manifest, made_by: StepEntry) -> str | None:
    """Return which evidence came after what a step read, None where none did but what a cleanup noted.

    A step that reads the whole manifest may be added to it after others, which began later and ended before it.
    """
    own = manifest.steps.index(made_by)
    known = _read_up_to(manifest, made_by, own)
    if known is None:
        return f"made of another {FILE}: judge the run again"
    for step in (*manifest.steps[known:own], *manifest.steps[own + 1 :]):
        for path in (*(entry.path for entry in step.wrote), *step.removed):
            if is_evidence(path) and path != _NOTED_ONLY:
                return f"older than {path}, which {named(step)} wrote: judge the run again"
    return None


def _read_up_to(manifest: Manifest, step: StepEntry, own: int) -> int | None:
    """Return how many steps the manifest had that a step read, all before its `own` place if it read none.

    None where this manifest never was the one that it read.
    """
    read = next((one.sha256 for one in step.read if one.path == FILE), None)
    return own if read is None else manifest.steps_of(read, own)
