"""Whether a run's records, its documents and `run.json` say the same: what contradicts itself is no evidence.

Each rule holds for every run that Peakproof has recorded to its end, so that one that is broken was changed since, or
shows a defect.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from dataclasses import replace as changed
from itertools import pairwise

from slo.boot_time import BootTime
from slo.findings import Finding
from slo.formatting import count, seconds
from slo.validity.context import invalid, note, unknown
from slo.validity.record_facts import RecordFacts
from slo.validity.run_document import FORMAT, AccountFacts, RequestCounts, RunDocument
from slo.verdict.audit_document import AuditDocument

CONSISTENCY = "consistency"
AUDIT_OF_THE_RUN = "audit of the run"
CHANGE = "take the run directory as the run left it, or run again; if nobody changed it, report it with logs/"
_NS = 1_000_000_000
_APART_NS = _NS  # clocks of workers elsewhere are held to half of it
_ENDED = ("completed", "failed", "cut_off")


@dataclass(frozen=True, slots=True, kw_only=True)
class OtherDocuments:
    """What a run directory says of a run beside `run.json`; what isn't known is None, or not there.

    `runs` are the names that documents call the run by. `starts_s` and `judged_s` are the plan's phases and its judged
    span, `arrivals` the fewest and the most sessions that it can have with its `revisions` (number, moment in s,
    factor). `sent`, `errors` and `accepted_5xx` are what the workers counted. By the manifest: how many parts there are
    of each worker, the rows of each ledger, and the rows of each kind of part. `samples` are those of Prometheus' raw
    answers that are stored.
    """

    runs: Mapping[str, str] = field(default_factory=dict)
    plan: str
    plan_sha256: str
    seed: int
    starts_s: tuple[float, ...]
    judged_s: tuple[float, float]
    arrivals: tuple[int, int]
    revisions: tuple[tuple[int, float, float], ...] = ()
    live_started_at: int | None = None
    sent: int | None = None
    errors: int | None = None
    accepted_5xx: int | None = None
    parts: Mapping[str, int] | None = None
    ledger_rows: Mapping[str, int] | None = None
    part_rows: Mapping[str, int] | None = None
    samples: int = 0


def check_consistency(run: RunDocument, records: RecordFacts, others: OtherDocuments) -> tuple[Finding, ...]:
    """Return every contradiction between `run.json`, the records and the other documents of a run."""
    return (
        *_identity(run, others),
        *_moments(run, records, others),
        *_sessions(run, records, others),
        *_requests(run, records, others),
        *_files(run, records, others),
    )


def check_audit(run: RunDocument, audit: AuditDocument | None) -> tuple[Finding, ...]:
    """Return why an audit isn't that of the run as it ended."""
    return tuple(changed(one, subject=AUDIT_OF_THE_RUN) for one in _audit(run, audit))


def _audit(run: RunDocument, audit: AuditDocument | None) -> Iterator[Finding]:
    if audit is None:
        return
    if audit.run is None or audit.checked_at is None or run.ended_at is None:
        yield _unknown("of which run the audit is, and of which moment of it,")
    else:
        if audit.run != run.run:
            yield _wrong(f"the audit is of {audit.run}, and run.json of {run.run}", "peakproof audit RUN")
        yield from _audited_after(audit.checked_at - run.ended_at, run.ended_since_boot, audit.checked_since_boot)
    orders, counts = run.orders, audit.counts or {}
    for name in ("attempted", "accepted", "refused", "unknown"):
        ours, its = None if orders is None else getattr(orders, name), counts.get(name)
        if ours is None or its is None:
            yield _unknown(f"how many orders were {name}, by the run or by its audit,")
        elif ours != its:
            message = f"the audit counts {count(its)} orders {name}, the run {count(ours)}"
            yield _wrong(message, "peakproof audit RUN")


def _audited_after(by_wall_ns: int, ended: BootTime | None, checked: BootTime | None) -> Iterator[Finding]:
    """Find an audit of before the run's end: by the time since the machine's start, by wall clocks without that.

    A wall clock may be set back between them, and forward; an audit is accused of neither, nor excused by it.
    """
    by_boot_ns = None if ended is None else ended.ns_before(checked)
    if by_boot_ns is None and by_wall_ns < 0:
        early = seconds(-by_wall_ns / _NS)
        message = f"the audit was made before the run ended, by {early} of the clocks of two machines or starts"
        yield _wrong(message, "if one of their clocks was set, wait for so long: peakproof audit RUN")
    elif by_boot_ns is not None and by_boot_ns < 0:
        yield _wrong("the audit was made before the run ended", "peakproof audit RUN")
    elif by_boot_ns is not None and by_boot_ns - by_wall_ns > _APART_NS:
        back = seconds((by_boot_ns - by_wall_ns) / _NS)
        message = f"the machine's clock was set back by {back} between the run's end and its audit, which came after it"
        yield note(CONSISTENCY, message)


def _identity(run: RunDocument, others: OtherDocuments) -> Iterator[Finding]:
    if run.format != FORMAT:
        yield _wrong(f"run.json is of the format {run.format}, expected {FORMAT}")
    for document, name in others.runs.items():
        if name != run.run:
            yield _wrong(f"run.json is of the run {run.run}, {document} of {name}")
    plan = run.plan
    if plan is None or (plan.name, plan.sha256, run.seed) != (others.plan, others.plan_sha256, others.seed):
        yield _wrong("the plan's name, hash or seed in run.json isn't that of plan.yaml")
    if (run.inputs or {}).get("plan.yaml") != others.plan_sha256:
        yield _wrong("the hash of plan.yaml among the inputs isn't that of the file")


def _moments(run: RunDocument, records: RecordFacts, others: OtherDocuments) -> Iterator[Finding]:
    if run.started_at is None or run.ended_at is None:
        yield _unknown("when the load began and ended")
        return
    if run.clock_step_s is None:
        yield _unknown("whether the machine's clock was set during the run")
    if others.live_started_at is not None and others.live_started_at != run.started_at:
        yield _wrong("the load began at another moment than live.json says")
    if run.ended_at < run.started_at:
        yield _wrong("the run ended before it began")
    yield from _windows(run, run.started_at, run.ended_at, others)
    if records.first_due_at is not None and records.first_due_at < run.started_at - _APART_NS:
        yield _wrong("a session was due before the load began")
    if records.last_ended_at is not None and records.last_ended_at > run.ended_at + _APART_NS:
        yield _wrong("a reply came after the run had ended")


def _windows(run: RunDocument, started_at: int, ended_at: int, others: OtherDocuments) -> Iterator[Finding]:
    starts_at, ends_at = (started_at + round(at_s * _NS) for at_s in others.judged_s)
    planned = (starts_at, max(starts_at, min(ends_at, ended_at)))
    judged = None if run.judged is None else (run.judged.starts_at, run.judged.ends_at)
    if judged != planned:
        yield _wrong("the judged window isn't the plan's, cut at the end of the load")
    edges = [started_at + round(at_s * _NS) for at_s in others.starts_s]
    phases = [(phase.starts_at, phase.ends_at) for phase in run.phases or ()]
    if phases != list(pairwise(edges)):
        yield _wrong("the phases aren't the plan's")
    revisions = tuple((one.number, one.at_s, one.factor) for one in run.plan_revisions or ())
    if revisions != others.revisions:
        yield _wrong("the changes of the plan aren't those of revisions.jsonl")


def _sessions(run: RunDocument, records: RecordFacts, others: OtherDocuments) -> Iterator[Finding]:
    if records.sessions_twice:
        yield _wrong(f"{count(records.sessions_twice)} sessions have a number that another has, too")
    if records.sessions_backwards:
        yield _wrong(f"the times of {count(records.sessions_backwards)} sessions run backwards")
    account = run.account or AccountFacts()
    least, most = others.arrivals
    if account.planned is not None and not least <= account.planned <= most:
        wanted = count(least) if least == most else f"{count(least)} to {count(most)}"
        yield _wrong(f"the account is of {count(account.planned)} planned sessions, the plan has {wanted}")
    recorded = {**{name: getattr(account, name) for name in _ENDED}, "dropped": _total(account.dropped)}
    for name, told in recorded.items():
        found = records.outcomes.get(name, 0)
        if told is not None and told != found:
            yield _wrong(f"{count(found)} sessions are recorded as {name}, the account has {count(told)}")
    strange = sorted(set(records.outcomes) - recorded.keys())
    if strange:
        yield _wrong(f"sessions are recorded as {', '.join(map(str, strange))}: no session ends so")


def _requests(run: RunDocument, records: RecordFacts, others: OtherDocuments) -> Iterator[Finding]:
    if records.requests_backwards:
        yield _wrong(f"the times of {count(records.requests_backwards)} requests run backwards")
    for error, number in records.other_status.items():
        yield _wrong(f"{count(number)} requests failed with {error}, and their status is another")
    yield from _accepted(run, records)
    if any(worker.lost is not False for worker in run.workers or ()):
        return  # its last requests are in no count of its own
    told = run.requests or RequestCounts()
    for what, reported, by_workers, found in (
        ("requests", told.sent, others.sent, None),  # the check "records" counts these
        ("errors", told.errors, others.errors, records.errors),
        ("accepted replies of status 5xx", told.accepted_5xx, others.accepted_5xx, records.accepted_5xx),
    ):
        if len({number for number in (reported, by_workers, found) if number is not None}) > 1:
            numbers = f"of {what} run.json has {_said(reported)}, the workers' files {_said(by_workers)}"
            yield _wrong(numbers if found is None else f"{numbers}, and {count(found)} are recorded")


def _accepted(run: RunDocument, records: RecordFacts) -> Iterator[Finding]:
    """Find replies of status 5xx that are no error, and of which no worker says that the storefront accepts them."""
    if records.accepted_5xx and (run.requests is None or run.requests.accepted_5xx is None):
        yield _unknown(f"whether the storefront accepts {count(records.accepted_5xx)} replies of status 5xx")


def _files(run: RunDocument, records: RecordFacts, others: OtherDocuments) -> Iterator[Finding]:
    for kind, number in (("requests", records.requests), ("sessions", records.sessions)):
        if others.part_rows is not None and others.part_rows.get(kind, 0) != number:
            listed = count(others.part_rows.get(kind, 0))
            yield _wrong(f"{count(number)} {kind} are recorded, the manifest lists {listed} rows of them")
    for worker in run.workers or ():
        name = str(worker.name)
        for what, wanted, found in (
            ("parts", worker.parts_received, None if others.parts is None else others.parts.get(name, 0)),
            ("rows of the ledger", worker.ledger_rows_received, (others.ledger_rows or {}).get(name, 0)),
        ):
            if others.parts is not None and wanted is not None and wanted != found:
                yield _wrong(f"the manifest lists {count(found or 0)} {what} of {name}, run.json {count(wanted)}")
    samples = None if run.answers is None else run.answers.samples
    if samples is None:
        if others.samples:
            yield _unknown("how many samples of Prometheus were stored")
    elif samples != others.samples:
        yield _wrong(f"{count(others.samples)} samples of Prometheus are stored, the run kept {count(samples)}")


def _total(parts: Mapping[str, int] | None) -> int | None:
    return None if parts is None else sum(parts.values())


def _said(number: int | None) -> str:
    return "none" if number is None else count(number)


def _wrong(message: str, change: str = CHANGE) -> Finding:
    return invalid(CONSISTENCY, message, change)


def _unknown(what: str) -> Finding:
    return unknown(CONSISTENCY, what)
