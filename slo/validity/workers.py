"""Validity of a run's crew: its workers were there, in touch and on time, and all that they wrote is here."""

from collections.abc import Iterator

from slo.findings import Finding
from slo.formatting import count, seconds
from slo.validity.context import Given, invalid, names_of, note, unknown
from slo.validity.run_document import AccountFacts, WorkerFacts


def workers(given: Given) -> Iterator[Finding]:
    """Find workers that were lost, or of which that is not known."""
    if not given.run.workers:
        yield unknown("workers", "which workers played the load")
    for worker in given.run.workers or ():
        name = worker.name or "a worker"
        if worker.lost is None:
            yield unknown("workers", f"whether {name} was lost")
        elif worker.lost:
            yield invalid("workers", f"{name} was lost", "see its log; give it memory, or use fewer sessions a worker")


def contact(given: Given) -> Iterator[Finding]:
    """Find workers that nobody could have stopped for too long."""
    told = given.run.master_silent_s or {}
    names = names_of(given, told)
    if not names:
        yield unknown("contact", "whether the workers heard of their master")
    for name in names:
        silent_s = told.get(name)
        if silent_s is None:
            yield unknown("contact", f"whether {name} heard of its master")
        elif silent_s > given.limits.master_silent_s:
            message = f"{name} heard nothing of its master for {count(silent_s)} s: nobody could have stopped it"
            change = "mend the network between the master and its workers, and run again"
            yield invalid("contact", message, change, silent_s=silent_s)


def clocks(given: Given) -> Iterator[Finding]:
    """Find the workers whose sessions may have been due at another moment than their records say."""
    told, limit = given.run.clock_offsets or {}, given.limits.clock_offset_s
    names = {worker.name for worker in given.run.workers or () if worker.name is not None} | told.keys()
    if not names:
        yield unknown("clocks", "how far the workers' clocks were from their master's")
    for name in sorted(names):
        one = told.get(name)
        if one is None or one.offset_s is None or one.uncertainty_s is None:
            yield unknown("clocks", f"how far {name}'s clock was from its master's")
        elif abs(one.offset_s) + one.uncertainty_s > limit:
            far, give = seconds(abs(one.offset_s)), seconds(one.uncertainty_s)
            where = "ahead of" if one.offset_s > 0 else "behind"
            message = f"{name}'s clock was {far} {where} its master's, give or take {give}; at most {seconds(limit)}"
            change = "keep the machines' clocks by NTP, near to each other, and run again"
            yield invalid("clocks", message, change, offset_s=one.offset_s, uncertainty_s=one.uncertainty_s)


def records(given: Given) -> Iterator[Finding]:
    """Find parts, rows and sessions that were written and are not here, or are here twice."""
    for worker in given.run.workers or ():
        name, wanted, got = worker.name or "a worker", worker.parts_expected, worker.parts_received
        if wanted is None or got is None:
            yield unknown("records", f"how many parts {name} wrote")
        elif wanted != got:
            yield invalid("records", f"{got} of {wanted} parts of {name} arrived", "free disk space; see its log")
        yield from _ledger(worker)
    yield from _rows("requests", given.records.request_rows, given.run.requests.sent if given.run.requests else None)
    account = given.run.account or AccountFacts()
    parts = (account.completed, account.failed, account.cut_off)
    ended = None if None in parts or account.dropped is None else sum(part or 0 for part in parts)
    dropped = sum((account.dropped or {}).values())
    yield from _rows("sessions", given.records.session_rows, None if ended is None else ended + dropped)


def _ledger(worker: WorkerFacts) -> Iterator[Finding]:
    """Find rows that a worker wrote and that aren't there; one that was killed may have written more than it told."""
    name, wanted, got = worker.name or "a worker", worker.ledger_rows_expected, worker.ledger_rows_received
    if wanted is None or got is None:
        yield unknown("records", f"how many rows of the ledger {name} wrote")
    elif got < wanted or (got > wanted and not worker.lost):
        message = f"{got} of {wanted} rows of the ledger of {name} arrived"
        yield invalid("records", message, "see its log; what it wrote lies in its own folder", rows=got, told=wanted)


def _rows(what: str, rows: int | None, told: int | None) -> Iterator[Finding]:
    if rows is None or told is None:
        yield unknown("records", f"whether all {what} are recorded")
    elif rows != told:
        message = f"{count(rows)} {what} are recorded, the run tells of {count(told)}"
        yield invalid("records", message, "a part is missing or there twice: see logs/", rows=rows, told=told)


def live(given: Given) -> Iterator[Finding]:
    """Note changes of the live view that were lost on the way."""
    gaps = given.run.live.gaps if given.run.live else None
    if gaps == 0:
        return
    known = "it is not known how many live changes" if gaps is None else f"{count(gaps)} live changes"
    message = f"{known} of the workers were lost on the way: the live view may be short, the verdict isn't"
    yield note("live view", message)


def hooks(given: Given) -> Iterator[Finding]:
    """Find listeners that failed."""
    if given.run.hook_failures is None:
        yield unknown("hooks", "whether a hook failed")
    for failure in given.run.hook_failures or ():
        times = "" if failure.count is None else f" {count(failure.count)} times"
        message = f"the hook {failure.hook or '?'} failed{times}: {failure.error or 'no reason recorded'}"
        yield invalid("hooks", message, "mend the hook: what it should have seen is missing")


def spans(given: Given) -> Iterator[Finding]:
    """Find spans that were dropped, where traces are declared."""
    recorder = given.run.recorder
    if "traces" not in given.declared:
        return
    if recorder is None or recorder.dropped is None:
        yield unknown("spans", "whether spans were dropped")
    elif recorder.dropped:
        message = f"the recorder dropped {count(recorder.dropped)} spans"
        yield invalid("spans", message, "lower the plan's trace_sampling", dropped=recorder.dropped)
