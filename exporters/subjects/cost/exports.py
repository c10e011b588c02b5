"""The exports of a bill on disk: which files belong together, and when each was last written."""

import stat
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

from exporters.serving.source import Unreadable
from exporters.subjects.cost.config import Delivery

SUFFIXES = (".csv", ".csv.gz", ".parquet")
MAX_FILES = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class BillFile:
    """One file as it was found; `stamp` differs when it was written again."""

    path: Path
    stamp: tuple[int, int, int]
    modified_ns: int
    touched_ns: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Export:
    """Files that one delivery wrote: together they are the bill of the billing periods in them."""

    place: Path
    files: tuple[BillFile, ...]

    @property
    def stamp(self) -> tuple[object, ...]:
        """What differs once a file of it was added, removed or written again."""
        return tuple((str(file.path), file.stamp) for file in self.files)

    @property
    def order(self) -> tuple[int, str]:
        """What is greater for the newer of two exports: when it was last written, then its name."""
        return max(file.modified_ns for file in self.files), str(self.place)

    def is_unchanged(self) -> bool:
        """Whether no file was written since they were found; raises Unreadable for one that is gone."""
        try:
            return all(_file(file.path).stamp == file.stamp for file in self.files)
        except OSError as error:
            raise Unreadable(f"{self.place}: can't be read: {error.strerror}") from error

    def is_settled(self, now_ns: int, after_s: float) -> bool:
        """Whether none of its files was written within the last `after_s` seconds."""
        return not after_s or max(file.touched_ns for file in self.files) <= now_ns - after_s * 1e9


def exports_at(path: Path, delivery: Delivery) -> tuple[Export, ...]:
    """Return the exports at `path`, a file or a folder searched in depth; raises Unreadable without any."""
    files = sorted(_files(path), key=lambda file: (file.path.parent, file.path))
    if not files:
        raise Unreadable(f"{path}: no bill; expected files that end in {', '.join(SUFFIXES)}")
    if delivery == "new-file":
        return tuple(Export(place=file.path, files=(file,)) for file in files)
    groups = groupby(files, key=lambda file: file.path.parent)
    return tuple(Export(place=folder, files=_parts(group)) for folder, group in groups)


def _parts(files: Iterable[BillFile]) -> tuple[BillFile, ...]:
    """Return the files of a folder; raises Unreadable for one that is there in two formats: it would count twice."""
    by_stem: dict[str, BillFile] = {}
    for file in files:
        stem = min((file.path.name.removesuffix(suffix) for suffix in SUFFIXES), key=len)
        before = by_stem.setdefault(stem, file)
        if before is not file:
            raise Unreadable(f"{file.path}: the same part as {before.path.name} by its name; expected one of them")
    return tuple(by_stem.values())


def _files(path: Path) -> Iterable[BillFile]:
    try:
        found = [path] if not path.is_dir() else [one for one in path.rglob("*") if is_bill(one)]
        if len(found) > MAX_FILES:
            raise Unreadable(f"{path}: {len(found)} files, more than the {MAX_FILES} allowed")
        return [_file(one) for one in found]
    except OSError as error:
        raise Unreadable(f"{path}: can't be read: {error.strerror}") from error


def is_bill(path: Path) -> bool:
    """Whether a file is one of a bill, by its name; what is hidden is a delivery under way."""
    return path.name.endswith(SUFFIXES) and not path.name.startswith((".", "_"))


def _file(path: Path) -> BillFile:
    found = path.stat()
    if not stat.S_ISREG(found.st_mode):
        raise Unreadable(f"{path}: is no file")
    if pattern := set("*?[]{}") & set(str(path)):
        raise Unreadable(f"{path}: a path may not hold {' '.join(sorted(pattern))}")  # DuckDB would expand it
    if not path.name.endswith(SUFFIXES):
        raise Unreadable(f"{path}: expected a name that ends in {', '.join(SUFFIXES)}")
    return BillFile(
        path=path,
        stamp=(found.st_ino, found.st_size, found.st_mtime_ns),
        modified_ns=found.st_mtime_ns,
        touched_ns=max(found.st_mtime_ns, found.st_ctime_ns),
    )
