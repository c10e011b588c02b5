"""Pages of any shape are read to their end, once, in bounds; a list that moves meanwhile is seen and named."""

import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from loadtests.audit import http_records as module
from loadtests.audit.http_records import HttpPages
from loadtests.audit.paging import next_link
from loadtests.audit.readers import Access, readers_of
from loadtests.audit.unavailable import SourceUnavailableError
from loadtests.environment.pinned_http import PinnedHttp
from loadtests.environment.targets import Environment

NOON = 1_795_867_200
FIELDS = {"payment_id": "id", "reference": "order.id", "amount_cents": "amount", "status": "state"}
Page = Callable[[dict[str, str]], Any]


def row(number: int) -> dict[str, Any]:
    return {"id": f"p{number}", "order": {"id": f"o{number}"}, "amount": 5, "state": "paid", "created_at": NOON}


class Provider:
    """Answers each request by `page`, a function of its query, with `headers`; remembers what it was asked."""

    def __init__(self) -> None:
        self.rows = [row(number) for number in range(7)]
        self.page: Page = lambda _: {"data": self.rows}
        self.headers: Callable[[dict[str, str]], dict[str, str]] = lambda _: {}
        self.asked: list[str] = []
        self.brought: dict[str, str] = {}
        provider = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                provider.asked.append(self.path)
                provider.brought = dict(self.headers)
                query = {name: values[0] for name, values in parse_qs(urlsplit(self.path).query).items()}
                page = provider.page(query)
                body = page if isinstance(page, bytes) else json.dumps(page).encode()
                self.send_response(200)
                for name, value in provider.headers(query).items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: Any) -> None:
                """Say nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.01})

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_port}"

    def of(self, at: int, size: int = 3) -> list[dict[str, Any]]:
        return self.rows[at : at + size]


@pytest.fixture(scope="module")
def served() -> Iterator[Provider]:
    one = Provider()
    one.thread.start()
    yield one
    one.server.shutdown()
    one.thread.join()
    one.server.server_close()


@pytest.fixture
def provider(served: Provider) -> Provider:
    served.rows, served.asked = [row(number) for number in range(7)], []
    served.headers = lambda _: {}
    return served


def reader(url: str, kind: str = "payments", variables: dict[str, str] | None = None, **declared: Any) -> HttpPages:
    http = {"url": f"{url}/list", "list": "data", **declared.pop("http", {})}
    source = {"http": http, **({"fields": FIELDS, "times": "s"} if kind == "payments" else {}), **declared}
    facts = {
        "base_url": "http://127.0.0.1:9",
        "storefront": "twisted-threads",
        "ceiling": {"requests_per_s": 1, "open_sessions": 1, "orders": 1},
        "shop_records": {kind: source},
    }
    environment = Environment.model_validate(facts)
    access = Access(token="the-token", http=PinnedHttp(environment), variables=variables or {})
    found = readers_of(environment, access)[kind]
    assert isinstance(found, HttpPages)
    return found


def read(provider: Provider, page: Page, way: dict[str, Any] | None = None, **declared: Any) -> list[str]:
    """Return the ids of the payments that were read."""
    provider.page = page
    http = {} if way is None else {"next": way}
    one = reader(provider.url, http=http, **declared)
    try:
        return [payment.payment_id for payment in one.payments(0)]
    finally:
        one.close()


def why(provider: Provider, page: Page, way: dict[str, Any] | None = None, **declared: Any) -> str:
    with pytest.raises(SourceUnavailableError) as failure:
        read(provider, page, way, **declared)
    return str(failure.value)


def leading_to(link: str) -> Page:
    return lambda _: {"data": [], "links": {"next": link}}


ALL = [f"p{number}" for number in range(7)]


def test_a_cursor_is_followed_to_its_end(provider: Provider) -> None:
    def page(query: dict[str, str]) -> Any:
        at = int(query.get("after", 0))
        return {"data": provider.of(at), "meta": {"next": at + 3 if at + 3 < 7 else None}}

    assert read(provider, page, {"cursor": "meta.next", "param": "after"}) == ALL
    assert provider.asked == ["/list", "/list?after=3", "/list?after=6"]


def test_the_last_row_is_where_the_next_page_begins(provider: Provider) -> None:
    def page(query: dict[str, str]) -> Any:
        at = 1 + int(query["starting_after"][1:]) if "starting_after" in query else 0
        return {"data": provider.of(at), "more": at + 3 < 7}

    assert read(provider, page, {"last": "id", "more": "more", "param": "starting_after"}) == ALL
    assert len(provider.asked) == 3
    assert read(provider, page, {"last": "id", "param": "starting_after"}) == ALL  # until a page is empty


@pytest.mark.parametrize("said", [None, "true", 1])
def test_a_page_that_does_not_say_whether_there_is_more_may_be_one_of_many(provider: Provider, said: object) -> None:
    way = {"last": "id", "more": "has_more", "param": "starting_after"}
    message = f"more: expected true or false at has_more, found {said!r}"
    assert why(provider, lambda _: {"data": provider.of(0), "has_more": said}, way) == message


def test_a_next_page_that_nobody_declared_is_not_left_out(provider: Provider) -> None:
    provider.headers = lambda _: {"Link": f'<{provider.url}/list?at=3>; rel="next"'}
    said = "its header Link names a next page, and next isn't declared"
    assert why(provider, lambda _: {"data": provider.of(0)}) == said


def test_links_are_followed_in_the_reply_and_in_its_header_to_the_same_host_alone(provider: Provider) -> None:
    def after(query: dict[str, str]) -> str | None:
        at = int(query.get("at", 0)) + 3
        return f"{provider.url}/list?at={at}" if at < 7 else None

    def page(query: dict[str, str]) -> Any:
        return {"data": provider.of(int(query.get("at", 0))), "links": {"next": after(query)}}

    assert read(provider, page, {"link": "links.next"}) == ALL
    provider.headers = lambda query: {
        "Link": f'<{provider.url}/list?at=0>; rel="first"' + (f', <{url}>; rel="next"' if (url := after(query)) else "")
    }
    assert read(provider, page, {"link_header": True}) == ALL
    said = "page 1 names another host as the next, which isn't asked"
    for link in ("http://127.0.0.2/list", "//127.0.0.2/list", "http://[::1"):
        assert why(provider, leading_to(link), {"link": "links.next"}) == said


def test_another_relation_whose_name_begins_alike_is_not_the_next_page() -> None:
    for rel in ("next", '"next"', '"prev next"', "NEXT, <c>; rel=last"):
        assert next_link(f"<a>; rel=prev, <b>; rel={rel}") == "b"
    for rel in ("next-archive", '"next-archive"', '"my-next"', "nextpage"):
        assert next_link(f"<b>; rel={rel}") is None


def test_numbered_pages_are_read_to_their_total_and_rows_by_their_offset(provider: Provider) -> None:
    def numbered(query: dict[str, str]) -> Any:
        return {"data": provider.of(3 * int(query["page"]) - 3), "total": 7}

    assert read(provider, numbered, {"page": "page", "total": "total"}) == ALL
    assert len(provider.asked) == 3
    provider.headers = lambda _: {"X-Total": "7"}
    assert read(provider, numbered, {"page": "page", "total": "header:X-Total"}) == ALL
    provider.asked.clear()
    assert read(provider, lambda query: {"data": provider.of(int(query["offset"]))}, {"offset": "offset"}) == ALL
    assert provider.asked == [f"/list?offset={at}" for at in (0, 2, 4, 6)]  # the last row is asked for again
    one_a_page = lambda query: {"data": provider.of(int(query["offset"]), 1)}  # noqa: E731 - as the others
    assert read(provider, one_a_page, {"offset": "offset"}) == ALL


MOVES: list[tuple[str, dict[str, Any], str]] = [
    ("gone", {"page": "page", "total": "total"}, "its total was 7 and is 6"),
    ("gone", {"page": "page"}, "its pages held something else when they were read again; name its total"),
    ("gone", {"offset": "offset"}, "page 2 doesn't go on where page 1 ended"),
    ("come", {"page": "page"}, "page 2 has payment_id p2, which a page before it had"),
    ("come", {"offset": "offset"}, "page 2 doesn't go on where page 1 ended"),
]


@pytest.mark.parametrize(("what", "way", "how"), MOVES)
def test_rows_that_come_or_go_while_the_pages_are_read_are_seen(
    provider: Provider, what: str, way: dict[str, Any], how: str
) -> None:
    def page(query: dict[str, str]) -> Any:
        at = int(query["offset"]) if "offset" in query else 3 * int(query["page"]) - 3
        if at and len(provider.rows) == 7:
            provider.rows = provider.rows[1:] if what == "gone" else [row(99), *provider.rows]
        return {"data": provider.of(at), "total": len(provider.rows)}

    assert why(provider, page, way) == f"it changed while it was read: {how}"


def test_fewer_rows_than_the_total_says_are_not_all(provider: Provider) -> None:
    said = "it changed while it was read: 0 rows were read, and its total says 7"
    assert why(provider, lambda _: {"data": [], "total": 7}, {"page": "page", "total": "total"}) == said
    said = "total: expected a number at total, found 'many'"
    assert why(provider, lambda _: {"data": [], "total": "many"}, {"page": "page", "total": "total"}) == said


def test_pages_without_an_end_are_given_up(provider: Provider, monkeypatch: pytest.MonkeyPatch) -> None:
    cursor = {"cursor": "next", "param": "after"}
    assert why(provider, lambda _: {"data": [], "next": "a"}, cursor) == "its pages don't advance"
    count = iter(range(100))
    same = {"data": [row(1)]}
    said = "it changed while it was read: page 2 has payment_id p1, which a page before it had"
    assert why(provider, lambda _: {**same, "next": next(count)}, cursor) == said
    monkeypatch.setattr(module, "_MAX_PAGES", 4)
    assert why(provider, lambda _: {"data": [], "next": next(count)}, cursor) == "more than 4 pages"
    other = lambda _: {"data": [row(next(count))], "next": next(count)}  # noqa: E731 - as the others
    assert why(provider, other, cursor, max_rows=2) == "unreadable: more than the 2 rows that max_rows allows"
    late = "unreadable: no end within 0.0001 s: select less, or say deadline_s"
    assert why(provider, other, cursor, deadline_s=0.0001) == late


def nested(depth: int) -> list[Any]:
    inner: list[Any] = []
    for _ in range(depth):
        inner = [inner]
    return inner


BROKEN: list[tuple[Any, str]] = [
    (b'{"data": [{"id": "p1"', "unreadable: page 1 is no whole JSON: "),
    (b"[" * 5000, "unreadable: page 1 is no whole JSON: "),
    ({"rows": []}, "unreadable: page 1: data: expected a list, found nothing; the reply has rows"),
    ({"r\x1b[2J": []}, "unreadable: page 1: data: expected a list, found nothing; the reply has r\\x1b[2J"),
    ({"data": {"id": 1}}, "unreadable: page 1: data: expected a list, found dict"),
    ({"data": [{**row(1), "x": nested(400)}]}, "unreadable: page 1: a row is nested too deep"),
    ({"data": [7]}, "unreadable: page 1, row 1: expected an object with payment_id, reference"),
    ({"data": [row(1), {**row(2), "amount": None}]}, "unreadable: page 1, row 2: amount_cents: is NULL"),
    ({"data": [{**row(1), "order": {}}]}, "unreadable: page 1, row 1: reference: required and missing"),
]


@pytest.mark.parametrize(("page", "message"), BROKEN, ids=range(len(BROKEN)))
def test_a_page_that_is_cut_or_of_another_shape_is_named(provider: Provider, page: Any, message: str) -> None:
    assert why(provider, lambda _: page).startswith(message)


@pytest.mark.parametrize("value", ["{}", "[]", "0", '{"a":0}'])
def test_a_page_of_more_values_than_memory_is_for_is_refused_before_it_is_read(
    value: str, provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("loadtests.audit.http_records.MOST_VALUES", 1000)
    monkeypatch.setattr("loadtests.audit.http_records.orjson.loads", lambda _: pytest.fail("it was read"))
    page = f"[{','.join([value] * 1001)}]".encode()
    assert why(provider, lambda *_: page) == "unreadable: a reply of over 1,000 values: ask for smaller pages"


def test_parameters_hold_the_run_and_the_time_in_the_unit_of_the_source(provider: Provider) -> None:
    query = {"limit": "9", "created[gte]": "{since}", "tag": "run-{run}"}
    provider.page = lambda _: {"data": []}
    one = reader(provider.url, http={"query": query})
    assert list(one.payments(NOON * 10**9)) == []
    assert provider.asked == [f"/list?limit=9&created%5Bgte%5D={NOON}"]
    two = reader(provider.url, "orders", http={"query": query}, times="iso")
    assert list(two.orders("r1", NOON * 10**9)) == []
    assert provider.asked[1].endswith("gte%5D=2026-11-28T12%3A00%3A00.000000Z&tag=run-r1")


def test_an_authorization_of_its_own_takes_the_tokens_place_and_is_masked(provider: Provider) -> None:
    provider.page = lambda _: {"data": "no secret-key here"}
    with pytest.raises(SourceUnavailableError):
        list(reader(provider.url).payments(0))
    assert provider.brought["Authorization"] == "Bearer the-token"
    provider.page = lambda _: {"data": [{**row(1), "id": "the secret-key"}]}
    own = {"bearer": {"env": "KEY"}, "headers": {"X-Tenant": "london"}}
    one = reader(provider.url, http=own, variables={"KEY": "secret-key"})
    assert [payment.payment_id for payment in one.payments(0)] == ["the **********"]
    assert (provider.brought["Authorization"], provider.brought["X-Tenant"]) == ("Bearer secret-key", "london")
    basic = {"basic_auth": {"user_env": "USER_NAME", "password_env": "KEY"}}
    list(reader(provider.url, http=basic, variables={"USER_NAME": "me", "KEY": "secret-key"}).payments(0))
    assert provider.brought["Authorization"] == "Basic bWU6c2VjcmV0LWtleQ=="


def test_stock_and_funnel_are_lists_or_a_funnel_by_step(provider: Provider) -> None:
    provider.page = lambda _: {"data": [{"sku": "tee", "left": 3, "held": 1}, {"sku": "mug", "left": 0, "held": 0}]}
    fields = {"quantity": "left", "reserved": "held"}
    stock = reader(provider.url, "stock", fields=fields, location="London").stock(NOON)
    assert (stock.taken_at, stock.levels()) == (NOON, {("tee", "London"): 2, ("mug", "London"): 0})
    provider.page = lambda _: {"data": [{"sku": "tee", "quantity": 1}] * 2}
    with pytest.raises(SourceUnavailableError, match=r"^unreadable: the same SKU and location twice$"):
        reader(provider.url, "stock").stock(NOON)
    level = {"sku": "tee", "location": "London", "quantity": 1}
    provider.page = lambda _: {
        "format": "peakproof/stock/v1",
        "taken_at": NOON,
        "stock": [level, {**level, "quantity": 9}],
    }
    with pytest.raises(SourceUnavailableError, match=r"^unreadable: the same SKU and location twice$"):
        reader(provider.url, "stock", http={"list": None}).stock(NOON)
    provider.page = lambda _: {"data": {"visit": 10, "order": "3"}}
    assert reader(provider.url, "funnel").funnel(NOON) == {"visit": 10, "order": 3}
