"""Which files of a run directory are evidence, and what a manifest says of each.

A file that is new to the run directory needs no word here: whatever lies there when the run ends is evidence and is
listed, unless `is_evidence` says that it isn't. Later steps say themselves what they write.
"""

import hashlib
import os
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from stat import S_ISDIR, S_ISREG
from typing import Final, TypeVar

from loadtests.evidence.manifest import FILE, SIGNATURE, FileEntry
from loadtests.results.part_footers import read_footer
from loadtests.results.run_directory import UNREADABLE
from slo.documents import BadInput, open_file

OUTPUTS: Final = frozenset({"verdict.json", "comparison-verdict.json", "junit.xml", "summary.md"})
"""Made from the evidence, as every page (`*.html`) is: listed by the step that wrote them, and never judged."""
_WORKING_FOLDERS = frozenset({"logs", "prometheus"})
_COMPILED = "__pycache__"
_WORKING_FILES = frozenset({FILE, SIGNATURE, "job.json", "over", "left-out.txt"})
_SHARED_PATH_PROBE = "shared-path-probe"
_AS_GIVEN = frozenset({"storefront", "shop_records", "objectives"})
"""Folders of the user's files, which may begin with a dot."""
_FEW, _AT_ONCE = 100, 4
_PIECE = 1 << 18
Read = TypeVar("Read")


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """Something in the directory: what it takes to see that it was changed, and whether it is a plain file."""

    size: int
    changed_at: int
    inode: int
    is_plain: bool


def is_output(path: str) -> bool:
    """Whether a file (its path below the run directory) is a rendering of what was found."""
    return path in OUTPUTS or ("/" not in path and path.endswith(".html"))


def is_evidence(path: str) -> bool:
    """Whether a file (its path below the run directory) is evidence: all but outputs, and what processes work with.

    Those are logs, Prometheus' own database, what workers are started and ended by, and hidden files.
    """
    first, *_ = parts = path.split("/")
    if _COMPILED in parts[:-1] or (len(parts) > 1 and first in _WORKING_FOLDERS) or is_output(path):
        return False
    if len(parts) == 1 and (first in _WORKING_FILES or first.startswith(_SHARED_PATH_PROBE)):
        return False
    return first in _AS_GIVEN or not any(part.startswith(".") for part in parts)


def look(folder: Path) -> dict[str, Found]:
    """Return the evidence and the outputs below a run directory by path; a link is found and not followed."""
    return {path: found for path, found in _walk(folder, "") if is_evidence(path) or is_output(path)}


def check_readable(folder: Path, found: Mapping[str, Found]) -> None:
    """Raise BadInput for what never ends, such as a pipe, and for a name that no reader of records can be told."""
    for path, one in found.items():
        if not _is_text(path):
            named = f"{folder}/{path}".encode(errors="backslashreplace").decode()
            raise BadInput(f"{named}: its name is no text: remove it")
        if not one.is_plain and _is_special(folder / path):
            raise BadInput(f"{folder / path}: neither a file nor a folder, but a pipe, a socket or a device: remove it")


def _is_special(path: Path) -> bool:
    try:
        mode = path.stat().st_mode
    except OSError:
        return False
    return not (S_ISREG(mode) or S_ISDIR(mode))


def _is_text(path: str) -> bool:
    """Whether a name is UTF-8, as JSON is: any other can't be written into a manifest."""
    try:
        path.encode()
    except UnicodeEncodeError:
        return False
    return True


def is_listable(path: str, found: Found) -> bool:
    """Whether a manifest may list it: a plain file whose name is text, whatever characters are in it."""
    return found.is_plain and _is_text(path)


def _walk(folder: Path, inside: str) -> Iterator[tuple[str, Found]]:
    with os.scandir(folder) as entries:
        for entry in sorted(entries, key=lambda one: one.name):
            path = f"{inside}{entry.name}"
            try:
                status = entry.stat(follow_symlinks=False)
            except FileNotFoundError:
                continue  # of a run that goes on: it was written beside, and has its name by now
            if S_ISDIR(status.st_mode):
                if entry.name != _COMPILED and path not in _WORKING_FOLDERS:
                    yield from _walk(Path(entry.path), f"{path}/")
                continue
            yield (
                path,
                Found(
                    size=status.st_size,
                    changed_at=status.st_mtime_ns,
                    inode=status.st_ino,
                    is_plain=S_ISREG(status.st_mode),
                ),
            )


def describe(folder: Path, paths: Collection[str]) -> tuple[FileEntry, ...]:
    """Return the entries of files, in the order of their paths; raises OSError."""
    return tuple(_of_each(lambda path: entry_of(folder / path, path), sorted(paths)))


def hashes(folder: Path, paths: Collection[str]) -> Mapping[str, str]:
    """Return the SHA-256 of files by path; raises OSError."""
    ordered = sorted(paths)
    return dict(zip(ordered, _of_each(lambda path: _digest(f"{folder}/{path}"), ordered), strict=True))


def _of_each(read: Callable[[str], Read], paths: Sequence[str]) -> list[Read]:
    """Return what is read of each file, in order, some at once where there are many: a share of them a thread."""
    if len(paths) <= _FEW:
        return [read(path) for path in paths]
    found: dict[str, Read] = {}
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        for some in pool.map(lambda share: [(path, read(path)) for path in share], _shares(paths)):
            found.update(some)
    return [found[path] for path in paths]


def _shares(paths: Sequence[str]) -> list[Sequence[str]]:
    return [paths[number::_AT_ONCE] for number in range(_AT_ONCE)]


def _digest(path: str) -> str:
    """Hash a file by plain reads: of thousands of small files the buffers cost more than the hash."""
    digest, descriptor = hashlib.sha256(), os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    try:
        while piece := os.read(descriptor, _PIECE):
            digest.update(piece)
    finally:
        os.close(descriptor)
    return digest.hexdigest()


def entry_of(path: Path, name: str) -> FileEntry:
    """Return the entry of the file that lies at `path` and is called `name`: it is read once. Raises OSError."""
    digest, size, lines = hashlib.sha256(), 0, 0
    with open_file(path) as file:
        while piece := file.read(_PIECE):
            digest.update(piece)
            size += len(piece)
            lines += piece.count(b"\n") if name.endswith(".jsonl") else 0
    rows = lines if name.endswith(".jsonl") else _rows(path) if name.endswith(".parquet") else None
    return FileEntry(path=name, size=size, sha256=digest.hexdigest(), rows=rows)


def _rows(path: Path) -> int | None:
    """Return the rows by a Parquet file's footer, None of one that can't be read."""
    try:
        return int(read_footer(path).num_rows)
    except UNREADABLE:
        return None
