"""Reads the shop records (orders, payments, stock) from wherever they are declared: SQL, pages, or the user's file."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

import pyarrow as pa
import pyarrow.compute as pc

from loadtests.audit.attempts import attempts_of
from loadtests.audit.batches import RecordsContradictError, order_batches, payment_batches
from loadtests.audit.checks import others_may_explain
from loadtests.audit.evidence import PENDING_NS, Evidence
from loadtests.audit.http_records import MAX_REPLY
from loadtests.audit.others import Stretch, clock_offset, others_of
from loadtests.audit.paging import ChangedWhileReadError
from loadtests.audit.readers import Access, Reader, readers_of
from loadtests.audit.records_process import RecordsProcess
from loadtests.audit.rows_process import RowsProcess
from loadtests.audit.run_orders import RunOrders, orders_of_run
from loadtests.audit.run_payments import payments_of_run
from loadtests.audit.shop_records import CLOCKS_APART_NS, Order, Payment, StockDocument
from loadtests.audit.unavailable import RecordsError, SourceUnavailableError
from loadtests.environment.credentials import Settings
from loadtests.environment.pinned_http import PinnedHttp
from loadtests.environment.resolved_environment import ResolvedEnvironment
from loadtests.environment.targets import Environment
from loadtests.results.inputs import RecordsFile
from loadtests.results.ledger_columns import read_ledger_columns
from loadtests.results.run_directory import RunDirectory, write_json
from loadtests.runtime.clock import Clock
from slo.documents import BadInput, read_text, validate_json
from slo.outcomes import EnvironmentLacks

_BEFORE_NS = CLOCKS_APART_NS
_READS = 3  # of what changes while it is read
_A_DAY_NS = 86_400_000_000_000  # an order placed before the run may be paid in it, or put its stock back


class Sources:
    """The declared shop records of one environment, each kind by its reader.

    What is read raises SourceUnavailableError.
    """

    def __init__(self, readers: Mapping[str, Reader]) -> None:
        self._readers = readers

    def declares(self, kind: str) -> bool:
        """Whether orders, payments or stock are declared."""
        return kind in self._readers

    def stock_document(self) -> StockDocument:
        """Return the stock of the shop."""
        try:
            return self._readers["stock"].stock(Clock.start().now())
        except RecordsError as error:
            raise SourceUnavailableError(f"unreadable: {error}") from error

    def orders(self, run: str | None, since: int = 0) -> Iterator[Order]:
        """Yield the orders of `run`, or for None those of everyone, at least since then (ns)."""
        orders = _unavailable(self._readers["orders"].orders(run, max(0, since - _BEFORE_NS)))
        return orders if run is not None else _once(orders)

    def payments(self, since: int) -> Iterator[Payment]:
        """Yield the payments made from `since` (ns) on."""
        payments = _unavailable(self._readers["payments"].payments(since))
        return (payment for payment in payments if payment.created_at >= since)

    def order_batches(self, run: str | None, since: int = 0) -> Iterator[pa.RecordBatch]:
        """Yield the same orders in batches of columns (`loadtests.audit.batches.ORDERS`)."""
        reader = self._readers.get("orders")
        if run is not None and isinstance(reader, RowsProcess):
            return _unavailable(reader.order_batches(run, max(0, since - _BEFORE_NS)))
        return order_batches(self.orders(run, since))

    def payment_batches(self, since: int) -> Iterator[pa.RecordBatch]:
        """Yield the same payments in batches of columns (`loadtests.audit.batches.PAYMENTS`)."""
        reader = self._readers.get("payments")
        if not isinstance(reader, RowsProcess):
            return payment_batches(self.payments(since))
        batches = _unavailable(reader.payment_batches(since))
        return (batch.filter(pc.greater_equal(batch["created_at"], since)) for batch in batches)

    def close(self) -> None:
        """Close the connections, and end the processes."""
        for reader in self._readers.values():
            reader.close()


Row = TypeVar("Row")


def _unavailable(rows: Iterator[Row]) -> Iterator[Row]:
    try:
        yield from rows
    except RecordsError as error:
        raise SourceUnavailableError(f"unreadable: {error}") from error


def _once(orders: Iterator[Order]) -> Iterator[Order]:
    """Yield orders of others; one that is there twice would be counted as sold twice."""
    seen: set[int] = set()
    for number, order in enumerate(orders, start=1):
        seen.add(hash(order.order_id))
        if len(seen) < number:
            raise SourceUnavailableError(f"unreadable: order {order.order_id} is there twice: one row an order")
        yield order


@dataclass(frozen=True, slots=True, kw_only=True)
class Played:
    """What the audit must know of a run beside its records: when it was (ns), and whether anybody was to buy.

    `lacking` are the workers of whose ledger rows may be missing in the directory; `pending_ns` is how long an order of
    the shop may be pending, None where it may stay so.
    """

    started_at: int
    ended_at: int | None = None
    buys: bool = True
    lacking: Sequence[str] = ()
    pending_ns: int | None = PENDING_NS


def gather(directory: RunDirectory, sources: Sources, played: Played, now: Callable[[], int]) -> Evidence:
    """Read the ledgers and every declared source of a run. A source that fails stands in `sources`, and isn't raised.

    `now` is the time in ns. The orders of others are read only when those of the run leave something unexplained.
    """
    states: dict[str, str] = {}
    run, attempts = directory.name, attempts_of(read_ledger_columns(directory.ledgers()))
    began = played.started_at
    read_at = now()
    orders = _read(states, "orders", sources, lambda: orders_of_run(run, attempts, sources.order_batches(run, began)))
    since = max(0, began - CLOCKS_APART_NS)
    payments = _read(states, "payments", sources, lambda: payments_of_run(orders, sources.payment_batches(since)))
    after = _read(states, "stock", sources, sources.stock_document)
    before = _stock_before(directory, states) if sources.declares("stock") else None
    evidence = Evidence(
        run=run,
        attempts=attempts,
        orders=orders,
        payments=payments,
        stock_before=None if before is None else before.levels(),
        stock_after=None if after is None else after.levels(),
        sources=states,
        orders_read_at=read_at,
        stock_read_at=None if after is None else after.taken_at,
        ended_at=played.ended_at,
        pending_ns=played.pending_ns,
        lacking=played.lacking,
        buys=played.buys,
    )
    if orders is None or not others_may_explain(evidence):
        return evidence
    stretch = Stretch(
        stock_read_at=began if before is None else before.taken_at,
        stock_read_again_at=None if after is None else after.taken_at,
        ended_at=played.ended_at,
        pending_ns=played.pending_ns,
    )
    return _with_others(evidence, orders, stretch, sources)


def _with_others(evidence: Evidence, orders: RunOrders, stretch: Stretch, sources: Sources) -> Evidence:
    """Return the evidence with the orders of others, or why they can't be read."""
    payments = evidence.payments
    references = pa.array([], pa.string()) if payments is None else payments.orphan_references
    since = max(0, stretch.stock_read_at - max(_A_DAY_NS, stretch.pending_ns or 0))

    def batches() -> Iterator[pa.RecordBatch]:
        return sources.order_batches(None, since)

    offset = clock_offset(evidence.attempts, orders)
    try:
        others = _read_still(lambda: others_of(evidence.run, orders, references, batches(), stretch, offset))
    except (SourceUnavailableError, RecordsContradictError) as error:
        return replace(evidence, others_unread=f"they are {error}")
    if others.of_run < len(orders):
        why = f"everyone's orders hold {others.of_run} of the {len(orders)} of the run: orders(None) must yield all"
        return replace(evidence, others_unread=why)
    return replace(evidence, others=others)


Read = TypeVar("Read")


def _read(states: dict[str, str], name: str, sources: Sources, read: Callable[[], Read]) -> Read | None:
    if not sources.declares(name):
        states[name] = "not declared"
        return None
    try:
        found = _read_still(read)
    except SourceUnavailableError as error:
        states[name] = str(error)
        return None
    except RecordsContradictError as error:
        states[name] = f"unreadable: {error}"
        return None
    states[name] = "read"
    return found


def _read_still(read: Callable[[], Read]) -> Read:
    """Return what is read, once more from the start where it changed meanwhile; raises SourceUnavailableError."""
    for _ in range(_READS - 1):
        with suppress(ChangedWhileReadError):
            return read()
    return read()


def _stock_before(directory: RunDirectory, states: dict[str, str]) -> StockDocument | None:
    try:
        return validate_json(read_text(directory.stock_before, MAX_REPLY), StockDocument, directory.stock_before)
    except BadInput:
        states["stock"] = "not read before the run"
        return None


def own_records(environment: Environment, variables: Mapping[str, str]) -> RecordsFile | None:
    """Read the environment's file of shop records, and which it has; None when it names no file.

    Raises BadInput for a file that can't be used, and for records that are declared twice.
    """
    if environment.records_file is None:
        return None
    file = RecordsFile.read(Path(environment.records_file.file))
    process = RecordsProcess(file, Settings(), variables)
    try:
        declares = process.declares
    except RecordsError as error:
        raise BadInput(f"{file.path}: {str(error).removeprefix(f'{file.path.name}: ')}") from error
    finally:
        process.close()
    for kind in sorted(declares & environment.records_declared.keys()):
        raise BadInput(f"{file.path}: has {kind}(), and shop_records declares {kind}: keep one of them")
    return replace(file, declares=declares)


def keep_stock(
    directory: RunDirectory, resolved: ResolvedEnvironment, own: RecordsFile | None, variables: Mapping[str, str]
) -> None:
    """Write the stock as the shop tells it now, where it is declared; raises EnvironmentLacks."""
    environment = resolved.environment
    sources = sources_of(environment, resolved.bearer(), resolved.http(), own, variables)
    try:
        if sources.declares("stock"):
            write_json(directory.stock_before, sources.stock_document().model_dump(mode="json"))
    except SourceUnavailableError as error:
        declared = environment.records_declared.get("stock")
        place = f" at {declared.http.url}" if declared is not None and declared.http is not None else ""
        raise EnvironmentLacks(f"the stock{place} is {error}") from error
    finally:
        sources.close()


def sources_of(
    environment: Environment,
    token: str | None,
    http: PinnedHttp,
    own: RecordsFile | None,
    variables: Mapping[str, str],
) -> Sources:
    """Return the sources of an environment, `own` being its file of shop records; raises BadInput for a lost secret."""
    return Sources(readers_of(environment, Access(token=token, http=http, variables=variables), own))
