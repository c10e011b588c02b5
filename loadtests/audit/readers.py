"""What reads each kind of the shop records of one environment: SQL, pages, or the user's file."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Protocol

from loadtests.audit.http_records import HttpPages
from loadtests.audit.records_process import RecordsProcess
from loadtests.audit.shop_records import Order, Payment, StockDocument
from loadtests.audit.sql_process import SqlProcess
from loadtests.environment.credentials import Settings, record_access_of, settings_of
from loadtests.environment.pinned_http import PinnedHttp
from loadtests.environment.record_targets import KINDS
from loadtests.environment.targets import Environment
from loadtests.results.inputs import RecordsFile


class Reader(Protocol):
    """What reads a kind of shop records; every method raises SourceUnavailableError."""

    @property
    def name(self) -> str:
        """What messages call it."""

    def orders(self, run: str | None, since: int, first: int | None = None) -> Iterator[Order]:
        """Yield the orders of `run`, or everyone's since `since` (ns); at most the `first` of them."""

    def payments(self, since: int, first: int | None = None) -> Iterator[Payment]:
        """Yield the payments since `since` (ns); older ones may be among them."""

    def stock(self, at: int, first: int | None = None) -> StockDocument:
        """Return the stock as it is at `at` (ns): now."""

    def funnel(self, at: int, first: int | None = None) -> Mapping[str, int]:
        """Return how many sessions came as far as each step."""

    def close(self) -> None:
        """Give back what it holds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """How an environment's shop records are reached: its token, a session to its hosts, and the variables.

    `longest_s` bounds each call beside the source's own limit; `quiet` drops what the user's file prints.
    """

    token: str | None
    http: PinnedHttp
    variables: Mapping[str, str]
    longest_s: float = float("inf")
    quiet: bool = False


def readers_of(
    environment: Environment,
    access: Access,
    own: RecordsFile | None = None,
    kinds: Collection[str] = KINDS,
) -> dict[str, Reader]:
    """Return the reader of each declared kind, `own` being the user's file; raises BadInput for a lost secret."""
    found: dict[str, Reader] = {}
    if own is not None and own.declares & set(kinds):
        process = records_process(own, environment, access.variables, access.longest_s, quiet=access.quiet)
        found = dict.fromkeys(sorted(own.declares & set(kinds)), process)
    for kind, source in environment.records_declared.items():
        if kind not in kinds:
            continue
        held = record_access_of(kind, source, access.variables)
        if source.sql is not None:
            found[kind] = SqlProcess(kind, source, held, access.variables, access.longest_s)
        else:
            found[kind] = HttpPages(kind, source, held, access.token, access.http, access.longest_s)
    return found


def records_process(
    own: RecordsFile,
    environment: Environment,
    variables: Mapping[str, str],
    longest_s: float = float("inf"),
    *,
    quiet: bool = False,
) -> RecordsProcess:
    """Return the process of a file of shop records, with the environment's settings; raises BadInput."""
    declared = environment.records_file
    settings = Settings() if declared is None else settings_of(declared, variables, "shop_records")
    return RecordsProcess(own, settings, variables, longest_s, quiet=quiet)
