"""The sources of the subject `orders`: the declared shop records of one environment, each read for itself."""

import threading
import weakref
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from exporters.context import ExporterContext
from exporters.serving.at_most_every import AtMostEvery
from exporters.serving.records_source import RecordsSource
from exporters.serving.scrape import Read, Subject
from exporters.serving.source import AdminSource, Deadline, Unreadable
from exporters.subjects.orders.config import OrdersConfig
from exporters.subjects.orders.funnel import MAX_STEPS, Funnel, read_funnel
from exporters.subjects.orders.order_book import OrderBook
from exporters.subjects.orders.payment_book import PaymentBook
from exporters.subjects.orders.reading import OwnRecords, PagedRecords
from exporters.subjects.orders.record_families import FUNNEL, ORDERS, PAYMENTS, RecordFamilies, Values
from loadtests.audit.pages import Pages
from loadtests.audit.records_process import RecordsProcess
from loadtests.audit.shop_records import Order, Payment
from loadtests.audit.sources import own_records, records_process
from loadtests.environment.resolved_environment import ResolvedEnvironment, resolve_environment
from loadtests.environment.targets import Environment, read_targets
from slo.documents import BadInput
from slo.outcomes import EnvironmentLacks

Value = TypeVar("Value")
_NS_PER_S = 1e9
_ENDS_WITHIN_S = 2.0


@dataclass(slots=True)
class _Shop:
    """The environment's addresses and secrets, looked up when they are needed and again after a failure."""

    environment: Environment
    variables: Mapping[str, str]
    _pages: Pages | None = None

    def resolved(self) -> ResolvedEnvironment:
        """Return the environment, resolved now; raises Unreadable."""
        try:
            return resolve_environment(self.environment, self.variables)
        except (BadInput, EnvironmentLacks) as error:
            raise Unreadable(str(error)) from error

    def pages(self) -> Pages:
        """Return the pages; raises Unreadable."""
        if self._pages is None:
            resolved = self.resolved()
            self._pages = Pages(self.environment, resolved.bearer(), resolved.http())
        return self._pages

    def close(self) -> None:
        """Give the connections up: the next read looks the addresses up again."""
        pages, self._pages = self._pages, None
        if pages is not None:
            pages.close()


def subject_of(config: OrdersConfig, context: ExporterContext) -> Subject[Values]:
    """Return the subject `orders` of an environment's shop records; raises BadInput."""
    path = context.path(config.targets)
    environment = read_targets(path).environment(config.environment, path)
    own = own_records(environment, context.variables)
    declares = frozenset[str]() if own is None else own.declares
    process = None if own is None else records_process(own, environment, context.variables)
    if environment.orders_url is None and "orders" not in declares:
        place = f"{path}: environments.{config.environment}"
        raise BadInput(f"{place}: orders_url, or orders() in its shop_records: one is required to export orders")
    reads = _Sources(config, context, environment, process, declares)
    sources = reads.all()
    missing = [kind for kind in (PAYMENTS, FUNNEL) if kind not in sources]
    families = RecordFamilies(tuple(sources), config.funnel)
    if process is not None:
        weakref.finalize(families, process.close)  # of a subject that nobody closes
    about = f"orders, payments and funnel of {config.environment}"
    return Subject(
        name="orders",
        about=about + (f"; not given: {', '.join(missing)}" if missing else ""),
        sources={kind: AtMostEvery(config.every_s, read) for kind, read in sources.items()},
        families=families,
        close=reads.close,
    )


class _Sources:
    """How each declared source is read."""

    def __init__(
        self,
        config: OrdersConfig,
        context: ExporterContext,
        environment: Environment,
        process: RecordsProcess | None,
        declares: frozenset[str],
    ) -> None:
        self._config, self._context, self._environment = config, context, environment
        self._process, self._declares, self._turn = process, declares, threading.Lock()
        self._shops: list[_Shop] = []

    def all(self) -> dict[str, Read[Values]]:
        """Return the reads by the source's name."""
        found = {ORDERS: self._orders(), PAYMENTS: self._payments(), FUNNEL: self._funnel()}
        return {kind: read for kind, read in found.items() if read is not None}

    def close(self) -> None:
        """Give back connections and the process of the user's file, once a read of it under way has ended."""
        for shop in self._shops:
            shop.close()
        if self._process is not None:
            has_turn = self._turn.acquire(timeout=_ENDS_WITHIN_S)
            self._process.close()
            if has_turn:
                self._turn.release()

    def _orders(self) -> Read[Values] | None:
        config, now = self._config, self._context.now
        follow_ns = round(config.follow_s * _NS_PER_S)
        promise_s = config.fulfilment.promise_s
        promise_ns = None if promise_s is None else round(promise_s * _NS_PER_S)
        book = OrderBook(now() - follow_ns, follow_ns, promise_ns, include_tests=config.include_tests)
        process = self._own("orders")
        if process is not None:
            return self._alone(OwnRecords("orders", lambda since: process.orders(None, since), book, now))
        if self._environment.orders_url is None:
            return None
        shop = self._shop()

        def page(after: int) -> tuple[Sequence[tuple[str, Order]], int | None]:
            found = shop.pages().orders_page(after)
            return [(order.order_id, order) for order in found.orders], found.next

        return _reconnecting(PagedRecords("orders", page, book, now), shop)

    def _payments(self) -> Read[Values] | None:
        now, process = self._context.now, self._own("payments")
        book = PaymentBook(now() - round(self._config.follow_s * _NS_PER_S))
        if process is not None:
            return self._alone(OwnRecords("payments", process.payments, book, now))
        if self._environment.payments_url is None:
            return None
        shop = self._shop()

        def page(after: int) -> tuple[Sequence[tuple[str, Payment]], int | None]:
            found = shop.pages().payments_page(after)
            return [(payment.payment_id, payment) for payment in found.payments], found.next

        return _reconnecting(PagedRecords("payments", page, book, now), shop)

    def _funnel(self) -> Read[Values] | None:
        process, url = self._own("funnel"), self._environment.funnel_url
        if process is not None:
            own = RecordsSource(process, "funnel", self._turn, self._context.now)
            return lambda deadline: read_funnel(own, deadline, MAX_STEPS)
        if url is None:
            return None
        shop = self._shop()

        def read(deadline: Deadline) -> Funnel:
            resolved = shop.resolved()
            page = AdminSource(url=url, token=resolved.bearer() or "", session=resolved.http)
            return read_funnel(page, deadline, MAX_STEPS)

        return read

    def _shop(self) -> _Shop:
        self._shops.append(shop := _Shop(self._environment, self._context.variables))
        return shop

    def _own(self, kind: str) -> RecordsProcess | None:
        return self._process if kind in self._declares else None

    def _alone(self, read: Read[Value]) -> Read[Value]:
        """Ask the process of the user's file when no other source does."""

        def asked(deadline: Deadline) -> Value:
            if not self._turn.acquire(timeout=deadline.left_s()):
                raise Unreadable("shop_records: another is still asked")
            try:
                return read(deadline)
            finally:
                self._turn.release()

        return asked


def _reconnecting(read: Callable[[Deadline], Value], shop: _Shop) -> Read[Value]:
    """Give up the connections of a shop that couldn't be read."""

    def asked(deadline: Deadline) -> Value:
        try:
            return read(deadline)
        except Unreadable:
            shop.close()
            raise

    return asked
