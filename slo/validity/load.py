"""Validity of a run's load: it was played whole, as planned, and at one release of the shop."""

from collections import Counter
from collections.abc import Iterator

from slo.findings import Finding
from slo.formatting import count, percent, seconds
from slo.validity.context import Given, invalid, note, unknown
from slo.validity.run_document import AccountFacts, ReleaseFacts

_HOSTS_NAMED = 10
NO_ACCOUNT = "no_account"


def ended(given: Given) -> Iterator[Finding]:
    """Find a run that was not played to its end, or never to where it is judged."""
    run = given.run
    if run.ended is None:
        yield unknown("ended", "how the run ended")
    elif run.ended not in {"completed", "aborted"}:
        because = run.ended_because or "no reason recorded"
        is_storefront = because.startswith("the storefront fails ") or " hung in " in because
        change = "mend the storefront's file: peakproof try shows each step" if is_storefront else "run it to its end"
        yield invalid("ended", f"the run was not completed, it {_how(run.ended)}: {because}", change)
    if run.judged_window is None:
        yield invalid("ended", "the judged window was never reached", "run it to its end")


def _how(ended: str) -> str:
    return {"stopped": "was stopped", "failed": "failed"}.get(ended, f"ended as {ended!r}")


def account(given: Given) -> Iterator[Finding]:
    """Find planned sessions whose end is not known, or that were never due."""
    account = given.run.account or AccountFacts()
    yield from account_total(account)
    if account.planned == 0:
        yield invalid("account", "no session was planned", "raise the plan's demand")
    if account.not_due and given.run.ended == "completed":
        message = f"{count(account.not_due)} planned sessions were never due though the run was completed"
        yield invalid("account", message, "don't lower or pause a run that is to be judged")


def account_total(account: AccountFacts) -> Iterator[Finding]:
    """Find an account that doesn't hold every planned session once."""
    parts = (account.completed, account.failed, account.cut_off, account.not_due)
    groups = (account.dropped, account.lost)
    if account.planned is None or None in parts or None in groups:
        yield unknown("account", "how every planned session ended")
        return
    total = sum(part or 0 for part in parts) + sum(sum((group or {}).values()) for group in groups)
    if total != account.planned:
        message = f"the account holds {count(total)} sessions, {count(account.planned)} were planned"
        yield invalid(
            "account", message, "look for a lost worker or part in logs/", planned=account.planned, total=total
        )


def plan(given: Given) -> Iterator[Finding]:
    """Find changes of the plan before the judged window had ended, and workers that took one late."""
    revisions, window = given.run.plan_revisions, given.run.judged_window
    if revisions is None:
        yield unknown("plan", "whether the plan was changed while it ran")
        return
    if any(None in (r.at, r.at_s, r.factor, r.not_taken, r.struck_started) for r in revisions):
        yield unknown("plan", "how the plan was changed while it ran")
        return
    early = [r for r in revisions if window is None or (r.at or 0) < window.ends_at]
    if early:
        changes = ", ".join(f"{_played(r.factor or 0.0)} from {seconds(r.at_s or 0.0)} on" for r in early)
        change = "run it without a pause and without another rate until the judged window has ended"
        yield invalid("plan", f"the plan was changed while it ran: {changes}", change, revisions=len(early))
    for name in sorted({name for r in revisions for name in r.not_taken or ()}):
        message = f"{name} did not take a change of the plan in time"
        yield invalid("plan", message, "see its log; look at the network between it and the master")
    struck: Counter[str] = Counter()
    for one in revisions:
        struck.update(one.struck_started or {})
    for name, sessions in sorted(struck.items()):
        message = f"{name} got a change of the plan too late: it had started {count(sessions)} sessions that it removed"
        yield invalid("plan", message, "look at the network between it and the master", sessions=sessions)


def _played(factor: float) -> str:
    return "paused" if factor == 0 else f"{count(factor)} x the plan"


def load(given: Given) -> Iterator[Finding]:
    """Find a run in which too few of the sessions due started on time."""
    due, on_time = given.records.due, given.records.on_time
    if due is None or on_time is None:
        yield unknown("load", "how much of the load was delivered")
    elif due == 0:
        yield invalid("load", "no session was due in the judged window", "lengthen the plateau or raise the demand")
    elif on_time < given.limits.on_time_ratio * due:
        delivered = f"{percent(on_time / due)} of the {count(due)} sessions due started on time"
        message = f"{delivered}, at least {percent(given.limits.on_time_ratio)} must"
        dropped = (given.run.account.dropped if given.run.account else None) or {}
        change = "add workers, or raise limits.open_sessions"
        if dropped.get(NO_ACCOUNT):
            change = f"see test data: {count(dropped[NO_ACCOUNT])} sessions had no account; else {change}"
        yield invalid("load", message, change, due=due, on_time=on_time)


def data(given: Given) -> Iterator[Finding]:
    """Find a run in which too many of those who meant to buy found nothing in stock; note fewer."""
    buyers, unserved = given.records.buyers, given.records.unserved
    if buyers is None or unserved is None:
        yield unknown("data", "whether those who meant to buy could")
    elif unserved > given.limits.unserved_ratio * buyers:
        message = f"{count(unserved)} of the {count(buyers)} sessions that meant to buy found nothing in stock"
        change = "raise the stock before the run, or play fewer buyers"
        yield invalid("data", message, change, unserved=unserved, buyers=buyers)
    elif unserved:
        message = f"{count(unserved)} of the {count(buyers)} sessions that meant to buy found nothing in stock"
        yield note("data", message)


def release(given: Given) -> Iterator[Finding]:
    """Find releases that were seen and not expected; note where the environment declares no probe."""
    release = given.run.release or ReleaseFacts()
    if "release" not in given.declared:
        message = "no release_probe is declared: whether one release was tested throughout is not known"
        yield note("release", message)
        return
    if release.before is None or release.after is None:
        yield unknown("release", "which release was tested")
        return
    allowed = release.expected or (release.before,)
    change = "keep deploys off the environment while a run holds it"
    for name, seen in (("before", release.before), ("after", release.after)):
        if seen not in allowed:
            message = f"release {seen} was seen {name} the run, expected {' or '.join(allowed)}"
            yield invalid("release", message, change, seen=seen)
    if release.seen is None:
        yield unknown("release", "which releases were seen during the run")
    reported = {*allowed, release.before, release.after}
    for during in dict.fromkeys(one.release for one in release.seen or ()):
        if during is not None and during not in reported:
            message = f"release {during} was seen during the run, expected {' or '.join(allowed)}"
            yield invalid("release", message, change, seen=during)


def browser(given: Given) -> Iterator[Finding]:
    """Note that the browser saw nothing: what it sees is shown and never judged."""
    browser = given.run.browser
    if browser is not None and not browser.pages:
        message = f"the browser beside the load saw no page: {browser.why_not_more or 'the run was too short'}"
        yield note("browser", message)


def hosts(given: Given) -> Iterator[Finding]:
    """Note where pages and redirects led that no session went: hosts that the environment doesn't declare."""
    counts = sorted((given.run.undeclared_hosts or {}).items(), key=lambda one: (-one[1], one[0]))
    named = ", ".join(f"{origin} ({count(times)})" for origin, times in counts[:_HOSTS_NAMED])
    more = f" and {count(len(counts) - _HOSTS_NAMED)} more, see run.json" if len(counts) > _HOSTS_NAMED else ""
    message = (
        f"hosts that aren't declared were led to and not contacted: {named}{more}; declare those of the shop's own"
        " under hosts"
    )
    yield note("hosts", message)


def connections(given: Given) -> Iterator[Finding]:
    """Note that the load was less real than shoppers are."""
    message = (
        f"all sessions shared {count(given.run.shared_connections or 0)} connections, as the plan says: shoppers open"
        " their own, so connecting cost the shop less than they will"
    )
    yield note("connections", message)
