"""What is measured, each in a process of its own: the audit of a made-up run, and DuckDB's join of the same files."""

from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import pyarrow as pa

from loadtests.audit.checks import Check, audit
from loadtests.audit.json_columns import columns_of_list
from loadtests.audit.sources import Played, Sources, gather
from loadtests.audit.sql_databases import BATCH_ROWS
from loadtests.results.run_directory import RunDirectory
from scripts.benches.audit.made_run import BEGAN_NS

_LINES = "STRUCT(sku VARCHAR, quantity BIGINT, location VARCHAR)[]"
_COLUMNS = {
    "ledger": f"""{{"event": 'VARCHAR', "at": 'BIGINT', key: 'VARCHAR', lines: '{_LINES}', amount_cents: 'BIGINT',
        outcome: 'VARCHAR', order_id: 'VARCHAR', total_cents: 'BIGINT'}}""",
    "orders": f"""{{order_id: 'VARCHAR', key: 'VARCHAR', run: 'VARCHAR', status: 'VARCHAR', created_at: 'BIGINT',
        total_cents: 'BIGINT', lines: '{_LINES}'}}""",
    "payments": """{payment_id: 'VARCHAR', reference: 'VARCHAR', amount_cents: 'BIGINT', status: 'VARCHAR',
        created_at: 'BIGINT'}""",
}
# Each attempt with its outcome, its order and its payment, and in how many of them both sides agree: no more is joined
# than that, and no promise is checked that needs another look at the rows.
_JOIN = """
SELECT count(*), count(o.order_id), count(p.payment_id), sum((o.total_cents = a.amount_cents)::INT),
       sum((o.lines = a.lines)::INT), sum((p.amount_cents = o.total_cents)::INT)
FROM (SELECT * FROM ledger WHERE event = 'attempt') a
LEFT JOIN (SELECT * FROM ledger WHERE event = 'outcome') u USING (key)
LEFT JOIN orders o ON o.order_id = u.order_id
LEFT JOIN payments p ON p.reference = o.order_id"""


class _Files(Sources):
    """Orders and payments of two files, in lists as long as a process of records hands over."""

    def __init__(self, folder: Path) -> None:
        super().__init__({})
        self._folder = folder

    def declares(self, kind: str) -> bool:
        return (self._folder / f"{kind}.ndjson").exists()

    def order_batches(self, run: str | None, since: int = 0) -> Iterator[pa.RecordBatch]:  # noqa: ARG002 - all
        return self._batches("orders")

    def payment_batches(self, since: int) -> Iterator[pa.RecordBatch]:  # noqa: ARG002 - all of them
        return self._batches("payments")

    def _batches(self, kind: str) -> Iterator[pa.RecordBatch]:
        with (self._folder / f"{kind}.ndjson").open("rb") as file:
            while rows := list(islice(file, BATCH_ROWS)):
                batch = columns_of_list(kind, b"[" + b",".join(rows).replace(b"\n", b"") + b"]")
                if batch is None:
                    raise RuntimeError(f"{kind}: not read in columns")
                yield batch


def audited(folder: Path) -> tuple[Check, ...]:
    """Audit the run in a folder: what `peakproof audit` does once a source has given it a batch of rows."""
    played = Played(started_at=BEGAN_NS, ended_at=BEGAN_NS + 1)
    return audit(gather(RunDirectory(path=folder / "r1"), _Files(folder), played, lambda: BEGAN_NS + 1))


def joined(folder: Path) -> tuple[int, ...]:
    """Join the same files by DuckDB."""
    import duckdb  # noqa: PLC0415 - the audit's process doesn't need it

    database = duckdb.connect(config={"threads": 2, "temp_directory": str(folder)})
    database.execute("SET enable_progress_bar = false")
    database.execute("SET memory_limit = '1GB'")
    files = {"ledger": folder / "r1" / "ledger-w0.jsonl", **{k: folder / f"{k}.ndjson" for k in ("orders", "payments")}}
    for name, path in files.items():
        source = f"read_json('{path}', format = 'newline_delimited', columns = {_COLUMNS[name]})"
        database.execute(f"CREATE VIEW {name} AS SELECT * FROM {source}")  # noqa: S608 - our own names
    row: tuple[int, ...] = database.execute(_JOIN).fetchall()[0]
    return row
