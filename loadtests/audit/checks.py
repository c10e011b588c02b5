"""The audit compares the ledger (what was attempted and promised) with the shop records: orders, payments, stock.

Pure: no I/O. A source that isn't declared leaves its checks out; one that couldn't be read makes them `unknown`,
and so does one in which there was nothing to find. Unknown never counts as good.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from loadtests.audit.comparisons import COMPARISONS, Compared, Evidence
from loadtests.audit.tallies import EXAMPLES, Broken
from slo.verdict.audit_document import FORMAT, Answer, AuditDocument, CheckEntry

_NEED_EVERY_ROW = frozenset({"order-exists", "order-once", "order-as-promised"})
_NEED_OTHERS = frozenset({"no-payment-without-order", "stock-moved-by-what-was-sold", "stock-not-negative"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One promise and its answer, over everything it was checked on."""

    name: str
    outcome: Answer
    checked: int
    broken: int
    detail: str
    examples: tuple[Broken, ...] = ()


def audit(evidence: Evidence) -> tuple[Check, ...]:
    """Answer every check, in the order of `docs/contracts.md`, leaving out those without a declared source."""
    return tuple(
        _check(name, sources, compare, evidence)
        for name, sources, compare in COMPARISONS
        if all(evidence.sources.get(source) != "not declared" for source in sources)
    )


def others_may_explain(evidence: Evidence) -> bool:
    """Whether something looks broken that orders which others placed during the run, or after it, could explain."""
    return any(check.outcome == "broken" and check.name in _NEED_OTHERS for check in audit(evidence))


def _check(name: str, sources: Sequence[str], compare: Callable[[Evidence], Compared], evidence: Evidence) -> Check:
    unread = [f"{source} {evidence.sources[source]}" for source in sources if evidence.sources[source] != "read"]
    if unread:
        return Check(name=name, outcome="unknown", checked=0, broken=0, detail="; ".join(unread))
    found = compare(evidence)
    doubt = found.mistaken or _why_not_broken(name, found, evidence) or _why_unknown(name, found, evidence)
    if doubt is not None:
        return Check(name=name, outcome="unknown", checked=found.checked, broken=0, detail=doubt)
    broken = found.broken
    if broken.count:
        detail = f"{broken.count} of {found.checked}: {broken.examples[0].detail}"
    else:
        detail = f"all {found.checked}" if found.checked else "nothing to check: nobody was to buy"
    return Check(
        name=name,
        outcome="broken" if broken.count else "holds",
        checked=found.checked,
        broken=broken.count,
        detail=detail,
        examples=tuple(broken.examples[:EXAMPLES]),
    )


def _why_not_broken(name: str, found: Compared, evidence: Evidence) -> str | None:
    """Return why what looks broken may be explained by the orders of others, None when it is broken."""
    if not found.broken.count or evidence.others_unread is None or name not in _NEED_OTHERS:
        return None
    seen = found.broken.examples[0].detail
    return f"{seen}; orders of others may explain that, and {evidence.others_unread}"


def _why_unknown(name: str, found: Compared, evidence: Evidence) -> str | None:
    """Return why a promise that nothing shows to be broken isn't one that holds, None when it does."""
    if found.broken.count:
        return None
    if name in _NEED_EVERY_ROW and evidence.lacking:
        return _rows_missing(evidence)
    accepted = evidence.ledger.outcomes["accepted"]
    if found.doubt is not None or found.checked:
        return found.doubt
    if accepted:
        return f"nothing was checked, though {accepted} orders were acknowledged"
    return "nothing to check: no order was acknowledged" if evidence.buys or evidence.ledger.attempts else None


def _rows_missing(evidence: Evidence) -> str:
    orders = 0 if evidence.orders is None else evidence.orders.never_attempted.count
    seen = f": {orders} of the run's orders are in no row" if orders else ""
    missing = f"ledger rows of {', '.join(evidence.lacking)} may be missing{seen}"
    return f"{missing}; complete them with `peakproof audit RUN --worker-folder FOLDER`, the folder it wrote"


def audit_document(evidence: Evidence, checks: Sequence[Check], checked_at: int) -> AuditDocument:
    """Return what `audit.json` holds. `checked_at` in ns."""
    orders, payments, outcomes = evidence.orders, evidence.payments, evidence.ledger.outcomes
    counts = {
        "attempted": len(evidence.ledger.attempts),
        **{name: outcomes[name] for name in ("accepted", "refused", "unknown")},
        "orders_in_shop": None if orders is None else orders.held,
        "orders_left_out": None if orders is None else orders.left_out,
        "payments_in_provider": None if payments is None else payments.count,
        "units_sold": None if orders is None else orders.sold.total(),
    }
    return AuditDocument(
        format=FORMAT,
        checked_at=checked_at,
        sources=dict(evidence.sources),
        counts=counts,
        checks=tuple(CheckEntry.model_validate(check, from_attributes=True) for check in checks),
    )
