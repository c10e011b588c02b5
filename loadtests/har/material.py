"""What a draft is made of, and what it is."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from loadtests.har.flow import Flow, Key
from loadtests.har.navigation import Move
from loadtests.har.purchase import Purchase
from loadtests.har.visit import Request, Visit


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A storefront's text, and what whoever goes on with it must know."""

    text: str
    steps: tuple[str, ...]
    journeys: tuple[str, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Material:
    """A traced visit. `names` are its steps' names; `labels` those of the hosts beside the first, by origin.

    `constant` are the values that a second recording has, too, `varying` those that it has otherwise, and how.
    """

    visit: Visit
    moves: Sequence[Move]
    flow: Flow
    purchase: Purchase | None
    names: Sequence[str]
    labels: Mapping[str, str]
    constant: frozenset[Key] = field(default=frozenset())
    varying: Mapping[Key, str] = field(default_factory=dict)

    @property
    def requests(self) -> Sequence[Request]:
        """Its steps."""
        return self.visit.requests

    @cached_property
    def order(self) -> Purchase | None:
        """The order, where the recording shows all that the ledger needs of it."""
        return self.purchase if self.purchase is not None and not self.purchase.missing else None

    @cached_property
    def quantities(self) -> Mapping[int, tuple[int, int]]:
        """How many are put into the cart by a request, from and to, where the two shoppers took differently many."""
        found = {}
        for one in self.order.bought if self.order is not None else ():
            slot = one.quantity
            other = None if slot is None else self.varying.get((one.request, slot.where, slot.place))
            if slot is not None and other is not None and slot.value.isdigit() and other.isdigit():
                found[one.request] = min(int(slot.value), int(other)), max(int(slot.value), int(other))
        return found

    @cached_property
    def inside(self) -> range:
        """The requests that stand in the order's block."""
        return range(0) if self.order is None else range(self.order.request, self.order.told_by + 1)
