"""Reads the CSV files of accounts and test data, a line at a time, into rows that take little more room than the file.

No message shows what a file holds, its first row neither: where the header is missing, that row is somebody's password.
"""

import csv
import hashlib
from array import array
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from loadtests.environment.data_targets import ACCOUNTS, DataTargets
from slo.documents import BadInput, open_file

if TYPE_CHECKING:
    import _csv

MOST_BYTES, MOST_ROWS, MOST_COLUMNS = 256 << 20, 5_000_000, 100
_LONGEST_LINE = 64 << 10
_SHOWN = 5
USER, PASSWORD = "user", "password"
# Between the values of a row as they are kept; no value holds it.
_SEPARATOR = "\x1f"
_BOMS = {b"\xff\xfe": "UTF-16", b"\xfe\xff": "UTF-16"}
_ELSEWHERE = "a worker reads it at the path that it has on the machine where the run is started"


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """The rows of one file, in its order; about the file's own size and 8 bytes a row.

    `digest` is the SHA-256 of the file's bytes.
    """

    columns: tuple[str, ...]
    digest: bytes = field(repr=False)
    packed: bytes = field(repr=False)
    ends: "array[int]" = field(repr=False)

    def __len__(self) -> int:
        return len(self.ends)

    def row(self, number: int) -> tuple[str, ...]:
        """Return the values of row `number`, from 0, one for each column."""
        start = self.ends[number - 1] if number else 0
        return tuple(self.packed[start : self.ends[number]].decode().split(_SEPARATOR))


@dataclass(frozen=True, slots=True, kw_only=True)
class FileFacts:
    """What a run keeps of a file: how many rows it has, and its digest, which stays in the process."""

    rows: int
    digest: bytes = field(repr=False)

    def proof(self, run: str) -> str:
        """Return what shows that two workers of `run` read the same file, in hex.

        It is made as slowly as a password's hash (RFC 7914), and for one run alone: from the plain digest of a short
        file its passwords could be found by trying.
        """
        return hashlib.scrypt(self.digest, salt=run.encode(), n=1 << 14, r=8, p=1, dklen=32).hex()


def facts_of(tables: Mapping[str, Table]) -> dict[str, FileFacts]:
    """Return what a run keeps of each file."""
    return {name: FileFacts(rows=len(table), digest=table.digest) for name, table in tables.items()}


def read_data(environment: DataTargets) -> dict[str, Table]:
    """Read every file that the environment declares, by the pool's name; raises BadInput naming file and line.

    Accounts are never the same user twice, nor the rows of a pool that gives each to one session the same.
    """
    tables: dict[str, Table] = {}
    for name, path in environment.data_files().items():
        if name == ACCOUNTS:
            tables[name] = read_table(path, needed=(USER, PASSWORD), unique=USER)
        else:
            tables[name] = read_table(path, unique="" if environment.use_of(name) != "shared" else None)
    return tables


def read_table(path: Path, needed: Sequence[str] = (), unique: str | None = None) -> Table:
    """Read one file: UTF-8 CSV, the first row names the columns; raises BadInput naming file and line.

    The columns `needed` are there, and filled in every row. With `unique` no two rows hold the same in that column,
    whatever the case of its letters, or are the same as a whole with "".
    """
    digest = hashlib.sha256()
    with closing(_lines(path, digest)) as text:  # what is refused in mid-file is closed at once
        columns, packed, ends = _packed(path, text, needed, unique)
    return Table(columns=columns, digest=digest.digest(), packed=packed, ends=ends)


def _packed(
    path: Path, text: Iterator[str], needed: Sequence[str], unique: str | None
) -> tuple[tuple[str, ...], bytes, "array[int]"]:
    """Return the columns of a file, its rows in one piece, and where each ends; raises BadInput."""
    packed, ends = bytearray(), array("Q")
    lines, keys = array("Q"), array("q")
    reader = csv.reader(text, strict=True)
    columns: tuple[str, ...] = ()
    key = filled = None
    for values in _rows(reader, path):
        if not columns:
            columns = _header(values, needed, path)
            filled = [columns.index(name) for name in needed]
            key = columns.index(unique) if unique else None
            continue
        _check(values, columns, filled or (), f"{path}: line {reader.line_num}")
        row = _SEPARATOR.join(values)
        packed += row.encode()
        ends.append(len(packed))
        if len(ends) > MOST_ROWS:
            raise BadInput(f"{path}: more than {MOST_ROWS:,} rows; at most that many are read")
        if unique is not None:
            keys.append(hash(row if key is None else values[key].strip().casefold()))
            lines.append(reader.line_num)
    if not columns:
        raise BadInput(
            f"{path}: is empty; its first line names the columns{_such_as(needed)}, each further one is a row"
        )
    if not ends:
        raise BadInput(f"{path}: has no rows: only the line that names the columns")
    _refuse_doubled(keys, lines, path, unique)
    return columns, bytes(packed), ends


def _lines(path: Path, digest: "hashlib._Hash") -> Generator[str, None, None]:
    """Yield the lines of a file as text, and put them into its digest."""
    read = 0
    try:
        with open_file(path) as file:
            for number, line in enumerate(iter(lambda: file.readline(_LONGEST_LINE + 1), b""), 1):
                read += len(line)
                if len(line) > _LONGEST_LINE:
                    raise BadInput(f"{path}: line {number}: longer than {_LONGEST_LINE} bytes")
                if read > MOST_BYTES:
                    raise BadInput(f"{path}: larger than the {MOST_BYTES >> 20} MiB allowed")
                digest.update(line)
                yield _text(line, number, path)
    except OSError as error:
        raise BadInput(f"{path}: can't be read: {error.strerror}; {_ELSEWHERE}") from error


def _text(line: bytes, number: int, path: Path) -> str:
    if number == 1 and (encoding := _BOMS.get(line[:2])) is not None:
        raise BadInput(f"{path}: is {encoding}; save it as UTF-8")
    try:
        text = line.decode("utf-8-sig" if number == 1 else "utf-8")
    except UnicodeDecodeError as error:
        raise BadInput(f"{path}: line {number}: not UTF-8 at its byte {error.start + 1}; save it as UTF-8") from None
    if "\0" in text or _SEPARATOR in text:
        raise BadInput(f"{path}: line {number}: holds a control character")
    return text


def _rows(reader: "_csv.Reader", path: Path) -> Iterator[list[str]]:
    """Yield the rows that aren't blank."""
    try:
        yield from (values for values in reader if values and values != [""])
    except csv.Error:
        raise BadInput(f"{path}: line {reader.line_num}: not CSV: a quotation mark is out of place") from None


def _header(values: list[str], needed: Sequence[str], path: Path) -> tuple[str, ...]:
    columns = tuple(value.strip() for value in values)
    place = f"{path}: line 1"
    if len(columns) == 1 and ";" in columns[0]:
        raise BadInput(f"{place}: separated by semicolons; save it with commas")
    if missing := [name for name in needed if name not in columns]:
        raise BadInput(f"{place}: names no column {' and no column '.join(missing)}; it must be{_such_as(needed)}")
    if not all(columns) or len(set(columns)) != len(columns):
        raise BadInput(f"{place}: names a column twice, or leaves one without a name")
    if len(columns) > MOST_COLUMNS:
        raise BadInput(f"{place}: names {len(columns)} columns; at most {MOST_COLUMNS} are read")
    return columns


def _such_as(needed: Sequence[str]) -> str:
    return f" such as {','.join(needed)}" if needed else ""


def _check(values: list[str], columns: tuple[str, ...], filled: Sequence[int], place: str) -> None:
    if len(values) != len(columns):
        raise BadInput(f"{place}: has {len(values)} values, the first line names {len(columns)} columns")
    for column in filled:
        if not values[column].strip():
            raise BadInput(f"{place}: {columns[column]} is empty")


def _refuse_doubled(keys: "array[int]", lines: "array[int]", path: Path, unique: str | None) -> None:
    """Raise BadInput for rows that are there twice, naming their lines.

    Rows are compared by 64-bit hashes: that two of a million differ and seem the same happens once in 10⁷ files.
    """
    if len(keys) < 2:  # noqa: PLR2004 - a pair
        return
    found = np.frombuffer(keys, dtype=np.int64)
    order = np.argsort(found, kind="stable")
    same = np.flatnonzero(found[order][1:] == found[order][:-1])
    if not same.size:
        return
    pairs = sorted((lines[int(order[at + 1])], lines[int(order[at])]) for at in same.tolist())
    shown = ", ".join(f"line {second} as line {first}" for second, first in pairs[:_SHOWN])
    more = f", and {len(pairs) - _SHOWN:,} more" if len(pairs) > _SHOWN else ""
    what = f"the same {unique}" if unique else "the same row"
    raise BadInput(f"{path}: {what} twice: {shown}{more}; remove one of each")
