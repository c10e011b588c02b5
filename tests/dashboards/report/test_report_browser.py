"""What the one real browser saw stands on the page, as text, and what it didn't see is said."""

import json
import shutil
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from dashboards.report import write_report
from loadtests.results.run_directory import write_table
from loadtests.results.schemas import BROWSER
from tests.dashboards.made import Made
from tests.dashboards.page import read_page
from tests.dashboards.synthetic import make

CANARY = "</td><script>alert(1)</script>"
SEEN = {
    "program": "Chrome/1",
    "pages": 5,
    "failed": 1,
    "requests_blocked": 7,
    "requests_held": 2,
    "why_not_more": None,
}


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Made:
    return make(tmp_path_factory.mktemp("whole"), "PASS")


@pytest.fixture
def run(whole: Made, tmp_path: Path) -> Path:
    return Path(shutil.copytree(whole.path, tmp_path / whole.path.name))


def row(page: str, at: int, ttfb_s: float | None, **changed: Any) -> dict[str, Any]:
    timings = {name: ttfb_s for name in BROWSER.names if name.endswith("_s")}
    facts = {"page": page, "started_at": at, "ended_at": at + 1, "status": 200, "error": None, "trace_id": "0" * 32}
    return {**facts, **timings, "requests": 4, "failed": 0, "blocked": 0, "bytes": 2000, **changed}


def words(run: Path, told: dict[str, Any] | None, rows: list[dict[str, Any]]) -> str:
    document = json.loads((run / "run.json").read_text()) | {"browser": told}
    (run / "run.json").write_text(json.dumps(document))
    if rows:
        write_table(run / "browser.parquet", pa.Table.from_pylist(rows, schema=BROWSER))
    return read_page(write_report(run)).text


def test_each_page_has_its_visits_its_median_and_its_95th_percentile(run: Path) -> None:
    homes = [row("home", 10 + n, 0.1 * n, largest_contentful_paint_s=None) for n in range(1, 4)]
    broken = row("home", 20, None, error="timeout", requests=9)
    said = words(run, SEEN, [row("search", 30, 0.05), *homes, broken])
    assert "home 4 1 200 ms p95 300 ms 200 ms p95 300 ms – 200 ms p95 300 ms 4 2 search 1 · 50 ms p95 50 ms" in said
    assert "Chrome/1, headless, the whole run" in said
    assert "7 requests to other hosts were blocked." in said
    assert "2 requests had to wait for room under the ceiling." in said


def test_a_browser_that_saw_nothing_is_told_with_the_reason(run: Path) -> None:
    said = words(run, {**SEEN, "pages": 0, "why_not_more": "the browser is gone: it ended"}, [])
    assert "One real browser The browser saw no page. It saw no more because the browser is gone: it ended." in said


def test_without_a_browser_there_is_no_word_of_it(run: Path) -> None:
    assert "One real browser" not in words(run, None, [])


def test_a_file_that_can_not_be_read_is_a_gap(run: Path) -> None:
    (run / "browser.parquet").write_bytes(b"PAR1 no more")
    said = words(run, SEEN, [])
    assert "browser.parquet can't be read: " in said
    assert "The browser saw no page." in said


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -1.0, None])
def test_numbers_that_can_not_be_shown_are_left_out(run: Path, value: float | None) -> None:
    said = words(run, SEEN, [row("home", 1, value, requests=None, bytes=None)])
    assert "home 1 ·" in said
    assert "nan" not in said.lower().split()


def test_what_a_page_is_called_stays_text(run: Path) -> None:
    words(run, {**SEEN, "program": CANARY, "why_not_more": CANARY}, [row(CANARY, 1, 0.1, error=CANARY)])
    page = read_page(run / "report.html")
    assert "script" not in page.tags
    assert page.text.count(CANARY) == 3
