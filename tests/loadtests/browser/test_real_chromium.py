"""A real Chromium times the shop's pages, reaches nothing else, and ends with its run."""

import os
import shlex
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from loadtests.browser.messages import BrowserCounts, BrowserJob
from loadtests.browser.visits import BrowserShopper, job_of
from loadtests.environment.targets import Environment
from loadtests.results.run_directory import RunDirectory
from loadtests.results.schemas import BROWSER
from scripts.local_stack.processes import Children
from tests.bad_input.process import descendants, is_alive
from tests.loadtests.browser.world import environment, real_chromium, resolved
from tests.loadtests.fakes import small_plan
from tests.waiting import wait_for

pytestmark = pytest.mark.heavy

LINKS = """<!doctype html><link rel="icon" href="data:,"><h1>{path}</h1>
<a href="/search?q=tea">tea</a><a href="/products/tee">tee</a>"""
HOSTILE = (
    LINKS
    + """<a href="{foreign}/products/no">no</a>
<img src="{foreign}/seen.png"><img src="http://foreign.invalid/x.png"><img src="/away.png"><img src="/to-the-cdn.png">
<link rel="preconnect" href="{foreign}"><iframe src="{foreign}/frame"></iframe><iframe src="/inside"></iframe>
<script>fetch("{foreign}/fetched").catch(() => 0); new Image().src = "{foreign}/beacon";
navigator.sendBeacon("{foreign}/sent"); new Worker("/worker.js");
for (const base of ["{foreign}", location.origin]) new WebSocket(base.replace("http", "ws") + "/ws");
navigator.serviceWorker.register("/service.js").catch(() => 0);
window.open("{foreign}/popup"); window.open("/popup"); alert("hello");</script>"""
)
WORKER = """fetch("{foreign}/from-a-worker").catch(() => 0);"""


class Shop:
    """A shop whose pages a test gives by path, "" for all others; the requests are kept."""

    def __init__(self, pages: Mapping[str, str], redirects: Mapping[str, str] | None = None) -> None:
        self.requests: list[tuple[str, dict[str, str], float]] = []
        self.status = 200
        shop = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                headers = {name.lower(): value for name, value in self.headers.items()}
                shop.requests.append((self.path, headers, time.monotonic()))
                target = (redirects or {}).get(self.path)
                if target == "never":
                    time.sleep(60)
                body = pages.get(self.path, pages[""]).replace("{path}", self.path.replace("<", "")).encode()
                self.send_response(302 if target else shop.status)
                if target:
                    self.send_header("Location", target)
                kind = "text/javascript" if self.path.endswith(".js") else "text/html; charset=utf-8"
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                with suppress(ConnectionError):  # a browser that was killed meanwhile
                    self.wfile.write(body)

            def log_message(self, *_: Any) -> None:
                """Say nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    @property
    def paths(self) -> set[str]:
        return {path for path, _, _ in self.requests}

    def headers(self, name: str) -> set[str | None]:
        return {headers.get(name) for _, headers, _ in self.requests}

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture
def opened() -> Iterator[Callable[..., Shop]]:
    """Open shops that are closed with the test."""
    shops: list[Shop] = []

    def open_one(pages: Mapping[str, str], redirects: Mapping[str, str] | None = None) -> Shop:
        shops.append(Shop(pages, redirects))
        return shops[-1]

    yield open_one
    for shop in shops:
        shop.close()


class Run:
    """A browser beside a run that consists of nothing else."""

    def __init__(self, folder: Path, target: Environment, page_s: float = 20.0, chromium: Path | None = None) -> None:
        self.directory = RunDirectory(path=folder / "run")
        self.directory.logs.mkdir(parents=True)
        variables = {**os.environ, "THE_KEY": "hidden-value"}
        plan = small_plan()
        job = job_of(chromium or real_chromium(), self.directory, plan, resolved(target, variables), page_s)
        self.job: BrowserJob = job
        self.shopper = BrowserShopper(job, self.directory, variables)

    @property
    def facts(self) -> BrowserCounts:
        return self.shopper.facts

    @property
    def chromium(self) -> int:
        """Wait for Chromium's process and return its number."""
        file = self.job.profile / "chromium.pid"
        wait_for(lambda: file.exists() and file.read_text().endswith("\n"), "Chromium's process")
        return int(file.read_text())

    def processes(self) -> list[int]:
        """Return all that the browser consists of: its process, what drives it, and Chromium."""
        chromium, process = self.chromium, self.shopper._process
        assert process is not None
        return [process.pid, *descendants(process.pid), chromium]

    def rows(self) -> list[dict[str, Any]]:
        table = pq.read_table(self.directory.browser)
        assert table.schema == BROWSER
        rows: list[dict[str, Any]] = table.to_pylist()
        return rows

    def log(self) -> str:
        return (self.directory.logs / "browser.log").read_text(errors="replace")

    def until_pages(self, pages: int) -> None:
        wait_for(lambda: self.facts.pages >= pages or self.facts.why_not_more, f"{pages} pages", 90)


def script(folder: Path, text: str) -> Path:
    """Return a program that does that in place of Chromium."""
    path = folder / "chromium"
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return path


def test_it_times_the_shop_s_pages_and_a_foreign_host_sees_no_connection(
    tmp_path: Path, opened: Callable[..., Shop]
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as foreign:
        elsewhere = f"http://127.0.0.1:{foreign.getsockname()[1]}"
        pages = {
            "": HOSTILE.replace("{foreign}", elsewhere),
            "/inside": "",
            "/worker.js": WORKER.replace("{foreign}", elsewhere),
        }
        cdn = opened({"": ""})
        to_the_cdn = f"{cdn.url}/tee.png"
        shop = opened(pages, {"/away.png": f"{elsewhere}/redirected.png", "/to-the-cdn.png": to_the_cdn})
        target = environment(
            shop.url, hosts={"cdn": {"url": cdn.url}}, headers={"X-Api-Key": {"env": "THE_KEY"}}, tag={"baggage": True}
        )
        run = Run(tmp_path, target)
        started_at = time.time_ns()
        with run.shopper:
            run.until_pages(7)
            files = [Path(f"/proc/{pid}/{what}") for pid in run.processes() for what in ("environ", "cmdline")]
            shown = "".join(file.read_text() for file in files if file.exists())
        foreign.settimeout(0)
        with pytest.raises(BlockingIOError):
            foreign.accept()
    assert "hidden-value" not in shown
    rows = run.rows()
    assert run.facts.why_not_more is None
    assert (run.facts.program or "").startswith("Chrome/")
    assert (run.facts.pages, run.facts.failed) == (len(rows), 0)
    assert [row["page"] for row in rows[:4]] == ["home", "search", "product", "home"]
    for row in rows:
        assert (row["status"], row["error"], row["failed"]) == (200, None, 0)
        assert 0 < row["ttfb_s"] <= row["dom_content_loaded_s"] <= row["load_s"]
        assert 0 < row["first_contentful_paint_s"] <= row["largest_contentful_paint_s"]
        assert 9 <= row["blocked"] < row["requests"]
        assert row["bytes"] > 500
        assert started_at - 10**9 < row["started_at"] < row["ended_at"] < time.time_ns() + 10**9
    assert run.facts.requests_blocked >= sum(row["blocked"] for row in rows)
    assert shop.paths >= {"/", "/search?q=tea", "/products/tee", "/worker.js"}
    assert not shop.paths & {"/popup", "/ws", "/service.js"}
    assert {(headers["traceparent"] or "")[3:35] for _, headers, _ in shop.requests} >= {
        row["trace_id"] for row in rows
    }
    assert shop.headers("x-api-key") == {"hidden-value"}
    assert (shop.headers("x-peakproof-run"), shop.headers("baggage")) == ({"run"}, {"peakproof.run=run"})
    assert cdn.paths == {"/tee.png"}
    assert (cdn.headers("x-api-key"), cdn.headers("x-peakproof-run")) == ({None}, {"run"})
    assert not run.job.profile.exists()
    assert "hidden-value" not in run.log()


def test_each_visit_has_cookies_and_a_cache_of_its_own(tmp_path: Path, opened: Callable[..., Shop]) -> None:
    page = LINKS + "<script>document.cookie = 'seen=1'</script>"
    shop = opened({"": page})
    run = Run(tmp_path, environment(shop.url))
    with run.shopper:
        run.until_pages(6)
    cookies = {path: {headers.get("cookie") for at, headers, _ in shop.requests if at == path} for path in shop.paths}
    assert cookies == {"/": {None}, "/search?q=tea": {"seen=1"}, "/products/tee": {"seen=1"}}


def test_it_keeps_below_its_share_of_the_ceiling(tmp_path: Path, opened: Callable[..., Shop]) -> None:
    images = "".join(f'<img src="/{number}.png">' for number in range(6))
    shop = opened({"": LINKS + images})
    run = Run(tmp_path, environment(shop.url, ceiling={"requests_per_s": 40, "open_sessions": 10, "orders": 5}))
    with run.shopper:
        run.until_pages(5)
    times = [at for _, _, at in shop.requests]
    at_least_s = (len(times) - 1) // 4  # four a second are the browser's; no two arrivals, as one may be late by itself
    assert run.facts.requests_held > 0
    assert times[-1] - times[0] > 0.75 * at_least_s > 5


@pytest.mark.parametrize(
    ("pages", "redirects", "status", "error"),
    [
        ({"": LINKS}, {}, 503, "http_5xx"),
        ({"": LINKS + '<img src="/never">'}, {"/never": "never"}, 200, "timeout"),
        ({"": LINKS + "<script>for (;;) {}</script>"}, {}, 200, "timeout"),
        ({"": LINKS}, {"/": "http://127.0.0.1:9/"}, 200, "redirected_away"),
    ],
)
def test_a_page_that_fails_is_kept_with_its_error_and_the_browser_goes_on(
    tmp_path: Path,
    opened: Callable[..., Shop],
    pages: Mapping[str, str],
    redirects: Mapping[str, str],
    status: int,
    error: str,
) -> None:
    shop = opened(pages, redirects)
    shop.status = status
    run = Run(tmp_path, environment(shop.url), page_s=2)
    with run.shopper:
        run.until_pages(2)
    rows = run.rows()
    assert {(row["page"], row["error"], row["load_s"]) for row in rows} == {("home", error, None)}
    assert run.facts.failed == len(rows) >= 2


def test_a_shop_that_takes_no_connection_is_kept_as_such(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        url = f"http://127.0.0.1:{closed.getsockname()[1]}"
    run = Run(tmp_path, environment(url))
    with run.shopper:
        run.until_pages(2)
    assert {(row["status"], row["error"]) for row in run.rows()} == {(0, "connection")}


def test_a_page_that_leads_no_further_is_named(tmp_path: Path, opened: Callable[..., Shop]) -> None:
    shop = opened(
        {"": '<link rel="icon" href="data:,"><a href="mailto:a@b.example">a</a><a href="http://x.example/search">x</a>'}
    )
    run = Run(tmp_path, environment(shop.url))
    with run.shopper:
        wait_for(lambda: run.facts.why_not_more, "the reason")
    assert run.facts.why_not_more == "no link that begins with /search leads to search"
    assert {row["page"] for row in run.rows()} == {"home"}


def test_a_browser_that_is_killed_is_named_and_what_it_saw_is_kept(tmp_path: Path, opened: Callable[..., Shop]) -> None:
    run = Run(tmp_path, environment(opened({"": LINKS}).url))
    with run.shopper:
        run.until_pages(1)
        os.kill(run.chromium, signal.SIGKILL)
        wait_for(lambda: run.facts.why_not_more, "the reason")
    assert run.facts.why_not_more == "the browser is gone: it ended"
    assert len(run.rows()) == run.facts.pages >= 1


def test_a_browser_that_stops_answering_is_named_and_ended(tmp_path: Path, opened: Callable[..., Shop]) -> None:
    run = Run(tmp_path, environment(opened({"": LINKS}).url), page_s=2)
    with run.shopper:
        run.until_pages(1)
        pid = run.chromium
        os.killpg(pid, signal.SIGSTOP)
        wait_for(lambda: run.facts.why_not_more, "the reason")
    assert run.facts.why_not_more == "the browser hung in 3 visits in a row"
    assert not is_alive(pid)


@pytest.mark.parametrize(
    ("text", "why"),
    [("exit 7", "the browser is gone: it ended"), ("echo nonsense >&4; exit 7", "the browser is gone: it ended")],
)
def test_a_program_that_is_no_browser_is_named(tmp_path: Path, text: str, why: str) -> None:
    run = Run(tmp_path, environment(), chromium=script(tmp_path, text))
    with run.shopper:
        wait_for(lambda: run.facts.why_not_more, "the reason")
    assert run.facts == BrowserCounts(why_not_more=why)
    assert not run.directory.browser.exists()


@contextmanager
def in_a_process(folder: Path, url: str, chromium: Path) -> Iterator[tuple[Any, int]]:
    """Start a browser in a process that can be killed; yield it and Chromium's number."""
    with Children(folder / "logs") as children:
        arguments = [str(folder), url, str(chromium)]
        child = children.start("parent", [sys.executable, "-c", PARENT, *arguments], folder=Path(__file__).parents[3])
        file = folder / "run" / "logs" / "browser-profile" / "chromium.pid"
        wait_for(lambda: file.exists() and file.read_text().endswith("\n"), "Chromium's process")
        yield child, int(file.read_text())


PARENT = """
import sys, time
from pathlib import Path
from tests.loadtests.browser.test_real_chromium import Run, environment
run = Run(Path(sys.argv[1]), environment(sys.argv[2]), chromium=Path(sys.argv[3]))
with run.shopper:
    time.sleep(600)
"""
SILENT = f"exec {shlex.join([sys.executable, '-c', 'import time; time.sleep(600)'])}"


@pytest.mark.parametrize("silent", [False, True])
def test_it_is_ended_with_the_run_and_leaves_no_profile(
    tmp_path: Path, opened: Callable[..., Shop], *, silent: bool
) -> None:
    """The silent one neither answers nor notices that what drives it is gone."""
    chromium = script(tmp_path, SILENT) if silent else None
    run = Run(tmp_path, environment(opened({"": LINKS}).url), chromium=chromium)
    with run.shopper:
        run.until_pages(0 if silent else 1)
        started = run.processes()
        assert all(map(is_alive, started))
    wait_for(lambda: not any(map(is_alive, started)), "the browser's end", 5)
    assert not run.job.profile.exists()
    assert run.facts.why_not_more is None


@pytest.mark.parametrize("silent", [False, True])
def test_it_is_ended_when_the_run_is_killed(tmp_path: Path, opened: Callable[..., Shop], *, silent: bool) -> None:
    chromium = script(tmp_path, SILENT) if silent else real_chromium()
    with in_a_process(tmp_path, opened({"": LINKS}).url, chromium) as (child, pid):
        started = descendants(child.process.pid)
        child.process.kill()
        wait_for(lambda: not any(map(is_alive, (pid, *started))), "the browser's end", 5)
