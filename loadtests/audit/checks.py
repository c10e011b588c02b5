"""The audit compares the ledger (what was attempted and promised) with the shop records: orders, payments, stock.

Pure: no I/O. A source that isn't declared leaves its checks out; one that couldn't be read makes them `unknown`,
and unknown never counts as good.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from loadtests.audit.shop_records import Levels, Order, Payment
from loadtests.results.ledger import Attempt, Line
from slo.verdict.audit_document import FORMAT, Answer, AuditDocument, CheckEntry

EXAMPLES = 20
_HOLDS_STOCK = frozenset({"accepted", "pending"})
_NEED_EVERY_ROW = frozenset({"order-exists", "order-once", "order-as-promised"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What the audit compares; None where a source isn't declared or couldn't be read (`sources` has the reason).

    `orders` are those of the run; `foreign` those that others placed after the stock was read before the run;
    `lacking` names the workers whose ledger may have more rows than are in `attempts`.
    """

    run: str
    attempts: Sequence[Attempt]
    orders: Sequence[Order] | None
    foreign: Sequence[Order]
    payments: Sequence[Payment] | None
    stock_before: Levels | None
    stock_after: Levels | None
    sources: Mapping[str, str]
    lacking: Sequence[str] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Broken:
    """One order, payment or stock level that shows a broken promise."""

    key: str | None
    order_id: str | None
    detail: str


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
        for name, sources, compare in _CHECKS
        if all(evidence.sources.get(source) != "not declared" for source in sources)
    )


Found = tuple[int, list[Broken]]


def others_may_explain(evidence: Evidence) -> bool:
    """Whether something looks broken that orders which others placed during the run could explain."""
    broken = {check.name for check in audit(evidence) if check.outcome == "broken"}
    return bool(broken & {"no-payment-without-order", "stock-moved-by-what-was-sold"})


def _check(name: str, sources: Sequence[str], compare: Callable[[Evidence], Found], evidence: Evidence) -> Check:
    unread = [f"{source} {evidence.sources[source]}" for source in sources if evidence.sources[source] != "read"]
    if unread:
        return Check(name=name, outcome="unknown", checked=0, broken=0, detail="; ".join(unread))
    checked, broken = compare(evidence)
    if name in _NEED_EVERY_ROW and evidence.lacking and not broken:
        return Check(name=name, outcome="unknown", checked=checked, broken=0, detail=_why_unknown(evidence))
    return Check(
        name=name,
        outcome="broken" if broken else "holds",
        checked=checked,
        broken=len(broken),
        detail=f"{len(broken)} of {checked}: {broken[0].detail}" if broken else f"all {checked}",
        examples=tuple(broken[:EXAMPLES]),
    )


def _order_exists(evidence: Evidence) -> Found:
    accepted = [attempt for attempt in evidence.attempts if attempt.outcome == "accepted"]
    in_shop = {order.order_id for order in evidence.orders or () if order.status == "accepted"}
    return len(accepted), [
        Broken(key=a.key, order_id=a.order_id, detail=f"order {a.order_id} was acknowledged and is not in the shop")
        for a in accepted
        if a.order_id not in in_shop
    ]


def _order_once(evidence: Evidence) -> Found:
    by_key: defaultdict[str, list[str]] = defaultdict(list)
    for order in evidence.orders or ():
        if order.key is not None and order.status in _HOLDS_STOCK:
            by_key[order.key].append(order.order_id)
    unplanned = [] if evidence.lacking else _without_a_row(evidence)
    twice = [
        Broken(key=key, order_id=ids[0], detail=f"one attempt made {len(ids)} orders: {', '.join(ids[:5])}")
        for key, ids in by_key.items()
        if len(ids) > 1
    ]
    strange = [
        Broken(key=key, order_id=by_key[key][0], detail=f"order {by_key[key][0]} of this run was never attempted")
        for key in unplanned
    ]
    return len(by_key), twice + strange


def _without_a_row(evidence: Evidence) -> list[str]:
    """Return the keys of the run's orders that no attempt has, in order."""
    held = {order.key for order in evidence.orders or () if order.key is not None and order.status in _HOLDS_STOCK}
    return sorted(held - {attempt.key for attempt in evidence.attempts})


def _why_unknown(evidence: Evidence) -> str:
    """Return why a promise that nothing shows to be broken isn't one that holds."""
    orders = len(_without_a_row(evidence))
    seen = f": {orders} of the run's orders are in no row" if orders else ""
    missing = f"ledger rows of {', '.join(evidence.lacking)} may be missing{seen}"
    return f"{missing}; complete them with `peakproof audit RUN --worker-folder FOLDER`, the folder it wrote"


def _order_as_promised(evidence: Evidence) -> Found:
    orders = {order.order_id: order for order in evidence.orders or ()}
    checked, broken = 0, []
    for attempt in evidence.attempts:
        order = orders.get(attempt.order_id or "")
        if attempt.outcome != "accepted" or order is None:
            continue
        checked += 1
        if _units(order.lines) != _units(attempt.lines):
            broken.append(_differs(attempt, "holds other things than were ordered"))
        elif order.total_cents != attempt.amount_cents:
            broken.append(_differs(attempt, f"costs {order.total_cents}, promised was {attempt.amount_cents}"))
    return checked, broken


def _paid_once(evidence: Evidence) -> Found:
    captured = Counter(p.reference for p in evidence.payments or () if p.status == "captured")
    accepted = [order for order in evidence.orders or () if order.status == "accepted"]
    return len(accepted), [
        Broken(key=o.key, order_id=o.order_id, detail=f"order {o.order_id} was paid {captured[o.order_id]} times")
        for o in accepted
        if captured[o.order_id] != 1
    ]


def _paid_right_amount(evidence: Evidence) -> Found:
    orders = {order.order_id: order for order in evidence.orders or ()}
    paid = [p for p in evidence.payments or () if p.status == "captured" and p.reference in orders]
    return len(paid), [
        Broken(
            key=orders[p.reference].key,
            order_id=p.reference,
            detail=f"order {p.reference} costs {orders[p.reference].total_cents}, paid was {p.amount_cents}",
        )
        for p in paid
        if p.amount_cents != orders[p.reference].total_cents
    ]


def _no_payment_without_order(evidence: Evidence) -> Found:
    status = {order.order_id: order.status for order in evidence.orders or ()}
    others = {order.order_id for order in evidence.foreign}
    captured = [p for p in evidence.payments or () if p.status == "captured" and p.reference not in others]
    return len(captured), [
        Broken(
            key=None,
            order_id=p.reference,
            detail=f"payment {p.payment_id} was captured and its order {p.reference} is "
            + status.get(p.reference, "not in the shop"),
        )
        for p in captured
        if status.get(p.reference) not in _HOLDS_STOCK
    ]


def _stock_moved(evidence: Evidence) -> Found:
    before, after = evidence.stock_before or {}, evidence.stock_after or {}
    sold: Counter[tuple[str, str]] = Counter()
    for order in (*(evidence.orders or ()), *evidence.foreign):
        if order.status in _HOLDS_STOCK:
            sold.update(_units(order.lines))
    broken = []
    for sku, location in sorted(before.keys() | after.keys() | sold.keys()):
        moved = before.get((sku, location), 0) - after.get((sku, location), 0)
        if moved != sold[sku, location]:
            detail = f"{location}: {sku} went down by {moved}, {sold[sku, location]} were sold"
            broken.append(Broken(key=None, order_id=None, detail=detail))
    return len(before.keys() | after.keys()), broken


def _stock_not_negative(evidence: Evidence) -> Found:
    after = evidence.stock_after or {}
    return len(after), [
        Broken(key=None, order_id=None, detail=f"{location}: {quantity} of {sku} are left")
        for (sku, location), quantity in sorted(after.items())
        if quantity < 0
    ]


_CHECKS: tuple[tuple[str, tuple[str, ...], Callable[[Evidence], Found]], ...] = (
    ("order-exists", ("orders",), _order_exists),
    ("order-once", ("orders",), _order_once),
    ("order-as-promised", ("orders",), _order_as_promised),
    ("paid-once", ("orders", "payments"), _paid_once),
    ("paid-right-amount", ("orders", "payments"), _paid_right_amount),
    ("no-payment-without-order", ("orders", "payments"), _no_payment_without_order),
    ("stock-moved-by-what-was-sold", ("orders", "stock"), _stock_moved),
    ("stock-not-negative", ("stock",), _stock_not_negative),
)


def _units(lines: Iterable[Line]) -> Counter[tuple[str, str]]:
    units: Counter[tuple[str, str]] = Counter()
    for line in lines:
        units[line.sku, line.location] += line.quantity
    return units


def _differs(attempt: Attempt, how: str) -> Broken:
    return Broken(key=attempt.key, order_id=attempt.order_id, detail=f"order {attempt.order_id} {how}")


def audit_document(evidence: Evidence, checks: Sequence[Check], checked_at: int) -> AuditDocument:
    """Return what `audit.json` holds. `checked_at` in ns."""
    outcomes = Counter(attempt.outcome for attempt in evidence.attempts)
    held = [order for order in evidence.orders or () if order.status in _HOLDS_STOCK]
    counts = {
        "attempted": len(evidence.attempts),
        **{name: outcomes[name] for name in ("accepted", "refused", "unknown")},
        "orders_in_shop": None if evidence.orders is None else len(held),
        "payments_in_provider": None if evidence.payments is None else len(evidence.payments),
        "units_sold": None if evidence.orders is None else sum(line.quantity for o in held for line in o.lines),
    }
    return AuditDocument(
        format=FORMAT,
        checked_at=checked_at,
        sources=dict(evidence.sources),
        counts=counts,
        checks=tuple(CheckEntry.model_validate(check, from_attributes=True) for check in checks),
    )
