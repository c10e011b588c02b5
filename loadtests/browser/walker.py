"""The browser's own process: Chromium, driven by Playwright, walks through the shop's pages and reports each.

It reads a `BrowserJob` from its standard input and writes a `Report` a line. When its input closes, because the run is
over or was killed, it kills Chromium and ends, and Playwright's driver with it.
"""

import asyncio
import os
import re
import secrets
import sys
import threading
import traceback
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from random import Random
from typing import Any
from urllib.parse import urlsplit

from playwright import async_api as playwright

from loadtests.browser.chromium import arguments_of, kill_chromium, variables_of
from loadtests.browser.gate import Gate
from loadtests.browser.messages import BrowserCounts, BrowserJob, PageView, Report, Timings
from loadtests.client.origin import Origin
from loadtests.demand.splitmix import SplitMix64
from loadtests.environment.ceilings import Ceilings
from loadtests.results.trace_context import trace_id_of, traceparents
from loadtests.runtime.clock import Clock

_START_S = 30.0
_ANSWER_S = 10.0
_AGAIN_S = 0.05
_LEAST_THOUGHT_S = 0.2
_MAX_HUNG = 3
_ERRORS = {
    "TIMED_OUT": "timeout",
    "NETWORK_CHANGED": "network_changed",
    "BLOCKED_BY_CLIENT": "redirected_away",
    "INVALID": "protocol",
}
# Answered a moment after the load, when the largest paint is known.
_TIMINGS = """new Promise(done => {
  let largest = null;
  new PerformanceObserver(list => { for (const one of list.getEntries()) largest = one.startTime; })
    .observe({type: "largest-contentful-paint", buffered: true});
  setTimeout(() => {
    const page = performance.getEntriesByType("navigation")[0] || {};
    const paints = Object.fromEntries(performance.getEntriesByType("paint").map(one => [one.name, one.startTime]));
    done({ttfb: page.responseStart, dom_content_loaded: page.domContentLoadedEventEnd, load: page.loadEventEnd,
          first_paint: paints["first-paint"], first_contentful_paint: paints["first-contentful-paint"],
          largest_contentful_paint: largest});
  }, 300);
})"""
_LINKS = """[...document.querySelectorAll("a[href]")].slice(0, 500).map(one => one.href)"""
Event = Mapping[str, Any]


class Tab:
    """One page at a time, each request of which passes the gate, redirects included, and is counted.

    The gate stands in Chromium's Fetch domain: Playwright's own `route` doesn't see redirects, sends them the headers
    of the first request, and switches the cache off.
    """

    def __init__(self, page: playwright.Page, devtools: playwright.CDPSession, gate: Gate, page_s: float) -> None:
        self._page, self._devtools, self._gate, self._page_s = page, devtools, gate, page_s
        self.requests = self.failed = self.blocked = self.bytes = 0

    @classmethod
    async def opened(cls, context: playwright.BrowserContext, gate: Gate, page_s: float) -> "Tab":
        """Return a tab of that context that sends nothing past the gate and waits `page_s` for a page."""
        page = await context.new_page()
        context.on("page", lambda popup: popup.close())
        devtools = await context.new_cdp_session(page)
        tab = cls(page, devtools, gate, page_s)
        await context.route_web_socket(lambda _: True, tab._refuse)
        devtools.on("Fetch.requestPaused", tab._decide)
        devtools.on("Network.requestWillBeSent", tab._count_request)
        devtools.on("Network.loadingFinished", tab._count_bytes)
        devtools.on("Network.loadingFailed", tab._count_failure)
        await devtools.send("Network.enable", {"maxTotalBufferSize": 1 << 20, "maxResourceBufferSize": 1 << 20})
        await devtools.send("Network.setBypassServiceWorker", {"bypass": True})
        await devtools.send("Fetch.enable", {"patterns": [{"urlPattern": "*"}]})
        return tab

    async def open(self, url: str, headers: Mapping[str, str]) -> tuple[int, str | None]:
        """Open a page and wait until it is loaded or has failed; return its status and error, as in `browser.parquet`.

        `headers` go with each of its requests. Raises TimeoutError when the browser doesn't answer at all.
        """
        self.requests = self.failed = self.blocked = self.bytes = 0
        async with answered_within(self._page_s):
            await self._page.set_extra_http_headers(dict(headers))
        try:
            response = await self._page.goto(url, timeout=1000 * self._page_s)
        except playwright.TimeoutError:
            return 0, "timeout"
        except playwright.Error as error:
            return 0, error_of(error.message)
        status = 0 if response is None else response.status
        return status, f"http_{status // 100}xx" if status >= 400 else None  # noqa: PLR2004 - RFC 9110, 15.5

    async def timings(self) -> Timings:
        """Return how long the page took; raises TimeoutError when it keeps the browser from answering."""
        return Timings.of(await self._evaluate(_TIMINGS))

    async def links(self) -> list[str]:
        """Return where the page leads to; raises like `timings`."""
        found = await self._evaluate(_LINKS)
        return [link for link in found if isinstance(link, str)] if isinstance(found, list) else []

    async def _evaluate(self, script: str) -> object:
        """Return what a script returns in a world of its own, which the page's scripts can't reach."""
        try:
            async with answered_within(self._page_s):
                frame = (await self._devtools.send("Page.getFrameTree"))["frameTree"]["frame"]["id"]
                world = await self._devtools.send("Page.createIsolatedWorld", {"frameId": frame})
                how = {"contextId": world["executionContextId"], "awaitPromise": True, "returnByValue": True}
                answer = await self._devtools.send("Runtime.evaluate", {"expression": script, **how})
        except playwright.Error as error:  # the page went away meanwhile
            raise TimeoutError(error.message) from error
        return answer.get("result", {}).get("value")

    async def _decide(self, event: Event) -> None:
        request, number = event["request"], {"requestId": event["requestId"]}
        own = self._gate.headers_to(request["url"])
        with suppress(playwright.Error):  # the page is gone, and the request with it
            if own is None:
                self._block()
                await self._devtools.send("Fetch.failRequest", {**number, "errorReason": "BlockedByClient"})
                return
            has_room = self._gate.has_room(request["url"])
            self._gate.held += not has_room
            while not has_room:
                await asyncio.sleep(_AGAIN_S)
                has_room = self._gate.has_room(request["url"])
            names = {name.lower() for name in own}
            kept = {name: value for name, value in request["headers"].items() if name.lower() not in names}
            headers = [{"name": name, "value": value} for name, value in {**kept, **own}.items()]
            await self._devtools.send("Fetch.continueRequest", {**number, **({"headers": headers} if own else {})})

    async def _refuse(self, socket: playwright.WebSocketRoute) -> None:
        self._block()
        await socket.close()

    def _block(self) -> None:
        self.blocked += 1
        self._gate.blocked += 1

    def _count_request(self, event: Event) -> None:
        self.requests += event["request"]["url"].startswith("http")

    def _count_bytes(self, event: Event) -> None:
        self.bytes += int(event["encodedDataLength"])

    def _count_failure(self, event: Event) -> None:
        self.failed += "BLOCKED_BY_CLIENT" not in event["errorText"]


class Walker:
    """Walks through the shop again and again, until its process is ended or nothing helps."""

    def __init__(self, job: BrowserJob) -> None:
        self._job, self._clock, self._rng = job, Clock.start(), SplitMix64(secrets.randbits(64))
        self._gate = Gate(job.headers, Ceilings(job.ceiling, 0, 1, job.host_ceilings), self._clock.now)
        ids = Random(secrets.randbits(128))  # noqa: S311 - ids must differ between runs, not be secret
        self._traceparents = traceparents(ids, job.trace_sampling)
        self._facts = BrowserCounts()

    async def walk_on(self) -> str:
        """Make visits until the browser is gone or hangs; return why."""
        try:
            browser = await self._launch()
            hung = 0
            while hung < _MAX_HUNG and browser.is_connected():
                hung = hung + 1 if await self._visit_hung(browser) else 0
        except playwright.TimeoutError:
            return f"the browser hung: it didn't start within {_START_S:g} s"
        except playwright.Error as error:
            why = error.message.strip().partition("\n")[0][:200]
            return "the browser is gone: it ended" if "has been closed" in why else f"the browser failed: {why}"
        return f"the browser hung in {hung} visits in a row" if hung == _MAX_HUNG else "the browser is gone: it ended"

    async def _launch(self) -> playwright.Browser:
        job, variables = self._job, dict(os.environ)
        os.environ["TMPDIR"] = str(job.profile)  # what Playwright leaves there goes with the profile
        driver = await playwright.async_playwright().start()
        browser = await driver.chromium.launch(
            executable_path=sys.executable,
            args=arguments_of(job.program, job.profile, job.addresses, is_root=os.geteuid() == 0),
            ignore_default_args=True,
            env=dict(variables_of(variables, job.profile)),
            timeout=1000 * _START_S,
        )
        self.report(program=f"Chrome/{browser.version}"[:100])
        return browser

    async def _visit_hung(self, browser: playwright.Browser) -> bool:
        """Make one visit with cookies and a cache of its own; return whether the page stopped answering in it."""
        try:
            async with answered_within(self._job.page_s):
                context = await browser.new_context(service_workers="block", accept_downloads=False, no_viewport=True)
                tab = await Tab.opened(context, self._gate, self._job.page_s)
            try:
                await self._walk(tab)
            finally:
                async with answered_within(self._job.page_s):
                    await context.close()
        except TimeoutError:
            return True
        await self._think()
        return False

    async def _walk(self, tab: Tab) -> None:
        """Go from page to page as the storefront's walk says, until one fails or leads no further."""
        links = [self._job.base_url + "/"]
        for page, begins in self._job.walk:
            leads = [link for link in links if is_at(link, begins, Origin.of(self._job.base_url))]
            if not leads:
                why = f"no link that begins with {begins} leads to {page}"
                self.report(why_not_more=self._facts.why_not_more or why)
                return
            if not await self._look(tab, page, self._rng.choice(leads)):
                return
            links = await tab.links()
            await self._think()
        self.report(why_not_more=None)

    async def _look(self, tab: Tab, page: str, url: str) -> bool:
        """Open a page and report how long it took; return whether one can go on from there."""
        traceparent, started_at = next(self._traceparents), self._clock.now()
        status, error = await tab.open(url, {**self._job.tag, "traceparent": traceparent})
        ended_at, timings = self._clock.now(), Timings()
        try:
            timings = await tab.timings() if error is None else timings
        except TimeoutError:
            error = "timeout"
        view = PageView(
            page=page,
            started_at=started_at,
            ended_at=ended_at,
            status=status,
            error=error,
            timings=timings,
            requests=tab.requests,
            failed=tab.failed,
            blocked=tab.blocked,
            bytes=tab.bytes,
            trace_id=trace_id_of(traceparent),
        )
        self.report(view, pages=self._facts.pages + 1, failed=self._facts.failed + (error is not None))
        return error is None

    async def _think(self) -> None:
        await asyncio.sleep(max(_LEAST_THOUGHT_S, self._job.think_time.draw(self._rng)))

    def report(self, page: PageView | None = None, **changes: str | int | None) -> None:
        """Write one line for the run: a page that was seen, and what of the facts is different now."""
        counts = {"requests_blocked": self._gate.blocked, "requests_held": self._gate.held}
        self._facts = self._facts.model_copy(update={**counts, **changes})
        sys.stdout.write(Report(facts=self._facts, page=page).model_dump_json() + "\n")
        sys.stdout.flush()


def answered_within(page_s: float) -> asyncio.Timeout:
    """Bound what the browser must answer at once, whatever page it is at; leaving the block too late raises."""
    return asyncio.timeout(min(_ANSWER_S, page_s))


def is_at(link: str, begins: str, shop: Origin) -> bool:
    """Return whether a link stays in the shop and its path, below the shop's own, begins so."""
    try:
        path, origin = urlsplit(link).path or "/", Origin.of(link)
    except ValueError:
        return False
    below = path[len(shop.prefix) :] if path.startswith(f"{shop.prefix}/") else ""
    return origin[:3] == shop[:3] and below.startswith(begins)


def error_of(message: str) -> str:
    """Return browser.parquet's error for Playwright's message about a navigation that failed."""
    found = re.search(r"net::ERR_(\w+)", message)
    if found is None:
        return "crashed" if re.search(r"crashed|closed", message) else "connection"
    return next((error for mark, error in _ERRORS.items() if mark in found[1]), "connection")


def _end_with_input(profile: Path) -> None:
    sys.stdin.buffer.read()
    _end(profile)


def _end(profile: Path) -> None:
    kill_chromium(profile)
    os._exit(0)  # at once: Playwright's driver ends when its own input closes


def main() -> None:
    """Walk until the browser is gone or the input closes."""
    job = BrowserJob.model_validate_json(sys.stdin.buffer.readline())
    threading.Thread(target=_end_with_input, args=(job.profile,), daemon=True).start()
    walker = Walker(job)
    try:
        why = asyncio.run(walker.walk_on())
    except Exception as error:  # noqa: BLE001 - whatever befalls it is reported, and the browser ended
        traceback.print_exc()
        why = f"the browser failed: {error!r:.200}"
    walker.report(why_not_more=why)
    _end(job.profile)


if __name__ == "__main__":
    main()
