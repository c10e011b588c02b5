"""A client span for each database statement, named `<OPERATION> <table>`."""

import re
from functools import lru_cache
from typing import Any

from opentelemetry.trace import Span, SpanKind, Status, StatusCode, Tracer, get_current_span
from sqlalchemy import Connection, Engine, event
from sqlalchemy.engine import ExceptionContext

_TABLE = re.compile(r"\b(?:FROM|INTO|UPDATE)\s+\"?([A-Za-z_]+)")
_SPAN = "statement_span"


@lru_cache(maxsize=1024)
def summary(statement: str) -> str:
    """Return a statement's operation and first table, such as `SELECT stock`; never a value of it."""
    operation = statement.split(None, 1)[0].upper()
    table = _TABLE.search(statement)
    return f"{operation} {table.group(1)}" if table else operation


def trace_statements(engine: Engine, tracer: Tracer) -> None:
    """Trace the statements of `engine` that are part of a recorded trace; background work stays untraced."""
    system = engine.dialect.name

    def start(connection: Connection, _cursor: object, statement: str, *_: Any) -> None:  # noqa: ANN401 - SQLAlchemy's
        if not get_current_span().is_recording():
            return
        name = summary(statement)
        attributes = {"db.system.name": system, "db.query.summary": name}
        connection.info[_SPAN] = tracer.start_span(name, kind=SpanKind.CLIENT, attributes=attributes)

    def finish(connection: Connection, *_: Any) -> None:  # noqa: ANN401 - SQLAlchemy's
        span: Span | None = connection.info.pop(_SPAN, None)
        if span is not None:
            span.end()

    def fail(context: ExceptionContext) -> None:
        span: Span | None = context.connection.info.pop(_SPAN, None) if context.connection is not None else None
        if span is not None:
            span.set_attribute("error.type", type(context.original_exception).__name__)
            span.set_status(Status(StatusCode.ERROR))
            span.end()

    event.listen(engine, "before_cursor_execute", start)
    event.listen(engine, "after_cursor_execute", finish)
    event.listen(engine, "handle_error", fail)
