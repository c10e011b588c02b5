"""One tab of the browser: a page at a time, its requests let through or blocked, and how long it took."""

import contextlib
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from loadtests.browser.cdp_pipe import BrowserGoneError, BrowserSilentError, Event, Pipe, RefusedByBrowserError
from loadtests.client.origin import Origin
from loadtests.environment.ceilings import CeilingReachedError, Ceilings

_AGAIN_S = 0.05
_SCRIPT_S = 10.0
_MAX_LINKS = 500
# Asked in a world of its own, which the page's scripts can't reach; a moment later the largest paint is known.
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
_LINKS = f"""[...document.querySelectorAll("a[href]")].slice(0, {_MAX_LINKS}).map(one => one.href)"""
Milliseconds = Annotated[float, Field(ge=0, le=3_600_000)] | None


class Timings(BaseModel):
    """What the browser measured of a page, in ms from the start of its navigation; what never came is None."""

    model_config = ConfigDict(extra="ignore", frozen=True, allow_inf_nan=False)

    ttfb: Milliseconds = None
    first_paint: Milliseconds = None
    first_contentful_paint: Milliseconds = None
    largest_contentful_paint: Milliseconds = None
    dom_content_loaded: Milliseconds = None
    load: Milliseconds = None


@dataclass(slots=True)
class View:
    """A page as it comes in; `error` is a word of `docs/contracts.md`, or `crashed`, or `network_changed`."""

    requests: int = 0
    failed: int = 0
    blocked: int = 0
    bytes: int = 0
    status: int = 0
    error: str | None = None
    over: threading.Event = field(default_factory=threading.Event)

    def end(self, error: str | None = None) -> None:
        """Take note that the page is loaded, or won't be."""
        self.error = self.error or error
        self.over.set()


class Gate:
    """What the browser may ask for: `headers` by origin, which go there and nowhere else; other origins are blocked.

    `held` counts the requests that had to wait for room under the ceiling.
    """

    def __init__(self, headers: Mapping[Origin, Mapping[str, str]], ceilings: Ceilings, now: Callable[[], int]) -> None:
        self._headers = {origin[:3]: held for origin, held in headers.items()}
        self._ceilings, self._now = ceilings, now
        self._lock = threading.Lock()
        self.blocked = 0
        self.held = 0

    def headers_to(self, url: str) -> Mapping[str, str] | None:
        """Return the headers that go to an address, None when nothing may be asked for there."""
        try:
            return self._headers.get(Origin.of(url)[:3])
        except ValueError:
            return None

    def has_room(self) -> bool:
        """Take leave for one request."""
        with self._lock:
            try:
                self._ceilings.take_request(self._now())
            except CeilingReachedError:
                return False
        return True


class Tab:
    """A tab behind the session of that name; `handle` must be given each of its events."""

    def __init__(self, pipe: Pipe, session: str, gate: Gate) -> None:
        self._pipe, self.session, self._gate = pipe, session, gate
        self._view = View()
        self._blocked: set[str] = set()
        self._document = ""

    def prepare(self) -> None:
        """Listen to everything that the tab does, and let no request go unasked."""
        for method, parameters in (
            ("Page.enable", {}),
            ("Network.enable", {"maxTotalBufferSize": 1 << 20, "maxResourceBufferSize": 1 << 20}),
            ("Network.setBypassServiceWorker", {"bypass": True}),
            ("Fetch.enable", {"patterns": [{"urlPattern": "*"}]}),
        ):
            self._ask(method, parameters)

    def open(self, url: str, headers: Mapping[str, str], deadline_s: float, stopped: threading.Event) -> View | None:
        """Open a page and wait until it is loaded or has failed; None when it was `stopped` before.

        `headers` go with each of its requests.
        """
        self._ask("Network.setExtraHTTPHeaders", {"headers": dict(headers)})
        view = self._view = View()
        self._document = ""
        self._pipe.start("Page.navigate", {"url": url}, self.session, self._navigated)
        ends_at = time.monotonic() + deadline_s
        while not view.over.wait(_AGAIN_S) and not stopped.is_set():
            if time.monotonic() > ends_at:
                view.end("timeout")
                self._pipe.start("Page.stopLoading", {}, self.session)
        if stopped.is_set():
            return None
        if view.error is None and view.status >= 400:  # noqa: PLR2004 - RFC 9110, 15.5
            view.error = "http_5xx" if view.status >= 500 else "http_4xx"  # noqa: PLR2004 - RFC 9110, 15.6
        return view

    def timings(self) -> Timings:
        """Return how long the page took; raises BrowserSilentError when the page keeps the browser from answering."""
        try:
            return Timings.model_validate(self._evaluate(_TIMINGS))
        except ValidationError:
            return Timings()

    def links(self) -> list[str]:
        """Return where the page leads to; raises like `timings`."""
        found = self._evaluate(_LINKS)
        return [link for link in found if isinstance(link, str)] if isinstance(found, list) else []

    def handle(self, event: Event) -> None:
        """Take an event of this tab's."""
        told = event.get("params", {})
        match event["method"]:
            case "Fetch.requestPaused":
                self._let_through(told)
            case "Network.requestWillBeSent":
                self._view.requests += str(told.get("request", {}).get("url")).startswith("http")
                is_page = told.get("type") == "Document" and told.get("requestId") == told.get("loaderId")
                self._document = told["requestId"] if is_page and not self._document else self._document
            case "Network.responseReceived" if told.get("requestId") == self._document:
                self._view.status = int(told.get("response", {}).get("status", 0))
            case "Network.loadingFinished":
                self._view.bytes += int(told.get("encodedDataLength", 0))
            case "Network.loadingFailed":
                self._view.failed += "BLOCKED_BY_CLIENT" not in str(told.get("errorText"))
            case "Page.loadEventFired" if self._document:  # not that of the empty page before it
                self._view.end()
            case "Page.javascriptDialogOpening":  # nobody is there to read it
                self._pipe.start("Page.handleJavaScriptDialog", {"accept": False}, self.session)
            case "Inspector.targetCrashed":
                self._view.end("crashed")
            case "gone":
                self._view.end("crashed")

    def _let_through(self, told: Mapping[str, Any]) -> None:
        request, number = told["request"], told["requestId"]
        own = self._gate.headers_to(request["url"])
        if own is None:
            self._view.blocked += 1
            self._gate.blocked += 1
            refusal = {"requestId": number, "errorReason": "BlockedByClient"}
            self._pipe.start("Fetch.failRequest", refusal, self.session)
        elif not self._gate.has_room():
            self._gate.held += 1
            self._hold(told)
        else:
            self._continue(number, request, own)

    def _continue(self, number: str, request: Mapping[str, Any], own: Mapping[str, str]) -> None:
        told: dict[str, Any] = {"requestId": number}
        if own:
            given = {name.lower() for name in own}
            kept = {name: value for name, value in request["headers"].items() if name.lower() not in given}
            told["headers"] = [{"name": name, "value": value} for name, value in {**kept, **own}.items()]
        self._pipe.start("Fetch.continueRequest", told, self.session)

    def _hold(self, told: Mapping[str, Any]) -> None:
        """Try a request again in a moment; one that was let go of meanwhile is no matter."""
        again = threading.Timer(_AGAIN_S, self._try_again, (told,))
        again.daemon = True
        again.start()

    def _try_again(self, told: Mapping[str, Any]) -> None:
        if self._pipe.gone is not None:
            return
        if not self._gate.has_room():
            self._hold(told)
            return
        own = self._gate.headers_to(told["request"]["url"]) or {}
        with contextlib.suppress(BrowserGoneError, BrowserSilentError):
            self._continue(told["requestId"], told["request"], own)

    def _navigated(self, answer: Mapping[str, Any]) -> None:
        result = answer.get("result")
        text = result.get("errorText") if isinstance(result, dict) else "gone"
        if text:
            self._view.end(_word(str(text)))

    def _ask(self, method: str, parameters: Mapping[str, Any]) -> Mapping[str, Any]:
        return self._pipe.call(method, parameters, self.session)

    def _evaluate(self, script: str) -> Any:  # noqa: ANN401 - what a page's document holds
        """Return what a script says in a world of its own; raises BrowserSilentError."""
        try:
            frame = self._ask("Page.getFrameTree", {})["frameTree"]["frame"]["id"]
            world = self._ask("Page.createIsolatedWorld", {"frameId": frame})["executionContextId"]
            told = {"expression": script, "contextId": world, "awaitPromise": True, "returnByValue": True}
            return self._ask("Runtime.evaluate", told).get("result", {}).get("value")
        except RefusedByBrowserError as error:  # the page went away meanwhile
            raise BrowserSilentError(str(error)) from error


def _word(text: str) -> str:
    """Return the error's word for what the browser says."""
    for mark, word in (
        ("TIMED_OUT", "timeout"), ("NETWORK_CHANGED", "network_changed"), ("BLOCKED_BY_CLIENT", "redirected_away"),
        ("INVALID", "protocol"), ("gone", "crashed"),
    ):  # fmt: skip
        if mark in text:
            return word
    return "connection"
