"""Asking the shop's records about a run: which of its orders are there, and what is left of it."""

import itertools
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from loadtests.audit.shop_records import Order
from loadtests.audit.sources import Sources, own_records, sources_of
from loadtests.audit.unavailable import SourceUnavailableError
from loadtests.cleanup.proof import Proof, of_orders, of_payments, of_stock
from loadtests.cleanup.shop_orders import ShopOrders
from loadtests.environment.resolved_environment import ResolvedEnvironment
from scripts.cleaning.subject import Subject

_BEFORE_NS = 60_000_000_000  # the clock of a provider isn't this machine's
_AGAIN_S, _LOOKS = 2.0, 6


@dataclass(frozen=True, slots=True, kw_only=True)
class ShopRecords:
    """The declared records of a run's environment; what can't be read raises SourceUnavailableError."""

    subject: Subject
    sources: Sources

    def orders(self) -> ShopOrders | None:
        """Return the run's orders as the shop has them now; None where it declares none."""
        if not self.sources.declares("orders"):
            return None
        subject, since = self.subject, min(self.subject.span.started_at, self.subject.span.stock_read_at)
        rows: Iterator[Order] = itertools.chain(
            self.sources.orders(subject.directory.name, since), self.sources.orders(None, since)
        )
        return ShopOrders.read(subject.directory.name, subject.span, subject.attempts, rows)

    def proof(self, known: ShopOrders | None, *, removed_some: bool) -> Proof:
        """Return what is left by the shop's records; `known` are the orders as they were before anything was removed.

        A source that isn't declared or can't be read proves nothing.
        """
        if not self._has_orders(known):
            return Proof(shown=("nothing was ordered",))
        try:
            orders = self.orders()
        except SourceUnavailableError as error:
            return Proof(unproven=(f"orders: {error}",))
        if orders is None:
            return Proof(unproven=("orders: the environment declares no records of them: shop_records",))
        own = of_orders(orders, self.subject.attempts, removed_some=removed_some)
        return own + self._payments(orders, known) + self._stock(orders)

    def settled(
        self, known: ShopOrders | None, *, removed_some: bool, sleep: Callable[[float], None] = time.sleep
    ) -> Proof:
        """Return the proof once nothing is left, or after some looks: money takes a moment to go back."""
        for _ in range(_LOOKS - 1):
            found = self.proof(known, removed_some=removed_some)
            if not found.left:
                return found
            sleep(_AGAIN_S)
        return self.proof(known, removed_some=removed_some)

    def _has_orders(self, known: ShopOrders | None) -> bool:
        ours = known is not None and bool(known.ids or known.unnamed)
        return ours or bool(self.subject.attempts) or bool(self.subject.lacking)

    def _payments(self, orders: ShopOrders, known: ShopOrders | None) -> Proof:
        if not self.sources.declares("payments"):
            return Proof(unproven=("payments: the environment declares no records of them: shop_records",))
        acknowledged = {one.order_id for one in self.subject.attempts if one.order_id is not None}
        ours = (acknowledged | orders.ids | (set() if known is None else known.ids)) - orders.others
        span = self.subject.span
        try:
            return of_payments(self.sources.payments(span.started_at - _BEFORE_NS), ours, orders.others, span)
        except SourceUnavailableError as error:
            return Proof(unproven=(f"payments: {error}",))

    def _stock(self, orders: ShopOrders) -> Proof:
        if not self.sources.declares("stock"):
            return Proof(unproven=("stock: the environment declares no records of it: shop_records",))
        before = self.subject.stock_before
        try:
            after = self.sources.stock_document().levels()
        except SourceUnavailableError as error:
            return Proof(unproven=(f"stock: {error}",))
        return of_stock(None if before is None else before.levels(), after, orders.sold)


@contextmanager
def records_of(subject: Subject, resolved: ResolvedEnvironment, variables: Mapping[str, str]) -> Iterator[ShopRecords]:
    """Open the records that the environment declares for as long as the block lasts; raises BadInput."""
    environment = subject.environment
    own = own_records(environment, variables)
    sources = sources_of(environment, resolved.bearer(), resolved.http(), own, variables)
    try:
        yield ShopRecords(subject=subject, sources=sources)
    finally:
        sources.close()
