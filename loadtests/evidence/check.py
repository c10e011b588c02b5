"""Holding a run directory against its manifest: what is missing, cut, changed, doubled, or not of this run."""

import os
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from loadtests.evidence.files import Found, check_readable, hashes, is_evidence, is_output, look
from loadtests.evidence.manifest import (
    FILE,
    NO_PLAIN_FILE,
    SIGNATURE,
    Listed,
    Manifest,
    StepEntry,
    read_manifest,
)
from slo.documents import BadInput
from slo.formatting import count
from slo.validity.manifest import MISREAD

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
    as the step left them that made them: no verdict rests on one. `links` are evidence and renderings that lead
    elsewhere: nothing may be read of a directory that holds one, as it may be anything of the machine.
    """

    manifest: Manifest | None
    flaws: tuple[Flaw, ...]
    outputs: tuple[Flaw, ...] = ()
    links: tuple[str, ...] = ()
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
    links = links_in(folder, there)
    linked = tuple(Flaw(path=path, what=NO_PLAIN_FILE) for path in links if path != FILE)
    if not os.path.lexists(folder / FILE):
        missing = Flaw(path=FILE, what="missing: nothing says which evidence the run left")
        return Held(manifest=None, flaws=(missing, *linked), links=links)
    try:
        manifest = read_manifest(folder)
    except BadInput as error:
        unread = Flaw(path=FILE, what=str(error).removeprefix(f"{folder / FILE}: "))
        return Held(manifest=None, flaws=(unread, *linked), links=links)
    listed = manifest.listed()
    found = hashes(folder, [path for path, one in there.items() if one.is_plain])
    compared = _Compared(manifest=manifest, listed=listed, there=there, hashes=found)
    whole = [path for path in listed if found.get(path) == listed[path].entry.sha256 and is_evidence(path)]
    others = (flaw for flaw in linked if not is_evidence(flaw.path))
    return Held(
        manifest=manifest,
        flaws=(*compared.flaws(), *others),
        outputs=tuple(compared.outputs()),
        links=links,
        files=len(whole),
        size=sum(listed[path].entry.size for path in whole),
    )


def links_in(folder: Path, there: Mapping[str, Found]) -> tuple[str, ...]:
    """Return what of the files that are there leads elsewhere, the manifest and its signature with them."""
    own = [name for name in (FILE, SIGNATURE) if (folder / name).is_symlink()]
    return (*own, *(path for path, one in there.items() if not one.is_plain))


def check_no_links(folder: Path) -> None:
    """Raise BadInput for a directory of which nothing may be read: a link in it may lead to any file of the machine."""
    there = look(folder)
    check_readable(folder, there)
    links = links_in(folder, there)
    if links:
        raise BadInput(f"{folder / links[0]}: a link, which evidence never is: put the file itself in its place")


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
        for path in sorted(path for path, one in self.there.items() if is_output(path) and one.is_plain):
            listed = self.listed.get(path)
            if listed is None:
                yield Flaw(path=path, what="no step of the manifest wrote it")
            elif self.hashes.get(path) != listed.entry.sha256:
                yield Flaw(path=path, what=f"changed: not what {named(listed.step)} wrote")

    def _of_manifest(self) -> Iterator[Flaw]:
        broken = self.manifest.broken_link()
        if broken is not None:
            yield Flaw(path=FILE, what=f"changed: {named(broken)} isn't as it was added")
        yield from _misread(self.manifest)

    def _wrong(self, path: str, by_hash: Mapping[str, str]) -> str | None:
        """Return what is wrong with a file of evidence, None where it is as it was listed."""
        listed, there = self.listed.get(path), self.there.get(path)
        if there is None:
            removed = self.manifest.removed().get(path)
            return (
                f"removed by {named(removed)}"
                if removed
                else f"missing: {named(None if listed is None else listed.step)} wrote it"
            )
        if not there.is_plain:
            return NO_PLAIN_FILE
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


def _misread(manifest: Manifest) -> Iterator[Flaw]:
    """Find steps that read something else than was listed then, of which something is left.

    What such a step wrote is doubted, and so is what a later step made of it. A step that reads all anew, as another
    audit does, leaves nothing to doubt of what it writes again.
    """
    listed: dict[str, Listed] = {}
    doubts: dict[str, tuple[Flaw, ...]] = {}
    for step in manifest.steps:
        found = dict.fromkeys(_doubts_of(step, listed, doubts))
        for path in (*(entry.path for entry in step.wrote), *step.removed):
            doubts.pop(path, None)
        doubts.update({entry.path: tuple(found) for entry in step.wrote if found and is_evidence(entry.path)})
        listed.update({entry.path: Listed(entry=entry, step=step) for entry in step.wrote})
        for path in step.removed:
            listed.pop(path, None)
    yield from dict.fromkeys(flaw for flaws in doubts.values() for flaw in flaws)


def _doubts_of(step: StepEntry, listed: Mapping[str, Listed], doubts: Mapping[str, tuple[Flaw, ...]]) -> Iterator[Flaw]:
    """Return what is wrong with what a step read, and with what that was made of.

    A file that nobody listed may be gone by now; one that the step itself goes on with, it lists.
    """
    wrote = {entry.path for entry in step.wrote}
    for read in step.read:
        known = listed.get(read.path)
        if known is None and is_evidence(read.path) and read.path not in wrote:
            yield Flaw(path=read.path, what=f"{named(step)} {MISREAD} any step wrote")
        if known is not None and known.entry.sha256 != read.sha256:
            yield Flaw(path=read.path, what=f"{named(step)} {MISREAD} {named(known.step)} wrote")
        yield from doubts.get(read.path, ())
        if read.path == FILE:
            yield from (flaw for flaws in doubts.values() for flaw in flaws)


def _changed(listed: Listed, there: Found, copied: str | None) -> str:
    was, now = listed.entry.size, there.size
    if copied is not None:
        return f"changed: it holds what {copied} held"
    return f"cut: {count(now)} of {count(was)} bytes" if now < was else f"changed: not what {named(listed.step)} wrote"


def named(step: StepEntry | None) -> str:
    """Return a step as a message calls it."""
    return "a step" if step is None else f"the step {step.step}"
