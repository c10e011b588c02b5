"""Reads the shop records from the shop's own pages over HTTP, each reply bounded and checked."""

from collections.abc import Iterator
from typing import TypeVar

import requests
from pydantic import BaseModel, ValidationError

from loadtests.audit.shop_records import Order, OrdersPage, Payment, PaymentsPage, StockDocument
from loadtests.environment.credentials import Credentials, Secret
from loadtests.environment.pinned_http import PinnedHttp, bounded_get, why_no_answer
from loadtests.environment.targets import Environment

MAX_REPLY = 64 << 20
_TIMEOUT_S = 20.0
_PAGE = 1000
_MAX_PAGES = 10_000
Reply = TypeVar("Reply", bound=BaseModel)


class SourceUnavailableError(Exception):
    """A declared source of shop records couldn't be read; the message is the reason in a few words."""


class Pages:
    """The pages of one environment that are declared, read over `http`; `token` is their bearer token, if any.

    Every method raises SourceUnavailableError.
    """

    def __init__(self, environment: Environment, token: str | None, http: PinnedHttp) -> None:
        self._environment, self._http = environment, http
        self._masks = Credentials(hidden=(Secret(token),) if token else ()).masks()
        if token:
            self._http.headers["Authorization"] = f"Bearer {token}"

    def stock_document(self) -> StockDocument:
        """Return the stock of the shop."""
        return self._get(str(self._environment.stock_url), {}, StockDocument)

    def orders(self, run: str | None) -> Iterator[Order]:
        """Yield the orders of `run`, or all of them for None."""
        query = {} if run is None else {"run": run}
        for page in self._pages(str(self._environment.orders_url), query, OrdersPage):
            yield from page.orders

    def payments(self) -> Iterator[Payment]:
        """Yield the payments."""
        for page in self._pages(str(self._environment.payments_url), {}, PaymentsPage):
            yield from page.payments

    def orders_page(self, after: int) -> OrdersPage:
        """Return the orders from a place on, and where the next page begins; None where there is none yet."""
        return self._page(str(self._environment.orders_url), after, {}, OrdersPage)

    def payments_page(self, after: int) -> PaymentsPage:
        """Return the payments from a place on, and where the next page begins; None where there is none yet."""
        return self._page(str(self._environment.payments_url), after, {}, PaymentsPage)

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def _pages(self, url: str, query: dict[str, str], model: type[Reply]) -> Iterator[Reply]:
        after: int | None = 0
        for _ in range(_MAX_PAGES):
            page = self._page(url, after or 0, query, model)
            yield page
            after = getattr(page, "next", None)
            if after is None:
                return
        raise SourceUnavailableError(f"more than {_MAX_PAGES} pages")

    def _page(self, url: str, after: int, query: dict[str, str], model: type[Reply]) -> Reply:
        page = self._get(url, {**query, "after": str(after), "limit": str(_PAGE)}, model)
        following = getattr(page, "next", None)
        if following is not None and following <= after:
            raise SourceUnavailableError("its pages don't advance")
        return page

    def _get(self, url: str, query: dict[str, str], model: type[Reply]) -> Reply:
        try:
            full = requests.Request("GET", url, params=query).prepare().url or url
            reply = bounded_get(self._http, full, _TIMEOUT_S, MAX_REPLY, masks=self._masks)
        except (requests.RequestException, OSError) as error:
            raise SourceUnavailableError(f"unreachable: {why_no_answer(error)}") from error
        if reply.status != requests.codes.ok:
            raise SourceUnavailableError(f"unreachable: HTTP {reply.status}")
        if not reply.whole:
            raise SourceUnavailableError(f"unreachable: a reply of over {MAX_REPLY} bytes")
        try:
            return model.model_validate_json(reply.body)
        except ValidationError as error:
            raise SourceUnavailableError(f"unreachable: not the reply expected: {_first(error)}") from error


def _first(error: ValidationError) -> str:
    detail = error.errors(include_url=False, include_input=False)[0]
    place = ".".join(map(str, detail["loc"]))
    return f"{place}: {detail['msg']}" if place else detail["msg"]
