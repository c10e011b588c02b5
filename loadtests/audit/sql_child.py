"""The process that reads one kind of shop records by SQL: `python -P -m loadtests.audit.sql_child`.

It speaks as `records_child` does: in a line of JSON with the source, then a line a call; out rows, and what ended them.
"""

import os
import signal
import sys
import time
from collections.abc import Iterator
from typing import Any

import orjson

from loadtests.audit.record_shape import Shape
from loadtests.audit.records_child import GRACE_S, bound_memory, one_line, pipes, say, send
from loadtests.audit.shop_records import CLOCKS_APART_NS
from loadtests.audit.sql_databases import BATCH_ROWS, asked, database_at, moment_of, names_in, reading
from loadtests.environment.record_targets import (
    FunnelSource,
    OrdersSource,
    PaymentsSource,
    RecordSource,
    SqlRecords,
    StockSource,
)
from slo.documents import BadInput

_SOURCES: dict[str, type[RecordSource]] = {
    "orders": OrdersSource,
    "payments": PaymentsSource,
    "stock": StockSource,
    "funnel": FunnelSource,
}


class Reader:
    """One query of one database; `columns` are those of its rows, once it was asked."""

    def __init__(self, kind: str, source: RecordSource, address: str) -> None:
        self._kind, self._source = kind, source
        self._sql: SqlRecords = source.sql  # type: ignore[assignment]  # the caller gives one that has it
        names_in(self._sql.query)
        self._database, self._url = database_at(address)

    def rows(self, call: dict[str, Any]) -> Iterator[dict[str, Any]]:
        """Yield the rows of a call, checked; raises BadInput, or what the driver raises."""
        times = getattr(self._source, "times", None)
        span = {"since": call["since"], "until": time.time_ns() + CLOCKS_APART_NS}
        moment = {name: moment_of(self._database, at, times) for name, at in span.items()}
        values = {**moment, "run": call["run"]}
        with (
            reading(self._database, self._url, call["deadline_s"]) as connection,
            asked(self._database, connection, self._sql.query, values) as result,
        ):
            if not result.returns_rows:
                raise BadInput("the query gives no rows; expected a SELECT")
            shape = Shape(self._kind, self._source, list(result.keys()))
            yield from shape.rows(self._bounded(result))

    def _bounded(self, result: Any) -> Iterator[dict[str, Any]]:  # noqa: ANN401 - SQLAlchemy's
        names, most, number = list(result.keys()), self._source.max_rows, 0
        for batch in result.partitions(BATCH_ROWS):
            for row in batch:
                number += 1
                if number > most:
                    raise BadInput(f"more than the {most:,} rows that max_rows allows")
                yield dict(zip(names, row, strict=True))


def main() -> None:
    """Read the source, say what it is, and answer calls until the pipe is closed."""
    calls, answers = pipes()
    bound_memory()
    given = orjson.loads(calls.readline())
    kind, place = given["kind"], f"shop_records.{given['kind']}.sql"
    try:
        source = _SOURCES[kind].model_validate(given["source"])
        reader = Reader(kind, source, given["address"])
    except BadInput as error:
        say(answers, {"error": f"{place}: {error}"})
        return
    say(answers, {"declares": [kind], "deadline_s": source.deadline_s})
    for line in calls:
        call = orjson.loads(line)
        signal.setitimer(signal.ITIMER_REAL, call["deadline_s"] + GRACE_S)
        try:
            rows = send(answers, reader.rows(call), call["first"])
        except BaseException as error:  # noqa: BLE001 - a driver may raise anything
            say(answers, {"error": f"{place}: {why_not(error)}"})
        else:
            say(answers, {"rows": rows})
        signal.setitimer(signal.ITIMER_REAL, 0)


def why_not(error: BaseException) -> str:
    """Return an error in one line: the driver's own words, without SQLAlchemy's round them."""
    if isinstance(error, BadInput):
        return one_line(str(error))
    if isinstance(error, MemoryError):
        return "more memory than it may use: select less in a row"
    cause = getattr(error, "orig", None) or error
    text = next((line for line in str(cause).splitlines() if line.strip()), "")
    if isinstance(cause.args[0] if cause.args else None, int) and len(cause.args) > 1:  # PyMySQL's (number, text)
        text = f"{cause.args[1]} ({cause.args[0]})"
    return one_line(f"{type(cause).__name__}: {text}")


if __name__ == "__main__":
    try:
        main()
    except BrokenPipeError:
        sys.exit(1)
    os._exit(0)
