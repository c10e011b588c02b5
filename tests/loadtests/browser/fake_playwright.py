"""Playwright to the eye of the walker, without a browser: its page does what a test sets."""

import inspect
from collections.abc import Callable, Mapping
from typing import Any

from playwright import async_api as playwright

GOOD = {"ttfb": 12.5, "load": 80}


class Devtools:
    """A session with the page; what it was sent is kept, and `answers` are by method."""

    def __init__(self) -> None:
        self.handlers: dict[str, Callable[[Mapping[str, Any]], Any]] = {}
        self.sent: list[tuple[str, Mapping[str, Any]]] = []
        self.values: list[object] = [GOOD, []]
        self.error: Exception | None = None

    def on(self, event: str, handler: Callable[[Mapping[str, Any]], Any]) -> None:
        self.handlers[event] = handler

    async def send(self, method: str, parameters: Mapping[str, Any] | None = None) -> Mapping[str, Any]:
        self.sent.append((method, parameters or {}))
        if self.error is not None and method.startswith(("Runtime", "Fetch.f", "Fetch.c")):
            raise self.error
        if method == "Runtime.evaluate":
            timings, links = self.values
            return {"result": {"value": timings if "Promise" in (parameters or {})["expression"] else links}}
        return {"frameTree": {"frame": {"id": "f"}}, "executionContextId": 7}

    async def emit(self, event: str, **told: Any) -> None:
        done = self.handlers[event](told)
        if inspect.isawaitable(done):
            await done

    async def request(self, url: str, number: str = "1", **headers: str) -> None:
        """Have the page request that."""
        await self.emit("Network.requestWillBeSent", request={"url": url})
        await self.emit("Fetch.requestPaused", requestId=number, request={"url": url, "headers": headers})

    def with_method(self, method: str) -> list[Mapping[str, Any]]:
        return [parameters for name, parameters in self.sent if name == method]


class Page:
    """A page that has `links` and answers with `status`, or fails with `error`."""

    def __init__(self, devtools: Devtools) -> None:
        self.devtools = devtools
        self.status: int | None = 200
        self.error: Exception | None = None
        self.opened: list[str] = []
        self.headers: list[Mapping[str, str]] = []

    async def set_extra_http_headers(self, headers: Mapping[str, str]) -> None:
        self.headers.append(headers)

    async def goto(self, url: str, timeout: float) -> Any:  # noqa: ASYNC109 - Playwright's own signature
        assert timeout > 0
        self.opened.append(url)
        await self.devtools.request(url)
        await self.devtools.emit("Network.loadingFinished", encodedDataLength=1500.0)
        if self.error is not None:
            raise self.error
        status = self.status
        return None if status is None else type("Response", (), {"status": status})


class Context:
    """Cookies and a cache of its own, with one page."""

    def __init__(self, page: Page) -> None:
        self.page, self.closed = page, False
        self.socket: Callable[[Any], Any] | None = None
        self.popup: Callable[[Any], Any] | None = None

    async def new_page(self) -> Page:
        return self.page

    async def new_cdp_session(self, page: Page) -> Devtools:
        return page.devtools

    async def route_web_socket(self, _: object, handler: Callable[[Any], Any]) -> None:
        self.socket = handler

    def on(self, event: str, handler: Callable[[Any], Any]) -> None:
        assert event == "page"
        self.popup = handler

    async def close(self) -> None:
        self.closed = True


class Browser:
    """A browser that lasts for `visits` visits; `prepare` is given each visit's page."""

    version = "1.2"

    def __init__(self, prepare: Callable[[Page], None] = lambda _: None, visits: int = 1) -> None:
        self._prepare, self._left = prepare, visits
        self.options: list[Mapping[str, object]] = []
        self.contexts: list[Context] = []

    async def new_context(self, **options: object) -> Context:
        if not self._left:
            raise playwright.Error("Browser.new_context: Target page, context or browser has been closed")
        self._left -= 1
        self.options.append(options)
        page = Page(Devtools())
        self._prepare(page)
        self.contexts.append(Context(page))
        return self.contexts[-1]

    def is_connected(self) -> bool:
        return True


class Closable:
    """A socket or a window that a page opened."""

    def __init__(self) -> None:
        self.closed = False

    async def close(self) -> None:
        self.closed = True
