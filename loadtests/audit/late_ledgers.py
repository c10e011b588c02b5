"""Ledger rows that did not arrive: which workers' may be missing, and bringing them over later."""

from collections.abc import Collection, Mapping
from pathlib import Path

from loadtests.evidence.replacing import Replacement, replacing_step
from loadtests.results.ledger import count_rows, orders_in
from loadtests.results.recorded_run import read_run
from loadtests.results.run_directory import RunDirectory, json_bytes
from slo.documents import BadInput
from slo.validity.run_document import OrderCounts, WorkerFacts

_STEP = "late ledgers"


def bring_ledgers(folder: Path, directory: RunDirectory) -> Mapping[str, int]:
    """Complete the ledgers in a run directory from a worker's own `folder` of that run, and note it in `run.json`.

    Return the workers whose ledger is whole now, each with how many rows were brought; a last line that was cut short
    is no row. Raises BadInput, with nothing written, when the folder is of another run, holds no ledger, or one that
    doesn't begin as what arrived of it.
    """
    reads = (directory.run, *directory.ledgers())
    with replacing_step(directory, _STEP, reads=reads) as replacement:
        brought = {}
        for path, (data, rows) in _wholes(folder, directory).items():
            replacement.put(path, data)
            brought[path.stem.removeprefix("ledger-")] = rows
        replacement.put(directory.run, _run_with(brought, directory, replacement))
    return brought


def _wholes(folder: Path, directory: RunDirectory) -> Mapping[Path, tuple[bytes, int]]:
    """Return the whole ledgers of a worker's folder, by where they belong, and how many rows of each hadn't arrived."""
    own = RunDirectory(path=folder.resolve())
    if own.name != directory.name:
        raise BadInput(f"{folder}: expected the folder {directory.name} that a worker of this run wrote")
    if own.path == directory.path.resolve():
        raise BadInput(
            f"{folder}: this is the run directory itself; a worker elsewhere has a folder of its own, uploads/RUN"
        )
    if not own.ledgers():
        raise BadInput(f"{folder}: no ledger-<worker>.jsonl")
    return {directory.path / path.name: _whole_rows(path, directory.path / path.name) for path in own.ledgers()}


def _whole_rows(own: Path, arrived: Path) -> tuple[bytes, int]:
    """Return all whole rows that a worker wrote, and how many of them hadn't arrived."""
    try:
        wrote = own.read_bytes()
        there = arrived.read_bytes() if arrived.exists() else b""
    except OSError as error:
        raise BadInput(f"{error.filename}: can't be read: {error.strerror}") from error
    wrote, there = wrote[: wrote.rfind(b"\n") + 1], there[: there.rfind(b"\n") + 1]
    if not wrote.startswith(there):
        raise BadInput(f"{own}: does not begin as {arrived}, which came from this worker")
    return wrote, wrote.count(b"\n") - there.count(b"\n")


def lacking(directory: RunDirectory) -> tuple[str, ...]:
    """Return the workers of whose ledger rows may be missing.

    A ledger is whole when as many rows are here as the worker counted last. A worker that was killed didn't count its
    last rows: they are in the file all the same, unless that had to be uploaded and wasn't brought since. Of workers
    that `run.json` doesn't list nothing is known. Raises BadInput.
    """
    workers = read_run(directory).workers
    if workers is None:
        return ("workers that run.json doesn't list",)
    return tuple(worker.name for worker in workers if worker.name is not None and _lacks(worker, directory))


def _lacks(worker: WorkerFacts, directory: RunDirectory) -> bool:
    counted, here = worker.ledger_rows_expected, count_rows(directory.ledger(str(worker.name)))
    if worker.ledger_brought:
        return here < (counted or 0)
    was_cut_short = worker.lost is not False and worker.uploaded is not False
    return counted is None or here < counted or was_cut_short


def _run_with(brought: Collection[str], directory: RunDirectory, replacement: Replacement) -> bytes:
    """Return `run.json` by what the ledgers will hold, and whose were `brought`. Raises BadInput."""

    def counted(worker: WorkerFacts) -> WorkerFacts:
        since = {"ledger_brought": True} if worker.name in brought else {}
        rows = count_rows(replacement.lies_at(directory.ledger(str(worker.name))))
        return worker.model_copy(update={"ledger_rows_received": rows, **since})

    run = read_run(directory)
    workers = None if run.workers is None else tuple(map(counted, run.workers))
    ledgers = sorted({*directory.ledgers(), *replacement.paths()})
    orders = OrderCounts.model_validate(orders_in(map(replacement.lies_at, ledgers)))
    return json_bytes(run.model_copy(update={"workers": workers, "orders": orders}).to_json())
