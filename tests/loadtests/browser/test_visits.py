"""A browser beside the load harms no run: whatever its process does, what it saw is kept, and it is ended."""

import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from loadtests.browser.messages import BrowserCounts
from loadtests.browser.visits import BrowserShopper, check_browser, job_of
from loadtests.environment.own_code import OwnFile
from loadtests.environment.targets import Environment
from loadtests.results.run_directory import RunDirectory
from loadtests.results.schemas import BROWSER
from loadtests.runtime.guarded_child import python
from slo.outcomes import EnvironmentLacks
from tests.bad_input.process import is_alive
from tests.loadtests.browser import fake_walker
from tests.loadtests.browser.world import environment, resolved
from tests.loadtests.fakes import small_plan
from tests.waiting import wait_for


class Played:
    """A fake browser's process of some mode, beside a run that consists of nothing else."""

    def __init__(self, folder: Path, mode: str, target: Environment | None = None) -> None:
        self.directory = RunDirectory(path=folder / "run")
        self.directory.logs.mkdir(parents=True)
        self._log = folder / "log.json"
        variables = {**os.environ, "THE_KEY": "hidden-value", "SECRET": "x", "HTTP_PROXY": "http://127.0.0.1:9"}
        reached = resolved(target or environment(), variables)
        job = job_of(folder / "chromium", self.directory, small_plan(), reached)
        command = python(fake_walker.__file__, mode, str(self._log))
        self.shopper = BrowserShopper(job, self.directory, variables, command)

    @property
    def process(self) -> Mapping[str, Any]:
        """What the process has logged of itself, once it has."""
        wait_for(lambda: self._log.exists() and self._log.read_text().endswith("\n"), "the process")
        logged: dict[str, Any] = json.loads(self._log.read_text())
        return logged

    def until(self, pages: int) -> "Played":
        with self.shopper as shopper:
            wait_for(lambda: shopper.facts.pages >= pages, f"{pages} pages")
        return self

    def until_it_ends(self) -> "Played":
        with self.shopper as shopper:
            wait_for(lambda: shopper.facts.why_not_more, "the reason")
        return self


def test_what_it_saw_is_kept_as_rows_and_facts(tmp_path: Path) -> None:
    played = Played(tmp_path, "plain").until(3)
    table = pq.read_table(played.directory.browser)
    assert table.schema == BROWSER
    rows = table.to_pylist()
    assert len(rows) == 3
    assert rows[0] == {
        "page": "home", "started_at": 10, "ended_at": 20, "status": 200, "error": None, "ttfb_s": 0.0125,
        "first_paint_s": None, "first_contentful_paint_s": 0.04, "largest_contentful_paint_s": None,
        "dom_content_loaded_s": None, "load_s": 0.08, "requests": 2, "failed": 0, "blocked": 1, "bytes": 1500,
        "trace_id": "0" * 31 + "1",
    }  # fmt: skip
    assert played.shopper.facts == BrowserCounts(
        program="Fake/1", pages=3, failed=0, requests_blocked=1, requests_held=2, why_not_more=None
    )


def test_its_process_is_given_the_shop_alone_and_secrets_in_no_variable(tmp_path: Path) -> None:
    target = environment(
        "http://localhost:81/shop",
        hosts={"cdn": {"url": "http://127.0.0.1:82", "ceiling": {"requests_per_s": 30}}},
        resolve={"localhost": "127.0.0.7"},
        headers={"X-Api-Key": {"env": "THE_KEY"}},
        tag={"header": "X-Load", "baggage": True},
    )
    process = Played(tmp_path, "plain", target).until(1).process
    job = process["job"]
    assert job["headers"] == {"http://127.0.0.1:82": {}, "http://localhost:81/shop": {"X-Api-Key": "hidden-value"}}
    assert job["addresses"] == {"127.0.0.1:82": ["127.0.0.1"], "localhost:81": ["127.0.0.7"]}
    assert job["tag"] == {"X-Load": "run", "baggage": "peakproof.run=run"}
    assert job["ceiling"] == {"requests_per_s": 100.0, "open_sessions": 1, "orders": 0}
    assert job["host_ceilings"] == {"http://127.0.0.1:82": 3.0}
    assert not set(process["variables"]) & {"THE_KEY", "SECRET", "HTTP_PROXY"}


def test_a_host_with_credentials_of_its_own_gets_those_and_no_other_s(tmp_path: Path) -> None:
    login = {"url": "http://127.0.0.1:82/sso", "headers": {"X-Login": "yes"}}
    target = environment(hosts={"login": login}, headers={"X-Api-Key": {"env": "THE_KEY"}})
    job = Played(tmp_path, "plain", target).until(1).process["job"]
    assert job["headers"] == {"http://127.0.0.1:1": {"X-Api-Key": "hidden-value"}, login["url"]: {"X-Login": "yes"}}


@pytest.mark.parametrize(
    ("mode", "why", "pages"),
    [
        ("crash", "the browser is gone: its process ended", 3),
        ("nonsense", "the browser is gone: its process reports what can't be read", 3),
        ("endless", "the browser is gone: its process reports what can't be read", 3),
        ("impossible", "the browser is gone: its process reports what can't be read", 3),
        ("reports why", "the browser hung in 3 visits in a row", 4),
    ],
)
def test_a_process_that_fails_is_named_and_ended_and_what_it_saw_is_kept(
    tmp_path: Path, mode: str, why: str, pages: int
) -> None:
    played = Played(tmp_path, mode).until_it_ends()
    assert (played.shopper.facts.why_not_more, played.shopper.facts.pages) == (why, pages)
    assert pq.read_table(played.directory.browser).num_rows == pages
    assert not is_alive(played.process["pid"])


@pytest.mark.parametrize("mode", ["plain", "silent", "stubborn"])
def test_whatever_it_does_it_is_ended_with_the_run_and_leaves_no_profile(tmp_path: Path, mode: str) -> None:
    played = Played(tmp_path, mode)
    with played.shopper:
        pid = played.process["pid"]
        assert is_alive(pid)
        assert (played.directory.logs / "browser-profile").stat().st_mode & 0o777 == 0o700
    assert not is_alive(pid)
    assert not (played.directory.logs / "browser-profile").exists()
    assert played.shopper.facts.why_not_more is None


def test_a_command_that_can_not_be_started_is_named(tmp_path: Path) -> None:
    played = Played(tmp_path, "plain")
    played.shopper._command = [str(tmp_path / "none")]
    with played.shopper:
        pass
    assert played.shopper.facts == BrowserCounts(why_not_more="the browser can't be started: No such file or directory")
    assert not played.directory.browser.exists()


def test_a_process_that_does_not_read_its_job_is_named(tmp_path: Path) -> None:
    played = Played(tmp_path, "plain")
    played.shopper._command = [sys.executable, "-c", ""]
    assert str(played.until_it_ends().shopper.facts.why_not_more).startswith("the browser ")


# -- which environments ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "ceiling", [{"requests_per_s": 1, "open_sessions": 9}, {"requests_per_s": 9, "open_sessions": 1}]
)
def test_without_room_for_both_there_is_no_browser(ceiling: dict[str, Any]) -> None:
    with pytest.raises(EnvironmentLacks) as lacks:
        check_browser(environment(ceiling={**ceiling, "orders": 1}))
    assert str(lacks.value) == (
        "--browser: the environment's ceiling has no room for a browser beside the load; raise it, or run without"
        " --browser"
    )


def test_a_storefront_without_a_walk_gets_no_browser(tmp_path: Path) -> None:
    file = tmp_path / "mine.py"
    file.write_text(
        "from peakproof import Shop, journey\nclass Mine(Shop):\n"
        "    @journey\n    def look(self): self.get('home', '/')\n"
    )
    mine = environment().model_copy(update={"storefront": OwnFile(file=str(file))})
    with pytest.raises(EnvironmentLacks) as lacks:
        check_browser(mine)
    assert str(lacks.value) == (
        "--browser isn't supported for the storefront mine: it defines no walk (`walk` of its class)"
    )


def test_a_shop_that_wants_a_certificate_gets_no_browser() -> None:
    with pytest.raises(EnvironmentLacks) as lacks:
        check_browser(environment("https://127.0.0.1:1", ca="ca.pem"))
    assert str(lacks.value) == "--browser isn't supported with the environment's ca; run without --browser"
    pair = {"certificate": "c.pem", "key": "k.pem"}
    with pytest.raises(
        EnvironmentLacks, match=r"^--browser isn't supported with the environment's client_certificate;"
    ):
        check_browser(environment("https://127.0.0.1:1", client_certificate=pair))
    check_browser(environment())
