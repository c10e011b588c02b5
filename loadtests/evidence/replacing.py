"""Files that take their place together with their entry in the manifest, so that no kill leaves one that isn't listed.

They are written and synced beside first. Then, under the manifest's lock, the manifest lists them, and they get their
names. What a killed step listed and didn't name yet lies beside still: the next step of the kind names it.
"""

from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from loadtests.evidence.files import entry_of, hashes, is_evidence
from loadtests.evidence.lock import locked
from loadtests.evidence.manifest import FILE, Manifest, ReadEntry, StepEntry
from loadtests.evidence.steps import latest_manifest, new_step, read_entries
from loadtests.results.run_directory import BESIDE, RunDirectory, write_beside


@dataclass(frozen=True, slots=True)
class Replacement:
    """What a step puts into the place of files of the directory, once it is over."""

    _beside: dict[Path, Path] = field(default_factory=dict)

    def put(self, path: Path, data: bytes) -> None:
        """Write what is to take the place of `path`; an OSError names the file."""
        self._beside[path] = write_beside(path, data)

    def lies_at(self, path: Path) -> Path:
        """Return where the bytes lie that `path` will have when the step is over."""
        return self._beside.get(path, path)

    def paths(self) -> Collection[Path]:
        """Return the files that are replaced."""
        return self._beside.keys()

    def discard(self) -> None:
        """Remove what was written beside."""
        for beside in self._beside.values():
            beside.unlink(missing_ok=True)

    def list_and_name(
        self, directory: RunDirectory, latest: Manifest | None, step: StepEntry, gone: Collection[Path] = ()
    ) -> None:
        """Add the step with its files to the `latest` manifest, without one to none, and give them their names.

        `gone` are removed before.
        """
        listing = None
        if latest is not None:
            wrote = (entry_of(beside, path.relative_to(directory.path).as_posix()) for path, beside in self._items())
            manifest = latest.with_step(step.model_copy(update={"wrote": tuple(wrote)}))
            listing = write_beside(directory.manifest, manifest.to_bytes())
        for path in gone:
            path.unlink(missing_ok=True)
        if listing is not None:
            listing.replace(directory.manifest)
        for path, beside in self._beside.items():
            beside.replace(path)

    def _items(self) -> list[tuple[Path, Path]]:
        return sorted(self._beside.items())


@contextmanager
def replacing_step(directory: RunDirectory, step: str, *, reads: Collection[Path]) -> Iterator[Replacement]:
    """Replace evidence by what is `put`, listed as what a step wrote that `reads` these files; others wait meanwhile.

    A step that fails replaces nothing. One that was killed may be done again, which leads to whole evidence: what it
    had listed is named first. A directory without a manifest stays so.
    """
    with locked(directory.path):
        _name_what_is_listed(directory)
        replacement = Replacement()
        try:
            yield replacement
        except BaseException:
            replacement.discard()
            raise
        read = read_entries(directory, reads, replacement.paths())
        replacement.list_and_name(
            directory, latest_manifest(directory), new_step(step).model_copy(update={"read": read})
        )


def write_outputs(
    directory: RunDirectory,
    step: str,
    manifest: Manifest | None,
    outputs: Mapping[Path, bytes],
    outdated: Collection[Path] = (),
) -> None:
    """Replace what was made of the evidence, by the `manifest` that it was made of; without one nothing is listed.

    Whenever somebody looks, or the process is killed, there is the old as it was listed, the new, or nothing: the old
    goes, and what is `outdated` with it, before the new is listed, which appears in the order given. Steps that others
    added meanwhile stay.
    """
    with locked(directory.path):
        replacement = Replacement()
        for path, data in outputs.items():
            replacement.put(path, data)
        read = () if manifest is None else (ReadEntry(path=FILE, sha256=manifest.sha256),)
        latest = None if manifest is None else latest_manifest(directory)
        added = new_step(step).model_copy(update={"read": read})
        replacement.list_and_name(directory, latest, added, gone=(*outputs, *outdated))


def _name_what_is_listed(directory: RunDirectory) -> None:
    """Name evidence that a step listed and was killed before it could name: of the very bytes that are listed."""
    latest = latest_manifest(directory)
    listed = {} if latest is None else latest.listed()
    for beside in sorted(directory.path.glob(f".*{BESIDE}")):
        name = beside.name[1:].removesuffix(BESIDE)
        if name not in listed or not is_evidence(name) or beside.is_symlink() or not beside.is_file():
            continue
        if hashes(directory.path, [beside.name])[beside.name] == listed[name].entry.sha256:
            beside.replace(directory.path / name)
