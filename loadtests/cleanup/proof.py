"""What is left of a run in the shop, by the shop's own records, and what they can't show.

Pure: no I/O. What isn't shown to be gone is left, or isn't proven: never the one for the other, and never gone.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from loadtests.audit.carts import Units
from loadtests.audit.shop_records import Levels, Payment
from loadtests.cleanup.shop_orders import ShopOrders, Span
from loadtests.results.ledger import Attempt

# What was never taken, or went back; every other word of a provider's is money that it holds.
RETURNED: Final = frozenset(
    {
        *("cancelled", "canceled", "declined", "error", "expired", "failed", "refunded", "refused", "rejected"),
        *("reversed", "void", "voided"),
    }
)


class Left(NamedTuple):
    """One thing that is left: the noun of its kind, and what is known of it."""

    what: str
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """What the shop's records say: what is `left`, and lines on what isn't proven and on what is (`shown`)."""

    left: tuple[Left, ...] = ()
    unproven: tuple[str, ...] = ()
    shown: tuple[str, ...] = ()

    def __add__(self, other: "Proof") -> "Proof":
        return Proof(
            left=(*self.left, *other.left),
            unproven=(*self.unproven, *other.unproven),
            shown=(*self.shown, *other.shown),
        )


def of_orders(orders: ShopOrders, attempts: Collection[Attempt], *, removed_some: bool) -> Proof:
    """Return which of the run's orders are still there; `removed_some` is whether the shop said so of any before."""
    left = tuple(Left("order", f"order {one.id} is {one.status}") for one in orders.there.values())
    unproven = list(orders.not_ours)
    if orders.unnamed:
        unproven.append(
            f"{orders.unnamed} orders made meanwhile say nothing of a run: give each row of shop_records its `run`"
        )
    accepted, unseen = sum(one.outcome == "accepted" for one in attempts), orders.never_seen(attempts)
    if accepted and unseen == accepted and not removed_some:
        unproven.append(
            f"none of the {accepted} orders that were acknowledged is in the shop's records: order_id must be what the"
            " storefront gave to accepted()"
        )
    gone = f", {unseen} not in its records any more" if unseen else ""
    shown = () if left else (f"no order of the run is active: {orders.gone} ended{gone}",)
    return Proof(left=left, unproven=tuple(unproven), shown=shown)


@dataclass(slots=True, kw_only=True)
class _Held:
    """The money that providers hold: of each order of the run, and of orders that nobody knows."""

    of_run: Counter[str] = field(default_factory=Counter)
    of_nobody: int = 0
    seen: int = 0


def of_payments(payments: Iterable[Payment], ours: Collection[str], others: Collection[str], span: Span) -> Proof:
    """Return which orders of the run were paid and not refunded. A refund may be a row of its own, below zero."""
    held = _Held()
    for one in payments:
        if one.status.lower() in RETURNED:
            held.seen += one.reference in ours
            continue
        if one.reference in ours:
            held.seen += 1
            held.of_run[one.reference] += one.amount_cents
        elif one.reference not in others and span.holds(one.created_at):
            held.of_nobody += 1
    left = tuple(
        Left("payment", f"order {reference}: {cents} cents were taken and not refunded")
        for reference, cents in sorted(held.of_run.items())
        if cents > 0
    )
    unproven = (
        (f"{held.of_nobody} payments made meanwhile are of no order that the shop knows",) if held.of_nobody else ()
    )
    shown = () if left else (f"all {held.seen} payments of the run's orders went back",)
    return Proof(left=left, unproven=unproven, shown=shown)


def of_stock(before: Levels | None, after: Levels, sold_by_others: Units) -> Proof:
    """Return which levels of the stock are below what they were before the run, others' orders since taken off."""
    if before is None:
        return Proof(unproven=("the stock wasn't read before the run",))
    if not before:
        return Proof(unproven=("the shop named no level of its stock before the run",))
    left: list[Left] = []
    unproven: list[str] = []
    for (sku, location), was in sorted(before.items()):
        now = after.get((sku, location))
        if now is None:
            unproven.append(f"{location}: {sku} isn't in the stock any more")
            continue
        lacks = was - now - sold_by_others[sku, location]
        if lacks > 0:
            left.append(Left("stock level", f"{location}: {sku} is {lacks} below what it was before the run"))
        elif lacks < 0:
            unproven.append(f"{location}: {sku} is {-lacks} above what it was before the run: somebody else changed it")
    shown = () if left or unproven else (f"all {len(before)} levels of the stock are what they were before the run",)
    return Proof(left=tuple(left), unproven=tuple(unproven), shown=shown)


def of_ledger(lacking: Sequence[str], *, unnoted_accounts: bool) -> Proof:
    """Return why the ledger may not hold all that the run created."""
    unproven = [f"ledger rows of {worker} may be missing: what it created may not be known" for worker in lacking]
    if unnoted_accounts:
        unproven.append("new customers may have registered, and no row of the ledger says who")
    return Proof(unproven=tuple(unproven))
