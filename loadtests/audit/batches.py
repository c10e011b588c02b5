"""Orders and payments as batches of columns, which is how the audit takes them in, whatever source they came from.

A source that has rows hands them on through `order_batches` and `payment_batches`; one that has columns yields record
batches of these schemas itself. Pure: no I/O.
"""

import itertools
from collections.abc import Iterable, Iterator
from typing import Final, TypeVar

import pyarrow as pa

from loadtests.audit.shop_records import Order, Payment
from loadtests.results.ledger_columns import LINES, lines_column

ROWS_A_BATCH: Final = 10_000
ORDERS: Final = pa.schema(
    [
        pa.field("order_id", pa.string(), nullable=False),
        ("key", pa.string()),
        ("run", pa.string()),
        pa.field("names_run", pa.bool_(), nullable=False),
        pa.field("status", pa.string(), nullable=False),
        pa.field("created_at", pa.int64(), nullable=False),
        pa.field("total_cents", pa.int64(), nullable=False),
        pa.field("lines", LINES, nullable=False),
    ]
)
"""Orders. `run` is null for traffic that isn't a test's; `names_run` is false where the source says nothing of runs.
`status` is one of `status_words.KNOWN`, `created_at` ns since the epoch."""
PAYMENTS: Final = pa.schema(
    [
        pa.field("payment_id", pa.string(), nullable=False),
        pa.field("reference", pa.string(), nullable=False),
        pa.field("amount_cents", pa.int64(), nullable=False),
        pa.field("status", pa.string(), nullable=False),
        pa.field("created_at", pa.int64(), nullable=False),
    ]
)
"""Payments; `reference` is the order's id, `status` one of `status_words.KNOWN`, `created_at` ns."""
Row = TypeVar("Row")


class RecordsContradictError(ValueError):
    """The shop records hold one row twice, or a word or a number that means nothing: they can't be counted."""


def order_batches(orders: Iterable[Order]) -> Iterator[pa.RecordBatch]:
    """Yield orders in batches of `ORDERS`, as they come; raises RecordsContradictError."""
    for rows in _chunks(orders):
        columns = [
            pa.array([row.order_id for row in rows], pa.string()),
            pa.array([row.key for row in rows], pa.string()),
            pa.array([row.run for row in rows], pa.string()),
            pa.array([row.names_run for row in rows], pa.bool_()),
            pa.array([row.status_word or row.status for row in rows], pa.string()),
            _numbers("created_at", [row.created_at for row in rows]),
            _numbers("total_cents", [row.total_cents for row in rows]),
            _lines(rows),
        ]
        yield pa.RecordBatch.from_arrays(columns, schema=ORDERS)


def payment_batches(payments: Iterable[Payment]) -> Iterator[pa.RecordBatch]:
    """Yield payments in batches of `PAYMENTS`, as they come; raises RecordsContradictError."""
    for rows in _chunks(payments):
        columns = [
            pa.array([row.payment_id for row in rows], pa.string()),
            pa.array([row.reference for row in rows], pa.string()),
            _numbers("amount_cents", [row.amount_cents for row in rows]),
            pa.array([row.status_word or row.status for row in rows], pa.string()),
            _numbers("created_at", [row.created_at for row in rows]),
        ]
        yield pa.RecordBatch.from_arrays(columns, schema=PAYMENTS)


def _numbers(name: str, values: list[int]) -> pa.Array:
    try:
        return pa.array(values, pa.int64())
    except (OverflowError, pa.ArrowInvalid):
        raise RecordsContradictError(f"{name}: {max(values, key=abs):.3g} is beyond 64 bits") from None


def _lines(rows: list[Order]) -> pa.Array:
    try:
        return lines_column([row.lines for row in rows])
    except (OverflowError, pa.ArrowInvalid):
        raise RecordsContradictError("lines: a quantity beyond 64 bits") from None


def _chunks(rows: Iterable[Row]) -> Iterator[list[Row]]:
    them = iter(rows)
    while chunk := list(itertools.islice(them, ROWS_A_BATCH)):
        yield chunk
