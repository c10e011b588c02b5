"""Findings about the shop's promises, made from the audit's answers.

A broken promise is a fact whatever the load was: an oversold order is oversold. A promise that couldn't be checked
though the environment declares the shop records it needs doesn't hold: it is unknown.
"""

from collections.abc import Iterator, Mapping

from slo.findings import Finding, Severity
from slo.formatting import count
from slo.verdict.audit_document import NOTHING, AuditDocument, CheckEntry

SOURCES = ("orders", "payments", "stock")
NEEDS: Mapping[str, frozenset[str]] = {
    "order-exists": frozenset({"orders"}),
    "order-once": frozenset({"orders"}),
    "order-as-promised": frozenset({"orders"}),
    "refused-not-ordered": frozenset({"orders"}),
    "order-settled": frozenset({"orders"}),
    "paid-once": frozenset({"payments"}),
    "paid-right-amount": frozenset({"payments"}),
    "no-payment-without-order": frozenset({"orders", "payments"}),
    "stock-moved-by-what-was-sold": frozenset({"orders", "stock"}),
    "stock-not-negative": frozenset({"stock"}),
}
_ABOUT_EACH_ORDER = frozenset(
    {
        *("order-exists", "order-once", "order-as-promised", "refused-not-ordered", "order-settled"),
        *("paid-once", "paid-right-amount"),
    }
)


def check_promises(audit: AuditDocument | None, declared: frozenset[str], accepted: int | None) -> tuple[Finding, ...]:
    """Return what the audit found, given the sources that are `declared` and the orders the shop `accepted`."""
    wanted = declared & frozenset(SOURCES)
    return (*_broken(audit), *_missing(audit, wanted, accepted), *_not_audited(wanted))


def _broken(audit: AuditDocument | None) -> Iterator[Finding]:
    for check in _checks(audit):
        if check.outcome == "broken" or (check.broken or 0) > 0:
            message = check.detail or _how_often(check)
            facts = {"broken": check.broken, "checked": check.checked}
            name = check.name or "a check without a name"
            yield Finding(kind="audit", severity=Severity.FAIL, subject=name, message=message, facts=facts)


def _how_often(check: CheckEntry) -> str:
    if check.broken is None or check.checked is None:
        return "broken, the audit doesn't say how often"
    return f"broken {count(check.broken)} times in {count(check.checked)}"


def _missing(audit: AuditDocument | None, wanted: frozenset[str], accepted: int | None) -> Iterator[Finding]:
    if not wanted:
        return
    if audit is None:
        yield _unknown("audit", "the run was not audited", "peakproof audit RUN")
        return
    for source in sorted(wanted):
        state = (audit.sources or {}).get(source)
        if state != "read":
            yield _unknown(source, f"{source} could not be read: {state or 'nothing recorded'}", "peakproof audit RUN")
    checks = {check.name: check for check in _checks(audit)}
    for name, needs in NEEDS.items():
        if needs <= wanted and not (accepted == 0 and _had_nothing(audit, checks.get(name))):
            yield from _unchecked(name, checks.get(name), accepted)


def _unchecked(name: str, check: CheckEntry | None, accepted: int | None) -> Iterator[Finding]:
    change = "peakproof audit RUN"
    if check is None:
        yield _unknown(name, "the audit has no answer for it", change)
    elif check.outcome not in {"holds", "broken"}:
        yield _unknown(name, check.detail or "could not be checked", change)
    elif check.outcome == "holds" and (check.checked is None or check.broken is None):
        yield _unknown(name, "holds by the audit, but how often it was checked or broken is missing", change)
    elif check.outcome == "holds" and name in _ABOUT_EACH_ORDER and not check.checked and accepted != 0:
        orders = "an unknown number of" if accepted is None else count(accepted)
        yield _unknown(name, f"nothing was checked, though {orders} orders were accepted", change)


def _not_audited(wanted: frozenset[str]) -> Iterator[Finding]:
    missing = [source for source in SOURCES if source not in wanted]
    if missing:
        message = f"not audited: the environment declares no {', '.join(missing)}"
        yield Finding(kind="audit", severity=Severity.NOTE, subject="audit", message=message)


def vacuous(audit: AuditDocument | None) -> frozenset[str]:
    """Return the checks that found nothing to check because nobody was to buy; earlier versions called that *holds*."""
    return frozenset(
        check.name
        for check in _checks(audit)
        if check.name and ((check.outcome == "holds" and check.checked == 0) or _had_nothing(audit, check))
    )


def _had_nothing(audit: AuditDocument | None, check: CheckEntry | None) -> bool:
    """Return whether a check is unknown for no other reason than that nobody was to buy."""
    is_empty = check is not None and (check.outcome, check.checked, check.broken) == ("unknown", 0, 0)
    nobody = check is not None and (check.detail or "").startswith(f"{NOTHING}: nobody")
    return is_empty and nobody and audit is not None and audit.buys is False


def _unknown(subject: str, message: str, change: str) -> Finding:
    return Finding(
        kind="audit", severity=Severity.INCONCLUSIVE, subject=subject, message=message, change=change, known=False
    )


def _checks(audit: AuditDocument | None) -> tuple[CheckEntry, ...]:
    return (audit.checks if audit is not None else None) or ()
