"""Shop records are read whole and in bounds, or the reason why not is recorded."""

import contextlib
import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from loadtests.audit import http_records as module
from loadtests.audit.shop_records import Order, Payment, StockDocument
from loadtests.audit.sources import Played, Sources, gather, sources_of
from loadtests.audit.unavailable import SourceUnavailableError
from loadtests.environment.pinned_http import PinnedHttp
from loadtests.environment.targets import Environment
from loadtests.results.ledger import Attempt, Ledger, Line, OrderReply
from loadtests.results.run_directory import RunDirectory, write_json
from slo.documents import BadInput, validate
from tests.record_pages import record_pages

TOKEN = "t0ken"
PLAYED = Played(started_at=0)
STOCK = {"taken_at": 1, "stock": [{"sku": "tee", "location": "warehouse", "quantity": 5}]}
LINE = {"sku": "tee", "quantity": 1, "location": "warehouse"}

Answer = Callable[[str, dict[str, str]], Any]


def order_reply(number: int, run: str | None = "r1") -> dict[str, Any]:
    return {
        "order_id": f"o{number}",
        "key": f"k{number}",
        "run": run,
        "status": "accepted",
        "created_at": number,
        "total_cents": 100,
        "lines": [LINE],
        "session": "s",
    }


def payment_reply(number: int) -> dict[str, Any]:
    return {
        "payment_id": f"p{number}",
        "idempotency_key": f"k{number}",
        "reference": f"o{number}",
        "amount_cents": 100,
        "status": "captured",
        "created_at": number,
    }


class Shop:
    """Answers by path: an object, (status, bytes), or a function of the query; remembers what it was asked."""

    def __init__(self) -> None:
        self.pages: dict[str, Any] = {
            "/orders": {"orders": [order_reply(1)], "next": None},
            "/payments": {"payments": [payment_reply(1)], "next": None},
            "/stock": STOCK,
        }
        self.asked: list[str] = []
        self.tokens: set[str | None] = set()
        self.over = threading.Event()
        self.stalls = False
        shop = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                shop.asked.append(self.path)
                shop.tokens.add(self.headers.get("Authorization"))
                address = urlsplit(self.path)
                page = shop.pages[address.path]
                if callable(page):
                    page = page({name: values[0] for name, values in parse_qs(address.query).items()})
                status, body = page if isinstance(page, tuple) else (200, json.dumps(page).encode())
                self.send_response(status)
                if status == 302:
                    self.send_header("Location", "http://elsewhere.invalid/")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                with contextlib.suppress(OSError):  # who asked may be gone
                    self.wfile.write(body)
                if shop.stalls:
                    shop.over.wait(10)

            def log_message(self, *_: Any) -> None:
                """Say nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.02})

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_port}"

    def environment(self, **changes: Any) -> Environment:
        facts = {
            "base_url": self.url,
            "storefront": "twisted-threads",
            "ceiling": {"requests_per_s": 1, "open_sessions": 1, "orders": 1},
            "shop_records": record_pages(
                orders=f"{self.url}/orders", payments=f"{self.url}/payments", stock=f"{self.url}/stock"
            ),
            **changes,
        }
        return Environment.model_validate(facts)


@pytest.fixture
def shop() -> Iterator[Shop]:
    one = Shop()
    one.thread.start()
    yield one
    one.over.set()
    one.server.shutdown()
    one.thread.join()
    one.server.server_close()


def asking_of(environment: Environment, token: str | None) -> Sources:
    return sources_of(environment, token, PinnedHttp(environment), None, {})


@pytest.fixture
def sources(shop: Shop) -> Iterator[Sources]:
    asking = asking_of(shop.environment(), TOKEN)
    yield asking
    asking.close()


def test_orders_are_read_as_the_shop_has_them(sources: Sources) -> None:
    lines = (Line(sku="tee", quantity=1, location="warehouse"),)
    assert tuple(sources.orders("r1")) == (
        Order(order_id="o1", key="k1", run="r1", status="accepted", created_at=1, total_cents=100, lines=lines),
    )


def test_all_pages_are_read(shop: Shop, sources: Sources) -> None:
    shop.pages["/orders"] = lambda query: {
        "orders": [order_reply(int(query["after"]) + 1)],
        "next": int(query["after"]) + 1 if int(query["after"]) < 4 else None,
    }
    assert [order.order_id for order in sources.orders("r 1")] == ["o1", "o2", "o3", "o4", "o5"]
    assert shop.asked == [f"/orders?run=r+1&after={n}&limit=1000" for n in range(5)]


def test_everyone_s_orders_are_asked_for_without_a_run(shop: Shop, sources: Sources) -> None:
    tuple(sources.orders(None))
    assert shop.asked == ["/orders?after=0&limit=1000"]


def test_payments_made_before_the_run_are_left_out(shop: Shop, sources: Sources) -> None:
    shop.pages["/payments"] = {"payments": [payment_reply(n) for n in (4, 5, 6)], "next": None}
    assert tuple(sources.payments(5)) == tuple(
        Payment(payment_id=f"p{n}", reference=f"o{n}", amount_cents=100, status="captured", created_at=n)
        for n in (5, 6)
    )


def test_the_stock_is_a_document_of_its_own(sources: Sources) -> None:
    document = sources.stock_document()
    levels = [{"sku": "tee", "location": "warehouse", "quantity": 5, "reserved": 0}]
    assert document.model_dump(mode="json") == {"format": "peakproof/stock/v1", "taken_at": 1, "stock": levels}
    assert document.levels() == {("tee", "warehouse"): 5}


def test_a_stock_document_that_is_none_is_refused() -> None:
    with pytest.raises(BadInput) as refusal:
        validate({"taken_at": 1, "stock": [{"sku": "tee", "location": "warehouse"}]}, StockDocument, "stock.json")
    assert str(refusal.value) == "stock.json: stock[0].quantity: required and missing"


def test_the_token_is_sent_in_the_header_only(shop: Shop, sources: Sources) -> None:
    tuple(sources.orders("r1"))
    tuple(sources.payments(0))
    sources.stock_document()
    assert shop.tokens == {f"Bearer {TOKEN}"}
    assert not any(TOKEN in path for path in shop.asked)


def test_without_a_token_no_header_is_sent_and_none_is_found_elsewhere(
    shop: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    netrc = tmp_path / ".netrc"
    netrc.write_text("machine 127.0.0.1 login a password b\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    asking = asking_of(shop.environment(), None)
    asking.stock_document()
    asking.close()
    assert shop.tokens == {None}


UNREADABLE: list[tuple[Any, str]] = [
    ((500, b"{}"), "unreachable: HTTP 500"),
    ((401, b"{}"), "unreachable: HTTP 401"),
    ((302, b""), "unreachable: HTTP 302"),
    ((204, b""), "unreachable: HTTP 204"),
    ((200, b"x" * 2001), "unreachable: a reply of over 2000 bytes"),
    (
        (200, b"<html>"),
        "unreachable: not the reply expected: Invalid JSON: expected value at line 1 column 1",
    ),
    ((200, b""), "unreachable: not the reply expected: Invalid JSON: EOF while parsing a value at line 1 column 0"),
    ({"orders": []}, "unreachable: not the reply expected: next: Field required"),
    (
        {"orders": [{**order_reply(1), "total_cents": "free"}], "next": None},
        (
            "unreachable: not the reply expected: orders.0.total_cents: "
            "Input should be a valid integer, unable to parse string as an integer"
        ),
    ),
    ({"orders": [], "next": 0}, "its pages don't advance"),
    ({"orders": [], "next": -3}, "its pages don't advance"),
    (lambda query: {"orders": [], "next": max(1, int(query["after"]))}, "its pages don't advance"),
    (lambda query: {"orders": [], "next": int(query["after"]) + 1}, "more than 3 pages"),
]


@pytest.mark.parametrize(("page", "message"), UNREADABLE, ids=[message[:60] for _, message in UNREADABLE])
def test_a_reply_that_cannot_be_used_is_told_in_a_few_words(
    shop: Shop, sources: Sources, monkeypatch: pytest.MonkeyPatch, page: Any, message: str
) -> None:
    monkeypatch.setattr(module, "MAX_REPLY", 2000)
    monkeypatch.setattr(module, "_MAX_PAGES", 3)
    shop.pages["/orders"] = page
    with pytest.raises(SourceUnavailableError) as failure:
        tuple(sources.orders("r1"))
    assert str(failure.value) == message
    assert TOKEN not in str(failure.value)


def test_a_source_that_does_not_answer_is_given_up(
    shop: Shop, sources: Sources, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_TIMEOUT_S", 0.2)
    shop.pages["/stock"] = lambda _: shop.over.wait(10) and STOCK
    with pytest.raises(SourceUnavailableError) as failure:
        sources.stock_document()
    assert str(failure.value) == "unreachable: ReadTimeout"


class Half(bytes):
    """Bytes that promise more than there are."""

    def __len__(self) -> int:
        return 100


@pytest.mark.parametrize(("stalls", "name"), [(False, "ProtocolError"), (True, "ReadTimeoutError")])
def test_a_reply_that_stops_half_way_is_given_up(
    shop: Shop, sources: Sources, monkeypatch: pytest.MonkeyPatch, *, stalls: bool, name: str
) -> None:
    monkeypatch.setattr(module, "_TIMEOUT_S", 0.2)
    shop.stalls = stalls
    shop.pages["/stock"] = (200, Half(b"{"))
    with pytest.raises(SourceUnavailableError) as failure:
        sources.stock_document()
    assert str(failure.value) == f"unreachable: {name}"


def test_a_source_that_is_not_there_is_told(shop: Shop) -> None:
    asking = asking_of(shop.environment(shop_records=record_pages(stock="http://127.0.0.1:1/stock")), TOKEN)
    with pytest.raises(SourceUnavailableError) as failure:
        asking.stock_document()
    asking.close()
    assert str(failure.value) == "unreachable: ConnectionError"


# -- gathering --------------------------------------------------------------------------------------------------


@pytest.fixture
def directory(tmp_path: Path) -> RunDirectory:
    directory = RunDirectory(path=tmp_path / "r1")
    directory.path.mkdir()
    ledger = Ledger(directory.ledger("w0"))
    lines = (Line(sku="tee", quantity=1, location="warehouse"),)
    ledger.attempt(Attempt(session=1, key="k1", lines=lines, amount_cents=100), 1)
    ledger.outcome("k1", "accepted", 2, OrderReply(status=201, order_id="o1", total_cents=100))
    ledger.close()
    write_json(directory.stock_before, {"format": "peakproof/stock/v1", **STOCK})
    return directory


def test_everything_declared_is_asked(sources: Sources, directory: RunDirectory) -> None:
    told = gather(directory, sources, PLAYED, lambda: 0)
    assert told.sources == {"orders": "read", "payments": "read", "stock": "read"}
    assert (told.run, told.attempts.order_id.to_pylist()) == ("r1", ["o1"])
    assert told.orders is not None
    assert told.others is not None
    assert told.others.sold == {}
    assert told.payments is not None
    assert told.orders.order_id.to_pylist() == ["o1"]
    assert told.payments.by_order(told.payments.pays).tolist() == [1]
    assert told.stock_before == told.stock_after == {("tee", "warehouse"): 5}


def test_what_is_not_declared_is_not_asked(shop: Shop, directory: RunDirectory) -> None:
    environment = shop.environment(shop_records=None)
    asking = asking_of(environment, None)
    told = gather(directory, asking, PLAYED, lambda: 0)
    asking.close()
    assert told.sources == dict.fromkeys(("orders", "payments", "stock"), "not declared")
    assert (told.orders, told.payments, told.stock_before, told.stock_after, shop.asked) == (None, None, None, None, [])


def test_a_source_that_fails_is_said_and_the_others_are_asked(
    shop: Shop, sources: Sources, directory: RunDirectory
) -> None:
    shop.pages["/payments"] = (500, b"")
    told = gather(directory, sources, PLAYED, lambda: 0)
    assert told.sources == {"orders": "read", "payments": "unreachable: HTTP 500", "stock": "read"}
    assert told.payments is None


def numbered(shop: Shop, moves: int) -> Environment:
    """Declare payments in numbered pages with a total, which tells another number the first `moves` times."""
    told = iter([2] * moves)
    payment = {**payment_reply(1), "created_at": 2 * 10**17}
    shop.pages["/payments"] = lambda query: {
        "payments": [payment] if query["page"] == "1" else [],
        "total": next(told, 1),
    }
    way = {"list": "payments", "next": {"page": "page", "total": "total"}}
    return shop.environment(shop_records={"payments": {"http": {"url": f"{shop.url}/payments", **way}}})


@pytest.mark.parametrize(
    ("moves", "said"),
    [(2, "read"), (9, "it changed while it was read: 1 rows were read, and its total says 2")],
)
def test_a_list_that_changes_is_read_again_and_what_never_rests_is_said(
    shop: Shop, directory: RunDirectory, moves: int, said: str
) -> None:
    sources = asking_of(numbered(shop, moves), None)
    assert gather(directory, sources, PLAYED, lambda: 10**18).sources["payments"] == said
    sources.close()


def test_an_order_of_others_that_is_there_twice_is_not_counted_twice(shop: Shop, sources: Sources) -> None:
    shop.pages["/orders"] = {"orders": [order_reply(2, None), order_reply(2, None)], "next": None}
    with pytest.raises(SourceUnavailableError, match=r"^unreadable: order o2 is there twice: one row an order$"):
        list(sources.orders(None))


def test_a_payment_of_someone_else_s_order_is_explained(shop: Shop, sources: Sources, directory: RunDirectory) -> None:
    shop.pages["/payments"] = {"payments": [payment_reply(1), payment_reply(2), payment_reply(3)], "next": None}
    shop.pages["/orders"] = lambda query: {
        "orders": [order_reply(1)] if "run" in query else [order_reply(1), order_reply(2, run=None)],
        "next": None,
    }
    told = gather(directory, sources, PLAYED, lambda: 0)
    assert told.others is not None
    assert told.others.paid_for == {"o2"}


def test_stock_that_someone_else_s_order_moved_is_explained(
    shop: Shop, sources: Sources, directory: RunDirectory
) -> None:
    shop.pages["/stock"] = {"taken_at": 2, "stock": [{"sku": "tee", "location": "warehouse", "quantity": 3}]}
    shop.pages["/orders"] = lambda query: {
        "orders": [order_reply(1)] if "run" in query else [order_reply(1), order_reply(2, run=None)],
        "next": None,
    }
    told = gather(directory, sources, PLAYED, lambda: 0)
    assert told.others is not None
    assert told.others.maybe == {("tee", "warehouse"): 1}  # within a minute of the reading, by another clock


def test_everyone_s_orders_are_not_asked_for_when_nothing_needs_explaining(
    shop: Shop, sources: Sources, directory: RunDirectory
) -> None:
    shop.pages["/stock"] = {"taken_at": 2, "stock": [{"sku": "tee", "location": "warehouse", "quantity": 4}]}
    gather(directory, sources, PLAYED, lambda: 0)
    assert [path for path in shop.asked if path.startswith("/orders")] == ["/orders?run=r1&after=0&limit=1000"]


@pytest.mark.parametrize("text", [None, "{", '{"stock": [{}]}', '{"stock": 3}'])
def test_stock_that_was_not_read_before_the_run_is_unknown(
    sources: Sources, directory: RunDirectory, text: str | None
) -> None:
    directory.stock_before.unlink() if text is None else directory.stock_before.write_text(text)
    told = gather(directory, sources, PLAYED, lambda: 0)
    assert (told.sources["stock"], told.stock_before) == ("not read before the run", None)


def test_everyone_s_orders_without_those_of_the_run_explain_nothing(
    shop: Shop, sources: Sources, directory: RunDirectory
) -> None:
    shop.pages["/payments"] = {"payments": [payment_reply(1), payment_reply(2)], "next": None}
    shop.pages["/orders"] = lambda query: {"orders": [order_reply(1)] if "run" in query else [], "next": None}
    told = gather(directory, sources, PLAYED, lambda: 0)
    assert told.others is None
    assert told.others_unread == "everyone's orders hold 0 of the 1 of the run: orders(None) must yield all"


def test_everyone_s_orders_that_can_not_be_read_leave_those_of_the_run_standing(
    shop: Shop, sources: Sources, directory: RunDirectory
) -> None:
    shop.pages["/payments"] = {"payments": [payment_reply(1), payment_reply(2)], "next": None}
    shop.pages["/orders"] = lambda query: {"orders": [order_reply(1)], "next": None} if "run" in query else (500, b"")
    told = gather(directory, sources, PLAYED, lambda: 0)
    assert told.sources["orders"] == "read"
    assert told.others_unread == "they are unreachable: HTTP 500"


def test_an_order_that_is_on_two_pages_makes_its_source_unreadable(
    shop: Shop, sources: Sources, directory: RunDirectory
) -> None:
    shop.pages["/orders"] = {"orders": [order_reply(1), order_reply(1)], "next": None}
    told = gather(directory, sources, PLAYED, lambda: 0)
    assert told.sources["orders"] == "unreadable: order o1 is there twice: one row an order"
