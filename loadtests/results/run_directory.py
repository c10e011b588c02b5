"""The run directory: the names of its files, and the only functions that write into it.

Every file appears whole or not at all: written to a temporary file, synced, renamed. `docs/contracts.md` says what
each holds.
"""

import json
import os
import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from io import BufferedWriter
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq

from loadtests.results.schemas import _IDS


@dataclass(frozen=True, slots=True, kw_only=True)
class RunDirectory:
    """The files of one run, by name."""

    path: Path

    @property
    def name(self) -> str:
        """The run's name, which is the directory's."""
        return self.path.name

    @property
    def plan(self) -> Path:
        """The copy of the plan."""
        return self.path / "plan.yaml"

    @property
    def objectives(self) -> Path:
        """The folder of the objectives' copies."""
        return self.path / "objectives"

    @property
    def policy(self) -> Path:
        """The copy of the policy that the gate was given, with the waivers of its file in it; not there without one."""
        return self.path / "policy.yaml"

    @property
    def budget(self) -> Path:
        """What was left of the error budgets before the load, where the policy asks for it."""
        return self.path / "budget.json"

    @property
    def storefront(self) -> Path:
        """The folder of the storefront's copy."""
        return self.path / "storefront"

    def storefront_files(self) -> list[Path]:
        """Return the files of the storefront's copy."""
        return sorted(path for path in self.storefront.rglob("*") if path.is_file() and "__pycache__" not in path.parts)

    @property
    def shop_records(self) -> Path:
        """The folder of the copy of the file of shop records: evidence, which nothing runs."""
        return self.path / "shop_records"

    @property
    def job(self) -> Path:
        """The job: what the workers need beside the copies of the input."""
        return self.path / "job.json"

    @property
    def targets(self) -> Path:
        """The targets without their secrets."""
        return self.path / "targets.redacted.json"

    @property
    def run(self) -> Path:
        """The run document: what the run was and how it ended."""
        return self.path / "run.json"

    @property
    def manifest(self) -> Path:
        """The manifest: every file of evidence by the step that wrote it."""
        return self.path / "manifest.json"

    @property
    def live(self) -> Path:
        """The live snapshot, rewritten once a second."""
        return self.path / "live.json"

    @property
    def revisions(self) -> Path:
        """The changes of the plan during the run, a line each."""
        return self.path / "revisions.jsonl"

    @property
    def over(self) -> Path:
        """Exists once the run is over, for workers that their master can't reach any more."""
        return self.path / "over"

    @property
    def shared_path_probe(self) -> Path:
        """A word of the master's: a worker that can read it, and whose sign beside it the master sees, is here too."""
        return self.path / "shared-path-probe"

    @property
    def stock_before(self) -> Path:
        """The shop's stock before the first arrival."""
        return self.path / "stock-before.json"

    @property
    def metrics(self) -> Path:
        """The folder of Prometheus' stored answers."""
        return self.path / "metrics"

    @property
    def browser(self) -> Path:
        """The pages that the one real browser opened."""
        return self.path / "browser.parquet"

    @property
    def audit(self) -> Path:
        """The ledger compared with the shop records."""
        return self.path / "audit.json"

    @property
    def cleanup(self) -> Path:
        """What became of each thing that the run created, once a cleanup began."""
        return self.path / "cleanup.jsonl"

    @property
    def verdict(self) -> Path:
        """The verdict."""
        return self.path / "verdict.json"

    @property
    def report(self) -> Path:
        """The page for people."""
        return self.path / "report.html"

    @property
    def junit(self) -> Path:
        """The verdict for CI."""
        return self.path / "junit.xml"

    @property
    def summary(self) -> Path:
        """The verdict for a pull request."""
        return self.path / "summary.md"

    @property
    def logs(self) -> Path:
        """The folder of the children's logs."""
        return self.path / "logs"

    @property
    def errors(self) -> Path:
        """The folder of what went wrong: samples of replies, the storefront's failures, hangs."""
        return self.path / "errors"

    def hang(self, worker: str) -> Path:
        """Return the path of the traceback of a worker whose event loop hung."""
        return self.errors / f"hang-{worker}.txt"

    def hangs(self) -> list[Path]:
        """Return the paths of every worker's hang."""
        return sorted(self.errors.glob("hang-*.txt"))

    def error_samples(self, worker: str) -> Path:
        """Return the path of one worker's samples of replies that weren't what was needed."""
        return self.errors / f"{worker}.jsonl"

    def all_error_samples(self) -> list[Path]:
        """Return the paths of every worker's samples."""
        return sorted(self.errors.glob("w*.jsonl"))

    def storefront_failures(self, worker: str) -> Path:
        """Return the path of one worker's tracebacks of the storefront."""
        return self.errors / f"storefront-{worker}.txt"

    def all_storefront_failures(self) -> list[Path]:
        """Return the paths of every worker's tracebacks of the storefront."""
        return sorted(self.errors.glob("storefront-*.txt"))

    def parts(self, kind: str) -> list[Path]:
        """Return the closed parts of `kind` (`requests`, `sessions`, `spans`), in the order of their names."""
        return sorted(self.path.glob(f"{kind}-*.parquet"))

    def part(self, kind: str, *names: str | int) -> Path:
        """Return the path of one part, such as `requests-w0-3.parquet`."""
        return self.path / ("-".join([kind, *map(str, names)]) + ".parquet")

    def ledger(self, worker: str) -> Path:
        """Return the path of one worker's ledger."""
        return self.path / f"ledger-{worker}.jsonl"

    def worker(self, worker: str) -> Path:
        """Return the path of one worker's status, rewritten once a second."""
        return self.path / f"worker-{worker}.json"

    def workers(self) -> list[Path]:
        """Return the paths of every worker's status."""
        return sorted(self.path.glob("worker-*.json"))

    def ledgers(self) -> list[Path]:
        """Return the paths of every worker's ledger."""
        return sorted(self.path.glob("ledger-*.jsonl"))


def create(parent: Path, plan_name: str, at: datetime) -> RunDirectory:
    """Create a run directory below `parent`, named after the UTC second, the plan, and four random hex digits."""
    stamp = at.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")
    path = parent / f"{stamp}-{plan_name}-{secrets.token_hex(2)}"
    for folder in (path, path / "objectives", path / "metrics", path / "logs"):
        folder.mkdir(parents=True)
    return RunDirectory(path=path)


@contextmanager
def _named(path: Path) -> Iterator[None]:
    """Name the file in an error of writing it: a disk that is full doesn't say of which."""
    try:
        yield
    except OSError as error:
        raise OSError(error.errno, error.strerror or str(error), str(path)) from error


@contextmanager
def _new(path: Path) -> Iterator[BufferedWriter]:
    """Open a new file, which is synced when it is written.

    What lies there under its name, of a process that was killed or put there to lead elsewhere, is removed.
    """
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666), "wb") as file:
        yield file
        file.flush()
        os.fsync(file.fileno())


@contextmanager
def _beside(path: Path) -> Iterator[BufferedWriter]:
    """Open a new file, which takes the place of `path` once it is written and synced."""
    beside = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    with _new(beside) as file:
        yield file
    beside.replace(path)


BESIDE: Final = ".next"
"""How the hidden name ends under which lies what is to take the place of a file; one process at a time writes it."""


def write_beside(path: Path, data: bytes) -> Path:
    """Write what is to take the place of `path`, and return where it lies until then; an OSError names the file."""
    beside = path.with_name(f".{path.name}{BESIDE}")
    with _named(path), _new(beside) as file:
        file.write(data)
    return beside


def write_bytes(path: Path, data: bytes) -> None:
    """Write `data` so that a reader, or a crash, sees the old file or the new one whole; an OSError names the file."""
    with _named(path), _beside(path) as file:
        file.write(data)


def json_bytes(value: Mapping[str, Any]) -> bytes:
    """Return one JSON object as its file holds it."""
    return json.dumps(value, indent=1, allow_nan=False).encode() + b"\n"


def write_json(path: Path, value: Mapping[str, Any]) -> None:
    """Write one JSON object, whole or not at all."""
    write_bytes(path, json_bytes(value))


def write_table(path: Path, table: pa.Table) -> None:
    """Write one closed Parquet part (zstd), whole or not at all; an OSError names the file.

    Strings are dictionary-encoded except ids: ids and numbers hardly repeat, and Parquet would drop their dictionary.
    """
    repeated = [field.name for field in table.schema if pa.types.is_string(field.type) and field.name not in _IDS]
    with _named(path), _beside(path) as file:
        pq.write_table(table, file, compression="zstd", use_dictionary=repeated)


UNREADABLE = (pa.ArrowException, OSError, ValueError)
"""What PyArrow raises of a part that it can't read; ValueError where a name in it is no UTF-8."""


def read_tables(paths: list[Path], schema: pa.Schema) -> pa.Table:
    """Read parts as one table; an empty one when there are none. Raises one of `UNREADABLE` on a broken part."""
    if not paths:
        return schema.empty_table()
    table = pa.concat_tables([pq.read_table(path, schema=schema) for path in paths])
    table.validate(full=True)  # text that isn't UTF-8 would be found by whoever takes it out
    return table
