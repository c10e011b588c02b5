"""The audit compares the ledger (what was attempted and promised) with the shop records: orders, payments, stock.

Pure: no I/O. A source that isn't declared leaves its checks out; one that couldn't be read makes them `unknown`,
and so does one in which there was nothing to find. Unknown never counts as good.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from loadtests.audit.attempts import ACCEPTED, OUTCOMES
from loadtests.audit.comparisons import COMPARISONS
from loadtests.audit.evidence import Compared, Evidence
from loadtests.audit.found import EXAMPLES, Broken
from loadtests.audit.others import OtherOrders
from loadtests.audit.run_payments import RunPayments
from slo.verdict.audit_document import FORMAT, NOTHING, Answer, AuditDocument, CheckEntry

_NEED_EVERY_ROW = frozenset({"order-exists", "order-once", "order-as-promised", "refused-not-ordered"})
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
        detail = f"all {found.checked}"
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
    accepted = evidence.attempts.count(ACCEPTED)
    if found.doubt is not None or found.checked:
        return found.doubt
    if accepted:
        return f"nothing was checked, though {accepted} orders were acknowledged"
    to_buy = evidence.buys or len(evidence.attempts)
    return f"{NOTHING}: no order was acknowledged" if to_buy else f"{NOTHING}: nobody was to buy"


def _rows_missing(evidence: Evidence) -> str:
    orders = (
        0
        if evidence.orders is None
        else int(np.count_nonzero(evidence.orders.is_live & (evidence.orders.purchase < 0)))
    )
    seen = f": {orders} of the run's orders are in no row" if orders else ""
    missing = f"ledger rows of {', '.join(evidence.lacking)} may be missing{seen}"
    return f"{missing}; complete them with `peakproof audit RUN --worker-folder FOLDER`, the folder it wrote"


def _of_the_run(payments: RunPayments, others: OtherOrders | None) -> int:
    """Count the payments for the run's orders and those that nobody's order explains: what is read begins before it."""
    explained = frozenset[str]() if others is None else others.paid_for
    orphans = sum(1 for one in payments.orphans.tolist() if payments.reference_of(one) not in explained)
    return int(np.count_nonzero(payments.is_matched)) + orphans


def audit_document(evidence: Evidence, checks: Sequence[Check], checked_at: int) -> AuditDocument:
    """Return what `audit.json` holds. `checked_at` in ns."""
    orders, payments, attempts = evidence.orders, evidence.payments, evidence.attempts
    counts = {
        "attempted": len(attempts),
        **{name: attempts.count(OUTCOMES.index(name)) for name in ("accepted", "refused", "unknown")},
        "orders_in_shop": None if orders is None else int(np.count_nonzero(orders.holds_stock)),
        "orders_pending": None if orders is None else int(np.count_nonzero(orders.has("pending"))),
        "orders_left_out": None if orders is None else orders.left_out,
        "payments_in_provider": None if payments is None else _of_the_run(payments, evidence.others),
        "units_sold": None if orders is None else orders.sold.total(),
    }
    return AuditDocument(
        format=FORMAT,
        checked_at=checked_at,
        sources=dict(evidence.sources),
        counts=counts,
        checks=tuple(CheckEntry.model_validate(check, from_attributes=True) for check in checks),
        buys=evidence.buys or len(attempts) > 0,
    )
