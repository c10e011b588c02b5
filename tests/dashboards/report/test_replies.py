"""The first replies of a step that weren't what it expects stand on the page: by time, readable, never as markup."""

import shutil
from pathlib import Path
from typing import Any

import pytest

from dashboards.report import write_report
from loadtests.results.error_samples import FIRST_OF_A_STEP, ErrorSample, ErrorSamples
from loadtests.results.run_directory import RunDirectory
from tests.dashboards.made import Made
from tests.dashboards.page import Read, read_page
from tests.dashboards.report.test_report_untrusted import CANARY, never_an_element
from tests.dashboards.synthetic import make

TITLE = "First replies that weren't what their step expects"
SECOND = 1_000_000_000


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Made:
    return make(tmp_path_factory.mktemp("whole"), "FAIL")


@pytest.fixture
def run(whole: Made, tmp_path: Path) -> Path:
    return Path(shutil.copytree(whole.path, tmp_path / whole.path.name))


def keep(run: Path, worker: str, **changed: Any) -> None:
    facts: dict[str, Any] = {"step": "checkout", "journey": "buy", "session": 7, "method": "POST", "path": "/checkout"}
    facts |= {"at": SECOND, "status": 503, "error": "http_5xx", "bytes": 9, "body": "come back", "headers": {}}
    ErrorSamples(RunDirectory(path=run), worker).keep(ErrorSample.model_validate({**facts, **changed}))


def page_of(run: Path) -> Read:
    return read_page(write_report(run))


def test_without_any_the_page_says_nothing_of_them(run: Path) -> None:
    assert TITLE not in page_of(run).text


def test_a_reply_is_shown_with_its_check_its_headers_and_what_came(run: Path) -> None:
    keep(run, "w0", why="order.id: not there", headers={"retry-after": "5", "set-cookie": "***"}, bytes=4096)
    keep(run, "w0", step="home", status=0, error="timeout", bytes=0, body="")
    keep(run, "w1", step="product", status=200, error="wrong_reply", body="\ufffd" * 8 + "PNG", bytes=11)
    text = page_of(run).text
    text = text[text.index(TITLE) :]
    for shown in (
        "HTTP 503 http 5xx 00:00:01 UTC · session 7, buy",
        "order.id: not there",
        "POST /checkout",
        "come back",
        "The first 2 KiB of 4,096 bytes.",
        "2 headers",
        "retry-after 5",
        "no reply timeout",
        "Without a body.",
        "Not text: 11 bytes.",
    ):
        assert shown in text, shown


def test_the_runs_first_five_of_a_step_are_shown_by_time_whichever_worker_saw_them(run: Path) -> None:
    for number in range(2 * FIRST_OF_A_STEP):
        keep(run, f"w{number % 2}", at=(number + 1) * SECOND, body=f"body {number}.")
    text = page_of(run).text
    assert [f"body {number}." in text for number in range(2 * FIRST_OF_A_STEP)] == [True] * 5 + [False] * 5
    assert text.index("body 0.") < text.index("body 1.") < text.index("body 4.")


def test_of_replies_with_one_body_after_each_other_it_is_shown_once(run: Path) -> None:
    for number, body in enumerate(("down", "down", "up", "down")):
        keep(run, "w0", at=(number + 1) * SECOND, body=body, bytes=4)
    text = page_of(run).text
    text = text[text.rindex(TITLE) : text.index("How the waiting was spread")]
    assert (text.count("down"), text.count("The same body as the reply before: 4 bytes.")) == (2, 1)


HOSTILE = (CANARY, "\x1b[31m\u202e\x00", "</div></details></main>", "&lt;b&gt;" * 300, "x" * 50_000)


def test_a_hostile_reply_stays_text(run: Path) -> None:
    for worker, hostile in enumerate(HOSTILE):
        for number, part in enumerate(("step", "journey", "method", "path", "error", "why", "body")):
            keep(run, f"w{worker}", **{"step": f"s{number}", part: f"a {hostile}"})
        keep(run, f"w{worker}", headers={hostile: hostile})
    page = page_of(run)
    never_an_element(page)
    assert page.text.count("<script>alert(1)</script><img src=x onerror=alert(1)>") > 7
    assert not set(page.text) & set("\x00\x1b\u202e")
    assert "x" * 3_000 not in page.text
