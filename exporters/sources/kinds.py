"""The kinds of source that a configuration may name, exactly one each time, and the reader of it."""

from typing import Self

from pydantic import model_validator

from exporters.context import ExporterContext
from exporters.sources.csv_drop import CsvConfig, CsvDrop
from exporters.sources.http_json import HttpJsonConfig, http_json
from exporters.sources.sql import SqlConfig, SqlSource
from exporters.sources.table import TableSource
from slo.documents import Document


class TableConfig(Document):
    """Where a table is read from: one of a SQL query, a CSV drop and a JSON endpoint."""

    sql: SqlConfig | None = None
    csv: CsvConfig | None = None
    http_json: HttpJsonConfig | None = None

    @model_validator(mode="after")
    def _one_of_them(self) -> Self:
        if sum(kind is not None for kind in (self.sql, self.csv, self.http_json)) != 1:
            raise ValueError("must have one of sql, csv and http_json")
        return self


def table_source(config: TableConfig, context: ExporterContext, place: str) -> TableSource:
    """Return the reader of what is configured at `place`; raises BadInput."""
    if config.sql is not None:
        return SqlSource(config.sql, context, place)
    if config.csv is not None:
        return CsvDrop(config=config.csv, context=context, place=place)
    if config.http_json is not None:
        return http_json(config.http_json, context, place)
    raise AssertionError("the model has one of them")
