"""The pages as a real Chromium lays them out: on a desk, on a phone, in the dark, and on paper."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright import sync_api as playwright

from dashboards.report import write_comparison, write_report
from tests.dashboards.made import Made
from tests.dashboards.synthetic import make
from tests.loadtests.browser.world import real_chromium

pytestmark = pytest.mark.heavy

DESK, PHONE, PAPER = (1366, 768), (390, 844), (718, 1000)
WIDER = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
# Charts and text that stand beyond the edge of what holds them, and can't be scrolled to on paper.
CUT = """() => [...document.querySelectorAll("figure svg, .heat, th, td, p, summary, dd, li")]
  .filter(one => one.checkVisibility() && one.getBoundingClientRect().right > document.documentElement.clientWidth + 1)
  .map(one => one.outerHTML.slice(0, 80))"""
SHOWN = """() => [...document.querySelectorAll("details")].filter(one =>
  [...one.children].some(child => child.tagName != "SUMMARY" && child.checkVisibility())).length"""


@pytest.fixture(scope="module")
def pages(failed: Made, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    passed = make(tmp_path_factory.mktemp("passed"), "PASS", seed=8)
    return {"report": write_report(failed.path), "against": write_comparison(failed.path, passed.path)}


@pytest.fixture(scope="module")
def browser() -> Iterator[playwright.Browser]:
    program = real_chromium()
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=str(program), args=["--no-sandbox"])
        yield browser
        browser.close()


def shown(browser: playwright.Browser, path: Path, size: tuple[int, int], *, dark: bool = False) -> playwright.Page:
    viewport: playwright.ViewportSize = {"width": size[0], "height": size[1]}
    page = browser.new_page(viewport=viewport, color_scheme="dark" if dark else "light")
    page.goto(path.as_uri())
    return page


@pytest.mark.parametrize("name", ["report", "against"])
@pytest.mark.parametrize("size", [DESK, PHONE], ids=["desk", "phone"])
def test_a_page_is_never_wider_than_its_screen(
    browser: playwright.Browser, pages: dict[str, Path], name: str, size: tuple[int, int]
) -> None:
    page = shown(browser, pages[name], size)
    page.evaluate("document.querySelectorAll('details').forEach(one => one.open = true)")
    assert page.evaluate(WIDER) == 0


@pytest.mark.parametrize("size", [DESK, PHONE], ids=["desk", "phone"])
def test_the_verdict_its_reason_and_its_cause_stand_on_the_first_screen(
    browser: playwright.Browser, pages: dict[str, Path], size: tuple[int, int]
) -> None:
    page = shown(browser, pages["report"], size)
    for selector in ("h1", ".headline", ".answers div:nth-child(2) dd"):
        box = page.locator(selector).first.bounding_box()
        assert box is not None
        assert box["y"] + box["height"] <= size[1]


@pytest.mark.parametrize("size", [DESK, PHONE], ids=["desk", "phone"])
def test_charts_are_drawn_for_the_screen_s_width(
    browser: playwright.Browser, pages: dict[str, Path], size: tuple[int, int]
) -> None:
    page = shown(browser, pages["report"], size)
    drawn = page.locator("#felt figure svg:visible")
    assert drawn.count() == 1
    view = (drawn.get_attribute("viewBox") or "").split()
    assert float(view[2]) == (350 if size == PHONE else 1040)


def test_details_are_folded_on_a_screen_and_open_on_paper(browser: playwright.Browser, pages: dict[str, Path]) -> None:
    page = shown(browser, pages["report"], PAPER)
    folds = page.locator("details").count()
    assert folds > 5
    assert page.evaluate(SHOWN) == 0
    page.emulate_media(media="print")
    assert page.evaluate(SHOWN) == folds


@pytest.mark.parametrize("name", ["report", "against"])
def test_nothing_is_cut_on_paper_and_charts_are_the_wide_ones(
    browser: playwright.Browser, pages: dict[str, Path], name: str
) -> None:
    page = shown(browser, pages[name], PAPER)
    page.emulate_media(media="print")
    assert page.evaluate(CUT) == []
    assert page.locator(".narrow:visible").count() == 0
    assert page.locator(".wide:visible").count() > 0


def test_paper_is_black_on_white_even_where_the_screen_is_dark(
    browser: playwright.Browser, pages: dict[str, Path]
) -> None:
    page = shown(browser, pages["report"], PAPER, dark=True)
    colours = "(one => [getComputedStyle(one).color, getComputedStyle(one).backgroundColor])(document.body)"
    ink, paper = page.evaluate(colours)
    assert _light(ink) > _light(paper)
    page.emulate_media(media="print")
    assert page.evaluate(colours) == ["rgb(0, 0, 0)", "rgb(255, 255, 255)"]
    assert page.evaluate("getComputedStyle(document.querySelector('.hero')).backgroundColor") == "rgba(0, 0, 0, 0)"


def test_a_printed_page_has_pages_and_breaks_no_chart(
    browser: playwright.Browser, pages: dict[str, Path], tmp_path: Path
) -> None:
    page = shown(browser, pages["report"], DESK)
    printed = page.pdf(path=tmp_path / "report.pdf", format="A4", print_background=True)
    assert len(re.findall(rb"/Type\s*/Page\b", printed)) > 3
    page.emulate_media(media="print")
    breaks = "[...document.querySelectorAll('figure, .hero, .trace, tr')].map(one => getComputedStyle(one).breakInside)"
    assert set(page.evaluate(breaks)) == {"avoid"}


def test_a_finding_s_link_opens_the_fold_that_shows_it(browser: playwright.Browser, pages: dict[str, Path]) -> None:
    page = shown(browser, pages["report"], DESK)
    assert not page.locator("#objective-1").is_visible()
    page.locator("#findings a[href='#objective-1']").click()
    assert page.locator("#objective-1").is_visible()


@pytest.mark.parametrize("name", ["report", "against"])
def test_nothing_asks_for_the_network_and_nothing_is_refused(
    browser: playwright.Browser, pages: dict[str, Path], name: str
) -> None:
    page = browser.new_page()
    asked: list[str] = []
    said: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("console", lambda message: said.append(message.text))
    page.goto(pages[name].as_uri())
    assert (asked, said) == ([pages[name].as_uri()], [])


def _light(colour: str) -> int:
    return sum(int(part) for part in re.findall(r"\d+", colour)[:3])
