"""Shop records: what the shop itself says of its orders, its payments and its stock."""

from collections.abc import Mapping
from typing import Annotated, Final, Literal, Self

from pydantic import FailFast, Field, model_validator

from loadtests.results.ledger import Line
from slo.documents import WrittenDocument

Levels = Mapping[tuple[str, str], int]
"""Units that are left to sell, by (SKU, location)."""
Cents = Annotated[int, Field(ge=-(1 << 62), le=1 << 62)]
_LATER = ("paid_at", "printed_at", "shipped_at", "due_at")
CLOCKS_APART_NS: Final = 60_000_000_000
"""By how much the clocks of a shop, of its provider and of the load generator may differ."""


class Order(WrittenDocument):
    """An order, its times in ns; `run` is None for traffic that isn't a test's, and missing where nobody knows.

    `decline` is why its payment was declined; `status_word` the shop's own word where `status` is `unknown`.
    """

    order_id: str
    key: str | None = None
    run: str | None = None
    status: str
    created_at: int
    total_cents: Cents
    lines: tuple[Line, ...]
    paid_at: int | None = None
    printed_at: int | None = None
    shipped_at: int | None = None
    due_at: int | None = None
    decline: str | None = None
    status_word: str | None = None

    @property
    def names_run(self) -> bool:
        """Whether the shop says which run placed it, or that none did."""
        return "run" in self.model_fields_set

    @model_validator(mode="after")
    def _nothing_before_it(self) -> Self:
        for name in _LATER:
            at = getattr(self, name)
            if at is not None and at < self.created_at - CLOCKS_APART_NS:
                raise ValueError(f"{name} must not be more than a minute before created_at")
        return self


class Payment(WrittenDocument):
    """A payment of a provider; `reference` is the shop's order, `status` what has become of it so far.

    `provider` tells several of them apart; `status_word` is its own word where `status` is `unknown`.
    """

    payment_id: str
    reference: str
    amount_cents: Cents
    status: str
    created_at: int
    provider: str | None = None
    status_word: str | None = None


class OrdersPage(WrittenDocument):
    """One page of orders, and where the next one begins."""

    orders: tuple[Order, ...]
    next: int | None


class PaymentsPage(WrittenDocument):
    """One page of payments, and where the next one begins."""

    payments: tuple[Payment, ...]
    next: int | None


class StockLevel(WrittenDocument):
    """The units of one SKU at one location; below zero when more was sold than there was.

    `reserved` are those among them that are held for orders already placed.
    """

    sku: str
    location: str
    quantity: int
    reserved: int = Field(default=0, ge=0)

    @property
    def left(self) -> int:
        """The units that are left to sell."""
        return self.quantity - self.reserved


class FunnelStep(WrittenDocument):
    """How many sessions came as far as a step."""

    step: str
    sessions: int = Field(ge=0)


class FunnelDocument(WrittenDocument):
    """How many sessions came as far as each step, as the stand-in says it."""

    funnel: Mapping[str, Annotated[int, Field(ge=0)]]


class StockDocument(WrittenDocument):
    """`peakproof/stock/v1`: every level the shop knows, and when it looked (ns)."""

    format: Literal["peakproof/stock/v1"] = "peakproof/stock/v1"
    taken_at: int
    stock: Annotated[list[StockLevel], FailFast()]

    def levels(self) -> Levels:
        """Return the units that are left to sell, by (SKU, location)."""
        return {(level.sku, level.location): level.left for level in self.stock}
