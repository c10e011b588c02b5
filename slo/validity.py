"""Whether the run was worth judging: the facts of run.json and of the records, each check a finding.

A check knows three answers: fine, not fine, and *not known*, which is as bad as not fine. Every finding says what to
change.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from slo.delivery import Delivered
from slo.findings import Fact, Finding, Severity
from slo.passage import passage
from slo.run_facts import RunFacts, Worker, judged_window
from slo.wording import count, percent, seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How far a run may be from what was planned and still be judged."""

    on_time_ratio: float = 0.99
    lag_p99_s: float = 0.1
    stall_p99_s: float = 0.1
    stall_max_s: float = 1.0
    master_silent_s: int = 4
    clock_offset_s: float = 0.5  # half of what a session may be late: the other half is left for lateness
    generator_cpu: float = 0.9
    unserved_ratio: float = 0.01
    blocked_ratio: float = 0.01


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """One validity check's name and what it found wrong; fine when it found nothing."""

    name: str
    findings: tuple[Finding, ...]


def check_validity(
    run: RunFacts, records: Delivered, declared: frozenset[str], limits: Limits | None = None
) -> tuple[Checked, ...]:
    """Return every validity check with its findings, in a fixed order.

    `declared` holds what targets.yaml declares for the environment: of `orders`, `payments`, `stock`, `release`,
    `traces`. An aborted run is not invalid by that alone: `slo.verdict` weighs why it was.
    """
    given = _Given(run=run, records=records, declared=declared, limits=limits or Limits())
    straight = run.environment.proxy is None and records.at_proxy == 0
    beside = (("browser", run.browser), ("connections", run.shared_connections), ("proxy", None if straight else run))
    absent = {name for name, told in beside if told is None}
    names = [name for name in _CHECKS if name not in absent]
    return tuple(Checked(name=name, findings=tuple(_CHECKS[name](given))) for name in names)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Given:
    run: RunFacts
    records: Delivered
    declared: frozenset[str]
    limits: Limits


def _invalid(subject: str, message: str, change: str, **facts: Fact) -> Finding:
    return Finding(
        kind="validity",
        severity=Severity.INCONCLUSIVE,
        subject=subject,
        message=message,
        change=change,
        facts=facts,
    )


def _unknown(subject: str, what: str) -> Finding:
    return _invalid(subject, f"{what} is not known", "run again; if it stays unknown, report it with logs/")


def _ended(given: _Given) -> Iterator[Finding]:
    run = given.run
    if run.ended is None:
        yield _unknown("ended", "how the run ended")
    elif run.ended not in {"completed", "aborted"}:
        because = run.ended_because or "no reason recorded"
        yield _invalid("ended", f"the run was not completed, it {_how(run.ended)}: {because}", "run it to its end")
    if judged_window(run) is None:
        yield _invalid("ended", "the judged window was never reached", "run it to its end")


def _how(ended: str) -> str:
    return {"stopped": "was stopped", "failed": "failed"}.get(ended, f"ended as {ended!r}")


def _account(given: _Given) -> Iterator[Finding]:
    account = given.run.account
    parts = (account.completed, account.failed, account.cut_off, account.not_due)
    groups = (account.dropped, account.lost)
    if account.planned is None or None in parts or None in groups:
        yield _unknown("account", "how every planned session ended")
        return
    told = sum(part or 0 for part in parts) + sum(sum((group or {}).values()) for group in groups)
    if told != account.planned:
        message = f"the account tells of {count(told)} sessions, {count(account.planned)} were planned"
        yield _invalid(
            "account", message, "look for a lost worker or part in logs/", planned=account.planned, told=told
        )
    if account.planned == 0:
        yield _invalid("account", "no session was planned", "raise the plan's demand")
    if account.not_due and given.run.ended == "completed":
        message = f"{count(account.not_due)} planned sessions were never due though the run was completed"
        yield _invalid("account", message, "don't lower or pause a run that is to be judged")


def _plan(given: _Given) -> Iterator[Finding]:
    revisions, window = given.run.plan_revisions, judged_window(given.run)
    if revisions is None:
        yield _unknown("plan", "whether the plan was changed while it ran")
        return
    if any(None in (r.at, r.at_s, r.factor, r.not_taken, r.struck_started) for r in revisions):
        yield _unknown("plan", "how the plan was changed while it ran")
        return
    early = [r for r in revisions if window is None or (r.at or 0) < window.ends_at]
    if early:
        told = ", ".join(f"{_played(r.factor or 0.0)} from {seconds(r.at_s or 0.0)} on" for r in early)
        change = "run it without a pause and without another rate until the judged window has ended"
        yield _invalid("plan", f"the plan was changed while it ran: {told}", change, revisions=len(early))
    for name in sorted({name for r in revisions for name in r.not_taken or ()}):
        message = f"{name} did not take a change of the plan in time"
        yield _invalid("plan", message, "see its log; look at the network between it and the master")
    struck: Counter[str] = Counter()
    for one in revisions:
        struck.update(one.struck_started or {})
    for name, sessions in sorted(struck.items()):
        message = f"{name} heard of a change of the plan too late: it had started {count(sessions)} sessions of the old"
        yield _invalid("plan", message, "look at the network between it and the master", sessions=sessions)


def _played(factor: float) -> str:
    return "paused" if factor == 0 else f"{count(factor)} x the plan"


def _load(given: _Given) -> Iterator[Finding]:
    due, on_time = given.records.due, given.records.on_time
    if due is None or on_time is None:
        yield _unknown("load", "how much of the load was delivered")
    elif due == 0:
        yield _invalid("load", "no session was due in the judged window", "lengthen the plateau or raise the demand")
    elif on_time < given.limits.on_time_ratio * due:
        told = f"{percent(on_time / due)} of the {count(due)} sessions due started on time"
        message = f"{told}, at least {percent(given.limits.on_time_ratio)} must"
        yield _invalid("load", message, "add workers, or raise limits.open_sessions", due=due, on_time=on_time)


def _workers(given: _Given) -> Iterator[Finding]:
    if not given.run.workers:
        yield _unknown("workers", "which workers played the load")
    for worker in given.run.workers or ():
        name = worker.name or "a worker"
        if worker.lost is None:
            yield _unknown("workers", f"whether {name} was lost")
        elif worker.lost:
            yield _invalid("workers", f"{name} was lost", "see its log; give it memory, or use fewer sessions a worker")


def _names(given: _Given, told: Mapping[str, object]) -> list[str]:
    """Return the names of the run's workers and of any other that was told of, in order."""
    return sorted({worker.name for worker in given.run.workers or () if worker.name is not None} | told.keys())


def _contact(given: _Given) -> Iterator[Finding]:
    told = given.run.master_silent_s or {}
    names = _names(given, told)
    if not names:
        yield _unknown("contact", "whether the workers heard of their master")
    for name in names:
        silent_s = told.get(name)
        if silent_s is None:
            yield _unknown("contact", f"whether {name} heard of its master")
        elif silent_s > given.limits.master_silent_s:
            message = f"{name} heard nothing of its master for {count(silent_s)} s: nobody could have stopped it"
            change = "mend the network between the master and its workers, and run again"
            yield _invalid("contact", message, change, silent_s=silent_s)


def _clocks(given: _Given) -> Iterator[Finding]:
    """Find the workers whose sessions may have been due at another moment than their records say."""
    told, limit = given.run.clock_offsets or {}, given.limits.clock_offset_s
    names = {worker.name for worker in given.run.workers or () if worker.name is not None} | told.keys()
    if not names:
        yield _unknown("clocks", "how far the workers' clocks were from their master's")
    for name in sorted(names):
        one = told.get(name)
        if one is None or one.offset_s is None or one.uncertainty_s is None:
            yield _unknown("clocks", f"how far {name}'s clock was from its master's")
        elif abs(one.offset_s) + one.uncertainty_s > limit:
            far, give = seconds(abs(one.offset_s)), seconds(one.uncertainty_s)
            where = "ahead of" if one.offset_s > 0 else "behind"
            message = f"{name}'s clock was {far} {where} its master's, give or take {give}; at most {seconds(limit)}"
            change = "keep the machines' clocks by NTP, near to each other, and run again"
            yield _invalid("clocks", message, change, offset_s=one.offset_s, uncertainty_s=one.uncertainty_s)


def _records(given: _Given) -> Iterator[Finding]:
    for worker in given.run.workers or ():
        name, wanted, got = worker.name or "a worker", worker.parts_expected, worker.parts_received
        if wanted is None or got is None:
            yield _unknown("records", f"how many parts {name} wrote")
        elif wanted != got:
            yield _invalid("records", f"{got} of {wanted} parts of {name} arrived", "free disk space; see its log")
        yield from _ledger(worker)
    yield from _rows("requests", given.records.request_rows, given.run.requests.sent)
    account = given.run.account
    parts = (account.completed, account.failed, account.cut_off)
    ended = None if None in parts or account.dropped is None else sum(part or 0 for part in parts)
    dropped = sum((account.dropped or {}).values())
    yield from _rows("sessions", given.records.session_rows, None if ended is None else ended + dropped)


def _ledger(worker: Worker) -> Iterator[Finding]:
    """Find rows that a worker wrote and that aren't there; one that was killed may have written more than it told."""
    name, wanted, got = worker.name or "a worker", worker.ledger_rows_expected, worker.ledger_rows_received
    if wanted is None or got is None:
        yield _unknown("records", f"how many rows of the ledger {name} wrote")
    elif got < wanted or (got > wanted and not worker.lost):
        message = f"{got} of {wanted} rows of the ledger of {name} arrived"
        yield _invalid("records", message, "see its log; what it wrote lies in its own folder", rows=got, told=wanted)


def _rows(what: str, rows: int | None, told: int | None) -> Iterator[Finding]:
    if rows is None or told is None:
        yield _unknown("records", f"whether all {what} are recorded")
    elif rows != told:
        message = f"{count(rows)} {what} are recorded, the run tells of {count(told)}"
        yield _invalid("records", message, "a part is missing or there twice: see logs/", rows=rows, told=told)


def _lag(given: _Given) -> Iterator[Finding]:
    lag, limit = given.run.scheduling_lag_s.p99, given.limits.lag_p99_s
    if lag is None:
        yield _unknown("scheduling lag", "how late the generator sent")
    elif lag > limit:
        message = f"the generator sent late: lag p99 {seconds(lag)}, at most {seconds(limit)}"
        change = "add workers, or move them off the shop's machine"
        if given.run.shared_connections is not None:
            change = f"raise or leave out limits.connections, for waiting for one counts; {change}"
        yield _invalid("scheduling lag", message, change, p99_s=lag)


def _stalls(given: _Given) -> Iterator[Finding]:
    stall, limits = given.run.hub_stall_s, given.limits
    change = "give the generator a machine, or a core, of its own"
    if stall.p99 is None or stall.max is None:
        yield _unknown("stalls", "how long the generator stood still")
    elif stall.max > limits.stall_max_s:
        message = f"the generator stood still for {seconds(stall.max)}, at most {seconds(limits.stall_max_s)}"
        yield _invalid("stalls", message, change, max_s=stall.max)
    elif stall.p99 > limits.stall_p99_s:
        message = f"the generator kept standing still: p99 {seconds(stall.p99)}, at most {seconds(limits.stall_p99_s)}"
        yield _invalid("stalls", message, change, p99_s=stall.p99)


def _descriptors(given: _Given) -> Iterator[Finding]:
    told = given.run.descriptors or {}
    names = _names(given, told)
    for name in names:
        one = told.get(name)
        if one is None or one.peak is None or one.limit is None:
            yield _unknown("descriptors", f"how many descriptors {name} had")
    if not names:
        yield _unknown("descriptors", "how many descriptors the generator had")
    lacking = (
        ("descriptor", given.records.no_descriptor, "raise ulimit -n on the generator's machine, or add workers"),
        ("local port", given.records.no_port, "widen net.ipv4.ip_local_port_range, or add the generator a machine"),
    )
    for what, requests, change in lacking:
        if requests is None:
            yield _unknown("descriptors", f"whether a {what} was there for each request")
        elif requests:
            message = f"the generator had no {what} for {count(requests)} requests: they were not sent"
            yield _invalid("descriptors", message, change, requests=requests)


def _data(given: _Given) -> Iterator[Finding]:
    buyers, unserved = given.records.buyers, given.records.unserved
    if buyers is None or unserved is None:
        yield _unknown("data", "whether those who meant to buy could")
    elif unserved > given.limits.unserved_ratio * buyers:
        message = f"{count(unserved)} of the {count(buyers)} sessions that meant to buy found nothing in stock"
        change = "raise the stock before the run, or play fewer buyers"
        yield _invalid("data", message, change, unserved=unserved, buyers=buyers)
    elif unserved:
        message = f"{count(unserved)} of the {count(buyers)} sessions that meant to buy found nothing in stock"
        yield Finding(kind="validity", severity=Severity.NOTE, subject="data", message=message)


def _live(given: _Given) -> Iterator[Finding]:
    gaps = given.run.live.gaps
    if gaps == 0:
        return
    known = "it is not known how many live changes" if gaps is None else f"{count(gaps)} live changes"
    message = f"{known} of the workers were lost on the way: the live view may be short, the verdict isn't"
    yield Finding(kind="validity", severity=Severity.NOTE, subject="live view", message=message)


def _cpu(given: _Given) -> Iterator[Finding]:
    used = given.run.generator_cpu or {}
    names = _names(given, used)
    if not names:
        yield _unknown("generator CPU", "how busy the generator was")
    if any(worker.name is None for worker in given.run.workers or ()):
        yield _unknown("generator CPU", "how busy a worker without a name was")
    for name in names:
        ratio = used.get(name)
        if ratio is None:
            yield _unknown("generator CPU", f"how busy {name} was")
        elif ratio > given.limits.generator_cpu:
            message = f"{name} used {percent(ratio)} of a core, at most {percent(given.limits.generator_cpu)}"
            yield _invalid("generator CPU", message, "add workers", ratio=ratio)


def _hooks(given: _Given) -> Iterator[Finding]:
    if given.run.hook_failures is None:
        yield _unknown("hooks", "whether a hook failed")
    for failure in given.run.hook_failures or ():
        times = "" if failure.count is None else f" {count(failure.count)} times"
        message = f"the hook {failure.hook or '?'} failed{times}: {failure.error or 'no reason recorded'}"
        yield _invalid("hooks", message, "mend the hook: what it should have seen is missing")


def _release(given: _Given) -> Iterator[Finding]:
    release = given.run.release
    if "release" not in given.declared:
        message = "no release_probe is declared: nothing says that one release was tested throughout"
        yield Finding(kind="validity", severity=Severity.NOTE, subject="release", message=message)
        return
    if release.before is None or release.after is None:
        yield _unknown("release", "which release was tested")
        return
    allowed = release.expected or (release.before,)
    change = "keep deploys off the environment while a run holds it"
    for name, seen in (("before", release.before), ("after", release.after)):
        if seen not in allowed:
            message = f"release {seen} was seen {name} the run, expected {' or '.join(allowed)}"
            yield _invalid("release", message, change, seen=seen)
    if release.seen is None:
        yield _unknown("release", "which releases were seen during the run")
    told = {*allowed, release.before, release.after}
    for during in dict.fromkeys(one.release for one in release.seen or ()):
        if during is not None and during not in told:
            message = f"release {during} was seen during the run, expected {' or '.join(allowed)}"
            yield _invalid("release", message, change, seen=during)


def _blocked(given: _Given) -> Iterator[Finding]:
    blocked, requests = given.records.blocked, given.records.requests
    if blocked is None or requests is None:
        yield _unknown("blocked", "whether a firewall took requests")
    elif blocked > given.limits.blocked_ratio * requests:
        message = f"{count(blocked)} of {count(requests)} requests were blocked before they reached the shop"
        yield _invalid("blocked", message, "let the generator's address through the firewall or rate limit")
    elif blocked:
        message = f"{count(blocked)} of {count(requests)} requests were blocked and are left out"
        yield Finding(kind="validity", severity=Severity.NOTE, subject="blocked", message=message)


def _proxy(given: _Given) -> Iterator[Finding]:
    yield from passage(given.run.environment.proxy, given.records, given.limits.blocked_ratio)


def _spans(given: _Given) -> Iterator[Finding]:
    recorder = given.run.recorder
    if "traces" not in given.declared:
        return
    if recorder is None or recorder.dropped is None:
        yield _unknown("spans", "whether spans were dropped")
    elif recorder.dropped:
        message = f"the recorder dropped {count(recorder.dropped)} spans"
        yield _invalid("spans", message, "lower the plan's trace_sampling", dropped=recorder.dropped)


def _browser(given: _Given) -> Iterator[Finding]:
    """Note that the browser saw nothing: what it sees is shown and never judged."""
    browser = given.run.browser
    if browser is not None and not browser.pages:
        message = f"the browser beside the load saw no page: {browser.why_not_more or 'the run was too short'}"
        yield Finding(kind="validity", severity=Severity.NOTE, subject="browser", message=message)


def _connections(given: _Given) -> Iterator[Finding]:
    """Note that the load was less real than shoppers are."""
    message = (
        f"all sessions shared {count(given.run.shared_connections or 0)} connections, as the plan says: shoppers open"
        " their own, so connecting cost the shop less than they will"
    )
    yield Finding(kind="validity", severity=Severity.NOTE, subject="connections", message=message)


_CHECKS: Mapping[str, Callable[[_Given], Iterator[Finding]]] = {
    "ended": _ended,
    "account": _account,
    "plan": _plan,
    "load": _load,
    "workers": _workers,
    "contact": _contact,
    "clocks": _clocks,
    "records": _records,
    "scheduling lag": _lag,
    "stalls": _stalls,
    "generator CPU": _cpu,
    "descriptors": _descriptors,
    "data": _data,
    "live view": _live,
    "hooks": _hooks,
    "release": _release,
    "blocked": _blocked,
    "proxy": _proxy,
    "spans": _spans,
    "browser": _browser,
    "connections": _connections,
}
