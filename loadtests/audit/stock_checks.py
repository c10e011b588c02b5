"""What the audit compares with the stock: that it moved by what was sold, and no further than to zero.

Pure: no I/O.
"""

from collections.abc import Sequence

from loadtests.audit.carts import Units
from loadtests.audit.evidence import LATE_NS, Compared, Evidence, orders_of, strange_orders
from loadtests.audit.found import Found
from loadtests.audit.others import OtherOrders
from loadtests.audit.shop_records import Levels


def stock_moved(evidence: Evidence) -> Compared:
    """Find levels that went down by other units than were sold."""
    before, after, broken = evidence.stock_before or {}, evidence.stock_after or {}, Found()
    orders, others = orders_of(evidence), evidence.others or OtherOrders()
    sold = orders.sold + others.sold
    levels = before.keys() | after.keys()
    went = {level: before.get(level, 0) - after.get(level, 0) for level in sorted(levels | sold.keys())}
    # A shop puts back what it repaid, or it doesn't: which one is seen where all levels agree on it.
    likely = min((sold, sold + orders.maybe_back), key=lambda units: sum(went[one] != units[one] for one in went))
    doubts: list[str] = []
    for level, down in went.items():
        sku, location = level
        maybe = orders.maybe_back[level] + orders.maybe_sold[level] + others.maybe[level]
        least, most = sold[level] - others.back[level], sold[level] + maybe
        detail = f"{location}: {sku} went down by {down}, {likely[level]} were sold"
        if level in before and level not in after:
            gone = f"{location}: {sku} vanished from the stock, in which there were {before[level]}"
            if before[level] == likely[level]:
                doubts.append(f"{gone}, all of them sold: let the records name what is sold out, too")
            else:
                broken.add(gone)
        elif level not in before and down != likely[level]:
            doubts.append(f"{location}: {sku} wasn't in the stock before the run, and {likely[level]} were sold")
        elif not least <= down <= most:
            broken.add(detail)
        elif down != likely[level]:
            doubts.append(f"{detail}; orders that were repaid or are of others may explain that: when isn't known")
    return Compared(
        checked=len(levels),
        broken=broken,
        doubt=_no_level(after) or _first_of(doubts) or strange_orders(evidence),
        mistaken=_other_skus(levels, sold) or (_read_late(evidence, broken) if broken.count else None),
    )


def _first_of(doubts: Sequence[str]) -> str | None:
    return doubts[0] + (f" (and {len(doubts) - 1} more)" if len(doubts) > 1 else "") if doubts else None


def _no_level(after: Levels) -> str | None:
    return None if after else "the shop named no level of its stock"


def _other_skus(levels: set[tuple[str, str]], sold: Units) -> str | None:
    """Return that nothing of what was sold is in the stock, None when something is."""
    if not levels or not sold or levels & sold.keys():
        return None
    (sku, location), (other_sku, other_location) = min(sold), min(levels)
    return (
        f"nothing of what was sold is in the stock: orders say {sku} at {location}, the stock"
        f" {other_sku} at {other_location}; both must use the same words"
    )


def _read_late(evidence: Evidence, broken: Found) -> str | None:
    """Return that what looks broken in the stock may have come after the run, None when it was read in time."""
    if evidence.stock_read_at is None or evidence.ended_at is None:
        return None
    late_s = (evidence.stock_read_at - evidence.ended_at) / 1e9
    if late_s * 1e9 <= LATE_NS:
        return None
    return (
        f"{broken.examples[0].detail}; the stock was read {late_s / 60:.0f} min after the run's end, and what else"
        " moved it since isn't known: audit within 10 min"
    )


def stock_not_negative(evidence: Evidence) -> Compared:
    """Compare the levels at the end of the run: what others sold since is given back, what it began with isn't its."""
    before, after, broken = evidence.stock_before or {}, evidence.stock_after or {}, Found()
    others = evidence.others or OtherOrders()
    later = others.later + others.maybe_later
    sold = evidence.attempts.units() if evidence.orders is None else evidence.orders.sold
    for level, left in sorted(after.items()):
        was_so = before.get(level, 0) < 0 and not sold[level]
        if left + later[level] < 0 and not was_so:
            broken.add(f"{level[1]}: {left + later[level]} of {level[0]} are left")
    gone = sorted(before.keys() - after.keys())
    doubt = f"{gone[0][1]}: {gone[0][0]} vanished from the stock: how much is left isn't known" if gone else None
    return Compared(
        checked=len(after),
        broken=broken,
        doubt=_no_level(after) or doubt,
        mistaken=_read_late(evidence, broken) if broken.count else None,
    )
