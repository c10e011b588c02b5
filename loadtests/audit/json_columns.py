"""Rows of shop records in JSON, read into columns at once where they are all as they should be.

Pure: no I/O. What isn't so is left to whoever reads row by row, and names the row and the field.
"""

from collections.abc import Mapping
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.json as pj

from loadtests.audit.batches import ORDERS, PAYMENTS
from loadtests.audit.shop_records import CLOCKS_APART_NS
from loadtests.results.ledger_columns import LINES

_MOST = 1 << 62
_LATER = ("paid_at", "printed_at", "shipped_at", "due_at")
_ORDER: Final = pa.struct(
    [
        ("order_id", pa.string()),
        ("key", pa.string()),
        ("run", pa.string()),
        ("status", pa.string()),
        ("created_at", pa.int64()),
        ("total_cents", pa.int64()),
        ("lines", LINES),
        *((name, pa.int64()) for name in _LATER),
        ("status_word", pa.string()),
    ]
)
_PAYMENT: Final = pa.struct(
    [
        ("payment_id", pa.string()),
        ("reference", pa.string()),
        ("amount_cents", pa.int64()),
        ("status", pa.string()),
        ("created_at", pa.int64()),
        ("status_word", pa.string()),
    ]
)
_ROWS: Final[Mapping[str, pa.StructType]] = {"orders": _ORDER, "payments": _PAYMENT}
_BATCHES: Final[Mapping[str, pa.Schema]] = {"orders": ORDERS, "payments": PAYMENTS}


def columns_of_list(kind: str, rows: bytes) -> pa.RecordBatch | None:
    """Return a JSON list of orders or payments as a batch; None unless each is whole and plain."""
    data = b'{"rows":%b}' % rows
    try:
        table = _parsed(data, pa.schema([("rows", pa.list_(_ROWS[kind]))]))
        found = table.column("rows").combine_chunks()
        return None if found.null_count else _checked(kind, data, found.flatten())
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        return None


def _parsed(data: bytes, schema: pa.Schema) -> pa.Table:
    read = pj.ReadOptions(use_threads=False, block_size=max(1, len(data)))
    parse = pj.ParseOptions(explicit_schema=schema, unexpected_field_behavior="ignore", newlines_in_values=False)
    return pj.read_json(pa.BufferReader(data), read, parse)


def _arrays(table: pa.Table) -> tuple[list[pa.Array], list[str]]:
    return [column.combine_chunks() for column in table.columns], table.column_names


def _checked(kind: str, data: bytes, rows: pa.StructArray) -> pa.RecordBatch | None:
    """Return rows as a batch, None where one isn't as its model wants it."""
    rows.validate(full=True)
    held = {name: rows.field(name) for name in rows.type.names}
    if rows.null_count or len(held["status_word"]) != held["status_word"].null_count:
        return None
    if kind == "orders":
        # A null run is a customer's, and none at all is unknown: the same in columns, and not in the text.
        named = data.count(b'"run":') if held["run"].null_count else len(rows)
        if named not in (0, len(rows)) or not _are_later(held) or not _are_lines(held["lines"]):
            return None
        held["names_run"] = pa.repeat(pa.scalar(named > 0), len(rows))
    schema = _BATCHES[kind]
    if any(not field.nullable and held[field.name].null_count for field in schema):
        return None
    if not all(_is_bounded(held[field.name]) for field in schema if pa.types.is_integer(field.type)):
        return None
    return pa.RecordBatch.from_arrays([held[field.name] for field in schema], schema=schema)


def _are_later(held: Mapping[str, pa.Array]) -> bool:
    first = pc.subtract(held["created_at"], CLOCKS_APART_NS)
    return all(pc.all(pc.greater_equal(held[name], first), min_count=0).as_py() for name in _LATER)


def _are_lines(lines: pa.ListArray) -> bool:
    units = lines.flatten()
    return not units.null_count and not any(column.null_count for column in units.flatten())


def _is_bounded(column: pa.Array) -> bool:
    extremes = pc.min_max(column)
    least, most = extremes["min"].as_py(), extremes["max"].as_py()
    return least is None or (least >= -_MOST and most <= _MOST)
