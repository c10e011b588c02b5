"""A browser beside the load sees the shop as a person would, reaches nothing else, and can harm no run."""

import json
import os
import shlex
import socket
import sys
import threading
import time
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from loadtests.browser.chromium import command_of, find_chromium, variables_of
from loadtests.browser.tab import Gate, Timings
from loadtests.browser.visits import BrowserSetting, BrowserShopper, check_browser
from loadtests.client.origin import Origin
from loadtests.environment.ceilings import Ceilings, split
from loadtests.environment.credentials import credentials_of
from loadtests.environment.destinations import resolve
from loadtests.environment.resolved_environment import ResolvedEnvironment
from loadtests.environment.targets import Ceiling, Environment
from loadtests.results.run_directory import RunDirectory
from loadtests.results.schemas import BROWSER
from loadtests.runtime.guarded_child import python
from scripts.local_stack.processes import Children, wait_until
from slo.outcomes import EnvironmentLacks
from tests.loadtests.browser import fake_browser
from tests.loadtests.fakes import small_plan
from tests.scripts.local_stack.test_processes import is_alive
from tests.waiting import wait_for

FAKE = str(Path(fake_browser.__file__))


def environment(base_url: str = "http://127.0.0.1:1", **changes: Any) -> Environment:
    facts = {
        "base_url": base_url,
        "storefront": "twisted-threads",
        "ceiling": {"requests_per_s": 1000, "open_sessions": 10, "orders": 5},
    }
    return Environment.model_validate({**facts, **changes})


def reach(target: Environment, variables: Mapping[str, str] | None = None) -> ResolvedEnvironment:
    credentials = credentials_of(target, variables or {})
    return ResolvedEnvironment(environment=target, destinations=resolve(target), credentials=credentials, token=None)


class Played:
    """A fake browser of some mode, shopping until it has done what a test waits for."""

    def __init__(self, folder: Path, mode: str, target: Environment | None = None, page_s: float = 10.0) -> None:
        self.directory = RunDirectory(path=folder / "run")
        self.directory.logs.mkdir(parents=True)
        self.heard = folder / "heard.jsonl"
        program = folder / "chromium"
        command = shlex.join([*python(FAKE, mode, str(self.heard))])
        program.write_text(f'#!/bin/sh\nexec {command} "$@"\n')
        program.chmod(0o755)
        variables = {"PATH": os.environ["PATH"], "THE_KEY": "hidden-value", "SECRET": "x"}
        setting = BrowserSetting(
            program=program,
            directory=self.directory,
            plan=small_plan(),
            reach=reach(target or environment(), variables),
            environment=variables,
        )
        self.shopper = BrowserShopper(setting, page_s)

    def until(self, pages: int | None) -> "Played":
        """Shop until so many pages were seen, or, for None, until the browser saw no more."""
        with self.shopper as shopper:
            if pages is None:
                wait_for(lambda: shopper.told["why_not_more"] is not None, "the browser's end")
            else:
                wait_for(lambda: shopper.told["pages"] >= pages, f"{pages} pages")
        return self

    def messages(self, method: str) -> list[dict[str, Any]]:
        told = [json.loads(line) for line in self.heard.read_text().splitlines()[1:]]
        return [one["params"] for one in told if one["method"] == method]

    def rows(self) -> list[dict[str, Any]]:
        table = pq.read_table(self.directory.browser)
        assert table.schema == BROWSER
        rows: list[dict[str, Any]] = table.to_pylist()
        return rows

    @property
    def process(self) -> dict[str, Any]:
        told: dict[str, Any] = json.loads(self.heard.read_text().splitlines()[0])
        return told


def test_a_visit_goes_from_page_to_page_and_each_is_kept_with_what_the_browser_measured(tmp_path: Path) -> None:
    played = Played(tmp_path, "plain").until(4)
    rows = played.rows()
    assert [row["page"] for row in rows[:4]] == ["home", "search", "product", "home"]
    first = rows[0]
    assert {name: first[name] for name in ("status", "error", "requests", "failed", "blocked", "bytes")} == {
        "status": 200,
        "error": None,
        "requests": 2,
        "failed": 0,
        "blocked": 1,
        "bytes": 1500,
    }
    assert first["ttfb_s"] == 0.0125
    assert (first["first_contentful_paint_s"], first["largest_contentful_paint_s"]) == (0.04, None)
    assert (first["dom_content_loaded_s"], first["load_s"]) == (0.055, 0.08)
    assert 0 < first["started_at"] <= first["ended_at"]
    told = played.shopper.told
    assert (told["program"], told["failed"], told["why_not_more"]) == ("Fake/1", 0, None)
    assert told["requests_blocked"] >= 4
    visited = [one["url"] for one in played.messages("Page.navigate")]
    assert visited[:3] == ["http://127.0.0.1:1/", "http://127.0.0.1:1/search?q=tea", "http://127.0.0.1:1/products/tee"]
    assert len(played.messages("Target.createBrowserContext")) >= 2  # a visit's cache and cookies are its own


def test_the_browser_s_traffic_says_whose_it_is_and_only_the_shop_hears_secrets(tmp_path: Path) -> None:
    target = environment(headers={"X-Api-Key": {"env": "THE_KEY"}}, tag={"header": "X-Load", "baggage": True})
    played = Played(tmp_path, "plain", target).until(1)
    headers = played.messages("Network.setExtraHTTPHeaders")[0]["headers"]
    assert sorted(headers) == ["X-Load", "baggage", "traceparent"]
    assert headers["X-Load"] == played.directory.name
    assert headers["traceparent"][3:35] == played.rows()[0]["trace_id"]
    let_through = played.messages("Fetch.continueRequest")[0]
    assert {"name": "X-Api-Key", "value": "hidden-value"} in let_through["headers"]
    assert {"name": "Accept", "value": "text/html"} in let_through["headers"]
    blocked = played.messages("Fetch.failRequest")[0]
    assert blocked == {"requestId": "foreign", "errorReason": "BlockedByClient"}
    assert "hidden-value" not in json.dumps(blocked)
    assert played.process["variables"] == sorted({"HOME", "PATH", *played.process["variables"]} - {"SECRET", "THE_KEY"})


@pytest.mark.parametrize(
    ("mode", "pages", "why"),
    [
        ("crash", 1, "the browser is gone: it ended"),
        ("nonsense", 0, "the browser is gone: it can't be understood: "),
        ("no links", 1, "no link that begins with /search leads to search"),
        ("refuses", 0, "the browser can't do what it must: Fetch.enable: {'message': 'no such thing'}"),
    ],
)
def test_a_browser_that_fails_says_why_and_what_it_saw_is_kept(tmp_path: Path, mode: str, pages: int, why: str) -> None:
    played = Played(tmp_path, mode).until(None)
    told = played.shopper.told
    assert str(told["why_not_more"]).startswith(why)
    assert told["pages"] >= pages
    assert played.directory.browser.exists() == (told["pages"] > 0)


@pytest.mark.parametrize(
    ("mode", "error"), [("broken shop", "http_5xx"), ("refused", "connection"), ("slow", "timeout")]
)
def test_a_page_that_fails_is_kept_with_the_error_and_the_browser_goes_on(
    tmp_path: Path, mode: str, error: str
) -> None:
    played = Played(tmp_path, mode, page_s=0.3).until(2)
    rows = played.rows()
    assert {(row["page"], row["error"]) for row in rows} == {("home", error)}
    assert {row["load_s"] for row in rows} == {None}
    assert played.shopper.told["failed"] == len(rows)


@pytest.mark.parametrize("mode", ["plain", "silent", "hung", "stubborn"])
def test_whatever_it_does_it_is_ended_with_the_run_and_leaves_no_profile(tmp_path: Path, mode: str) -> None:
    played = Played(tmp_path, mode)
    with played.shopper:
        wait_for(lambda: played.heard.exists() and played.heard.read_text().count("\n") > 1, "the browser's first word")
        pid = played.process["pid"]
        assert is_alive(pid)
    wait_for(lambda: not is_alive(pid), "the browser's end")
    assert not (played.directory.logs / "browser-profile").exists()
    assert played.shopper.told["why_not_more"] is None


def test_a_program_that_can_not_be_started_is_told(tmp_path: Path) -> None:
    played = Played(tmp_path, "plain")
    played.shopper._setting.program.write_text("#!/bin/sh\nexit 7\n")
    played.until(None)
    assert played.shopper.told == {
        "program": None,
        "pages": 0,
        "failed": 0,
        "requests_blocked": 0,
        "requests_held": 0,
        "why_not_more": "the browser is gone: it ended",
    }


PARENT = """
import sys, time
from pathlib import Path
from tests.loadtests.browser.test_visits import Played
played = Played(Path(sys.argv[1]), sys.argv[2])
with played.shopper:
    time.sleep(600)
"""


@pytest.mark.parametrize("mode", ["plain", "stubborn"])
def test_it_is_ended_when_whoever_started_it_is_killed(tmp_path: Path, mode: str) -> None:
    with Children(tmp_path / "logs") as children:
        root = Path(__file__).parents[3]
        child = children.start("parent", [sys.executable, "-c", PARENT, str(tmp_path), mode], folder=root)
        heard = tmp_path / "heard.jsonl"
        wait_until(lambda: heard.exists() and heard.read_text().count("\n") > 1, [child], 60, "the browser")
        pid = json.loads(heard.read_text().splitlines()[0])["pid"]
        child.process.kill()
        wait_for(lambda: not is_alive(pid), "the browser's end")


# -- what it may reach ------------------------------------------------------------------------------------------


def gate(requests_per_s: float = 100, **headers: Mapping[str, str]) -> Gate:
    ceiling = Ceiling(requests_per_s=requests_per_s, open_sessions=1, orders=0)
    own = {Origin.of(f"https://{name}.example"): held for name, held in headers.items()}
    return Gate(own, Ceilings(ceiling, 0, 1), lambda: 0)


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("https://shop.example/x", {"X-Key": "1"}),
        ("https://SHOP.example:443/", {"X-Key": "1"}),
        ("https://cdn.example/x", {}),
        ("http://shop.example/", None),
        ("https://shop.example:444/", None),
        ("https://shop.example.evil.example/", None),
        ("https://shop.example@evil.example/", None),
        ("wss://shop.example/", None),
        ("chrome://settings/", None),
        ("https://[/", None),
    ],
)
def test_a_request_passes_to_the_environment_s_origins_only(url: str, told: Mapping[str, str] | None) -> None:
    assert gate(shop={"X-Key": "1"}, cdn={}).headers_to(url) == told


def test_a_browser_has_its_share_of_the_ceiling_and_the_load_the_rest() -> None:
    load, own = split(Ceiling(requests_per_s=500, open_sessions=20, orders=7))
    assert (load.requests_per_s, load.open_sessions, load.orders) == (450, 19, 7)
    assert (own.requests_per_s, own.open_sessions, own.orders) == (50, 1, 0)
    assert [one.has_room() for one in [gate(2)] for _ in range(3)] == [True, True, False]


@pytest.mark.parametrize(
    "ceiling", [{"requests_per_s": 1, "open_sessions": 9}, {"requests_per_s": 9, "open_sessions": 1}]
)
def test_without_room_for_both_there_is_no_browser(ceiling: dict[str, Any]) -> None:
    with pytest.raises(EnvironmentLacks, match="has no room for a browser beside the load"):
        check_browser(environment(ceiling={**ceiling, "orders": 1}))


def test_a_storefront_without_a_walk_gets_no_browser() -> None:
    unknown = environment().model_copy(update={"storefront": "bench"})
    with pytest.raises(EnvironmentLacks, match="nobody has said where one walks in bench"):
        check_browser(unknown)


def test_a_shop_that_wants_a_certificate_gets_no_browser() -> None:
    with pytest.raises(EnvironmentLacks, match="can be told of no client_certificate and no ca"):
        check_browser(environment("https://127.0.0.1:1", ca="ca.pem"))
    check_browser(environment())


def test_names_and_addresses_are_pinned_and_no_other_has_one(tmp_path: Path) -> None:
    to = {Origin.of("https://shop.example"): ("10.0.0.7", "10.0.0.8"), Origin.of("http://[::1]:81"): ("::1",)}
    command = command_of(Path("/usr/bin/chromium"), tmp_path, to, is_root=False)
    assert "--host-resolver-rules=MAP shop.example:443 10.0.0.7:443, MAP [::1]:81 [::1]:81, MAP * ~NOTFOUND" in command
    assert f"--user-data-dir={tmp_path}" in command
    assert "--no-sandbox" not in command
    assert "--no-sandbox" in command_of(Path("/usr/bin/chromium"), tmp_path, to, is_root=True)


def test_a_browser_that_is_missing_is_told_with_what_to_install(tmp_path: Path) -> None:
    with pytest.raises(EnvironmentLacks) as lacks:
        find_chromium({"PATH": str(tmp_path)})
    assert str(lacks.value) == (
        "--browser: none of chromium, chromium-browser, google-chrome is on the PATH; install one with: apt-get"
        " install chromium (brew install chromium), or set PEAKPROOF_CHROMIUM to the program's path"
    )
    with pytest.raises(EnvironmentLacks, match=r"names .*/none, which is not a program$"):
        find_chromium({"PEAKPROOF_CHROMIUM": str(tmp_path / "none")})
    program = tmp_path / "google-chrome"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    assert find_chromium({"PATH": str(tmp_path)}) == program
    assert variables_of({"PATH": "p", "HOME": "h", "HTTP_PROXY": "x"}, tmp_path) == {"PATH": "p", "HOME": str(tmp_path)}


@pytest.mark.parametrize("told", [{"ttfb": -1}, {"load": float("inf")}, {"load": "soon"}, {"ttfb": 1e12}, [], None])
def test_a_timing_that_can_not_be_is_none(told: object) -> None:
    with pytest.raises(ValueError, match="validation error"):
        Timings.model_validate(told)


# -- the real one -----------------------------------------------------------------------------------------------

PAGE = """<!doctype html><title>{title}</title><link rel="icon" href="data:,"><h1>{title}</h1>
<a href="/search?q=tea">tea</a><a href="/products/tee">tee</a><a href="{foreign}/products/no">no</a>
<img src="{foreign}/seen.png"><img src="http://foreign.invalid/x.png"><link rel="preconnect" href="{foreign}">
<script>fetch("{foreign}/fetched").catch(() => 0); new Image().src = "{foreign}/beacon";
try {{ new WebSocket("{foreign}/ws".replace("http", "ws")) }} catch (e) {{}}
window.open("{foreign}/popup"); </script>"""


class Shop:
    """A shop of three pages that link to a foreign host, and what it was asked."""

    def __init__(self, foreign: str) -> None:
        self.asked: list[tuple[str, dict[str, str]]] = []
        shop = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                shop.asked.append((self.path, {name.lower(): value for name, value in self.headers.items()}))
                body = PAGE.format(title=self.path.replace("<", ""), foreign=foreign).encode()
                self.send_response(200)
                self.send_header("Content-Type", "text/html; charset=utf-8")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: Any) -> None:
                """Say nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}"


@pytest.mark.heavy
def test_a_real_browser_times_the_shop_s_pages_and_a_foreign_host_sees_no_connection(tmp_path: Path) -> None:
    try:
        program = find_chromium(os.environ)
    except EnvironmentLacks as lacks:
        pytest.skip(str(lacks))
    with socket.create_server(("127.0.0.1", 0)) as foreign:
        shop = Shop(f"http://127.0.0.1:{foreign.getsockname()[1]}")
        threading.Thread(target=shop.server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        directory = RunDirectory(path=tmp_path / "run")
        directory.logs.mkdir(parents=True)
        target = environment(shop.url, headers={"X-Api-Key": {"env": "THE_KEY"}})
        variables = {**os.environ, "THE_KEY": "hidden-value"}
        setting = BrowserSetting(
            program=program,
            directory=directory,
            plan=small_plan(),
            reach=reach(target, variables),
            environment=variables,
        )
        started_at = time.time_ns()
        with BrowserShopper(setting) as shopper:
            wait_for(lambda: shopper.told["pages"] >= 7 or shopper.told["why_not_more"], "seven pages", 120)
        shop.server.shutdown()
        shop.server.server_close()
        foreign.settimeout(0)
        with pytest.raises(BlockingIOError):
            foreign.accept()
    assert shopper.told["why_not_more"] is None
    assert shopper.told["requests_blocked"] > 0
    rows = pq.read_table(directory.browser).to_pylist()
    good = [row for row in rows if row["error"] is None]
    assert {row["page"] for row in good} == {"home", "search", "product"}
    for row in good:
        assert row["status"] == 200
        assert 0 < row["ttfb_s"] <= row["dom_content_loaded_s"] <= row["load_s"]
        assert 0 < row["first_contentful_paint_s"] <= row["largest_contentful_paint_s"]
        assert (row["blocked"] > 0, row["bytes"] > 0) == (True, True)
        assert started_at - 10**9 < row["started_at"] < row["ended_at"] < time.time_ns() + 10**9
    traces = {headers["traceparent"][3:35] for _, headers in shop.asked}
    assert {row["trace_id"] for row in rows} <= traces
    assert {headers["x-peakproof-run"] for _, headers in shop.asked} == {"run"}
    assert {headers["x-api-key"] for _, headers in shop.asked} == {"hidden-value"}
    assert not (directory.logs / "browser-profile").exists()
    assert "hidden-value" not in (directory.logs / "browser.log").read_text(errors="replace")
