"""Ledger rows that did not arrive: which workers' may be missing, and bringing them over later."""

from collections.abc import Collection, Mapping
from pathlib import Path

from loadtests.results.ledger import count_rows, orders_of
from loadtests.results.recorded_run import read_run
from loadtests.results.run_directory import RunDirectory, write_bytes, write_json
from slo.documents import BadInput
from slo.validity.run_document import OrderCounts, WorkerFacts


def bring_ledgers(folder: Path, directory: RunDirectory) -> Mapping[str, int]:
    """Complete the ledgers in a run directory from a worker's own `folder` of that run.

    Return the workers whose ledger is whole now, each with how many rows were brought; a last line that was cut short
    is no row. Raises BadInput, with nothing written, when the folder is of another run, holds no ledger, or one that
    doesn't begin as what arrived of it.
    """
    own = RunDirectory(path=folder.resolve())
    if own.name != directory.name:
        raise BadInput(f"{folder}: expected the folder {directory.name} that a worker of this run wrote")
    if own.path == directory.path.resolve():
        raise BadInput(
            f"{folder}: this is the run directory itself; a worker elsewhere has a folder of its own, uploads/RUN"
        )
    if not own.ledgers():
        raise BadInput(f"{folder}: no ledger-<worker>.jsonl")
    wholes = {path.name: _whole_rows(path, directory.path / path.name) for path in own.ledgers()}
    brought = {}
    for name, (data, rows) in wholes.items():
        if rows:
            write_bytes(directory.path / name, data)
        brought[name.removeprefix("ledger-").removesuffix(".jsonl")] = rows
    return brought


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


def tell_of_brought(directory: RunDirectory, brought: Collection[str]) -> None:
    """Update `run.json` to what the ledgers hold now, and whose were `brought`. Raises BadInput."""
    run = read_run(directory)
    workers = None if run.workers is None else tuple(_counted(worker, directory, brought) for worker in run.workers)
    orders = OrderCounts.model_validate(orders_of(directory))
    write_json(directory.run, run.model_copy(update={"workers": workers, "orders": orders}).to_json())


def _counted(worker: WorkerFacts, directory: RunDirectory, brought: Collection[str]) -> WorkerFacts:
    since = {"ledger_brought": True} if worker.name in brought else {}
    rows = count_rows(directory.ledger(str(worker.name)))
    return worker.model_copy(update={"ledger_rows_received": rows, **since})
