"""Completing run.json of a run whose command was killed."""

from loadtests.demand.plan import read_plan
from loadtests.results.live_document import LiveDocument, read_live
from loadtests.results.recorded_run import read_run
from loadtests.results.run_directory import RunDirectory, write_json
from loadtests.results.run_json import LoadFacts, StartFacts, account_for
from loadtests.results.worker_status import read_workers
from slo.validity.run_document import RunDocument

ABANDONED = "the command of this run ended without recording how: it was killed, or its machine stopped"
_STALE_NS = 10_000_000_000


def account_for_abandoned(directory: RunDirectory, now: int) -> bool:
    """Complete `run.json` of a run that was played and whose command was killed; return whether it was such a run.

    A run that may still go on is left alone: its live snapshot or a worker's status is less than 10 s old. `now` in ns.
    Raises BadInput when a file can't be read.
    """
    run = read_run(directory)
    if run.ended is not None or not directory.live.is_file() or directory.manifest.exists():
        return False  # of a run with a manifest the command recorded its end
    live, workers = read_live(directory.live), read_workers(directory)
    last = max(live.at, *(worker.at for worker in workers if worker.at is not None), 0)
    is_over = live.is_over and not any(worker.lost for worker in workers)
    if not (is_over or abs(now - last) > _STALE_NS):
        return False
    completed = run.updated(_account(directory, run, live, last))
    if read_run(directory).ended is not None:
        return False  # its command is alive after all, and has just written it
    write_json(directory.run, completed.to_json())
    return True


def _account(directory: RunDirectory, run: RunDocument, live: LiveDocument, last: int) -> RunDocument:
    """Return the account of the load, which ended when a process of the run last wrote to the directory."""
    start = StartFacts(
        command=str(run.command),
        workers=len(run.workers or ()),  # each has a place there before the load
        began_at=run.started_at or last,
    )
    load = LoadFacts(started_at=live.started_at, ended_at=last, ended="failed", because=ABANDONED)
    return account_for(directory, read_plan(directory.plan), start, load, run.notes or ())
