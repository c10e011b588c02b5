"""The ledgers of a run that is over: whose may lack rows, and what changes in `run.json` once some were brought."""

from collections import Counter
from collections.abc import Collection
from typing import Any

from loadtests.ledger import count_rows, read_ledgers
from loadtests.run_directory import RunDirectory, write_json
from scripts.running.evidence import read_object
from slo.run_facts import Worker, run_facts


def lacking(directory: RunDirectory) -> tuple[str, ...]:
    """Return the workers of whose ledger rows may be missing.

    It is whole when as many rows are here as the worker told of at last. One that was killed didn't tell of its last:
    they are in the file all the same, unless that had to come over the network and wasn't brought since. Of workers
    that `run.json` doesn't tell of nothing is known. Raises BadInput.
    """
    workers = run_facts(read_object(directory.run), str(directory.run)).workers
    if workers is None:
        return ("workers that run.json doesn't tell of",)
    return tuple(worker.name for worker in workers if worker.name is not None and _lacks(worker, directory))


def _lacks(worker: Worker, directory: RunDirectory) -> bool:
    told, here = worker.ledger_rows_expected, count_rows(directory.ledger(str(worker.name)))
    if worker.ledger_brought:
        return here < (told or 0)
    was_cut_short = worker.lost is not False and worker.streamed is not False
    return told is None or here < told or was_cut_short


def orders_of(directory: RunDirectory) -> dict[str, int]:
    """Return how many orders were attempted, and how many ended as what, by the ledgers. Raises BadInput."""
    outcomes = Counter(attempt.outcome for attempt in read_ledgers(directory.ledgers()))
    return {"attempted": outcomes.total(), **{name: outcomes[name] for name in ("accepted", "refused", "unknown")}}


def tell_of_brought(directory: RunDirectory, brought: Collection[str]) -> None:
    """Let `run.json` say what the ledgers hold now, and whose were `brought`. Raises BadInput."""
    run = read_object(directory.run)
    told = run.get("workers")
    workers = None if told is None else [_counted(worker, directory, brought) for worker in told]
    write_json(directory.run, {**run, "workers": workers, "orders": orders_of(directory)})


def _counted(worker: dict[str, Any], directory: RunDirectory, brought: Collection[str]) -> dict[str, Any]:
    name = str(worker.get("name"))
    since = {"ledger_brought": True} if name in brought else {}
    return {**worker, "ledger_rows_received": count_rows(directory.ledger(name)), **since}
