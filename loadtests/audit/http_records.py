"""Reads one kind of shop records from pages of JSON over HTTP: each reply bounded and checked, the whole bounded, too.

Pages shaped as the stand-in shop's are validated as they are; any other shape is read by the paths that are declared.
"""

import time
from codecs import BOM_UTF8
from collections.abc import Generator, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, TypeVar, cast

import orjson
import requests
from pydantic import BaseModel, TypeAdapter, ValidationError

from loadtests.audit.paging import ChangedWhileReadError, PageRead, Place, Turns
from loadtests.audit.record_shape import Shape, at_path
from loadtests.audit.shop_records import (
    CLOCKS_APART_NS,
    FunnelDocument,
    FunnelStep,
    Order,
    OrdersPage,
    Payment,
    PaymentsPage,
    StockDocument,
    StockLevel,
)
from loadtests.audit.status_words import UNKNOWN, Words
from loadtests.audit.unavailable import SourceUnavailableError
from loadtests.environment.credentials import Credentials, RecordAccess, Secret
from loadtests.environment.pinned_http import BoundedReply, PinnedHttp, bounded_get, why_no_answer
from loadtests.environment.record_targets import (
    NS_PER,
    HttpRecords,
    NextPage,
    OrdersSource,
    PaymentsSource,
    RecordSource,
)
from slo.documents import BadInput
from slo.formatting import printable

MAX_REPLY = 64 << 20
MOST_VALUES = 5_000_000
"""Values in one reply: each takes some hundred bytes once it is read, and an empty object three before."""
_TIMEOUT_S = 20.0
_PAGE = 1000
_MAX_PAGES = 10_000
_MOST_LEVELS = 500_000
_WIDEST = 300
Reply = TypeVar("Reply", bound=BaseModel)
Row = TypeVar("Row", bound=BaseModel)
Dated = TypeVar("Dated", Order, Payment)
_ORDERS, _PAYMENTS = TypeAdapter(list[Order]), TypeAdapter(list[Payment])
_LEVELS, _STEPS = TypeAdapter(list[StockLevel]), TypeAdapter(list[FunnelStep])
_STAND_IN = NextPage(cursor="next", param="after")
_IDS = {"orders": "order_id", "payments": "payment_id"}


class HttpPages:
    """The pages of one kind, read over `http`; `token` is the environment's bearer token, if any.

    `longest_s` bounds each call beside the source's own `deadline_s`. Every method raises SourceUnavailableError.
    """

    def __init__(
        self,
        kind: str,
        source: RecordSource,
        access: RecordAccess,
        token: str | None,
        http: PinnedHttp,
        longest_s: float = float("inf"),
    ) -> None:
        self._kind, self._source, self.http = kind, source, http
        self._page_of: HttpRecords = cast("HttpRecords", source.http)
        self._deadline_s = min(source.deadline_s, longest_s)
        self._headers = {"Accept": "application/json", **access.headers}
        hidden = list(access.hidden)
        if token and not access.authorizes:
            self._headers["Authorization"] = f"Bearer {token}"
            hidden.append(Secret(token))
        self._masks = Credentials(hidden=tuple(hidden)).masks()
        self._words = Words(kind, source.status) if isinstance(source, OrdersSource | PaymentsSource) else None
        self._ends_at = 0.0

    @property
    def numbered(self) -> bool:
        """Whether its pages are the stand-in's: numbered, and only ever added to."""
        return self._source.as_stand_in

    @property
    def name(self) -> str:
        """What messages call the source: its place in targets.yaml."""
        return f"shop_records.{self._kind}.http"

    @property
    def url(self) -> str:
        """The address of the first page."""
        return self._page_of.url

    @property
    def masks(self) -> tuple[bytes, ...]:
        """What no reply may repeat."""
        return self._masks

    @property
    def headers(self) -> Mapping[str, str]:
        """What goes with each request to it, an authorization among it."""
        return self._headers

    def orders(self, run: str | None, since: int, first: int | None = None) -> Generator[Order, None, None]:
        """Yield the orders of `run`, or everyone's since `since` (ns); at most the `first` of them."""
        pages = OrdersPage if self.numbered else None
        for batch in self._batches(_ORDERS, run, since, first, pages):
            yield from (self._in_our_words(one) for one in batch)

    def payments(self, since: int, first: int | None = None) -> Generator[Payment, None, None]:
        """Yield the payments; those before `since` (ns) may be among them."""
        pages = PaymentsPage if self.numbered else None
        for batch in self._batches(_PAYMENTS, None, since, first, pages):
            yield from (self._in_our_words(one) for one in batch)

    def stock(self, at: int, first: int | None = None) -> StockDocument:
        """Return the stock as it is at `at` (ns): now."""
        if self.numbered:
            self._begin()
            document = self._model(Place(url=self._page_of.url), StockDocument)
        else:
            levels = [level for batch in self._batches(_LEVELS, None, at, first, None) for level in batch]
            document = StockDocument(taken_at=at, stock=levels)
        if len(document.stock) > _MOST_LEVELS:
            raise SourceUnavailableError(f"unreadable: more than {_MOST_LEVELS:,} rows")
        if len(document.levels()) != len(document.stock):
            raise SourceUnavailableError("unreadable: the same SKU and location twice")
        return document

    def funnel(self, at: int, first: int | None = None) -> Mapping[str, int]:
        """Return how many sessions came as far as each step."""
        if self.numbered:
            self._begin()
            return self._model(Place(url=self._page_of.url), FunnelDocument).funnel
        steps = [step for batch in self._batches(_STEPS, None, at, first, None) for step in batch]
        return {one.step: one.sessions for one in steps}

    def orders_page(self, after: int) -> OrdersPage:
        """Return the orders from a place on, and where the next page begins; None where there is none yet."""
        self._begin()
        page = self._numbered(after, {}, OrdersPage)
        return page.model_copy(update={"orders": tuple(map(self._in_our_words, page.orders))})

    def payments_page(self, after: int) -> PaymentsPage:
        """Return the payments from a place on, and where the next page begins; None where there is none yet."""
        self._begin()
        page = self._numbered(after, {}, PaymentsPage)
        return page.model_copy(update={"payments": tuple(map(self._in_our_words, page.payments))})

    def close(self) -> None:
        """Close the connections."""
        self.http.close()

    # -- rows ---------------------------------------------------------------------------------------------------

    def _batches(
        self,
        adapter: TypeAdapter[list[Row]],
        run: str | None,
        since: int,
        first: int | None,
        pages: type[OrdersPage] | type[PaymentsPage] | None,
    ) -> Iterator[list[Row]]:
        self._begin()
        sent = 0
        found: Iterator[Sequence[Any]]
        found = self._shaped(adapter, run, since) if pages is None else self._as_stand_in(pages, run)
        for batch in found:
            sent += len(batch)
            if sent > self._source.max_rows:
                raise SourceUnavailableError(
                    f"unreadable: more than the {self._source.max_rows:,} rows that max_rows allows"
                )
            if first is not None and sent >= first:
                yield cast("list[Row]", batch[: first - sent + len(batch)])
                return
            yield cast("list[Row]", batch)

    def _as_stand_in(
        self, model: type[OrdersPage] | type[PaymentsPage], run: str | None
    ) -> Iterator[Sequence[BaseModel]]:
        query = {} if run is None else {"run": run}
        after: int | None = 0
        for _ in range(_MAX_PAGES):
            page = self._numbered(after or 0, query, model)
            yield page.orders if isinstance(page, OrdersPage) else page.payments
            after = page.next
            if after is None:
                return
        raise SourceUnavailableError(f"more than {_MAX_PAGES} pages")

    def _shaped(self, adapter: TypeAdapter[list[Row]], run: str | None, since: int) -> Iterator[list[Row]]:
        """Yield the rows of each page, ours; what counts pages is looked at twice where no total tells of a change."""
        way = _STAND_IN if self._page_of.as_stand_in else self._page_of.next
        ids: set[int] = set()
        marks: list[int] = []
        shape, number = Shape(self._kind, self._source), 0
        turns = Turns(self._page_of.url, way)
        last: object = None
        for place, page in self._pages(turns, run, since):
            rows = page.rows
            if place.passed:
                if not rows or rows[0] != last:
                    raise ChangedWhileReadError(
                        f"page {place.number} doesn't go on where page {place.number - 1} ended"
                    )
                rows = rows[1:]
            last = page.rows[-1] if page.rows else None
            try:
                batch = adapter.validate_python(list(shape.rows(rows, f"page {place.number}, row")))
            except BadInput as error:
                raise SourceUnavailableError(f"unreadable: {error}"[:_WIDEST]) from None
            except ValidationError as error:
                raise SourceUnavailableError(f"unreadable: page {place.number}: {_first(error)}"[:_WIDEST]) from None
            number += len(rows)
            marks.append(_mark(page.rows, place.number))
            self._check_once(batch, ids, place.number)
            yield batch
        turns.check_end(number)
        if way is not None and way.page is not None and turns.total is None:
            self._check_again(marks, Turns(self._page_of.url, way), run, since)

    def _check_once(self, batch: Sequence[BaseModel], before: set[int], number: int) -> None:
        """Refuse a row that an earlier page had; one that a page has twice is the tally's to refuse."""
        name = _IDS.get(self._kind)
        if name is None:
            return
        found = {hash(getattr(row, name)): row for row in batch}
        if again := found.keys() & before:
            row_id = getattr(found[again.pop()], name)
            raise ChangedWhileReadError(f"page {number} has {name} {row_id}, which a page before it had")
        before.update(found)

    def _check_again(self, marks: Sequence[int], turns: Turns, run: str | None, since: int) -> None:
        """Read all pages once more: page numbers alone don't show that a row went and the others moved up."""
        again = [_mark(page.rows, place.number) for place, page in self._pages(turns, run, since)]
        if again != list(marks):
            raise ChangedWhileReadError("its pages held something else when they were read again; name its total")

    def _in_our_words(self, row: Dated) -> Dated:
        """Return an order or a payment with our word for its status."""
        ours = row.status if self._words is None else self._words.ours(row.status)
        if ours == row.status:
            return row
        if ours == UNKNOWN:
            return row.model_copy(update={"status": UNKNOWN, "status_word": repr(row.status)})
        return row.model_copy(update={"status": ours})

    # -- pages --------------------------------------------------------------------------------------------------

    def _begin(self) -> None:
        self._ends_at = time.monotonic() + self._deadline_s

    def _pages(self, turns: Turns, run: str | None, since: int) -> Iterator[tuple[Place, PageRead]]:
        own = self._query(run, since)
        place: Place | None = turns.first()
        while place is not None:
            if place.number > _MAX_PAGES:
                raise SourceUnavailableError(f"more than {_MAX_PAGES} pages")
            begins_here = place.url == self._page_of.url
            page = self._read(place, {**own, **place.query} if begins_here else {})
            yield place, page
            place = turns.after(place, page)

    def _read(self, place: Place, query: Mapping[str, str]) -> PageRead:
        reply = self._get(place.url, query)
        try:
            found = orjson.loads(reply.body.removeprefix(BOM_UTF8))
        except orjson.JSONDecodeError as error:
            raise SourceUnavailableError(
                f"unreadable: page {place.number} is no whole JSON: {error}"[:_WIDEST]
            ) from None
        path = self._kind if self._page_of.as_stand_in else self._page_of.list
        rows = found if path is None else at_path(path, found)
        if self._kind == "funnel" and isinstance(rows, Mapping):
            rows = [{"step": step, "sessions": sessions} for step, sessions in rows.items()]
        if not isinstance(rows, list):
            raise SourceUnavailableError(
                f"unreadable: page {place.number}: {path or 'the reply'}: expected a list, found {_what(rows, found)}"
            )
        return PageRead(rows=rows, reply=found, headers=reply.headers)

    def _query(self, run: str | None, since: int) -> dict[str, str]:
        if self._page_of.as_stand_in:
            listed = {} if self._kind in ("stock", "funnel") else {"after": "0", "limit": str(_PAGE)}
            return {**({"run": run} if run is not None and self._kind == "orders" else {}), **listed}
        values = {"run": run, "since": self._moment(since), "until": self._moment(time.time_ns() + CLOCKS_APART_NS)}
        return {name: text for name, held in self._page_of.query.items() if (text := _filled(held, values)) is not None}

    def _moment(self, at: int) -> str:
        times = getattr(self._source, "times", None)
        if times in NS_PER:
            return str(at // NS_PER[times])
        return datetime.fromtimestamp(at // 1000 / 1e6, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")

    def _numbered(self, after: int, query: Mapping[str, str], model: type[Reply]) -> Reply:
        full = {**query, "after": str(after), "limit": str(_PAGE)}
        page = self._model(Place(url=self._page_of.url, query=full), model)
        following = getattr(page, "next", None)
        if following is not None and following <= after:
            raise SourceUnavailableError("its pages don't advance")
        return page

    def _model(self, place: Place, model: type[Reply]) -> Reply:
        reply = self._get(place.url, place.query)
        try:
            return model.model_validate_json(reply.body)
        except ValidationError as error:
            raise SourceUnavailableError(f"unreachable: not the reply expected: {_first(error)}") from error

    def _get(self, url: str, query: Mapping[str, str]) -> BoundedReply:
        left_s = self._ends_at - time.monotonic()
        late = f"unreadable: no end within {self._deadline_s:g} s: select less, or say deadline_s"
        if left_s <= 0:
            raise SourceUnavailableError(late)
        try:
            full = requests.Request("GET", url, params=dict(query)).prepare().url or url
            reply = bounded_get(
                self.http, full, min(_TIMEOUT_S, left_s), MAX_REPLY, headers=self._headers, masks=self._masks
            )
        except (requests.RequestException, OSError) as error:
            if time.monotonic() >= self._ends_at:
                raise SourceUnavailableError(late) from error
            raise SourceUnavailableError(f"unreachable: {why_no_answer(error)}") from error
        if reply.status != requests.codes.ok:
            raise SourceUnavailableError(f"unreachable: HTTP {reply.status}")
        if not reply.whole:
            raise SourceUnavailableError(f"unreachable: a reply of over {MAX_REPLY} bytes")
        if sum(map(reply.body.count, (b",", b"[", b"{"))) > MOST_VALUES:
            raise SourceUnavailableError(f"unreadable: a reply of over {MOST_VALUES:,} values: ask for smaller pages")
        return reply


def _filled(held: str, values: Mapping[str, str | None]) -> str | None:
    """Return a parameter with what its placeholders stand for, None where one isn't known."""
    for name, value in values.items():
        mark = f"{{{name}}}"
        if mark in held:
            if value is None:
                return None
            held = held.replace(mark, value)
    return held


def _mark(rows: Sequence[object], number: int) -> int:
    """Return what tells the rows of a page from others."""
    try:
        return hash(tuple(orjson.dumps(row, option=orjson.OPT_SORT_KEYS) for row in rows))
    except orjson.JSONEncodeError:
        raise SourceUnavailableError(f"unreadable: page {number}: a row is nested too deep") from None


def _what(rows: object, reply: object) -> str:
    if rows is not None:
        return type(rows).__name__
    if isinstance(reply, Mapping):
        return printable(f"nothing; the reply has {', '.join(map(str, reply))}"[:_WIDEST], kept="")
    return f"nothing; the reply is of type {type(reply).__name__}"


def _first(error: ValidationError) -> str:
    detail: Any = error.errors(include_url=False, include_input=False)[0]
    place = ".".join(map(str, detail["loc"]))
    return f"{place}: {detail['msg']}" if place else str(detail["msg"])
