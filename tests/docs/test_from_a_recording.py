"""The page on recordings shows what `har import` says and writes, as it is."""

import ast
import json
import re
import shlex
from pathlib import Path

import pytest

from loadtests.storefronts.loading import load_storefront
from tests.loadtests.har.tiny_shop import tiny_shop
from tests.loadtests.har.visits import by_app, by_forms
from tests.scripts.world import Command

PAGE = (Path(__file__).parents[2] / "docs" / "from-a-recording.md").read_text(encoding="utf-8")
SHOP = "https://tees.staging.example"


def blocks(kind: str) -> list[str]:
    return re.findall(rf"^```{kind}\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)


@pytest.fixture
def recorded(peakproof: Command) -> Command:
    """Return the command line in a folder with the page's two recordings, and one of calls for data."""
    with tiny_shop() as shop:
        visits = {
            "visit.har": by_forms(shop),
            "again.har": by_forms(shop, who="lee", product=4),
            "app.har": by_app(shop),
        }
        for name, browser in visits.items():
            (peakproof.folder / name).write_text(json.dumps(browser.har()).replace(shop.url, SHOP))
    return peakproof


def test_the_page_s_import_says_and_writes_what_the_page_shows(recorded: Command) -> None:
    (said,), (draft, headers) = blocks("text"), blocks("python")
    command = re.search(r"^peakproof har .*$", PAGE, re.MULTILINE)
    assert command is not None
    ended = recorded(*shlex.split(command[0])[1:])
    assert (ended.code, ended.err) == (0, "")
    assert ended.out == said
    assert (recorded.folder / "storefront.py").read_text() == draft
    assert list(load_storefront(recorded.folder / "storefront.py").journeys) == ["window-shop", "buy"]
    assert recorded("har", "import", "app.har", "--force").code == 0
    assert headers in (recorded.folder / "storefront.py").read_text()


def test_every_comment_that_the_page_explains_is_one_that_a_draft_has() -> None:
    shown = re.findall(r"^\| `# (.*?)` \|", PAGE, re.MULTILINE)
    steps = Path(__file__).parents[2] / "loadtests" / "har"
    source = "".join((steps / name).read_text() for name in ("steps.py", "variables.py"))
    held = [
        part.value
        for part in ast.walk(ast.parse(source))
        if isinstance(part, ast.Constant) and isinstance(part.value, str)
    ]
    for comment in shown:
        words = re.sub(r"\d+ |city$", "", comment).removeprefix("asked ").strip()
        assert any(words.partition(": taken")[0].strip() in one for one in held), comment
