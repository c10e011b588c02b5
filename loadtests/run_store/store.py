"""A store of finished runs: aggregates for years, raw records as long as they are wanted, and marks.

`runs/RUN/` holds a run's documents and its records as one archive; `index/RUN.json` is written last, so a run without
it is one that was only partly written. `marks/` says which records stay. Of two commands that write one name at once
the later one stays, whole.
"""

import hashlib
import json
import re
import tarfile
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel

from loadtests.evidence.manifest import FILE as MANIFEST
from loadtests.evidence.manifest import SIGNATURE, parse_manifest
from loadtests.evidence.steps import pruned
from loadtests.results.run_directory import RunDirectory
from loadtests.run_store.aggregates import FORMAT as AGGREGATES_FORMAT
from loadtests.run_store.aggregates import Aggregates
from loadtests.run_store.entries import (
    ENTRY_FORMAT,
    MARK_FORMAT,
    STORE_FORMAT,
    Mark,
    StoreDocument,
    StoreEntry,
    entry_of,
)
from loadtests.run_store.files import StoreFiles
from loadtests.run_store.local_comparisons import DOCUMENTS as COMPARISON_DOCUMENTS
from slo.documents import BadInput, validate

DOCUMENTS = (
    *("run.json", "verdict.json", "audit.json", "summary.md", "plan.yaml", "targets.redacted.json"),
    *(MANIFEST, SIGNATURE),
)
_STORE, _INDEX, _RUNS, _MARKS, _COMPARISONS = "store.json", "index", "runs", "marks", "comparisons"
_AGGREGATES, _RECORDS = "aggregates.json", "records.tar.gz"
_NAME = re.compile(r"^[A-Za-z0-9][A-Za-z0-9._+-]{0,199}$")
_VERSIONED = re.compile(r"^(peakproof/[a-z-]+/v)(\d+)$")
_SCRATCH = (".tmp", ".lock")
_LEFT_OUT = frozenset({"prometheus"})  # its own database: what was asked of it is in metrics/
Model = TypeVar("Model", bound=BaseModel)


@dataclass(frozen=True, slots=True, kw_only=True)
class Contents:
    """What a store holds: runs that are whole, by time; those partly written; and why others can't be used."""

    entries: tuple[StoreEntry, ...] = ()
    partly_written: tuple[str, ...] = ()
    unusable: dict[str, str] = field(default_factory=dict)
    marks: tuple[Mark, ...] = ()

    def entry(self, run: str) -> StoreEntry | None:
        """Return the entry of a run that is whole."""
        return next((one for one in self.entries if one.run == run), None)

    def marks_of(self, run: str) -> tuple[Mark, ...]:
        """Return the marks of a run."""
        return tuple(one for one in self.marks if one.run == run)

    def baseline(self, name: str) -> Mark | None:
        """Return the mark of a baseline."""
        return next((one for one in self.marks if one.kind == "baseline" and one.name == name), None)


class RunStore:
    """A store in a folder or a bucket; raises EnvironmentLacks where that can't be reached, read or written."""

    def __init__(self, address: str) -> None:
        """`address` as `StoreFiles` has it; raises BadInput where it is of another version, or no store at all."""
        self._files = StoreFiles(address)
        self.address = address
        self._is_new = not self._known()

    def contents(self) -> Contents:
        """Return what the store holds; what can't be used is said, not skipped."""
        if self._is_new:
            return Contents()
        unusable: dict[str, str] = {}
        entries = self._all(_INDEX, StoreEntry, ENTRY_FORMAT, unusable)
        marks = [
            *self._all(f"{_MARKS}/baseline", Mark, MARK_FORMAT, unusable),
            *self._all(f"{_MARKS}/kept", Mark, MARK_FORMAT, unusable),
        ]
        whole = {one.run for one in entries}
        partly = [
            name for name in self._files.names(_RUNS) if name not in whole and f"{_INDEX}/{name}.json" not in unusable
        ]
        return Contents(
            entries=tuple(sorted(entries, key=lambda one: (one.started_at or 0, one.run))),
            partly_written=tuple(partly),
            unusable=unusable,
            marks=tuple(marks),
        )

    def aggregates(self, entry: StoreEntry) -> Aggregates:
        """Return the aggregates of a run; raises BadInput where they aren't those that its entry is of."""
        name = f"{_RUNS}/{entry.run}/{_AGGREGATES}"
        data = self._files.read(name)
        again = f"`peakproof runs put {entry.run}` writes it again"
        if data is None:
            raise BadInput(f"{self.address}/{name}: isn't there, though the index has the run: {again}")
        if hashlib.sha256(data).hexdigest() != entry.aggregates_sha256:
            raise BadInput(f"{self.address}/{name}: not what the index says, so partly written or changed: {again}")
        return self._parsed(name, data, Aggregates, AGGREGATES_FORMAT)

    def put(self, directory: RunDirectory, aggregates: Aggregates, now: int, *, records: bool = True) -> StoreEntry:
        """Put a finished run, whole or as one partly written; `now` in ns. Putting it again replaces it."""
        _check_name(aggregates.run)
        self._begin()
        folder = f"{_RUNS}/{aggregates.run}"
        self._files.remove(f"{_INDEX}/{aggregates.run}.json")
        data = _json(aggregates.to_json())
        for name in _documents(directory):
            self._files.upload(f"{folder}/{name}", directory.path / name)
        entry = entry_of(aggregates, hashlib.sha256(data).hexdigest(), now)
        if records:
            sha256, size = self._put_records(directory, f"{folder}/{_RECORDS}")
            entry = entry.model_copy(update={"records_sha256": sha256, "records": size})
        else:
            self._note_pruned(aggregates.run, _documents(directory))
        self._files.write(f"{folder}/{_AGGREGATES}", data)
        self._files.write(f"{_INDEX}/{aggregates.run}.json", _json(entry.to_json()))
        return entry

    def put_comparison(self, path: Path) -> None:
        """Put a comparison's documents; putting them again replaces them."""
        self._begin()
        folder = f"{_COMPARISONS}/{_check_name(path.name)}"
        for name in COMPARISON_DOCUMENTS:
            if (path / name).is_file() and not (path / name).is_symlink():
                self._files.upload(f"{folder}/{name}", path / name)

    def get(self, entry: StoreEntry, parent: Path) -> Path:
        """Bring a run's records back as a run directory below `parent`; raises BadInput where they are gone."""
        to = parent / _check_name(entry.run)
        if to.exists():
            raise BadInput(f"{to}: is there already")
        if entry.records is None:
            raise BadInput(
                f"{self.address}: {entry.run}: its raw records were pruned; `peakproof runs show` has the rest"
            )
        parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=parent, prefix=".getting-") as scratch:
            archive, inside = Path(scratch) / _RECORDS, Path(scratch) / "run"
            self._files.download(f"{_RUNS}/{entry.run}/{_RECORDS}", archive)
            if _sha256(archive) != entry.records_sha256:
                raise BadInput(f"{self.address}: {entry.run}: its records aren't those that were put: partly written")
            with tarfile.open(archive) as packed:
                packed.extractall(inside, filter="data")
            inside.replace(to)
        return to

    def mark(self, mark: Mark) -> None:
        """Write a mark."""
        self._begin()
        self._files.write(_mark_name(mark), _json(mark.to_json()))

    def unmark(self, mark: Mark) -> None:
        """Remove a mark."""
        self._files.remove(_mark_name(mark))

    def drop_records(self, entry: StoreEntry) -> None:
        """Remove a run's raw records; its aggregates and documents stay."""
        self._note_pruned(entry.run, [name.removeprefix(f"{_RUNS}/{entry.run}/") for name in self._files_of(entry.run)])
        without = entry.model_copy(update={"records": None, "records_sha256": None})
        self._files.write(f"{_INDEX}/{entry.run}.json", _json(without.to_json()))
        self._files.remove(f"{_RUNS}/{entry.run}/{_RECORDS}")

    def partly_written_size(self, run: str) -> int:
        """Return the size in bytes of what there is of a run that was only partly written."""
        return sum(self._files.size(name) for name in self._files_of(run))

    def drop_partly_written(self, run: str) -> None:
        """Remove what there is of a run that was only partly written."""
        for name in self._files_of(run):
            self._files.remove(name)

    def _note_pruned(self, run: str, kept: Sequence[str]) -> None:
        """Note in the manifest of a run, if it has one, that only some of its files are kept."""
        name = f"{_RUNS}/{run}/{MANIFEST}"
        data = self._files.read(name)
        if data is None:
            return
        try:
            manifest = parse_manifest(data.decode(errors="replace"), f"{self.address}/{name}")
        except BadInput:
            return  # it stays what it is: nothing can be added to what isn't known
        self._files.write(name, pruned(manifest, kept).to_bytes())

    def _files_of(self, run: str) -> Iterator[str]:
        folder = f"{_RUNS}/{_check_name(run)}"
        for name in self._files.names(folder):
            inside = self._files.names(f"{folder}/{name}") if name == "objectives" else []
            yield from (f"{folder}/{name}/{one}" for one in inside) if inside else (f"{folder}/{name}",)

    def _known(self) -> bool:
        """Whether this is a store already; False where nothing lies there yet."""
        data = self._files.read(_STORE)
        if data is not None:
            self._parsed(_STORE, data, StoreDocument, STORE_FORMAT)
            return True
        others = self._files.names("")
        if others:
            raise BadInput(
                f"{self.address}: no store of runs: it holds {others[0]} and no {_STORE}: name an empty or new folder"
            )
        return False

    def _begin(self) -> None:
        if self._is_new:
            self._files.write(_STORE, _json(StoreDocument().model_dump(mode="json")))
            self._is_new = False

    def _all(self, folder: str, model: type[Model], expected: str, unusable: dict[str, str]) -> list[Model]:
        names = [f"{folder}/{name}" for name in self._files.names(folder) if name.endswith(".json")]
        found = []
        for name, data in self._files.read_all(names).items():
            try:
                found.append(self._parsed(name, data, model, expected))
            except BadInput as error:
                unusable[name] = str(error)
        return found

    def _parsed(self, name: str, data: bytes, model: type[Model], expected: str) -> Model:
        where = f"{self.address}/{name}"
        try:
            text = data.decode()
        except UnicodeDecodeError as error:
            raise BadInput(f"{where}: not UTF-8 at byte {error.start}") from error
        try:
            value = json.loads(text)
            found = value.get("format")
        except (ValueError, AttributeError, RecursionError) as error:
            raise BadInput(f"{where}: not a JSON object: partly written or changed") from error
        if found != expected:
            raise BadInput(f"{where}: format: {_other_version(found, expected)}")
        return validate(value, model, where)

    def _put_records(self, directory: RunDirectory, name: str) -> tuple[str, int]:
        with tempfile.TemporaryDirectory(prefix="peakproof-put-") as scratch:
            archive = Path(scratch) / _RECORDS
            with tarfile.open(archive, "w:gz", compresslevel=6) as packed:
                for path in _evidence(directory.path):
                    packed.add(path, arcname=path.relative_to(directory.path).as_posix(), recursive=False)
            self._files.upload(name, archive)
            return _sha256(archive), archive.stat().st_size


def _other_version(found: object, expected: str) -> str:
    """Return what is wrong with a format, and what to do."""
    mine, its = _VERSIONED.match(expected), _VERSIONED.match(found) if isinstance(found, str) else None
    if mine is None or its is None or its[1] != mine[1]:
        return f"expected {expected}, found {json.dumps(found)[:80]}"
    if int(its[2]) > int(mine[2]):
        return f"{found} is of a newer Peakproof, this one reads {expected}: upgrade this one"
    return f"{found} is of an older Peakproof, this one reads {expected}: put the run again with this one"


def _check_name(name: str) -> str:
    if not _NAME.match(name):
        raise BadInput(f"{name[:80]}: not a name: expected letters, digits, `.`, `_`, `+` and `-`, at most 200")
    return name


def _mark_name(mark: Mark) -> str:
    return f"{_MARKS}/{mark.kind}/{_check_name(mark.name or mark.run)}.json"


def _documents(directory: RunDirectory) -> Sequence[str]:
    objectives = [f"objectives/{path.name}" for path in sorted(directory.objectives.glob("*.yaml"))]
    return [name for name in (*DOCUMENTS, *objectives) if (directory.path / name).is_file()]


def _evidence(path: Path) -> Iterator[Path]:
    """Return the plain files of a run directory but for scratch files; a symlink is never followed."""
    for found in sorted(path.iterdir()):
        if found.is_symlink() or found.name in _LEFT_OUT:
            continue
        if found.is_dir():
            yield from _evidence(found)
        elif found.is_file() and not found.name.endswith(_SCRATCH):
            yield found


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _json(value: dict[str, Any]) -> bytes:
    return json.dumps(value, indent=1, allow_nan=False).encode() + b"\n"
