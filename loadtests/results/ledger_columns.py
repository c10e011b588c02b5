"""The ledgers of a run as columns, for who looks at all of its attempts at once.

A ledger whose every key was used once is read in columns from the beginning; any other, and one that isn't as it should
be, row by row, as `loadtests.results.ledger` reads it and complains of it.
"""

import itertools
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import BinaryIO, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.json as pj

from loadtests.results.ledger import Attempt, Line, read_ledgers

LINES: Final = pa.list_(pa.struct([("sku", pa.string()), ("quantity", pa.int64()), ("location", pa.string())]))
ATTEMPTS: Final = pa.schema(
    [
        ("key", pa.string()),
        ("order_id", pa.string()),
        ("outcome", pa.string()),
        ("cents", pa.int64()),
        ("asked_cents", pa.int64()),
        ("sent_at", pa.int64()),
        ("replied_at", pa.int64()),
        ("lines", LINES),
    ]
)
"""Attempts with their outcome, as `loadtests.results.ledger.Attempt` has them; times are ns, 0 where none is known."""
_MOST = 1 << 62
_BLOCK: Final = 1 << 20
_ROWS: Final = pa.schema(
    [
        ("event", pa.string()),
        ("at", pa.int64()),
        ("session", pa.int64()),
        ("key", pa.string()),
        ("lines", LINES),
        ("amount_cents", pa.int64()),
        ("outcome", pa.string()),
        ("status", pa.int64()),
        ("order_id", pa.string()),
        ("reason", pa.string()),
        ("total_cents", pa.int64()),
        ("kind", pa.string()),
        ("id", pa.string()),
    ]
)
_EVENTS = pa.array(["attempt", "outcome", "created"])
_OF_ATTEMPT = ("at", "session", "key", "lines", "amount_cents")
_OF_OUTCOME = ("at", "key", "outcome", "order_id", "total_cents")
_OUTCOMES = pa.array(["accepted", "refused", "unknown"])


def read_ledger_columns(paths: Iterable[Path]) -> pa.Table:
    """Read every attempt of a run with its outcome, as `ATTEMPTS`; raises BadInput as `read_ledgers` does."""
    tables = [_in_columns(path) or attempt_columns(read_ledgers([path])) for path in paths]
    return pa.concat_tables([ATTEMPTS.empty_table(), *tables])


def attempt_columns(attempts: Sequence[Attempt]) -> pa.Table:
    """Return attempts as `ATTEMPTS`."""
    columns = [
        texts([one.key for one in attempts]),
        texts([one.order_id for one in attempts]),
        texts([one.outcome for one in attempts]),
        pa.array([one.amount_cents for one in attempts], pa.int64()),
        pa.array([one.asked for one in attempts], pa.int64()),
        pa.array([one.at for one in attempts], pa.int64()),
        pa.array([one.replied_at for one in attempts], pa.int64()),
        lines_column([one.lines for one in attempts]),
    ]
    return pa.Table.from_arrays(columns, schema=ATTEMPTS)


def lines_column(carts: Sequence[Sequence[Line]]) -> pa.ListArray:
    """Return the lines of some orders as a column."""
    offsets = list(itertools.accumulate(map(len, carts), initial=0))
    lines = list(itertools.chain.from_iterable(carts))
    columns = [
        texts([line.sku for line in lines]),
        pa.array([line.quantity for line in lines], pa.int64()),
        texts([line.location for line in lines]),
    ]
    structs = pa.StructArray.from_arrays(columns, fields=list(LINES.value_type))
    return pa.ListArray.from_arrays(pa.array(offsets, pa.int32()), structs, type=LINES)


def texts(values: Sequence[str | None]) -> pa.StringArray:
    """Return a column of text; half a character that JSON may spell, which no text can hold, is a question mark."""
    try:
        return pa.array(values, pa.string())
    except UnicodeEncodeError:
        whole = [None if text is None else text.encode(errors="replace").decode() for text in values]
        return pa.array(whole, pa.string())


def _in_columns(path: Path) -> pa.Table | None:
    """Return a ledger whose rows are all as they should be, each key of one attempt; None for any other."""
    try:
        attempts, outcomes = _halves(path)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        return None
    if attempts is None or outcomes is None or not _is_plain(attempts, outcomes):
        return None
    row = _outcome_rows(attempts, outcomes)
    if row is None:
        return None
    told = outcomes.take(row)
    columns = [
        attempts["key"],
        told["order_id"],
        pc.fill_null(told["outcome"], "unknown"),
        pc.coalesce(told["total_cents"], attempts["amount_cents"]),
        attempts["amount_cents"],
        attempts["at"],
        pc.fill_null(told["at"], 0),
        attempts["lines"],
    ]
    return pa.Table.from_arrays(columns, schema=ATTEMPTS)


def _halves(path: Path) -> tuple[pa.Table | None, pa.Table | None]:
    """Return the rows of attempts and those of outcomes, as they are; raises ArrowInvalid."""
    read = pj.ReadOptions(use_threads=False, block_size=_BLOCK)
    parse = pj.ParseOptions(explicit_schema=_ROWS, unexpected_field_behavior="error", newlines_in_values=False)
    attempts, outcomes = [], []
    with path.open("rb") as file:
        whole = _whole_bytes(file, path.stat().st_size)
        if not whole:
            return None, None
        for batch in pj.open_json(pa.PythonFile(_Beginning(file, whole), mode="r"), read, parse):
            batch.validate(full=True)
            if not pc.all(pc.is_in(batch["event"], value_set=_EVENTS)).as_py():
                return None, None
            attempts.append(batch.filter(pc.equal(batch["event"], "attempt")).select(_OF_ATTEMPT))
            outcomes.append(batch.filter(pc.equal(batch["event"], "outcome")).select(_OF_OUTCOME))
    return pa.Table.from_batches(attempts), pa.Table.from_batches(outcomes)


class _Beginning:
    """The first bytes of a file that is open, for PyArrow to read."""

    closed = False

    def __init__(self, file: BinaryIO, size: int) -> None:
        self._file, self._left = file, size
        file.seek(0)

    def read(self, size: int = -1) -> bytes:
        """Return the next bytes, none at the end."""
        piece = self._file.read(self._left if size < 0 else min(size, self._left))
        self._left -= len(piece)
        return piece

    def readable(self) -> bool:
        """Say that it can be read."""
        return True

    def seekable(self) -> bool:
        """Say that it is read from the beginning to the end."""
        return False


def _whole_bytes(file: BinaryIO, size: int) -> int:
    """Return how many bytes of a file are whole lines: a last line that a kill cut short is none."""
    end = size
    while end:
        begin = max(0, end - _BLOCK)
        file.seek(begin)
        at = file.read(end - begin).rfind(b"\n")
        if at >= 0:
            return begin + at + 1
        end = begin
    return 0


def _is_plain(attempts: pa.Table, outcomes: pa.Table) -> bool:
    """Return whether each attempt is whole, of a key of its own, and each outcome is one of them."""
    for table, names in ((attempts, _OF_ATTEMPT), (outcomes, ("at", "key", "outcome"))):
        if any(table[name].null_count for name in names):
            return False
    lines = attempts["lines"].combine_chunks().flatten()
    numbers = [attempts["amount_cents"], outcomes["total_cents"], lines.field("quantity")]
    numbers += [attempts["at"], outcomes["at"]]
    return (
        not lines.null_count
        and not any(column.null_count for column in lines.flatten())
        and all(_is_bounded(column) for column in numbers)
        and bool(pc.all(pc.is_in(outcomes["outcome"], value_set=_OUTCOMES)).as_py())
    )


def _outcome_rows(attempts: pa.Table, outcomes: pa.Table) -> pa.Array | None:
    """Return the outcome of each attempt by its row, null where there is none; None where keys say more than one."""
    keys = attempts["key"].combine_chunks()
    if len(keys.unique()) != len(keys):
        return None
    found = pc.index_in(outcomes["key"], value_set=keys)
    if found.null_count:
        return None
    rows = np.full(len(keys), -1, np.int64)
    rows[found.to_numpy()] = np.arange(len(outcomes))
    if np.count_nonzero(rows >= 0) != len(outcomes):
        return None
    return pa.array(rows, mask=rows < 0)


def _is_bounded(column: pa.ChunkedArray | pa.Array) -> bool:
    extremes = pc.min_max(column)
    least, most = extremes["min"].as_py(), extremes["max"].as_py()
    return least is None or (least >= -_MOST and most <= _MOST)
