"""What the shop itself says: its orders, its payments and its stock, over HTTP, bounded and never trusted."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import TypeVar

import requests
from pydantic import BaseModel, ValidationError

from loadtests.audit.checks import Evidence, others_may_explain
from loadtests.audit.shop_records import Order, OrdersPage, Payment, PaymentsPage, StockDocument
from loadtests.environment.credentials import Credentials, Secret
from loadtests.environment.pinned_http import PinnedHttp, bounded_get, why_no_answer
from loadtests.environment.resolved_environment import ResolvedEnvironment
from loadtests.environment.targets import Environment
from loadtests.results.ledger import read_ledgers
from loadtests.results.run_directory import RunDirectory, write_json
from slo.documents import BadInput, read_text, validate_json
from slo.outcomes import EnvironmentLacks

_TIMEOUT_S = 20.0
_PAGE = 1000
_MAX_PAGES = 10_000
_MAX_REPLY = 64 << 20
Reply = TypeVar("Reply", bound=BaseModel)


class SourceUnavailableError(Exception):
    """A source that is declared couldn't be read; the message says why in a few words."""


class Sources:
    """The declared sources of one environment, asked over `http`; `token` is the bearer token they want, if any."""

    def __init__(self, environment: Environment, token: str | None, http: PinnedHttp | None = None) -> None:
        self._environment = environment
        self._http = http or PinnedHttp(environment)
        self._masks = Credentials(hidden=(Secret(token),) if token else ()).masks()
        if token:
            self._http.headers["Authorization"] = f"Bearer {token}"

    def stock_document(self) -> StockDocument:
        """Return the stock of the shop; raises SourceUnavailableError."""
        return self._get(str(self._environment.stock_url), {}, StockDocument)

    def orders(self, run: str | None) -> tuple[Order, ...]:
        """Return the orders of `run`, or all of them for None; raises SourceUnavailableError."""
        query = {} if run is None else {"run": run}
        pages = self._pages(str(self._environment.orders_url), query, OrdersPage)
        return tuple(order for page in pages for order in page.orders)

    def payments(self, since: int) -> tuple[Payment, ...]:
        """Return the payments made from `since` (ns) on; raises SourceUnavailableError."""
        pages = self._pages(str(self._environment.payments_url), {}, PaymentsPage)
        return tuple(payment for page in pages for payment in page.payments if payment.created_at >= since)

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def _pages(self, url: str, query: dict[str, str], model: type[Reply]) -> Iterator[Reply]:
        after: int | None = 0
        for _ in range(_MAX_PAGES):
            page = self._get(url, {**query, "after": str(after), "limit": str(_PAGE)}, model)
            yield page
            following = getattr(page, "next", None)
            if following is None:
                return
            if following <= (after or 0):
                raise SourceUnavailableError("its pages don't advance")
            after = following
        raise SourceUnavailableError(f"more than {_MAX_PAGES} pages")

    def _get(self, url: str, query: dict[str, str], model: type[Reply]) -> Reply:
        try:
            full = requests.Request("GET", url, params=query).prepare().url or url
            reply = bounded_get(self._http, full, _TIMEOUT_S, _MAX_REPLY, masks=self._masks)
        except (requests.RequestException, OSError) as error:
            raise SourceUnavailableError(f"unreachable: {why_no_answer(error)}") from error
        if reply.status != requests.codes.ok:
            raise SourceUnavailableError(f"unreachable: HTTP {reply.status}")
        if not reply.whole:
            raise SourceUnavailableError(f"unreachable: a reply of over {_MAX_REPLY} bytes")
        try:
            return model.model_validate_json(reply.body)
        except ValidationError as error:
            raise SourceUnavailableError(f"unreachable: not the reply expected: {_first(error)}") from error


def gather(
    directory: RunDirectory,
    environment: Environment,
    sources: Sources,
    run_started_at: int,
    lacking: Sequence[str] = (),
) -> Evidence:
    """Ask every declared source about a run. A source that fails is said in `sources`, not raised.

    `lacking` are the workers of whose ledger rows may be missing in the directory.

    Everyone's orders are asked for only when those of the run leave something unexplained.
    """
    said: dict[str, str] = {}
    run = directory.name
    orders = _ask(said, "orders", environment.orders_url, lambda: sources.orders(run))
    payments = _ask(said, "payments", environment.payments_url, lambda: sources.payments(run_started_at))
    before, after = None, None
    if environment.stock_url is None:
        said["stock"] = "not declared"
    else:
        after = _ask(said, "stock", environment.stock_url, lambda: sources.stock_document().levels())
        before = _stock_before(directory, said)
    evidence = Evidence(
        run=run,
        attempts=read_ledgers(directory.ledgers()),
        orders=orders,
        foreign=(),
        payments=payments,
        stock_before=None if before is None else before.levels(),
        stock_after=after,
        sources=said,
        lacking=lacking,
    )
    if orders is None or not others_may_explain(evidence):
        return evidence
    since = run_started_at if before is None else before.taken_at
    everyone = _ask(said, "orders", environment.orders_url, lambda: sources.orders(None)) or ()
    return replace(evidence, foreign=tuple(o for o in everyone if o.run != run and o.created_at >= since))


Asked = TypeVar("Asked")


def _ask(said: dict[str, str], name: str, url: str | None, ask: Callable[[], Asked]) -> Asked | None:
    if url is None:
        said[name] = "not declared"
        return None
    try:
        answer = ask()
    except SourceUnavailableError as error:
        said[name] = str(error)
        return None
    said[name] = "read"
    return answer


def _stock_before(directory: RunDirectory, said: dict[str, str]) -> StockDocument | None:
    try:
        return validate_json(read_text(directory.stock_before, _MAX_REPLY), StockDocument, directory.stock_before)
    except BadInput:
        said["stock"] = "not read before the run"
        return None


def _first(error: ValidationError) -> str:
    detail = error.errors(include_url=False, include_input=False)[0]
    place = ".".join(map(str, detail["loc"]))
    return f"{place}: {detail['msg']}" if place else detail["msg"]


def keep_stock(directory: RunDirectory, resolved: ResolvedEnvironment) -> None:
    """Write the stock as the shop tells it now, where it is declared; raises EnvironmentLacks."""
    environment = resolved.environment
    if environment.stock_url is None:
        return
    sources = Sources(environment, resolved.bearer(), resolved.http())
    try:
        write_json(directory.stock_before, sources.stock_document().model_dump(mode="json"))
    except SourceUnavailableError as error:
        raise EnvironmentLacks(f"the stock at {environment.stock_url} is {error}") from error
    finally:
        sources.close()
