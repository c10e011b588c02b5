"""DuckDB as the product opens it, but kept open between inputs: opening takes 17 ms of CPU, reading a part takes one.

Whatever the product sets is set, and its queries are those that run; what is read isn't remembered from file to file.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any
from unittest import mock

import duckdb

_VIEW = re.compile(r"\s*CREATE VIEW (\w+) AS")
_REMEMBERS = ("SET parquet_metadata_cache",)
_BROKEN = (duckdb.InternalException, duckdb.FatalException)
_Settings = tuple[tuple[str, str], ...]
_OPEN: dict[_Settings, duckdb.DuckDBPyConnection] = {}
_connect = duckdb.connect


@contextmanager
def kept_open() -> Iterator[None]:
    """Have `duckdb.connect` return databases that are kept open, those with other settings apart."""
    with mock.patch.object(duckdb, "connect", _Kept):
        yield


class _Kept:
    """A connection that is opened with its settings at the first query, and whose views go when it is closed."""

    def __init__(self, config: Mapping[str, Any]) -> None:
        self._config, self._settings, self._views = config, list[tuple[str, Sequence[Any]]](), list[str]()

    def execute(self, query: str, values: Sequence[Any] = ()) -> duckdb.DuckDBPyConnection | None:
        if query.startswith("SET "):
            self._settings.append((query, values))
            return None
        try:
            answer = self._opened().execute(query, list(values))
        except _BROKEN:
            _OPEN.pop(self._key).close()
            raise
        self._views += _VIEW.findall(query)[:1]
        return answer

    def sql(self, query: str) -> duckdb.DuckDBPyRelation:
        return self._opened().sql(query)

    def close(self) -> None:
        if (database := _OPEN.get(self._key)) is not None:
            for view in reversed(self._views):
                database.execute(f"DROP VIEW {view}")

    @property
    def _key(self) -> _Settings:
        return tuple((query, repr(values)) for query, values in self._settings)

    def _opened(self) -> duckdb.DuckDBPyConnection:
        if self._key not in _OPEN:
            database = _connect(config={**self._config, "enable_external_file_cache": False})
            for query, values in self._settings:
                if not query.startswith(_REMEMBERS):
                    database.execute(query, list(values))
            _OPEN[self._key] = database
        return _OPEN[self._key]
