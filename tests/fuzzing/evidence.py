"""Parsers of what a run directory holds: documents, ledgers, records as Parquet, samples of replies, hangs."""

import io
import json
import tarfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cache, reduce
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from loadtests.cleanup.journal import Journal
from loadtests.evidence.files import describe
from loadtests.evidence.manifest import FileEntry, Manifest, ReadEntry, StepEntry, read_manifest
from loadtests.results.account import read_sessions
from loadtests.results.error_samples import read_samples
from loadtests.results.ledger import read_created, read_ledgers
from loadtests.results.ledger_columns import read_ledger_columns
from loadtests.results.live_document import read_live
from loadtests.results.recorded_run import read_answers, read_environment, read_object, read_run
from loadtests.results.request_records import read_records
from loadtests.results.request_tallies import Questions
from loadtests.results.revisions import read_revisions
from loadtests.results.run_directory import RunDirectory
from loadtests.results.worker_status import read_workers
from loadtests.runtime.hang_watch import read_hang
from slo.documents import BadInput
from slo.objectives.indicators import Window
from slo.verdict.audit_document import parse_audit
from tests.fuzzing.parser import Parser
from tests.fuzzing.scratch import scratch

_RECORDED = Path(__file__).parents[1] / "formats" / "0.1.0-pass.tar.gz"
_JSON = (
    *(
        b'"ended"',
        b'"phases"',
        b'"account"',
        b"null",
        b'"completed"',
        b"{}",
        b"[]",
        b"1e999",
        b"-1",
        b"1.5",
        b'"workers"',
        b"true",
    ),
    *(b'"format"', b'"peakproof/run/v9"', b'"judged"', b'"\\ud800"', b'"\\u001b[2J"', b"9" * 400, b"NaN"),
)
_AUDIT = json.dumps(
    {
        "format": "peakproof/audit/v2",
        "run": "20261127T000000Z-small-abcd",
        "checked_at": 1,
        "sources": {"orders": "read", "stock": "not declared"},
        "counts": {"orders": 3, "payments": None},
        "checks": [
            {
                "name": "order-exists",
                "outcome": "broken",
                "checked": 3,
                "broken": 1,
                "detail": None,
                "examples": [{"key": "k", "order_id": "o", "detail": "it isn't there"}],
            }
        ],
        "buys": True,
        "shop_records": {"sha256": "0" * 64, "as_recorded": True},
    }
).encode()
_HANG = (
    b'Thread 0x1 (most recent call first):\n  File "/a/shop.py", line 3 in home\n\nThread 2:\n  File "b", line 9 in c\n'
)
_JOURNAL = (
    b'{"event": "began", "at": 1, "version": "1"}\n'
    b'{"event": "item", "at": 2, "kind": "order", "id": "o", "outcome": "removed"}\n'
)
_LISTED = FileEntry(path="ledger-w0.jsonl", size=3, sha256="1" * 64, rows=1)
_READ = ReadEntry(path=_LISTED.path, sha256=_LISTED.sha256)
_STEPS = (
    StepEntry(step="run", at=1, peakproof="1", after="0" * 64, wrote=(_LISTED,)),
    StepEntry(step="prune", at=2, peakproof="1", after="0" * 64, read=(_READ,), removed=(_LISTED.path,)),
)
_MANIFEST = reduce(Manifest.with_step, _STEPS, Manifest.begun("20261127T000000Z-small-abcd")).to_bytes()
_REVISIONS = (
    b'{"number": 1, "at_s": 3.0, "factor": 1.1, "why": "the key +"}\n'
    b'{"number": 2, "at_s": 5.5, "factor": 0, "why": "paused"}\n'
)
_SAMPLE = (
    b'{"at": 5, "step": "home", "journey": "window-shop", "session": 3, "method": "GET", "path": "/", "status": 500,'
    b' "error": "http_5xx", "why": "x", "headers": {"content-type": "text/plain"}, "bytes": 1, "body": "y"}\n'
)
_MAY_BE_NULL = ("error", "reason")
_WINDOW = Window(starts_at=0, ends_at=1 << 62)


@cache
def _recorded() -> dict[str, bytes]:
    """Return the files of a run that is kept, by what comes before their numbers."""
    with tarfile.open(_RECORDED) as packed:
        read = {one.name.partition("/")[2]: packed.extractfile(one) for one in packed.getmembers() if one.isfile()}
        return {name: file.read() for name, file in read.items() if file is not None}


def _of(name: str, read: Callable[[RunDirectory], object], whole: tuple[str, ...] = ()) -> Callable[[bytes], object]:
    """Return the parser of one file of a run directory, which holds the files in `whole` beside it."""

    def parse(data: bytes) -> object:
        directory = RunDirectory(path=scratch() / name.replace("/", "-"))
        if not directory.path.exists():
            for other in whole:
                (directory.path / other).parent.mkdir(parents=True, exist_ok=True)
                (directory.path / other).write_bytes(_recorded()[other])
            (directory.path / name).parent.mkdir(parents=True, exist_ok=True)
        (directory.path / name).write_bytes(data)
        return read(directory)

    return parse


def _ledger(directory: RunDirectory) -> object:
    paths = directory.ledgers()
    read_created(paths)
    attempts = read_ledgers(paths)
    assert read_ledger_columns(paths).num_rows == len(attempts), "the columns hold other attempts"
    return attempts


def _first_lines(name: str, lines: int) -> bytes:
    return b"".join(_recorded()[name].splitlines(keepends=True)[:lines])


def _records(directory: RunDirectory) -> object:
    records = read_records(directory, Questions(window=_WINDOW))
    return records.counts(), records.endings(_WINDOW)


def _some_rows(name: str) -> pa.Table:
    return pq.read_table(io.BytesIO(_recorded()[name])).slice(0, 20)


def _whole_parts(name: str) -> Iterator[bytes]:
    """Yield a short part, one without rows, and one with a column more: what is short is read often."""
    table = _some_rows(name)
    yield from (_parquet(table), _parquet(table.slice(0, 0)))
    yield _parquet(table.append_column("more", pa.nulls(len(table))))


def _session_records(directory: RunDirectory) -> object:
    return read_sessions(directory), _records(directory)


def _answers(directory: RunDirectory) -> object:
    path = directory.metrics / "dashboards.parquet"
    return describe(directory.path, ["metrics/dashboards.parquet"]), read_answers(path)


def _changed_columns(name: str) -> Iterator[bytes]:
    """Yield a short part with each of its columns missing, of another type, nested, and null where it may not be."""
    table = _some_rows(name)
    for number, column in enumerate(table.column_names):
        rest, held = table.remove_column(number), table[column].type
        yield _parquet(rest)
        yield _parquet(rest.append_column(column, pa.array([1.5 if held == pa.string() else b"x"] * len(table))))
        yield _parquet(rest.append_column(column, pa.array([[1.5]] * len(table))))
        if column not in _MAY_BE_NULL:
            yield _parquet(rest.append_column(column, pa.nulls(len(table), held)))


def _parquet(table: pa.Table) -> bytes:
    file = io.BytesIO()
    pq.write_table(table, file)
    return file.getvalue()


def _part(name: str, read: Callable[[RunDirectory], object], beside: tuple[str, ...]) -> Parser:
    return Parser(
        name=f"{name.partition('-')[0].replace('/', '-').removesuffix('.parquet')}-parquet",
        parse=_of(name, read, beside),
        refuses=(BadInput,),
        seeds=tuple(_whole_parts(name)),
        other_seeds=tuple(_changed_columns(name)),
        tokens=(b"PAR1", b"PARE"),
        most_bytes=32768,
        is_shown=True,
    )


def _document(name: str, read: Callable[[RunDirectory], object], *seeds: bytes) -> Parser:
    return Parser(
        name=name.rpartition("/")[2].partition(".")[0],
        parse=_of(name, read),
        refuses=(BadInput,),
        is_shown=True,
        seeds=seeds or (_recorded()[name],),
        tokens=_JSON,
        most_bytes=16384,
    )


_REQUESTS, _SESSIONS = "requests-w0-00000.parquet", "sessions-w0-00000.parquet"
PARSERS = (
    _document("run.json", read_run),
    _document("manifest.json", lambda directory: read_manifest(directory.path), _MANIFEST),
    _document("live.json", lambda directory: read_live(directory.live)),
    _document("worker-w0.json", read_workers),
    replace(_document("targets.redacted.json", read_environment), name="targets-redacted"),
    _document("audit.json", lambda directory: parse_audit(read_object(directory.audit)), _AUDIT),
    _document("ledger-w0.jsonl", _ledger, _first_lines("ledger-w0.jsonl", 12)),
    _document("revisions.jsonl", read_revisions, _REVISIONS),
    _document("cleanup.jsonl", lambda directory: Journal(directory.cleanup).outcomes, _JOURNAL),
    _document("errors/w0.jsonl", read_samples, _SAMPLE),
    _document("errors/hang-w0.txt", lambda directory: read_hang(directory.hang("w0")), _HANG),
    _part(_REQUESTS, _records, (_SESSIONS,)),
    _part(_SESSIONS, _session_records, (_REQUESTS,)),
    _part("metrics/dashboards.parquet", _answers, ()),
)
