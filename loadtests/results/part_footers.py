"""What the footers of Parquet parts say, each read once: whether its columns are as wanted, rows, and ranges."""

import mmap
import os
from collections.abc import Container, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from stat import S_ISREG

import pyarrow as pa
import pyarrow.parquet as pq

from loadtests.results.run_directory import UNREADABLE
from loadtests.runtime.forked_call import CrashedError, forked
from slo.documents import BadInput

_TAIL = 1 << 14
"""A part's footer is about 2 KB long; PyArrow itself reads 64 KB of each file for it."""
_LENGTH_AND_MAGIC = 8
_ROWS_OF_A_BYTE = 64
"""More than a part can hold: a record's times alone take some bytes. What is read is laid out for what it claims."""
_PLACE = 8
_STORED_AS = {pa.int64(): "INT64", pa.int16(): "INT32", pa.string(): "BYTE_ARRAY", pa.float64(): "DOUBLE"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Footers:
    """What the footers of parts say: how many rows there are, and the least and the largest of each whole number."""

    rows: int
    ranges: Mapping[str, tuple[int, int]]


def read_footer(path: Path) -> pq.FileMetaData:
    """Read the footer of a Parquet file, of no more than the file's end; raises one of `UNREADABLE`, or BadInput."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)  # a pipe would be waited for
    try:
        status = os.fstat(descriptor)
        if not S_ISREG(status.st_mode):
            raise BadInput(f"{path}: no file")
        tail = os.pread(descriptor, _TAIL, max(0, status.st_size - _TAIL))
    finally:
        os.close(descriptor)
    length = int.from_bytes(tail[-_LENGTH_AND_MAGIC:][:4], "little")
    return pq.read_metadata(pa.BufferReader(tail) if length + _LENGTH_AND_MAGIC <= len(tail) else path)


def check_columns(path: Path, schema: pa.Schema) -> None:
    """Raise BadInput where a part can't be read, or lacks a column."""
    with _readable(path):
        footer = read_footer(path)
    _places(path, footer, schema)


def read_footers(paths: Sequence[Path], schema: pa.Schema, may_be_null: Container[str]) -> Footers:
    """Read the footers of parts; raises BadInput where a column lacks, has another type, or holds null.

    They are read in a copy of the process: PyArrow 26 ends it for some that were damaged (what it throws of a column's
    chunk, nothing takes).
    """
    if not paths:
        return Footers(rows=0, ranges={})
    with mmap.mmap(-1, _PLACE) as reached:
        try:
            return forked(lambda: _footers(paths, schema, may_be_null, reached), lambda: reached[:_PLACE])
        except CrashedError as error:
            path = paths[int.from_bytes(reached[:_PLACE], "little")]
            raise BadInput(f"{path}: can't be read: its footer is damaged: the process that read it {error}") from None


def _footers(paths: Sequence[Path], schema: pa.Schema, may_be_null: Container[str], reached: mmap.mmap) -> Footers:
    wanted = tuple(_Wanted.of(field, may_be_null) for field in schema)
    rows, ranges = 0, dict[str, tuple[int, int]]()
    footer: pq.FileMetaData | None = None
    places: Sequence[int] = ()
    for number, path in enumerate(paths):
        reached[:_PLACE] = number.to_bytes(_PLACE, "little")
        before = footer
        with _readable(path):
            footer = read_footer(path)
            size = path.stat().st_size
        if not 0 <= footer.num_rows <= size * _ROWS_OF_A_BYTE:
            raise BadInput(f"{path}: claims {footer.num_rows} rows in {size} bytes")
        if before is None or not footer.schema.equals(before.schema):
            places = _places(path, footer, schema)
        with _readable(path):
            _add_footer(path, footer, list(zip(wanted, places, strict=True)), ranges)
        rows += footer.num_rows
    return Footers(rows=rows, ranges=ranges)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Wanted:
    """A column that every part must have: how its values are stored, and whether one of them may be null."""

    name: str
    stored_as: str
    may_be_null: bool

    @classmethod
    def of(cls, field: pa.Field, may_be_null: Container[str]) -> "_Wanted":
        return cls(name=field.name, stored_as=_STORED_AS[field.type], may_be_null=field.name in may_be_null)


def _places(path: Path, footer: pq.FileMetaData, schema: pa.Schema) -> Sequence[int]:
    """Return the place of each column of the schema among a part's; raises BadInput where one is missing.

    A nested column's is that of its first value. Of columns with one name, whatever its case, the first counts, as
    DuckDB has it.
    """
    stored = footer.schema
    with _readable(path):
        names = [stored.column(place).path.partition(".")[0] for place in range(len(stored))]
    places: dict[str, int] = {}
    for place, name in enumerate(names):
        places.setdefault(name.lower(), place)
    if missing := missing_columns(names, schema):
        raise BadInput(f"{path}: {missing}")
    return [places[name] for name in schema.names]


def missing_columns(names: Container[str], schema: pa.Schema) -> str | None:
    """Return that columns of `schema` aren't among `names`, in words; None when all are."""
    missing = [name for name in schema.names if name not in names]
    return f"it has no column {', '.join(missing)}" if missing else None


def _add_footer(
    path: Path,
    footer: pq.FileMetaData,
    columns: Sequence[tuple[_Wanted, int]],
    ranges: dict[str, tuple[int, int]],
) -> None:
    """Add the ranges of whole numbers that a part's footer tells; raises BadInput for a column that isn't as wanted.

    Without a count of nulls all of its values may be.
    """
    groups = [footer.row_group(number) for number in range(footer.num_row_groups)]
    for wanted, place in columns:
        held = 0
        for group in groups:
            chunk = group.column(place)
            _check_stored(path, wanted, chunk)
            statistics = chunk.statistics
            nulls = None if statistics is None else statistics.null_count
            if nulls is None:
                continue
            held += chunk.num_values - nulls
            if wanted.stored_as == "INT64" and (least := statistics.min_raw) is not None:
                before = ranges.get(wanted.name, (least, least))
                ranges[wanted.name] = min(before[0], least), max(before[1], statistics.max_raw)
        if held < footer.num_rows and not wanted.may_be_null:
            raise BadInput(f"{path}: {wanted.name}: null in {footer.num_rows - held} of {footer.num_rows} rows")


def _check_stored(path: Path, wanted: _Wanted, chunk: pq.ColumnChunkMetaData) -> None:
    if chunk.physical_type != wanted.stored_as or "." in chunk.path_in_schema:
        found = "a nested value" if "." in chunk.path_in_schema else chunk.physical_type
        raise BadInput(f"{path}: {wanted.name}: expected {wanted.stored_as}, found {found}")


@contextmanager
def _readable(path: Path) -> Iterator[None]:
    """Name the part in an error of reading its footer."""
    try:
        yield
    except BadInput:
        raise
    except UNREADABLE as error:
        raise BadInput(f"{path}: can't be read: {str(error).splitlines()[0]}") from error
