"""Shop records: what the shop itself reports of its orders, its payments and its stock, as it answers over HTTP."""

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import FailFast

from loadtests.results.ledger import Line
from slo.documents import WrittenDocument

Levels = Mapping[tuple[str, str], int]
"""Units by (SKU, location)."""


class Order(WrittenDocument):
    """An order; `run` is None for traffic that isn't a test's."""

    order_id: str
    key: str | None
    run: str | None
    status: str
    created_at: int
    total_cents: int
    lines: tuple[Line, ...]


class Payment(WrittenDocument):
    """A payment of the provider; `reference` is the shop's order."""

    payment_id: str
    reference: str
    amount_cents: int
    status: str
    created_at: int


class OrdersPage(WrittenDocument):
    """One page of orders, and where the next one begins."""

    orders: tuple[Order, ...]
    next: int | None


class PaymentsPage(WrittenDocument):
    """One page of payments, and where the next one begins."""

    payments: tuple[Payment, ...]
    next: int | None


class StockLevel(WrittenDocument):
    """The units of one SKU at one location; below zero when more was sold than there was."""

    sku: str
    location: str
    quantity: int


class StockDocument(WrittenDocument):
    """`peakproof/stock/v1`: every level the shop knows, and when it looked (ns)."""

    format: Literal["peakproof/stock/v1"] = "peakproof/stock/v1"
    taken_at: int
    stock: Annotated[list[StockLevel], FailFast()]

    def levels(self) -> Levels:
        """Return the units by (SKU, location)."""
        return {(level.sku, level.location): level.quantity for level in self.stock}
