"""The walker keeps to its walk, its gate and its bounds, whatever Playwright and the page do."""

import asyncio
import json
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright import async_api as playwright

from loadtests.browser import walker
from loadtests.browser.gate import Gate
from loadtests.browser.messages import BrowserJob
from loadtests.browser.walker import Tab, Walker
from loadtests.environment.ceilings import Ceilings
from loadtests.environment.targets import Ceiling
from tests.loadtests.browser.fake_playwright import Browser, Closable, Context, Devtools, Page

SHOP = "http://shop.example"
LINKS = [f"{SHOP}/search?q=tea", f"{SHOP}/products/tee", "http://foreign.example/products/no", 7]


def job(**changes: object) -> BrowserJob:
    facts: dict[str, object] = {
        "program": "/usr/bin/chromium",
        "profile": "/nowhere",
        "base_url": SHOP,
        "headers": {"http://cdn.example": {}, SHOP: {"X-Api-Key": "hidden-value"}},
        "addresses": {},
        "ceiling": {"requests_per_s": 1000, "open_sessions": 1, "orders": 0},
        "tag": {"X-Load": "run"},
        "walk": (("home", "/"), ("search", "/search"), ("product", "/products/")),
        "think_time": {"median_s": 0.001, "sigma": 0.1, "max_s": 0.002},
        "trace_sampling": 1.0,
        "page_s": 0.2,
    }
    return BrowserJob.model_validate({**facts, **changes})


class Walked:
    """What the walker made of a fake browser: why it ended, and its reports."""

    def __init__(self, browser: Browser, capsys: pytest.CaptureFixture[str], **changes: object) -> None:
        class Faked(Walker):
            async def _launch(self) -> Any:
                return browser

        self.why = asyncio.run(Faked(job(**changes)).walk_on())
        self.reports = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
        self.pages = [report["page"] for report in self.reports if report["page"]]
        self.facts = self.reports[-1]["facts"]


@pytest.fixture(autouse=True)
def _hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(walker, "_LEAST_THOUGHT_S", 0.001)


def with_links(page: Page) -> None:
    page.devtools.values[1] = LINKS


def test_a_visit_goes_from_page_to_page_and_reports_each(capsys: pytest.CaptureFixture[str]) -> None:
    browser = Browser(with_links, visits=2)
    walked = Walked(browser, capsys)
    assert walked.why == "the browser is gone: it ended"
    assert [page["page"] for page in walked.pages] == ["home", "search", "product"] * 2
    first = walked.pages[0]
    counts = {name: first[name] for name in ("status", "error", "requests", "failed", "blocked", "bytes")}
    assert counts == {"status": 200, "error": None, "requests": 1, "failed": 0, "blocked": 0, "bytes": 1500}
    assert (first["timings"]["ttfb"], first["timings"]["load"]) == (12.5, 80)
    assert (walked.facts["pages"], walked.facts["failed"], walked.facts["why_not_more"]) == (6, 0, None)
    opened = browser.contexts[0].page
    assert opened.opened == [f"{SHOP}/", f"{SHOP}/search?q=tea", f"{SHOP}/products/tee"]
    assert opened.headers[0] == {"X-Load": "run", "traceparent": opened.headers[0]["traceparent"]}
    assert opened.headers[0]["traceparent"][3:35] == first["trace_id"]
    assert all(context.closed for context in browser.contexts)
    assert browser.options[0] == {"service_workers": "block", "accept_downloads": False, "no_viewport": True}


@pytest.mark.parametrize(
    ("status", "failure", "error"),
    [
        (503, None, "http_5xx"),
        (404, None, "http_4xx"),
        (200, playwright.TimeoutError("Timeout 200ms exceeded"), "timeout"),
        (200, playwright.Error("Page.goto: net::ERR_CONNECTION_REFUSED at http://shop.example/"), "connection"),
    ],
)
def test_a_page_that_fails_ends_its_visit_and_the_next_begins(
    capsys: pytest.CaptureFixture[str], status: int, failure: Exception | None, error: str
) -> None:
    def prepare(page: Page) -> None:
        page.status, page.error = status, failure

    walked = Walked(Browser(prepare, visits=2), capsys)
    assert [(page["page"], page["error"], page["timings"]["load"]) for page in walked.pages] == [
        ("home", error, None)
    ] * 2
    assert walked.facts["failed"] == 2


def test_a_page_that_leads_no_further_is_named_until_a_walk_is_whole(capsys: pytest.CaptureFixture[str]) -> None:
    assert Walked(Browser(), capsys).facts["why_not_more"] == "no link that begins with /search leads to search"
    visits = iter([[], LINKS])

    def prepare(page: Page) -> None:
        page.devtools.values[1] = next(visits)

    assert Walked(Browser(prepare, visits=2), capsys).facts["why_not_more"] is None


@pytest.mark.parametrize("links", [None, "x", {}])
def test_links_that_are_no_list_are_none(capsys: pytest.CaptureFixture[str], links: object) -> None:
    def prepare(page: Page) -> None:
        page.devtools.values[1] = links

    assert [page["page"] for page in Walked(Browser(prepare), capsys).pages] == ["home"]


def test_a_page_that_went_away_is_a_timeout(capsys: pytest.CaptureFixture[str]) -> None:
    def prepare(page: Page) -> None:
        page.status = None
        page.devtools.error = playwright.Error("Target crashed")

    (page,) = Walked(Browser(prepare), capsys).pages
    assert (page["status"], page["error"]) == (0, "timeout")


class Hanging(Browser):
    """A browser that answers nothing."""

    async def new_context(self, **options: object) -> Context:
        await asyncio.sleep(60)
        return await super().new_context(**options)


class Failing(Browser):
    """A browser that can't do that."""

    async def new_context(self, **_: object) -> Context:
        raise playwright.Error("Browser.new_context: no such thing\nCall log: …")


class Slow(Browser):
    """A browser that doesn't start."""

    async def new_context(self, **_: object) -> Context:
        raise playwright.TimeoutError("Timeout exceeded")


class Gone(Browser):
    """A browser that has ended."""

    def is_connected(self) -> bool:
        return False


@pytest.mark.parametrize(
    ("kind", "why"),
    [
        (Hanging, "the browser hung in 3 visits in a row"),
        (Failing, "the browser failed: Browser.new_context: no such thing"),
        (Slow, "the browser hung: it didn't start within 30 s"),
        (Gone, "the browser is gone: it ended"),
    ],
)
def test_a_browser_that_can_not_go_on_is_named(
    capsys: pytest.CaptureFixture[str], kind: Callable[[], Browser], why: str
) -> None:
    class Faked(Walker):
        async def _launch(self) -> Any:
            return kind()

    assert asyncio.run(Faked(job()).walk_on()) == why
    assert capsys.readouterr().out == ""


# -- the gate ----------------------------------------------------------------------------------------------------


async def tab_of(requests_per_s: float = 1000) -> tuple[Tab, Devtools, Context, Gate]:
    ceilings = Ceilings(Ceiling(requests_per_s=requests_per_s, open_sessions=1, orders=0), 0, 1)
    gate = Gate(job().headers, ceilings, time.perf_counter_ns)
    context = Context(Page(Devtools()))
    whatever: Any = context
    return await Tab.opened(whatever, gate, 1.0), context.page.devtools, context, gate


def test_a_request_is_let_through_with_the_headers_of_its_origin_or_blocked() -> None:
    async def requests() -> tuple[Tab, Devtools, Gate]:
        tab, devtools, _, gate = await tab_of()
        await devtools.request(f"{SHOP}/x", "1", Accept="text/html", **{"x-api-key": "the page's own"})
        await devtools.request("http://cdn.example/x", "2", Accept="image/*")
        await devtools.request("http://foreign.example/x", "3")
        await devtools.emit("Network.loadingFailed", errorText="net::ERR_BLOCKED_BY_CLIENT.Inspector")
        await devtools.emit("Network.loadingFailed", errorText="net::ERR_FAILED")
        return tab, devtools, gate

    tab, devtools, gate = asyncio.run(requests())
    own = [{"name": "Accept", "value": "text/html"}, {"name": "X-Api-Key", "value": "hidden-value"}]
    assert devtools.with_method("Fetch.continueRequest") == [{"requestId": "1", "headers": own}, {"requestId": "2"}]
    assert devtools.with_method("Fetch.failRequest") == [{"requestId": "3", "errorReason": "BlockedByClient"}]
    assert devtools.with_method("Fetch.enable") == [{"patterns": [{"urlPattern": "*"}]}]
    assert (tab.requests, tab.blocked, tab.failed, gate.blocked) == (3, 1, 1, 1)


def test_a_request_waits_for_room_under_the_ceiling() -> None:
    async def requests() -> tuple[float, int]:
        _, devtools, _, gate = await tab_of(requests_per_s=2)
        started_at = time.monotonic()
        for number in range(3):
            await devtools.request(f"{SHOP}/{number}")
        return time.monotonic() - started_at, gate.held

    took_s, held = asyncio.run(requests())
    assert took_s > 0.9
    assert held == 1


def test_a_page_that_is_gone_takes_no_answer() -> None:
    async def request() -> None:
        _, devtools, _, _ = await tab_of()
        devtools.error = playwright.Error("Target closed")
        await devtools.request(f"{SHOP}/x")

    asyncio.run(request())


def test_a_web_socket_and_a_popup_are_closed() -> None:
    async def opened() -> tuple[Closable, Closable, int]:
        _, _, context, gate = await tab_of()
        socket, popup = Closable(), Closable()
        assert context.socket is not None
        assert context.popup is not None
        await context.socket(socket)
        await context.popup(popup)
        return socket, popup, gate.blocked

    socket, popup, blocked = asyncio.run(opened())
    assert (socket.closed, popup.closed, blocked) == (True, True, 1)


# -- the process -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("broken", [False, True])
def test_the_process_reports_why_it_ends_and_ends(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path, *, broken: bool
) -> None:
    class Input:
        def __init__(self) -> None:
            self.buffer = self

        def readline(self) -> bytes:
            return job(profile=str(tmp_path)).model_dump_json().encode() + b"\n"

        def read(self) -> bytes:
            threading.Event().wait()  # for ever: what follows would end the tests' process
            return b""

    class Faked(Walker):
        async def walk_on(self) -> str:
            if broken:
                raise ZeroDivisionError("a defect")
            return "the browser is gone: it ended"

    ended: list[int] = []
    monkeypatch.setattr("sys.stdin", Input())
    monkeypatch.setattr(walker, "Walker", Faked)
    monkeypatch.setattr("os._exit", ended.append)
    walker.main()
    (line,) = capsys.readouterr().out.splitlines()
    why = "the browser failed: ZeroDivisionError('a defect')" if broken else "the browser is gone: it ended"
    assert json.loads(line)["facts"]["why_not_more"] == why
    assert ended == [0]
