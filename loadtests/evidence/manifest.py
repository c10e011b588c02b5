"""`manifest.json` (`peakproof/manifest/v1`): every file of evidence with its hash, by the step that wrote it.

The first step is the run itself; each later one is appended and changes nothing before it. A step holds the hash of the
one before, and the end that of the last, so that an entry changed by hand shows. The file's bytes are fixed by what it
holds: a signature over the first steps stands when others follow.
"""

import hashlib
import stat
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Final, Self

import orjson
from pydantic import Field

from slo.documents import BadInput, Count, Ns, WrittenDocument, read_text, validate

FORMAT: Final = "peakproof/manifest/v1"
FILE: Final = "manifest.json"
SIGNATURE: Final = "manifest.json.sig"
NO_PLAIN_FILE: Final = "no plain file: evidence is never a link"
_MAX_BYTES = 256 << 20
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class FileEntry(WrittenDocument):
    """A file as a step left it; `rows` of Parquet and of lines of JSON, null of any other."""

    path: str = Field(min_length=1, examples=["requests-w0-00003.parquet"])
    size: Count
    sha256: Sha256
    rows: Count | None = None


class ReadEntry(WrittenDocument):
    """A file that a step read, by the hash that it had then."""

    path: str = Field(min_length=1)
    sha256: Sha256


class StepEntry(WrittenDocument):
    """What one step did to the directory; `after` is the hash of the step before it."""

    step: str = Field(min_length=1, examples=["run", "audit", "judge", "report", "cleanup", "prune"])
    at: Ns
    peakproof: str
    after: Sha256
    wrote: tuple[FileEntry, ...] = ()
    read: tuple[ReadEntry, ...] = ()
    removed: tuple[str, ...] = ()


class ManifestDocument(WrittenDocument):
    """The evidence of one run: what each step wrote, read and removed, in the order of time."""

    format: Annotated[str, Field(json_schema_extra={"const": FORMAT})] = FORMAT
    run: str
    steps: tuple[StepEntry, ...] = Field(min_length=1)
    last: Sha256 = Field(description="the hash of the last step")


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """A file's last entry, and the step that wrote it."""

    entry: FileEntry
    step: StepEntry


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """A manifest as it was read: the document, and the plain values that its bytes are made of."""

    document: ManifestDocument
    values: Mapping[str, Any]

    @classmethod
    def begun(cls, run: str) -> Self:
        """Return the manifest of a run that lists nothing yet; a first step has to be added."""
        values = {"format": FORMAT, "run": run, "steps": []}
        return cls(document=ManifestDocument.model_construct(run=run, steps=(), last=""), values=values)

    @property
    def sha256(self) -> str:
        """The hash of the file."""
        return hashlib.sha256(self.to_bytes()).hexdigest()

    @property
    def steps(self) -> tuple[StepEntry, ...]:
        """The steps in the order of time."""
        return self.document.steps

    def to_bytes(self, steps: int | None = None) -> bytes:
        """Return the bytes of the file, or of what it was after its first `steps`."""
        if steps is None:
            return _bytes(self.values)
        kept = self.values["steps"][:steps]
        return _bytes({**self.values, "steps": kept, "last": _hash(kept[-1])})

    def with_step(self, step: StepEntry) -> "Manifest":
        """Return it with one more step, whose `after` is set here."""
        linked = step.model_copy(update={"after": self._links()[-1]})
        steps = [*self.values["steps"], linked.model_dump(mode="json")]
        last = _hash(steps[-1])
        document = self.document.model_copy(update={"steps": (*self.steps, linked), "last": last})
        return Manifest(document=document, values={**self.values, "steps": steps, "last": last})

    def listed(self) -> dict[str, Listed]:
        """Return the last entry of each file, those that were removed since left out."""
        found: dict[str, Listed] = {}
        for step in self.steps:
            found.update({entry.path: Listed(entry=entry, step=step) for entry in step.wrote})
            for path in step.removed:
                found.pop(path, None)
        return found

    def removed(self) -> dict[str, StepEntry]:
        """Return the files that a step removed, with that step."""
        listed = self.listed()
        return {path: step for step in self.steps for path in step.removed if path not in listed}

    def broken_link(self) -> StepEntry | None:
        """Return the first step that doesn't follow from what stands before it, None where each does."""
        links = self._links()
        broken = (step for step, link in zip(self.steps, links, strict=False) if step.after != link)
        return next(broken, None if links[-1] == self.document.last else self.steps[-1])

    def began_as(self, sha256: str) -> bool:
        """Whether it is what a manifest of this hash was, or that with more steps after it."""
        return self.steps_of(sha256, len(self.steps)) is not None

    def steps_of(self, sha256: str, most: int) -> int | None:
        """Return after how many steps, at `most`, it was the manifest of this hash; None where it never was."""
        lengths = range(most, 0, -1)
        return next((some for some in lengths if hashlib.sha256(self.to_bytes(some)).hexdigest() == sha256), None)

    def _links(self) -> list[str]:
        """Return what each step's `after` must be, and that of the next."""
        head = {name: value for name, value in self.values.items() if name not in ("steps", "last")}
        return [_hash(head), *map(_hash, self.values["steps"])]


def read_manifest(folder: Path) -> Manifest:
    """Read the manifest in a folder; raises BadInput where there is none, or it isn't as a step leaves it."""
    path = folder / FILE
    check_plain(path)
    return parse_manifest(read_text(path, _MAX_BYTES), path)


def check_plain(path: Path) -> None:
    """Raise BadInput for what is there and is no file of its own: evidence is never read through a link."""
    try:
        is_plain = stat.S_ISREG(path.lstat().st_mode)
    except OSError:
        return
    if not is_plain:
        raise BadInput(f"{path}: {NO_PLAIN_FILE}")


def parse_manifest(text: str, where: Path | str) -> Manifest:
    """Return the manifest that a text holds; raises BadInput."""
    try:
        values = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise BadInput(f"{where}: not JSON: {error}") from error
    if not isinstance(values, dict):
        raise BadInput(f"{where}: expected an object at the top, found {type(values).__name__}")
    if values.get("format") != FORMAT:
        raise BadInput(f"{where}: format: expected {FORMAT}, found {str(values.get('format'))[:80]!r}")
    document = validate(values, ManifestDocument, where)
    _check_paths(document.steps, where)
    manifest = Manifest(document=document, values=values)
    if manifest.to_bytes() != text.encode():
        raise BadInput(f"{where}: not as Peakproof writes it: it was changed")
    return manifest


def _check_paths(steps: Sequence[StepEntry], where: Path | str) -> None:
    for step in steps:
        paths = [entry.path for entry in step.wrote]
        for path in (*paths, *step.removed):
            if path.startswith("/") or not {"", ".", ".."}.isdisjoint(path.split("/")):
                raise BadInput(f"{where}: {path[:80]!r}: expected a path below the run directory")
        if len(set(paths)) != len(paths):
            twice = next(path for path in paths if paths.count(path) > 1)
            raise BadInput(f"{where}: {twice[:80]}: the step {step.step} lists it twice")


def _bytes(values: Mapping[str, Any]) -> bytes:
    return orjson.dumps(values, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)


def _hash(value: object) -> str:
    return hashlib.sha256(orjson.dumps(value)).hexdigest()
