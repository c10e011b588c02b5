"""The comparisons in the folder that runs are played into: which of them are old, and which may go."""

import shutil
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from loadtests.run_store.local_runs import NAME
from slo.documents import BadInput, WrittenDocument, read_json

FILE = "comparison.json"
DOCUMENTS = (FILE, "comparison-verdict.json", "summary.md", "junit.xml", "policy.yaml", "manifest.json")
"""What stays of a comparison in the store: what was compared, and what came of it."""


class _Block(WrittenDocument):
    run: str


class _Job(WrittenDocument):
    """What pruning needs of `comparison.json`."""

    ended: str | None = None
    blocks: tuple[_Block, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalComparison:
    """A comparison's folder; `ended` is None where it goes on, or was killed. `because`: why it can't be read."""

    path: Path
    ended: str | None = None
    runs: tuple[str, ...] = ()
    because: str | None = None

    @property
    def name(self) -> str:
        """The comparison's name."""
        return self.path.name

    def why_it_stays(self, marked: Collection[str]) -> str | None:
        """Return why it may not go however old it is, None where it may."""
        if self.because is not None:
            return f"can't be read: {self.because}"
        if self.ended is None:
            return "not finished: it is played now, or was killed"
        kept = sorted(set(self.runs) & set(marked))
        return f"its run {kept[0]} is marked" if kept else None


def local_comparisons(folder: Path) -> Sequence[LocalComparison]:
    """Return the comparisons in `folder` by their names, which begin with their time."""
    return [_read(path) for path in _folders(folder)]


def _folders(folder: Path) -> Iterator[Path]:
    if not folder.is_dir():
        return
    for path in sorted(folder.iterdir()):
        if NAME.match(path.name) and not path.is_symlink() and path.is_dir() and (path / FILE).is_file():
            yield path


def _read(path: Path) -> LocalComparison:
    try:
        job = read_json(path / FILE, _Job)
    except BadInput as error:
        return LocalComparison(path=path, because=str(error).splitlines()[0])
    return LocalComparison(path=path, ended=job.ended, runs=tuple(dict.fromkeys(one.run for one in job.blocks)))


def remove_comparison(path: Path, folder: Path) -> None:
    """Remove one comparison's folder, which must lie directly in `folder`; raises BadInput where it doesn't."""
    inside = path.parent.resolve() == folder.resolve() and not path.is_symlink()
    if not (inside and NAME.match(path.name) and (path / FILE).is_file()):
        raise BadInput(f"{path}: not a comparison's folder in {folder}: nothing was removed")
    shutil.rmtree(path)
