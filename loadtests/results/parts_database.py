"""The Parquet parts of a run behind SQL: DuckDB reads them as they are, in bounded memory, and nothing else."""

import os
import re
import shutil
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Self

import duckdb
import pyarrow as pa

from loadtests.results.part_footers import Footers, check_columns, read_footers
from loadtests.results.run_directory import UNREADABLE, RunDirectory
from slo.documents import BadInput

MEMORY = "320MB"
"""What DuckDB may hold before it writes to the run's own scratch folder."""
THREADS = min(4, os.cpu_count() or 1)
_BATCH = 200_000
_OPENED = Path("/proc/self/fd")
_GLOB = re.compile(r"[*?\[]")
Row = tuple[Any, ...]


class PartsDatabase:
    """The parts of some kinds of one run, each kind a view of its name; a context manager.

    It has no network, loads no extension, and reads no file but the parts. Raises BadInput naming the parts that can't
    be read, and the part and the column where one is missing. `parts` are those of the directory to read of each kind;
    all when it is None. With `may_be_null` the parts of every kind are held to `check` as they are opened: their
    footers are read once.
    """

    def __init__(
        self,
        directory: RunDirectory,
        schemas: Mapping[str, pa.Schema],
        parts: Mapping[str, Sequence[Path]] | None = None,
        memory: str = MEMORY,
        may_be_null: frozenset[str] | None = None,
    ) -> None:
        self._memory = memory
        self._directory, self._schemas = directory, schemas
        self._may_be_null = may_be_null
        self._parts = parts or {kind: directory.parts(kind) for kind in schemas}
        self.footers: dict[str, Footers] = {}
        self._scratch = directory.path / f".reading.{os.getpid()}.tmp"
        self._folder: int | None = None

    def __enter__(self) -> Self:
        """Open it; raises BadInput."""
        if _is_unnameable(self._directory.path):
            self._folder = _opened(self._directory.path)
        try:
            return self._open()
        except BaseException:
            self._close_folder()
            raise

    def _open(self) -> Self:
        paths = [path for parts in self._parts.values() for path in parts]
        for kind, schema in self._schemas.items():
            if self._may_be_null is not None:
                self.check(kind, self._may_be_null)
                continue
            for path in self._parts[kind]:
                check_columns(path, schema)
        self._sql = duckdb.connect(
            config={
                "threads": THREADS,
                "memory_limit": self._memory,
                "temp_directory": str(self._scratch),
                "autoinstall_known_extensions": False,
                "autoload_known_extensions": False,
                "preserve_insertion_order": False,
            }
        )
        self._sql.execute("SET allowed_paths = $1", [sorted({*map(str, paths), *map(self._named, paths)})])
        self._sql.execute("SET enable_progress_bar = false")
        self._sql.execute("SET parquet_metadata_cache = true")
        self._sql.execute("SET enable_external_access = false")
        self._sql.execute("SET lock_configuration = true")
        try:
            for kind, schema in self._schemas.items():
                self.rows(kind, f"CREATE VIEW {kind} AS {self._view(schema, self._parts[kind])}")
        except BadInput:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        """Close it, and remove what it wrote."""
        self._sql.close()
        self._close_folder()
        shutil.rmtree(self._scratch, ignore_errors=True)

    def _close_folder(self) -> None:
        if self._folder is not None:
            os.close(self._folder)
            self._folder = None

    def _named(self, path: Path) -> str:
        """Return the pattern by which DuckDB finds this part, and nothing else."""
        return exactly(path if self._folder is None else _OPENED / str(self._folder) / path.name)

    def _view(self, schema: pa.Schema, paths: Sequence[Path]) -> str:
        parts = ", ".join(text(self._named(path)) for path in paths)
        if parts:
            return f"SELECT * FROM read_parquet([{parts}], hive_partitioning = false)"  # noqa: S608 - quoted
        columns = (f"NULL::{_SQL_TYPES[field.type]} AS {field.name}" for field in schema)
        return f"SELECT {', '.join(columns)} WHERE false"

    def rows(self, kind: str, query: str, values: Sequence[object] = ()) -> list[Row]:
        """Return the answer of a query about parts of `kind`; raises BadInput."""
        try:
            return self._sql.execute(query, list(values)).fetchall()
        except duckdb.Error as error:
            raise self._unreadable(kind, error) from error

    def batches(self, kind: str, query: str) -> Iterator[pa.RecordBatch]:
        """Return the answer in batches, for what is too much at once; raises BadInput."""
        try:
            yield from self._sql.sql(query).to_arrow_reader(_BATCH)
        except (duckdb.Error, *UNREADABLE) as error:  # what DuckDB says of a later batch Arrow tells on
            raise self._unreadable(kind, error) from error

    def check(self, kind: str, may_be_null: frozenset[str]) -> None:
        """Read the parts' `footers`; raises BadInput where a column lacks, has another type, or holds null."""
        self.footers[kind] = read_footers(self._parts[kind], self._schemas[kind], may_be_null)

    def sample(self, kind: str, rows: int) -> str:
        """Add a view of whole parts of `kind`, evenly spread, that hold about so many of its rows; return its name.

        The parts are known to hold rows: see `check`. Raises BadInput.
        """
        parts = self._parts[kind]
        wanted = min(len(parts), -(-len(parts) * rows // self.footers[kind].rows))
        some = [parts[(2 * place + 1) * len(parts) // (2 * wanted)] for place in range(wanted)]
        self.rows(kind, f"CREATE VIEW {kind}_sample AS {self._view(self._schemas[kind], some)}")
        return f"{kind}_sample"

    def part(self, kind: str, place: int) -> str:
        """Add a view of one part of `kind`, by its place among them; return its name. Raises BadInput."""
        self.rows(kind, f"CREATE VIEW {kind}_part AS {self._view(self._schemas[kind], [self._parts[kind][place]])}")
        return f"{kind}_part"

    def _unreadable(self, kind: str, error: Exception) -> BadInput:
        why = str(error).splitlines()[0].replace(f"{_OPENED}/{self._folder}/", f"{self._directory.path}/")
        return BadInput(f"{self._directory.path / kind}-*.parquet: can't be read: {why}")


_SQL_TYPES = {pa.int64(): "BIGINT", pa.int16(): "SMALLINT", pa.string(): "VARCHAR", pa.float64(): "DOUBLE"}


def _is_unnameable(folder: Path) -> bool:
    """Whether no pattern of DuckDB's matches this folder: it splits one at each backslash, as at each slash."""
    return "\\" in str(folder) and _GLOB.search(str(folder)) is not None


def _opened(folder: Path) -> int:
    """Return a handle of a folder, by which it has a plain name; raises BadInput where the system gives none."""
    if not _OPENED.is_dir():
        raise BadInput(f"{folder}: a backslash with one of * ? [ in its path: DuckDB can't name it; rename the folder")
    return os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)


def exactly(path: Path) -> str:
    """Return the pattern that matches this one file, whatever its name: DuckDB takes every name for a pattern."""
    return _GLOB.sub(lambda found: f"[{found.group()}]", str(path))


def text(value: str) -> str:
    """Return a text as SQL writes it."""
    return "'" + value.replace("'", "''") + "'"
