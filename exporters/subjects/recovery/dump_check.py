"""Whether a dump is whole: read from front to end, in each of pg_dump's formats.

What is checked is that nothing is missing: every entry's data is there and the file ends where its format says. Whether
the data can be restored, only a restore shows.
"""

import re
import tarfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from exporters.subjects.recovery.pg_archive import (
    CUSTOM,
    DIRECTORY,
    MAGIC,
    TAR,
    Archive,
    ArchiveReader,
    DataEntry,
    UnknownFormat,
)
from exporters.subjects.recovery.pieces import NotWhole, Pieces, of_bytes, opened

_DATA_BLOCK, _LARGE_OBJECTS_BLOCK = 1, 3  # BLK_DATA, BLK_BLOBS
_TAR_BLOCK, _TAR_MAGIC = 512, slice(257, 262)
_COPY_END = b"\\.\n\n\n"
_TAIL = 1024
# pg_dump writes \restrict KEY at the top and \unrestrict KEY at the end since August 2025 (CVE-2025-8714).
_RESTRICTED = re.compile(rb"^\\restrict (\S+)\r?$", re.MULTILINE)
_PLAIN_END = re.compile(
    rb"\n--\r?\n-- PostgreSQL database (?:cluster )?dump complete\r?\n--\r?\n\r?\n(?:\\unrestrict (\S+)\r?\n\r?\n)?\Z"
)
GoesOn = Callable[[], bool]


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """What a check found: `archive` where the dump has a head, `why` what is missing from one that isn't whole."""

    archive: Archive | None = None
    why: str | None = None


def check(path: Path, goes_on: GoesOn) -> Checked:
    """Check the dump at `path`; raises Stopped when `goes_on` says so, OSError when it can't be read."""
    archive: list[Archive] = []
    try:
        if path.is_dir():
            _directory(path, goes_on, archive)
        else:
            with opened(path, goes_on) as pieces:
                _file(pieces, archive)
    except (NotWhole, UnknownFormat) as error:
        return Checked(archive=archive[0] if archive else None, why=str(error))
    return Checked(archive=archive[0] if archive else None)


def _file(pieces: Pieces, archive: list[Archive]) -> None:
    head = pieces.peek(_TAR_BLOCK)
    if not head:
        raise NotWhole("is empty")
    if head.startswith(MAGIC):
        archive.append(ArchiveReader(pieces).head())
        _custom(pieces, archive[0])
    elif head[_TAR_MAGIC] == b"ustar":
        _tar(pieces, archive)
    else:
        _plain(pieces)


def _custom(pieces: Pieces, archive: Archive) -> None:
    """Follow the data blocks to the end of the file; every entry with data has one."""
    if archive.format != CUSTOM:
        raise UnknownFormat(f"a file of the archive format {archive.format}")
    reader, missing = ArchiveReader(pieces), {entry.dump_id for entry in archive.data}
    while not pieces.at_end():
        kind, dump_id = reader.byte(), reader.number()
        if kind == _DATA_BLOCK:
            _chunks(reader, pieces)
        elif kind == _LARGE_OBJECTS_BLOCK:
            while reader.number() != 0:
                _chunks(reader, pieces)
        else:
            raise NotWhole(f"no block of data begins at byte {pieces.offset}")
        missing.discard(dump_id)
    _all_there(missing)


def _chunks(reader: ArchiveReader, pieces: Pieces) -> None:
    while (size := reader.number()) != 0:
        if size < 0:
            raise NotWhole(f"a negative size at byte {pieces.offset}")
        pieces.skip(size)


def _all_there(missing: Iterable[int | str]) -> None:
    absent = sorted(map(str, missing))
    if absent:
        raise NotWhole(f"the data of {len(absent)} entries is missing, the first of them {absent[0]}")


def _tar(pieces: Pieces, archive: list[Archive]) -> None:
    """Follow the members to the two blocks of zeros that end a tar file; every entry with data has a member."""
    seen: set[str] = set()
    while True:
        block = pieces.exactly(_TAR_BLOCK)
        if not block.strip(b"\0"):
            break
        member = _member(block, pieces)
        padded = -(-member.size // _TAR_BLOCK) * _TAR_BLOCK
        if member.name == "toc.dat":
            archive.append(_toc(pieces.exactly(padded)[: member.size], TAR))
        else:
            pieces.skip(padded)
        seen.add(member.name)
    if pieces.exactly(_TAR_BLOCK).strip(b"\0") or any(piece.strip(b"\0") for piece in iter(pieces.some, b"")):
        raise NotWhole("doesn't end as a tar file does")
    if not archive:
        raise NotWhole("is a tar file without toc.dat")
    _all_there(str(entry.file) for entry in archive[0].data if not _names_in_tar(entry) & seen)


def _names_in_tar(entry: DataEntry) -> set[str]:
    """Return the members that hold an entry's data; large objects have a list of their own, named in no entry."""
    return {"blobs.toc", f"blobs_{entry.dump_id}.toc"} if entry.large_objects else {str(entry.file)}


def _member(block: bytes, pieces: Pieces) -> tarfile.TarInfo:
    try:
        return tarfile.TarInfo.frombuf(block, "utf-8", "replace")
    except tarfile.HeaderError as error:
        raise NotWhole(f"no member begins at byte {pieces.offset - _TAR_BLOCK}") from error


def _toc(content: bytes, expected: int) -> Archive:
    pieces = of_bytes(content)
    archive = ArchiveReader(pieces).head()
    if archive.format not in (expected, TAR):  # a directory's toc.dat says tar, too
        raise UnknownFormat(f"a toc.dat of the archive format {archive.format}")
    if not pieces.at_end():
        raise NotWhole("toc.dat doesn't end with its last entry")
    return archive


def _plain(pieces: Pieces) -> None:
    """Read to the end: the last lines are those that pg_dump and pg_dumpall write when they are done."""
    first = pieces.peek(_TAIL * 4)
    tail = b""
    while piece := pieces.some():
        tail = (tail + piece)[-_TAIL:]
    end = _PLAIN_END.search(tail)
    if end is None:
        raise NotWhole("doesn't end with what pg_dump writes when it is done")
    restricted = _RESTRICTED.search(first) if b"database cluster dump" not in tail else None
    if restricted is not None and end[1] != restricted[1]:
        raise NotWhole(r"doesn't end with the \unrestrict of its first lines")


def _directory(path: Path, goes_on: GoesOn, archive: list[Archive]) -> None:
    """Read toc.dat, which pg_dump writes last, and every file that it names."""
    toc = path / "toc.dat"
    if not toc.is_file():
        raise NotWhole("has no toc.dat: pg_dump writes it last")
    with opened(toc, goes_on) as pieces:
        content = b"".join(iter(pieces.some, b""))
    archive.append(_toc(content, DIRECTORY))
    for entry in archive[0].data:
        _data_file(path, entry, goes_on)


def _data_file(path: Path, entry: DataEntry, goes_on: GoesOn) -> None:
    if entry.large_objects:
        for name in _large_objects(_found(path, str(entry.file)), goes_on):
            _read(_found(path, name), goes_on)
    elif not _read(_found(path, str(entry.file)), goes_on).endswith(_COPY_END):
        raise NotWhole(f"{entry.file} doesn't end as a table's data does")


def _large_objects(table: Path, goes_on: GoesOn) -> list[str]:
    with opened(table, goes_on) as pieces:
        content = b"".join(iter(pieces.some, b"")).decode("utf-8", "replace")
    if not content.endswith("\n"):
        raise NotWhole(f"{table.name} breaks off")
    return [line.partition(" ")[2] for line in content.splitlines()]


def _found(path: Path, name: str) -> Path:
    """Return the file of an archive, compressed or not; no name leads out of the folder."""
    if "/" in name or name.startswith("."):
        raise NotWhole(f"names a file that isn't in it: {name[:80]!r}")
    found = next((path / f"{name}{end}" for end in ("", ".gz", ".zst") if (path / f"{name}{end}").is_file()), None)
    if found is None:
        raise NotWhole(f"{name} is missing")
    return found


def _read(file: Path, goes_on: GoesOn) -> bytes:
    """Read a file to its end and return its last bytes."""
    tail = b""
    try:
        with opened(file, goes_on) as pieces:
            while piece := pieces.some():
                tail = (tail + piece)[-_TAIL:]
    except NotWhole as error:
        raise NotWhole(f"{file.name} {error}") from error
    return tail
