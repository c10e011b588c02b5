"""Reads the shop records (orders, payments, stock) from wherever they are declared: a page, or a file of the user's."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

from loadtests.audit.checks import others_may_explain
from loadtests.audit.comparisons import Evidence
from loadtests.audit.pages import MAX_REPLY, Pages, SourceUnavailableError
from loadtests.audit.records_process import RecordsError, RecordsProcess
from loadtests.audit.shop_records import Order, Payment, StockDocument
from loadtests.audit.tallies import LedgerIndex, OrderTally, OtherOrders, PaymentTally, RepeatedRowError
from loadtests.environment.credentials import Settings, settings_of
from loadtests.environment.pinned_http import PinnedHttp
from loadtests.environment.resolved_environment import ResolvedEnvironment
from loadtests.environment.targets import Environment
from loadtests.results.inputs import RecordsFile
from loadtests.results.ledger import read_ledgers
from loadtests.results.run_directory import RunDirectory, write_json
from loadtests.runtime.clock import Clock
from slo.documents import BadInput, read_text, validate_json
from slo.outcomes import EnvironmentLacks

_BEFORE_NS = 60_000_000_000  # the clock of a shop's database isn't this machine's


class Sources:
    """The declared shop records of one environment: pages read over `http` with the bearer `token`, or `records`.

    What is read raises SourceUnavailableError.
    """

    def __init__(
        self,
        environment: Environment,
        token: str | None,
        http: PinnedHttp | None = None,
        records: RecordsProcess | None = None,
        declares: frozenset[str] = frozenset(),
    ) -> None:
        self._environment, self._records, self._declares = environment, records, declares
        self._pages = Pages(environment, token, http or PinnedHttp(environment))

    def declares(self, kind: str) -> bool:
        """Whether orders, payments or stock are declared."""
        return kind in self._declares or getattr(self._environment, f"{kind}_url") is not None

    def stock_document(self) -> StockDocument:
        """Return the stock of the shop."""
        if self._records is None or "stock" not in self._declares:
            return self._pages.stock_document()
        try:
            return self._records.stock(Clock.start().now())
        except RecordsError as error:
            raise SourceUnavailableError(f"unreadable: {error}") from error

    def orders(self, run: str | None, since: int = 0) -> Iterator[Order]:
        """Yield the orders of `run`, or for None those of everyone, at least since then (ns)."""
        if self._records is None or "orders" not in self._declares:
            return self._pages.orders(run)
        return _unavailable(self._records.orders(run, max(0, since - _BEFORE_NS)))

    def payments(self, since: int) -> Iterator[Payment]:
        """Yield the payments made from `since` (ns) on."""
        if self._records is None or "payments" not in self._declares:
            payments = self._pages.payments()
        else:
            payments = _unavailable(self._records.payments(since))
        return (payment for payment in payments if payment.created_at >= since)

    def close(self) -> None:
        """Close the connections, and end the process of the records."""
        self._pages.close()
        if self._records is not None:
            self._records.close()


Row = TypeVar("Row")


def _unavailable(rows: Iterator[Row]) -> Iterator[Row]:
    try:
        yield from rows
    except RecordsError as error:
        raise SourceUnavailableError(f"unreadable: {error}") from error


@dataclass(frozen=True, slots=True, kw_only=True)
class Played:
    """What the audit must know of a run beside its records: when it was (ns), and whether anybody was to buy.

    `lacking` are the workers of whose ledger rows may be missing in the directory.
    """

    started_at: int
    ended_at: int | None = None
    buys: bool = True
    lacking: Sequence[str] = ()


def gather(directory: RunDirectory, sources: Sources, played: Played) -> Evidence:
    """Read the ledgers and every declared source of a run. A source that fails stands in `sources`, and isn't raised.

    The orders of others are read only when those of the run leave something unexplained.
    """
    states: dict[str, str] = {}
    run, ledger = directory.name, LedgerIndex(read_ledgers(directory.ledgers()))
    orders = _read(
        states, "orders", sources, lambda: _tallied(OrderTally(run, ledger), sources.orders(run, played.started_at))
    )
    payments = _read(
        states, "payments", sources, lambda: _tallied(PaymentTally(orders), sources.payments(played.started_at))
    )
    after = _read(states, "stock", sources, lambda: sources.stock_document().levels())
    before = _stock_before(directory, states) if sources.declares("stock") else None
    evidence = Evidence(
        run=run,
        ledger=ledger,
        orders=orders,
        payments=payments,
        stock_before=None if before is None else before.levels(),
        stock_after=after,
        sources=states,
        lacking=played.lacking,
        buys=played.buys,
    )
    if orders is None or not others_may_explain(evidence):
        return evidence
    since = played.started_at if before is None else before.taken_at
    orphans = {} if payments is None else payments.orphans
    others = OtherOrders(run, orders, orphans.keys(), since, played.ended_at)
    try:
        _tallied(others, sources.orders(None, since))
    except (SourceUnavailableError, RepeatedRowError) as error:
        return replace(evidence, others_unread=f"they are {error}")
    if others.of_run < len(orders):
        why = f"everyone's orders hold {others.of_run} of the {len(orders)} of the run: orders(None) must yield all"
        return replace(evidence, others_unread=why)
    return replace(evidence, others=others)


Tally = TypeVar("Tally", bound=OrderTally | PaymentTally | OtherOrders)


def _tallied(tally: Tally, rows: Iterator[Any]) -> Tally:
    for row in rows:
        tally.add(row)
    return tally


Read = TypeVar("Read")


def _read(states: dict[str, str], name: str, sources: Sources, read: Callable[[], Read]) -> Read | None:
    if not sources.declares(name):
        states[name] = "not declared"
        return None
    try:
        found = read()
    except SourceUnavailableError as error:
        states[name] = str(error)
        return None
    except RepeatedRowError as error:
        states[name] = f"unreadable: {error}"
        return None
    states[name] = "read"
    return found


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
    if environment.shop_records is None:
        return None
    file = RecordsFile.read(Path(environment.shop_records.file))
    process = RecordsProcess(file, Settings(), variables)
    try:
        declares = process.declares
    except RecordsError as error:
        raise BadInput(f"{file.path}: {str(error).removeprefix(f'{file.path.name}: ')}") from error
    finally:
        process.close()
    for kind in sorted(declares):
        if getattr(environment, f"{kind}_url") is not None:
            raise BadInput(f"{file.path}: has {kind}(), and the environment declares {kind}_url: keep one of them")
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
        place = "" if environment.stock_url is None else f" at {environment.stock_url}"
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
    if own is None:
        return Sources(environment, token, http)
    return Sources(environment, token, http, records_process(own, environment, variables), own.declares)


def records_process(
    own: RecordsFile,
    environment: Environment,
    variables: Mapping[str, str],
    longest_s: float = float("inf"),
    *,
    quiet: bool = False,
) -> RecordsProcess:
    """Return the process of a file of shop records, with the environment's settings; raises BadInput."""
    declared = environment.shop_records
    settings = Settings() if declared is None else settings_of(declared, variables, "shop_records")
    return RecordsProcess(own, settings, variables, longest_s, quiet=quiet)
