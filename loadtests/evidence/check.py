"""Holding a run directory against its manifest: what is missing, cut, changed, doubled, or not of this run."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from loadtests.evidence.files import Found, check_readable, hashes, is_evidence, is_output, look
from loadtests.evidence.manifest import FILE, Listed, Manifest, StepEntry, read_manifest
from slo.documents import BadInput
from slo.formatting import count

_NOTED_ONLY = "cleanup.jsonl"
_RECORDS = (".parquet", ".jsonl")


@dataclass(frozen=True, slots=True, kw_only=True)
class Flaw:
    """What is wrong with one file (its path below the run directory), as a phrase that follows its name."""

    path: str
    what: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """A directory held against its manifest, which is None where there is none that can be read.

    `files` and `size` (bytes) are those of the evidence that is as it was listed. `outputs` are renderings that aren't
    as the step left them that made them: no verdict rests on one.
    """

    manifest: Manifest | None
    flaws: tuple[Flaw, ...]
    outputs: tuple[Flaw, ...] = ()
    files: int = 0
    size: int = 0

    @property
    def is_whole(self) -> bool:
        """Whether all evidence is there, as it was, and nothing beside it."""
        return not self.flaws


def hold(folder: Path) -> Held:
    """Hold a run directory against its manifest: every file is read once.

    Raises OSError, and BadInput for what can't be read at all (`check_readable`).
    """
    there = look(folder) if folder.is_dir() else {}
    check_readable(folder, there)
    if not (folder / FILE).is_file():
        return Held(manifest=None, flaws=(Flaw(path=FILE, what="missing: nothing says which evidence the run left"),))
    try:
        manifest = read_manifest(folder)
    except BadInput as error:
        return Held(manifest=None, flaws=(Flaw(path=FILE, what=str(error).removeprefix(f"{folder / FILE}: ")),))
    listed = manifest.listed()
    found = hashes(folder, [path for path, one in there.items() if one.is_plain])
    compared = _Compared(manifest=manifest, listed=listed, there=there, hashes=found)
    whole = [path for path in listed if found.get(path) == listed[path].entry.sha256 and is_evidence(path)]
    return Held(
        manifest=manifest,
        flaws=tuple(compared.flaws()),
        outputs=tuple(compared.outputs()),
        files=len(whole),
        size=sum(listed[path].entry.size for path in whole),
    )


def why_another(folder: Path, name: str) -> str | None:
    """Return why an output isn't what the manifest lists, or not of the evidence that it lists now.

    None where it is, or where there is no manifest.
    """
    if not (folder / FILE).is_file():
        return None
    try:
        manifest = read_manifest(folder)
    except BadInput as error:
        return str(error)
    listed = manifest.listed().get(name)
    if listed is None:
        return "no step of the manifest wrote it"
    if hashes(folder, [name])[name] != listed.entry.sha256:
        return f"changed: not what {_named(listed.step)} wrote"
    return _older(manifest, listed.step)


def _older(manifest: Manifest, made_by: StepEntry) -> str | None:
    """Return which evidence came after a step, None where none did but what a cleanup noted."""
    for step in manifest.steps[manifest.steps.index(made_by) + 1 :]:
        for path in (*(entry.path for entry in step.wrote), *step.removed):
            if is_evidence(path) and path != _NOTED_ONLY:
                return f"older than {path}, which {_named(step)} wrote: judge the run again"
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Compared:
    """What a manifest lists beside what is there."""

    manifest: Manifest
    listed: Mapping[str, Listed]
    there: Mapping[str, Found]
    hashes: Mapping[str, str]

    def flaws(self) -> Iterator[Flaw]:
        """Find what is wrong with the manifest, then with each file of evidence."""
        yield from self._of_manifest()
        by_hash = {one.entry.sha256: path for path, one in self.listed.items() if one.entry.size}
        for path in sorted({*self.listed, *self.there, *self.manifest.removed()}):
            if is_evidence(path) and (what := self._wrong(path, by_hash)) is not None:
                yield Flaw(path=path, what=what)
        yield from self._copies()

    def outputs(self) -> Iterator[Flaw]:
        """Find renderings that aren't as they were made; one that is gone can be made again."""
        for path in sorted(path for path in self.there if is_output(path)):
            listed = self.listed.get(path)
            if listed is None:
                yield Flaw(path=path, what="no step of the manifest wrote it")
            elif self.hashes.get(path) != listed.entry.sha256:
                yield Flaw(path=path, what=f"changed: not what {_named(listed.step)} wrote")

    def _of_manifest(self) -> Iterator[Flaw]:
        broken = self.manifest.broken_link()
        if broken is not None:
            yield Flaw(path=FILE, what=f"changed: {_named(broken)} isn't as it was added")
        for number, step in enumerate(self.manifest.steps):
            before = self.manifest.listed(number) if step.read else {}
            for read in step.read:
                known = before.get(read.path)
                if known is not None and known.entry.sha256 != read.sha256:
                    yield Flaw(path=read.path, what=f"{_named(step)} read another than {_named(known.step)} wrote")

    def _wrong(self, path: str, by_hash: Mapping[str, str]) -> str | None:
        """Return what is wrong with a file of evidence, None where it is as it was listed."""
        listed, there = self.listed.get(path), self.there.get(path)
        if there is None:
            removed = self.manifest.removed().get(path)
            return (
                f"removed by {_named(removed)}"
                if removed
                else f"missing: {_named(None if listed is None else listed.step)} wrote it"
            )
        if not there.is_plain:
            return "no plain file: evidence is never a link"
        copied = by_hash.get(self.hashes[path])
        if listed is None:
            return f"doubled: a copy of {copied}" if copied else "foreign: no step of the manifest wrote it"
        return None if self.hashes[path] == listed.entry.sha256 else _changed(listed, there, copied)

    def _copies(self) -> Iterator[Flaw]:
        """Find records that are listed twice under two names: no two parts hold the same rows.

        What lies in folders isn't a part; the user's own files there may be alike.
        """
        of_records = {
            path: one.entry
            for path, one in self.listed.items()
            if path.endswith(_RECORDS) and "/" not in path and one.entry.rows
        }
        times = Counter(entry.sha256 for entry in of_records.values())
        first: dict[str, str] = {}
        for path, entry in of_records.items():
            if times[entry.sha256] > 1 and first.setdefault(entry.sha256, path) != path:
                yield Flaw(path=path, what=f"doubled: a copy of {first[entry.sha256]}")


def _changed(listed: Listed, there: Found, copied: str | None) -> str:
    was, now = listed.entry.size, there.size
    if copied is not None:
        return f"changed: it holds what {copied} held"
    return f"cut: {count(now)} of {count(was)} bytes" if now < was else f"changed: not what {_named(listed.step)} wrote"


def _named(step: StepEntry | None) -> str:
    return "a step" if step is None else f"the step {step.step}"
