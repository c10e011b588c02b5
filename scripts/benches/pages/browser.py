"""When a page's first chart stands in headless Chromium, from the start of its navigation."""

import shutil
from pathlib import Path

from playwright import sync_api as playwright

from slo.outcomes import EnvironmentLacks

_MOST_S = 60
# Two frames after a chart has a size: it was painted by then.
_FIRST_CHART = """selector => new Promise(done => {
  const look = () => {
    const drawn = [...document.querySelectorAll(selector)].some(one => one.getBoundingClientRect().width > 0);
    if (drawn) requestAnimationFrame(() => requestAnimationFrame(() => done(performance.now() / 1000)));
    else setTimeout(look, 5);
  };
  look();
})"""


def first_chart_s(page: Path, selector: str, runs: int, *, width: int = 1366, height: int = 768) -> list[float]:
    """Return after how many seconds an element of `selector` was painted, in `runs` visits of a fresh browser each.

    Raises EnvironmentLacks without Chromium, or when no such element is painted within a minute.
    """
    program = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if program is None:
        raise EnvironmentLacks("no chromium on this machine: apt-get install chromium")
    with playwright.sync_playwright() as driver:
        return [_visit(driver, program, page, selector, (width, height)) for _ in range(runs)]


def _visit(driver: playwright.Playwright, program: str, page: Path, selector: str, size: tuple[int, int]) -> float:
    browser = driver.chromium.launch(executable_path=program, args=["--no-sandbox"])
    try:
        tab = browser.new_page(viewport={"width": size[0], "height": size[1]})
        tab.set_default_timeout(1000 * _MOST_S)
        tab.goto(page.absolute().as_uri(), wait_until="commit")
        return float(tab.evaluate(_FIRST_CHART, selector))
    except playwright.Error as error:
        raise EnvironmentLacks(f"{page.name}: no {selector} was painted: {error.message.splitlines()[0]}") from error
    finally:
        browser.close()
