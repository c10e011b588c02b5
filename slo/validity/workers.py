"""Validity of the workers: none was lost or out of contact, their clocks agree, and all that they wrote is here."""

from collections.abc import Iterator

from slo.findings import Finding
from slo.formatting import count, seconds
from slo.validity.context import Given, invalid, names_of, note, unknown
from slo.validity.run_document import AccountFacts, RunDocument, WorkerFacts


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
    """Find workers that had no contact with their master for too long: it couldn't have stopped them."""
    silences = given.run.master_silent_s or {}
    names = names_of(given, silences)
    if not names:
        yield unknown("contact", "whether the workers had contact with their master")
    for name in names:
        silent_s = silences.get(name)
        if silent_s is None:
            yield unknown("contact", f"whether {name} had contact with its master")
        elif silent_s > given.limits.master_silent_s:
            message = f"{name} had no contact with its master for {count(silent_s)} s: it couldn't have been stopped"
            change = "repair the network between the master and its workers, and run again"
            yield invalid("contact", message, change, silent_s=silent_s)


def clocks(given: Given) -> Iterator[Finding]:
    """Find the workers whose sessions may have been due at another moment than their records say.

    And a wall clock that was set in mid-run: records keep the run's clock, while Prometheus, the shop and spans go by
    the wall's.
    """
    yield from _step(given)
    offsets, limit = given.run.clock_offsets or {}, given.limits.clock_offset_s
    names = names_of(given, offsets)
    if not names:
        yield unknown("clocks", "how far the workers' clocks were from their master's")
    for name in names:
        one = offsets.get(name)
        if one is None or one.offset_s is None or one.uncertainty_s is None:
            yield unknown("clocks", f"how far {name}'s clock was from its master's")
        elif abs(one.offset_s) + one.uncertainty_s > limit:
            far, give = seconds(abs(one.offset_s)), seconds(one.uncertainty_s)
            where = "ahead of" if one.offset_s > 0 else "behind"
            message = f"{name}'s clock was {far} {where} its master's, give or take {give}; at most {seconds(limit)}"
            change = "keep the machines' clocks by NTP, near to each other, and run again"
            yield invalid("clocks", message, change, offset_s=one.offset_s, uncertainty_s=one.uncertainty_s)


def _step(given: Given) -> Iterator[Finding]:
    step_s, limit = given.run.clock_step_s, given.limits.clock_offset_s
    if step_s is not None and abs(step_s) > limit:
        way, by, most = "back" if step_s < 0 else "forward", seconds(abs(step_s)), seconds(limit)
        message = f"the machine's clock was set {way} by {by} during the run; at most {most}"
        change = "let NTP slew the clock, don't suspend the machine, and run again: Prometheus and the shop go by it"
        yield invalid("clocks", message, change, step_s=step_s)


def records(given: Given) -> Iterator[Finding]:
    """Find parts, rows and sessions that were written and are not here, or are here twice."""
    yield from recorded(given.run, given.records.request_rows, given.records.session_rows)


def recorded(run: RunDocument, requests: int | None, sessions: int | None) -> Iterator[Finding]:
    """Find what was written and isn't here, or twice, where so many `requests` and `sessions` are recorded."""
    for worker in run.workers or ():
        name, wanted, got = worker.name or "a worker", worker.parts_expected, worker.parts_received
        if wanted is None or got is None:
            yield unknown("records", f"how many parts {name} wrote")
        elif wanted != got:
            yield invalid("records", f"{got} of {wanted} parts of {name} arrived", "free disk space; see its log")
        yield from _ledger(worker)
    yield from _rows("requests", requests, run.requests.sent if run.requests else None)
    account = run.account or AccountFacts()
    parts = (account.completed, account.failed, account.cut_off)
    ended = None if None in parts or account.dropped is None else sum(part or 0 for part in parts)
    dropped = sum((account.dropped or {}).values())
    yield from _rows("sessions", sessions, None if ended is None else ended + dropped)


def _ledger(worker: WorkerFacts) -> Iterator[Finding]:
    """Find rows that a worker wrote and that aren't there; a killed one may have written more than it reported."""
    name, wanted, got = worker.name or "a worker", worker.ledger_rows_expected, worker.ledger_rows_received
    if wanted is None or got is None:
        yield unknown("records", f"how many rows of the ledger {name} wrote")
    elif got < wanted or (got > wanted and not worker.lost):
        message = f"{got} of {wanted} rows of the ledger of {name} arrived"
        yield invalid(
            "records", message, "see its log; what it wrote lies in its own folder", rows=got, reported=wanted
        )


def _rows(what: str, rows: int | None, reported: int | None) -> Iterator[Finding]:
    if rows is None or reported is None:
        yield unknown("records", f"whether all {what} are recorded")
    elif rows != reported:
        message = f"{count(rows)} {what} are recorded, the workers reported {count(reported)}"
        yield invalid("records", message, "a part is missing or there twice: see logs/", rows=rows, reported=reported)


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
        if failure.hook == "journey":
            message = f"the storefront's own code failed{times}: {failure.error or 'no reason recorded'}"
            yield invalid("hooks", message, "mend the storefront's file: peakproof try shows each step")
            continue
        message = f"the hook {failure.hook or '?'} failed{times}: {failure.error or 'no reason recorded'}"
        yield invalid("hooks", message, "repair the hook: what it should have recorded is missing")


def storefront(given: Given) -> Iterator[Finding]:
    """Note lines of the storefront's file that couldn't read a reply; their records are bad events and judged."""
    for one in given.run.storefront_failures or ():
        if one.unreadable:
            times = "" if one.count is None else f" {count(one.count)} times"
            raised = f"{one.place or 'the storefront'} raised {one.error or 'an error'}{times} in {one.journey or '?'}"
            yield note("storefront", f"{raised}, and its step counts as wrong_reply: look whether the shop was wrong")
