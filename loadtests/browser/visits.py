"""One real shopper beside the load: a headless browser walks through the shop's pages and times them.

Nothing that befalls it ends or fails the run; what it saw, and why it stopped seeing, is told at the end.
"""

import contextlib
import os
import secrets
import shutil
import signal
import subprocess
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

import pyarrow as pa

from loadtests.browser.cdp_pipe import BrowserGoneError, BrowserSilentError, Event, Pipe, RefusedByBrowserError
from loadtests.browser.chromium import command_of, variables_of
from loadtests.browser.tab import Gate, Tab, Timings, View
from loadtests.client.origin import Origin
from loadtests.demand.plan import Plan
from loadtests.demand.splitmix import SplitMix64
from loadtests.environment.ceilings import Ceilings, split
from loadtests.environment.destinations import host_of
from loadtests.environment.resolved_environment import ResolvedEnvironment
from loadtests.environment.tagging import shopper_headers
from loadtests.environment.targets import Environment
from loadtests.results.run_directory import RunDirectory, write_table
from loadtests.results.run_json import PEAKPROOF
from loadtests.results.schemas import BROWSER
from loadtests.results.trace_context import trace_id_of, traceparents
from loadtests.runtime import guarded_child as guard
from loadtests.runtime.clock import Clock
from loadtests.runtime.guarded_child import python
from loadtests.storefronts import WALKS
from slo.outcomes import EnvironmentLacks

PAGE_S = 30.0
_START_S = 30.0
_LEAST_THOUGHT_S = 0.2
_MAX_SILENT = 3
_NICE = 5  # the load comes first where both want the processor
_FAILURES = (BrowserGoneError, BrowserSilentError, RefusedByBrowserError)


@dataclass(frozen=True, slots=True, kw_only=True)
class BrowserSetting:
    """What a browser shopper needs to know: its program, the run, how the shop is reached, and our variables."""

    program: Path
    directory: RunDirectory
    plan: Plan
    reach: ResolvedEnvironment
    environment: Mapping[str, str]


def check_browser(environment: Environment) -> None:
    """Raise EnvironmentLacks for an environment that a browser can't be let into beside the load."""
    if environment.storefront not in WALKS:
        raise EnvironmentLacks(f"--browser: nobody has said where one walks in {environment.storefront}; leave it out")
    if environment.client_certificate is not None or environment.ca is not None:
        raise EnvironmentLacks("--browser: a browser can be told of no client_certificate and no ca; leave it out")
    if environment.proxy is not None:
        raise EnvironmentLacks("--browser: a browser isn't led through the environment's proxy; leave it out")
    try:
        split(environment.ceiling)
    except ValueError as error:
        raise EnvironmentLacks(f"--browser: the environment's ceiling {error}; raise it, or leave it out") from error


class BrowserShopper:
    """The browser of one run, from entering the block to leaving it; `told` is what `run.json` says of it."""

    def __init__(self, setting: BrowserSetting, page_s: float = PAGE_S) -> None:
        self._setting, self._page_s = setting, page_s
        environment = setting.reach.environment
        self._clock, self._luck = Clock.start(), SplitMix64(secrets.randbits(64))
        ids = Random(secrets.randbits(128))  # noqa: S311 - ids must differ between runs, not be secret
        self._traceparents = traceparents(ids, setting.plan.trace_sampling)
        self._shop = Origin.of(environment.base_url)
        own = setting.reach.credentials.revealed()
        allowed: dict[Origin, Mapping[str, str]] = {self._shop: own}
        if environment.cdn_url is not None:
            allowed = {Origin.of(environment.cdn_url): {}, **allowed}
        ceiling = split(environment.ceiling)[1]
        self._gate = Gate(allowed, Ceilings(ceiling, 0, 1), self._clock.now)
        self._reachable = {origin: setting.reach.destinations.of(origin.host) for origin in allowed}
        self._rows: list[dict[str, Any]] = []
        self._stopped, self._ending = threading.Event(), threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._pipe: Pipe | None = None
        self._tab: Tab | None = None
        self._product: str | None = None
        self._why: str | None = None
        self._thread = threading.Thread(target=self._shop_on, name="browser shopper", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stopped.set()
        self._end_process()
        self._thread.join()
        shutil.rmtree(self._profile, ignore_errors=True)
        if self._rows:
            write_table(self._setting.directory.browser, pa.Table.from_pylist(self._rows, schema=BROWSER))

    @property
    def told(self) -> dict[str, Any]:
        """What it saw; `why_not_more` is None when nothing stopped it before the run's end."""
        return {
            "program": self._product,
            "pages": len(self._rows),
            "failed": sum(row["error"] is not None for row in self._rows),
            "requests_blocked": self._gate.blocked,
            "requests_held": self._gate.held,
            "why_not_more": self._why,
        }

    @property
    def _profile(self) -> Path:
        return self._setting.directory.logs / "browser-profile"

    def _shop_on(self) -> None:
        """Walk through the shop again and again, until told to stop or nothing helps."""
        try:
            self._start()
            silent = 0
            while not self._stopped.is_set():
                silent = silent + 1 if self._visit_hung() else 0
                if silent == _MAX_SILENT:
                    raise BrowserSilentError(f"{silent} visits in a row hung")
        except (*_FAILURES, OSError) as error:
            if not self._stopped.is_set():
                self._why = f"the browser {_ended_as(error)}"
        finally:
            self._end_process()
            if self._pipe is not None:
                self._pipe.close()

    def _start(self) -> None:
        setting = self._setting
        self._profile.mkdir(mode=0o700, parents=True)
        into, our_end = os.pipe()
        our_other_end, out = os.pipe()
        try:
            command = command_of(setting.program, self._profile, self._reachable, is_root=os.geteuid() == 0)
            with (setting.directory.logs / "browser.log").open("ab") as log:
                self._process = subprocess.Popen(
                    [*python(str(guard.__file__), "--pipe", f"{into},{out}"), *command],
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    cwd=self._profile,
                    env=variables_of(setting.environment, self._profile),
                    pass_fds=(into, out),
                    start_new_session=True,
                )
            os.setpriority(os.PRIO_PROCESS, self._process.pid, _NICE)
        finally:
            os.close(into)
            os.close(out)
        if self._stopped.is_set():
            self._end_process()
        self._pipe = Pipe(our_end, our_other_end, self._handle)
        self._product = str(self._pipe.call("Browser.getVersion", within_s=_START_S).get("product"))[:100]
        self._pipe.call("Browser.setDownloadBehavior", {"behavior": "deny"})
        self._pipe.call("Target.setDiscoverTargets", {"discover": True})

    def _handle(self, event: Event) -> None:
        """Take an event: of the tab, or of a window that a page opened, which is closed."""
        tab, pipe = self._tab, self._pipe
        if event["method"] == "Target.targetCreated":
            opened = event["params"].get("targetInfo", {})
            if opened.get("type") == "page" and opened.get("openerId") and pipe is not None:
                pipe.start("Target.closeTarget", {"targetId": opened["targetId"]})
        elif tab is not None and event.get("sessionId", tab.session) == tab.session:
            tab.handle(event)

    def _visit_hung(self) -> bool:
        """Make one visit with cookies and a cache of its own; return whether the tab stopped answering in it."""
        pipe = self._pipe
        if pipe is None:  # pragma: no cover - it was started
            return False
        context = pipe.call("Target.createBrowserContext", {"disposeOnDetach": True})["browserContextId"]
        try:
            target = pipe.call("Target.createTarget", {"url": "about:blank", "browserContextId": context})["targetId"]
            told = pipe.call("Target.attachToTarget", {"targetId": target, "flatten": True})
            tab = self._tab = Tab(pipe, str(told["sessionId"]), self._gate)
            tab.prepare()
            self._walk(tab)
        except BrowserSilentError:
            return True
        finally:
            self._tab = None
            with contextlib.suppress(RefusedByBrowserError):
                pipe.call("Target.disposeBrowserContext", {"browserContextId": context})
        return False

    def _walk(self, tab: Tab) -> None:
        """Go from page to page as the storefront says a person does, until one fails or leads no further."""
        links: Sequence[str] = [self._setting.reach.environment.base_url + "/"]
        for page, begins in WALKS[self._setting.reach.environment.storefront]:
            leads = [link for link in links if self._is_at(link, begins)]
            if not leads:
                self._why = self._why or f"no link that begins with {begins} leads to {page}"
                break
            if not self._look(tab, page, self._luck.choice(leads)):
                break
            links = tab.links()
            self._think()
        else:
            self._why = None
            return
        self._think()

    def _look(self, tab: Tab, page: str, url: str) -> bool:
        """Open a page and keep how long it took; return whether one can go on from there."""
        traceparent = next(self._traceparents)
        environment = self._setting.reach.environment
        told = shopper_headers(self._setting.directory.name, PEAKPROOF, environment.tag)
        headers = {name: told[name] for name in told if name not in ("User-Agent", "Accept")}
        started_at = self._clock.now()
        view = tab.open(url, {**headers, "traceparent": traceparent}, self._page_s, self._stopped)
        if view is None:
            return False
        ended_at, timings = self._clock.now(), Timings()
        try:
            timings = tab.timings() if view.error is None else timings
        except BrowserSilentError:
            view.error = "timeout"
        if not self._stopped.is_set():
            self._rows.append(_row(page, (started_at, ended_at), view, timings, trace_id_of(traceparent)))
        return view.error is None

    def _think(self) -> None:
        self._stopped.wait(max(_LEAST_THOUGHT_S, self._setting.plan.think_time.draw(self._luck)))

    def _is_at(self, link: str, begins: str) -> bool:
        try:
            origin = Origin.of(link)
        except ValueError:
            return False
        path = urlsplit(link).path or "/"
        below = path[len(self._shop.prefix) :] if path.startswith(f"{self._shop.prefix}/") else ""
        return origin[:3] == self._shop[:3] and host_of(link) == self._shop.host and below.startswith(begins)

    def _end_process(self) -> None:
        """End the browser and all it started at once: nothing of it is worth keeping."""
        with self._ending:
            process, self._process = self._process, None
            if process is not None:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
                process.wait()


def _ended_as(error: Exception) -> str:
    match error:
        case BrowserGoneError():
            return f"is gone: {error}"
        case BrowserSilentError():
            return f"hung: {error}"
        case OSError():
            return f"can't be started: {error.strerror}"
    return f"can't do what it must: {error}"


def _row(page: str, times: tuple[int, int], view: View, timings: Timings, trace_id: str) -> dict[str, Any]:
    measured = {f"{name}_s": None if ms is None else ms / 1000 for name, ms in timings.model_dump().items()}
    return {
        "page": page,
        "started_at": times[0],
        "ended_at": times[1],
        "status": view.status if 0 <= view.status < 1000 else 0,  # noqa: PLR2004 - three digits
        "error": view.error,
        **measured,
        "requests": view.requests,
        "failed": view.failed,
        "blocked": view.blocked,
        "bytes": view.bytes,
        "trace_id": trace_id,
    }
