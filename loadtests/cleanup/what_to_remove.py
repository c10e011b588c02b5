"""What is to be removed, in the order of kinds, and what nobody may or can remove.

Pure: no I/O. Orders come first and accounts last: who has orders can't be removed in most shops.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from loadtests.cleanup.journal import Key, Outcome, key_of
from loadtests.cleanup.shop_orders import ShopOrders
from loadtests.results.created import ACCOUNT, ORDER, Created
from loadtests.results.ledger import Attempt, CreatedRow


@dataclass(frozen=True, slots=True, kw_only=True)
class WhatToRemove:
    """What is to be removed in order, what was gone before, and what no method of the storefront removes.

    `untold` are orders of which neither an answer nor the shop's records say whether they were made.
    """

    items: tuple[Created, ...] = ()
    gone: Mapping[str, int] = field(default_factory=dict)
    no_method: tuple[Created, ...] = ()
    untold: tuple[str, ...] = ()


def what_to_remove(
    attempts: Sequence[Attempt],
    created: Sequence[CreatedRow],
    orders: ShopOrders | None,
    outcomes: Mapping[Key, Outcome],
    kinds: Collection[str],
) -> WhatToRemove:
    """Return what is to be removed by methods for `kinds`; `outcomes` are the journal's, `orders` the shop's word.

    Where the shop's records tell, they decide what is still there; elsewhere an order that was acknowledged counts
    until the journal says otherwise, and of everything else the journal alone knows.
    """
    gone: Counter[str] = Counter()
    found: list[Created] = []
    untold: list[str] = []
    if orders is None:
        found += _acknowledged(attempts, outcomes, gone)
        untold = [one.key for one in attempts if one.outcome == "unknown"]
    else:
        found += orders.there.values()
        gone[ORDER] = orders.gone
    for item in _others(created):
        if outcomes.get(key_of(item)) == "gone":
            gone[item.kind] += 1
        else:
            found.append(item)
    order = ranks(kinds, found)
    found.sort(key=lambda one: order[one.kind])
    return WhatToRemove(
        items=tuple(one for one in found if one.kind in kinds),
        gone=+gone,
        no_method=tuple(one for one in found if one.kind not in kinds),
        untold=tuple(untold),
    )


def ranks(kinds: Iterable[str], found: Iterable[Created]) -> Mapping[str, int]:
    """Return the place of each kind: orders, what the storefront has methods for as it lists them, others, accounts."""
    named = dict.fromkeys((*kinds, *(one.kind for one in found)))
    between = [kind for kind in named if kind not in (ORDER, ACCOUNT)]
    return {kind: number for number, kind in enumerate((ORDER, *between, ACCOUNT))}


def _acknowledged(attempts: Iterable[Attempt], outcomes: Mapping[Key, Outcome], gone: Counter[str]) -> list[Created]:
    found = {}
    for one in attempts:
        if one.outcome != "accepted" or not one.order_id:
            continue
        item = Created(
            kind=ORDER,
            id=one.order_id,
            session=one.session,
            key=one.key,
            lines=one.lines,
            amount_cents=one.amount_cents,
        )
        if outcomes.get(key_of(item)) in ("removed", "gone"):
            gone[ORDER] += 1
        else:
            found[item.id] = item
    return list(found.values())


def _others(created: Iterable[CreatedRow]) -> list[Created]:
    """Return what isn't an order; an account that the shop named is the one that its session may have registered."""
    rows = tuple(created)
    named = {one.session for one in rows if one.kind == ACCOUNT and one.id}
    return [
        Created(kind=one.kind, id=one.id or "", session=one.session)
        for one in rows
        if one.kind != ORDER and not (one.kind == ACCOUNT and not one.id and one.session in named)
    ]
