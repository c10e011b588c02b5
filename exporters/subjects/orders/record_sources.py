"""The sources of the subject `orders`: the declared shop records of one environment, each read for itself."""

import threading
import weakref
from collections.abc import Callable, Iterator, Mapping, Sequence
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
from loadtests.audit.http_records import HttpPages
from loadtests.audit.readers import Reader, records_process
from loadtests.audit.records_process import RecordsProcess
from loadtests.audit.rows_process import RowsProcess
from loadtests.audit.shop_records import Order, Payment, StockDocument
from loadtests.audit.sources import own_records
from loadtests.audit.sql_process import SqlProcess
from loadtests.environment.credentials import record_access_of
from loadtests.environment.resolved_environment import resolve_environment
from loadtests.environment.targets import Environment, read_targets
from slo.documents import BadInput
from slo.outcomes import EnvironmentLacks

Value = TypeVar("Value")
_NS_PER_S = 1e9
_ENDS_WITHIN_S = 2.0


@dataclass(slots=True)
class _Shop:
    """The pages of one kind: addresses and secrets are looked up when they are needed, and again after a failure."""

    kind: str
    environment: Environment
    variables: Mapping[str, str]
    _pages: HttpPages | None = None

    def pages(self) -> HttpPages:
        """Return the pages; raises Unreadable."""
        if self._pages is None:
            source = self.environment.records_declared[self.kind]
            try:
                resolved = resolve_environment(self.environment, self.variables)
                access = record_access_of(self.kind, source, self.variables)
            except (BadInput, EnvironmentLacks) as error:
                raise Unreadable(str(error)) from error
            self._pages = HttpPages(self.kind, source, access, resolved.bearer(), resolved.http())
        return self._pages

    def orders(self, run: str | None, since: int, first: int | None = None) -> Iterator[Order]:
        """Yield the orders since then; raises Unreadable, or SourceUnavailableError."""
        yield from self.pages().orders(run, since, first)

    def payments(self, since: int, first: int | None = None) -> Iterator[Payment]:
        """Yield the payments since then; raises as `orders` does."""
        yield from self.pages().payments(since, first)

    def funnel(self, at: int, first: int | None = None) -> Mapping[str, int]:
        """Return the funnel; raises as `orders` does."""
        return self.pages().funnel(at, first)

    def stock(self, at: int, first: int | None = None) -> StockDocument:
        """Return the stock; raises as `orders` does."""
        return self.pages().stock(at, first)

    @property
    def name(self) -> str:
        """What messages call it."""
        return f"shop_records.{self.kind}.http"

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
    if "orders" not in {*environment.records_declared, *(() if own is None else own.declares)}:
        place = f"{path}: environments.{config.environment}"
        raise BadInput(
            f"{place}: shop_records: orders are required to export orders, by sql, http or a file's orders()"
        )
    readers = {} if own is None else dict.fromkeys(own.declares, records_process(own, environment, context.variables))
    reads = _Sources(config, context, environment, readers)
    sources = reads.all()
    missing = [kind for kind in (PAYMENTS, FUNNEL) if kind not in sources]
    families = RecordFamilies(tuple(sources), config.funnel)
    for reader in reads.processes:
        weakref.finalize(families, reader.close)  # of a subject that nobody closes
    about = f"orders, payments and funnel of {config.environment}"
    return Subject(
        name="orders",
        about=about + (f"; not given: {', '.join(missing)}" if missing else ""),
        sources={kind: AtMostEvery(config.every_s, read) for kind, read in sources.items()},
        families=families,
        close=reads.close,
    )


class _Sources:
    """How each declared source is read; `files` are the kinds that the user's file has."""

    def __init__(
        self,
        config: OrdersConfig,
        context: ExporterContext,
        environment: Environment,
        files: Mapping[str, RecordsProcess],
    ) -> None:
        self._config, self._context, self._turn = config, context, threading.Lock()
        self._readers: dict[str, Reader] = {**files}
        self._pages: dict[str, _Shop] = {}
        for kind, source in environment.records_declared.items():
            if source.sql is not None:
                access = record_access_of(kind, source, context.variables)
                self._readers[kind] = SqlProcess(kind, source, access, context.variables)
            elif source.as_stand_in:
                self._pages[kind] = _Shop(kind, environment, context.variables)
            else:
                self._readers[kind] = _Shop(kind, environment, context.variables)

    @property
    def processes(self) -> list[RowsProcess]:
        """The processes that are asked."""
        return [one for one in self._readers.values() if isinstance(one, RowsProcess)]

    def all(self) -> dict[str, Read[Values]]:
        """Return the reads by the source's name."""
        found = {ORDERS: self._orders(), PAYMENTS: self._payments(), FUNNEL: self._funnel()}
        return {kind: read for kind, read in found.items() if read is not None}

    def close(self) -> None:
        """Give back connections and processes, once a read of one under way has ended."""
        for shop in self._pages.values():
            shop.close()
        if self._readers:
            has_turn = self._turn.acquire(timeout=_ENDS_WITHIN_S)
            for reader in self._readers.values():
                reader.close()
            if has_turn:
                self._turn.release()

    def _orders(self) -> Read[Values] | None:
        config, now = self._config, self._context.now
        follow_ns = round(config.follow_s * _NS_PER_S)
        promise_s = config.fulfilment.promise_s
        promise_ns = None if promise_s is None else round(promise_s * _NS_PER_S)
        book = OrderBook(now() - follow_ns, follow_ns, promise_ns, include_tests=config.include_tests)
        reader, shop = self._readers.get("orders"), self._pages.get("orders")
        if reader is not None:
            return self._alone(OwnRecords("orders", lambda since: reader.orders(None, since), book, now))
        if shop is None:
            return None

        def page(after: int) -> tuple[Sequence[tuple[str, Order]], int | None]:
            found = shop.pages().orders_page(after)
            return [(order.order_id, order) for order in found.orders], found.next

        return _reconnecting(PagedRecords("orders", page, book, now), shop)

    def _payments(self) -> Read[Values] | None:
        now, reader, shop = self._context.now, self._readers.get("payments"), self._pages.get("payments")
        book = PaymentBook(now() - round(self._config.follow_s * _NS_PER_S))
        if reader is not None:
            return self._alone(OwnRecords("payments", reader.payments, book, now))
        if shop is None:
            return None

        def page(after: int) -> tuple[Sequence[tuple[str, Payment]], int | None]:
            found = shop.pages().payments_page(after)
            return [(payment.payment_id, payment) for payment in found.payments], found.next

        return _reconnecting(PagedRecords("payments", page, book, now), shop)

    def _funnel(self) -> Read[Values] | None:
        reader, shop = self._readers.get("funnel"), self._pages.get("funnel")
        if reader is not None:
            own = RecordsSource(reader, "funnel", self._turn, self._context.now)
            return lambda deadline: read_funnel(own, deadline, MAX_STEPS)
        if shop is None:
            return None

        def read(deadline: Deadline) -> Funnel:
            pages = shop.pages()
            page = AdminSource(url=pages.url, headers=pages.headers, masks=pages.masks, session=lambda: pages.http)
            return read_funnel(page, deadline, MAX_STEPS)

        return _reconnecting(read, shop)

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
