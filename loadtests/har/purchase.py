"""The order in a visit: which request places it, and what the ledger needs to know of it."""

from collections.abc import Sequence
from dataclasses import dataclass

from loadtests.har.asking import places_order
from loadtests.har.bought import Bought, bought_in
from loadtests.har.order_numbers import number_of
from loadtests.har.sources import Source
from loadtests.har.totals import Amount, rank_of, total_before, totals_in
from loadtests.har.visit import Request

_WITH_NUMBER = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Purchase:
    """The order of a visit: `request` places it, the reply to `told_by` has its number.

    What isn't there is None; `missing` says it in words.
    """

    request: int
    told_by: int
    order_id: Source | None
    total: Amount | None
    placed_total: Amount | None
    bought: tuple[Bought, ...]

    @property
    def missing(self) -> tuple[str, ...]:
        """What the ledger needs and the recording doesn't show."""
        lacks = {"the order's number": self.order_id, "its total": self.total, "what was bought": self.bought or None}
        return tuple(what for what, found in lacks.items() if found is None)


def find_purchase(requests: Sequence[Request], used: frozenset[Source] = frozenset()) -> Purchase | None:
    """Return the order that a visit places, None when nothing in it looks like one.

    Of several numbers that an order has, it is the one that the visit itself uses later: `used` are such places.
    """
    ranked = [(score, one.number, one) for one in requests if (score := places_order(one)) > 0]
    best: tuple[int, int, Request, int, Source | None] | None = None
    for score, number, one in ranked:
        told_by, source = number_of(requests, number, used)
        rank = score + (_WITH_NUMBER if source is not None else 0)
        if best is None or (rank, number) > best[:2]:
            best = rank, number, one, told_by, source
    if best is None:
        return None
    _, number, _, told_by, source = best
    placed = max(totals_in(requests[told_by]), key=rank_of, default=None)
    return Purchase(
        request=number,
        told_by=told_by,
        order_id=source,
        total=total_before(requests, number, placed),
        placed_total=placed,
        bought=tuple(bought_in(requests[:number])),
    )
