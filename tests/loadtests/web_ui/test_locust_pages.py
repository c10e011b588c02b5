"""Locust's own pages show what the live snapshot holds, alone and with workers: to the JSON they draw, and drawn."""

import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from loadtests.results.run_directory import RunDirectory
from tests.loadtests import fake_shop
from tests.loadtests.test_locust_control import live, playing, send_line, wait_until
from tests.ports import free_port

WELL = fake_shop.FakeShop._reply


def out_of_order(shop: fake_shop.FakeShop, method: str, path: str, *rest: Any) -> tuple[int, bytes, str]:
    """Answer, but with 500 to whoever looks an order up."""
    return (500, b"", "s") if path.startswith("/orders/") else WELL(shop, method, path, *rest)


class Pages:
    """Locust's pages of a run that is played, in which some requests fail."""

    def __init__(self, directory: RunDirectory, head: subprocess.Popen[bytes], url: str) -> None:
        self.directory, self.head, self.url = directory, head, url
        self.told: dict[str, Any] = {}
        self.snapshot: dict[str, Any] = {}

    def agree(self) -> bool:
        """Look at both; whether they tell of equally many requests, some of them failed."""
        self.snapshot = live(self.directory)
        self.told = requests.get(f"{self.url}/stats/requests", timeout=10, proxies={"http": ""}).json()
        sent = self.told["stats"][-1]["num_requests"] if self.told["stats"] else 0
        return 0 < sent == self.snapshot["achieved"]["requests_total"] and bool(self.told["errors"])


@pytest.fixture(params=[1, 2])
def pages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> Iterator[Pages]:
    monkeypatch.setattr(fake_shop.FakeShop, "_reply", out_of_order)
    port = free_port()
    shown = ("--autostart", "--web-host", "127.0.0.1", "--web-port", str(port))
    with playing(tmp_path, request.param, free_port(), *shown) as (directory, started):
        found = Pages(directory, started[0], f"http://127.0.0.1:{port}")
        wait_until(lambda: live(directory).get("errors", {}).get("total", 0) > 0, found.head)
        send_line(found.head, "pause")
        wait_until(found.agree, found.head)
        yield found


def test_the_tables_hold_what_the_live_snapshot_holds(pages: Pages) -> None:
    *steps, total = pages.told["stats"]
    assert {step["name"]: (step["num_requests"], step["num_failures"]) for step in steps} == {
        name: (step["requests_total"], step["errors_total"]) for name, step in pages.snapshot["steps"].items()
    }
    failures: dict[str, dict[str, int]] = {}
    for error in pages.told["errors"]:
        failures.setdefault(error["name"], {})[error["error"]] = error["occurrences"]
    assert failures == pages.snapshot["errors"]["by_step"]
    assert total["num_failures"] == pages.snapshot["errors"]["total"]
    assert {(step["name"], step["method"]) for step in steps} >= {("home", "GET"), ("checkout", "POST")}
    for step in steps:
        latency = pages.snapshot["steps"][step["name"]]["latency"]
        assert step["avg_response_time"] == pytest.approx(1000 * latency["sum"] / latency["count"])
        assert 0 < step["median_response_time"] <= step["max_response_time"]
        assert (step["avg_content_length"] > 0) == (step["name"] != "order-status")


def counts(pages: Pages) -> set[tuple[str, ...]]:
    """Return each step's method, name, requests and failures as Locust tells of them now."""
    pages.agree()
    return {
        (step["method"], step["name"], str(step["num_requests"]), str(step["num_failures"]))
        for step in pages.told["stats"]
    }


@pytest.mark.heavy
@pytest.mark.parametrize("pages", [1], indirect=True)
def test_a_browser_shows_the_steps_with_their_counts(pages: Pages, tmp_path: Path) -> None:
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if not chromium:
        pytest.skip("no chromium is installed")
    quiet = (
        "--headless --no-sandbox --disable-gpu --no-first-run --disable-background-networking --window-size=1400,900"
    )
    drawn = [f"--user-data-dir={tmp_path / 'browser'}", "--virtual-time-budget=8000", "--dump-dom", f"{pages.url}/"]
    told, shown = counts(pages), set[tuple[str, ...]]()
    for _ in range(5):  # sessions that were under way when the run was paused still end
        done = subprocess.run(
            [chromium, *quiet.split(), *drawn], capture_output=True, text=True, timeout=100, check=True
        )
        rows = [re.findall(r"<td[^>]*>(.*?)</td>", row) for row in re.findall(r"<tr.*?</tr>", done.stdout, re.DOTALL)]
        shown, before, told = {tuple(cells[:4]) for cells in rows if cells}, told, counts(pages)
        if before == told:
            break
    assert shown == told
