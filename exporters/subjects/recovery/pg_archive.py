"""The head of a pg_dump archive: when it was made, and which entries have data that must follow.

The format is that of PostgreSQL's src/bin/pg_dump/pg_backup_archiver.c (ReadHead, ReadToc), versions 1.12 (9.0) to
1.16 (17); it is the same in custom files, in the toc.dat of directories and in that of tar files.
"""

from dataclasses import dataclass
from datetime import datetime, tzinfo

from exporters.subjects.recovery.pieces import NotWhole, Pieces

MAGIC = b"PGDMP"
CUSTOM, TAR, DIRECTORY = 1, 3, 5
_OLDEST, _NEWEST = (1, 12), (1, 16)
_MAX_ENTRIES, _MAX_TEXT = 2_000_000, 256 << 20
_NO_DATA = 3  # K_OFFSET_NO_DATA
_LARGE_OBJECTS = ("BLOBS",)


class UnknownFormat(Exception):  # noqa: N818 - it is what the file is
    """An archive of a version that isn't known here."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DataEntry:
    """An entry whose data must be in the archive: `file` names it in directories and tar files."""

    dump_id: int
    large_objects: bool
    file: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Archive:
    """The head of an archive. `made` is when the dump began, on the clock of the machine that made it."""

    format: int
    made: tuple[int, int, int, int, int, int]
    data: tuple[DataEntry, ...]

    def made_at_s(self, zone: tzinfo) -> float | None:
        """Return when it was made if that clock showed the time of `zone`; None for what is no time."""
        try:
            return datetime(*self.made, tzinfo=zone).timestamp()
        except (ValueError, OverflowError):
            return None


class ArchiveReader:
    """Reads the numbers and texts of an archive."""

    def __init__(self, pieces: Pieces) -> None:
        self._pieces = pieces
        self._int_size = self._offset_size = 4
        self._version = _OLDEST

    def byte(self) -> int:
        """Return the next byte."""
        return self._pieces.exactly(1)[0]

    def number(self) -> int:
        """Return the next number: a byte for its sign, then its bytes, the lowest first."""
        sign, magnitude = self.byte(), int.from_bytes(self._pieces.exactly(self._int_size), "little")
        return -magnitude if sign else magnitude

    def text(self) -> str | None:
        """Return the next text, None where there is none."""
        size = self.number()
        if size > _MAX_TEXT:
            raise NotWhole(f"a text of {size} bytes at byte {self._pieces.offset}")
        return None if size < 0 else self._pieces.exactly(size).decode("utf-8", "replace")

    def head(self) -> Archive:
        """Return the head; raises NotWhole where it breaks off, UnknownFormat for a version that isn't known."""
        if self._pieces.exactly(len(MAGIC)) != MAGIC:
            raise NotWhole("doesn't begin as an archive")
        self._version = (self.byte(), self.byte())
        self.byte()  # the revision
        if not _OLDEST <= self._version <= _NEWEST:
            raise UnknownFormat(f"an archive of version {self._version[0]}.{self._version[1]}")
        self._int_size, self._offset_size, kind = self.byte(), self.byte(), self.byte()
        if self._int_size not in (4, 8) or self._offset_size not in (4, 8):
            raise NotWhole("its head is damaged")
        if self._version >= (1, 15):
            self.byte()  # how it is compressed
        else:
            self.number()
        second, minute, hour, day, month, year, _ = (self.number() for _ in range(7))
        for _ in range(3):
            self.text()  # the database, the server's version, pg_dump's version
        made = (year + 1900, month + 1, day, hour, minute, second)
        return Archive(format=kind, made=made, data=self._data_entries(kind))

    def _data_entries(self, kind: int) -> tuple[DataEntry, ...]:
        count = self.number()
        if not 0 <= count <= _MAX_ENTRIES:
            raise NotWhole(f"{count} entries")
        found = (self._entry(kind) for _ in range(count))
        return tuple([one for one in found if one is not None])

    def _entry(self, kind: int) -> DataEntry | None:
        dump_id, has_data = self.number(), self.number()
        self.text()  # the oid of the catalogue's table
        self.text()  # the oid
        self.text()  # the tag
        description = self.text()
        self.number()  # the section
        texts = 6 if self._version >= (1, 14) else 5  # definition, drop, copy, namespace, tablespace, access method
        for _ in range(texts):
            self.text()
        if self._version >= (1, 16):
            self.number()  # the kind of relation
        self.text()  # the owner
        self.text()  # with oids
        while self.text() is not None:
            pass  # the dependencies
        file, has_offset = self._extra(kind)
        if not has_data or not has_offset or (kind != CUSTOM and not file):
            return None
        return DataEntry(dump_id=dump_id, large_objects=description in _LARGE_OBJECTS, file=file)

    def _extra(self, kind: int) -> tuple[str | None, bool]:
        if kind != CUSTOM:
            return self.text(), True
        state = self.byte()
        self._pieces.exactly(self._offset_size)
        return None, state != _NO_DATA
