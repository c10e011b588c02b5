"""The parser of what a shop's own database says: rows of a SQLite file, read as the process of the audit reads them."""

import contextlib
import sqlite3
from functools import cache
from pathlib import Path

from sqlalchemy.exc import DBAPIError

from loadtests.audit.sql_child import Reader
from loadtests.environment.record_targets import OrdersSource
from slo.documents import BadInput
from tests.fuzzing.parser import Parser
from tests.fuzzing.scratch import scratch

_INTEGERS = 1 << 63
_COLUMNS = ("id", "order_key", "state", "placed", "amount", "sku", "units", "shop")
_CALL = {"run": None, "since": 0, "deadline_s": 5.0}
_FIELDS = {
    "order_id": "id",
    "key": "order_key",
    "status": "state",
    "created_at": "placed",
    "total_cents": "amount",
}
_LINE = {"sku": "sku", "quantity": "units", "location": "shop"}
_ROWS = (
    b"to1|tk1|tpaid|t2026-11-27 12:00:00|t19.90|ta|i2|tweb",
    b"to1|tk1|tpaid|t2026-11-27 12:00:00|t19.90|tb|r1.0|n",
    b"i7|n|tnew|t2026-11-27T12:00:00.5+01:00|i5|ta|t1|tweb",
)
_VALUES = (
    *(
        b"t2026-11-27",
        b"t24:00",
        b"t12,50",
        b"r19.999999",
        b"r1e19",
        b"b\xff\x00",
        b"t\xc3\x28",
        b"n",
        b"|",
        b"\n",
        b"i",
        b"r",
    ),
    *(
        b"to1|",
        b"tpaid",
        b"t\x00",
        b"i-1",
        b"t0001-01-01 00:00:00",
        b"t9999-12-31 23:59:60",
        b"rinf",
        b"i1795777200000",
    ),
)


def _read(data: bytes) -> object:
    """Read the table that an input is: a row a line, values between bars, each behind a letter for its kind."""
    writer, reader = _database(scratch() / "shop.db")
    with writer:
        writer.execute("DELETE FROM orders")
        for line in data.split(b"\n"):
            values = [_value(one) for one in line.split(b"|")[: len(_COLUMNS)]]
            names = ", ".join(_COLUMNS[: len(values)])
            places = ", ".join("CAST(? AS TEXT)" if is_text else "?" for is_text, _ in values)
            writer.execute(f"INSERT INTO orders ({names}) VALUES ({places})", [value for _, value in values])  # noqa: S608
    return [*reader.rows(_CALL)]


def _value(written: bytes) -> tuple[bool, object]:
    """Return whether a value is text, which may be bytes that no text has, and the value."""
    kind, rest = written[:1], written[1:]
    with contextlib.suppress(ValueError):
        if kind == b"i" and -_INTEGERS <= int(rest) < _INTEGERS:
            return False, int(rest)
        if kind == b"r":
            return False, float(rest)
    return (False, rest) if kind == b"b" else (False, None) if kind == b"n" else (True, rest)


@cache
def _database(path: Path) -> tuple[sqlite3.Connection, Reader]:
    """Return a connection that writes, and the audit's reader, of one file."""
    writer = sqlite3.connect(path)
    writer.execute("PRAGMA synchronous = OFF")
    writer.execute(f"CREATE TABLE orders ({', '.join(_COLUMNS)})")
    source = OrdersSource.model_validate(
        {
            "sql": {"url": f"sqlite:///{path}", "query": f"SELECT {', '.join(_COLUMNS)} FROM orders"},  # noqa: S608
            "fields": _FIELDS,
            "line": _LINE,
            "one_row_per": "line",
            "status": {"accepted": ["paid"]},
            "money": "decimal",
            "zone": "Europe/Vienna",
        }
    )
    return writer, Reader("orders", source, f"sqlite:///{path}")


PARSERS = (
    Parser(
        name="sql-rows",
        parse=_read,
        refuses=(BadInput, DBAPIError),  # the process says a driver's own words, too
        seeds=(b"\n".join(_ROWS), _ROWS[0]),
        other_seeds=(b"bk|" + _ROWS[0][3:], b"\n".join((_ROWS[0], _ROWS[2], _ROWS[0]))),
        tokens=_VALUES,
    ),
)
