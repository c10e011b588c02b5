"""The runs in the folder that they are played into, as a list needs them: quickly, and never through a symlink."""

import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import orjson

from loadtests.evidence.outputs import why_no_verdict
from slo.documents import BadInput, WrittenDocument, read_text, validate
from slo.validity.run_document import RunDocument

_MAX_JSON = 64 << 20
_VERDICT = "verdict.json"
UNTRUSTED = "untrusted"
"""The outcome of a run whose verdict isn't as it was written, or rests on other evidence than there is."""
NAME = re.compile(r"^(\d{8}T\d{6}Z)-[A-Za-z0-9._+-]+$")


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalRun:
    """One run directory. `run` is None where run.json can't be read: `because` says why.

    `outcome` is None where it wasn't judged, and UNTRUSTED where its verdict may be anybody's.
    """

    path: Path
    run: RunDocument | None
    outcome: str | None = None
    because: str | None = None

    @property
    def name(self) -> str:
        """The run's name."""
        return self.path.name

    @property
    def is_finished(self) -> bool:
        """Whether its run.json says how it ended: one that is played now, or was killed, has no end."""
        return self.run is not None and self.run.ended is not None


def local_runs(folder: Path) -> list[LocalRun]:
    """Return the runs in `folder`, by their names, which begin with their time; none where there is no such folder."""
    return [_read(path) for path in _run_folders(folder)]


def _run_folders(folder: Path) -> Iterator[Path]:
    if not folder.is_dir():
        return
    for path in sorted(folder.iterdir()):
        if NAME.match(path.name) and not path.is_symlink() and path.is_dir() and (path / "run.json").is_file():
            yield path


def _read(path: Path) -> LocalRun:
    try:
        run = validate(_object(path / "run.json"), RunDocument, path / "run.json")
    except BadInput as error:
        return LocalRun(path=path, run=None, because=str(error).splitlines()[0])
    return LocalRun(path=path, run=run, outcome=_outcome(path))


def _outcome(path: Path) -> str | None:
    """Return the verdict's outcome, None where it wasn't judged, or where the verdict isn't as it was written."""
    if not (path / _VERDICT).is_file():
        return None
    try:
        outcome = validate(_object(path / _VERDICT), _Judged, path / _VERDICT).outcome
        return outcome if why_no_verdict(path, _VERDICT, outcome) is None else UNTRUSTED
    except (BadInput, OSError):
        return None


class _Judged(WrittenDocument):
    """What a list needs of a verdict."""

    outcome: str


def _object(path: Path) -> object:
    """Read JSON as fast as thousands of runs need it; raises BadInput."""
    try:
        return orjson.loads(read_text(path, _MAX_JSON))
    except orjson.JSONDecodeError as error:
        raise BadInput(f"{path}: not JSON: {error}") from error


def size_of(path: Path) -> int:
    """Return the bytes of the plain files in a folder; nothing is followed."""
    return sum(one.lstat().st_size for one in path.rglob("*") if not one.is_symlink() and one.is_file())


def remove_run(path: Path, folder: Path) -> None:
    """Remove one run directory, which must lie directly in `folder`; raises BadInput where it doesn't.

    A symlink inside it is removed itself, never what it leads to.
    """
    inside = path.parent.resolve() == folder.resolve() and not path.is_symlink()
    if not (inside and NAME.match(path.name) and (path / "run.json").is_file()):
        raise BadInput(f"{path}: not a run directory in {folder}: nothing was removed")
    shutil.rmtree(path)
