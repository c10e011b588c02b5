"""A real browser opens the page from the disk: charts are drawn, nothing is complained about."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from dashboards.report import write_report
from tests.dashboards.made import Made

_OFFLINE = (
    "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync --host-resolver-rules=MAP*~NOTFOUND --enable-logging=stderr"
)


@pytest.fixture(scope="module")
def chromium() -> str:
    found = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if not found:
        pytest.skip("no chromium is installed")
    return found


@pytest.mark.heavy
def test_the_page_draws_its_charts_and_the_browser_has_nothing_to_say(
    failed: Made, chromium: str, tmp_path: Path
) -> None:
    page = write_report(failed.path)
    done = subprocess.run(
        [chromium, *_OFFLINE.split(), f"--user-data-dir={tmp_path}", "--dump-dom", page.resolve().as_uri()],
        capture_output=True,
        text=True,
        timeout=100,
        check=True,
    )
    figures = re.findall(r"<figure.*?</figure>", done.stdout, re.DOTALL)
    assert len(figures) >= 14
    assert [figure[:200] for figure in figures if figure.count("<path") < 2] == []
    assert [line for line in done.stderr.splitlines() if "CONSOLE" in line] == []
