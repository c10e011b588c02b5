"""Dashboards drawn by Grafana's own published React components, in Chromium, without a Grafana server.

The components of @grafana/ui and @grafana/data are installed once a machine by their lock file. They are Grafana's
parts, not Grafana: its panel plugins, its data source and its dashboard page aren't among them.
"""

import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Error, Page, sync_playwright

from tests.example_shops.cache import installed, ran

Json = dict[str, Any]
HERE = Path(__file__).parent
_FILES = ("package.json", "package-lock.json", "harness.tsx", "scrollbars.js", "harness.html")
_DONE_MS = 60_000
# Nothing is there: the browser is answered by the test. Grafana's server would have the icons; a blank one stands in.
_GRAFANA = "http://grafana.invalid/"
_ICONS, _ICON = "http://icons.invalid/", '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 24"/>'
_FROM_ANYWHERE = {"Content-Type": "image/svg+xml", "Access-Control-Allow-Origin": "*"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """One series of a query's answer: times in ms since 1970."""

    labels: Mapping[str, str]
    at: Sequence[int]
    values: Sequence[float]


Answers = Mapping[str, Sequence[Answer]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Exemplar:
    """An exemplar of a query's series, and the `exemplarTraceIdDestinations` of its data source."""

    labels: Mapping[str, str]
    value: float
    at: int
    destinations: Sequence[Mapping[str, str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rendered:
    """What a dashboard showed: the text and the number of canvases by the panel's id, and every error of the page."""

    texts: Mapping[int, str]
    canvases: Mapping[int, int]
    errors: Sequence[str] = field(default=())


def bundle() -> Path:
    """Return the folder with the page and its script; skip without npm."""
    npm = shutil.which("npm")
    if npm is None:
        pytest.skip("no npm on this machine")

    def install(folder: Path) -> None:
        for file in _FILES:
            shutil.copy(HERE / file, folder)
        ran([npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund"], cwd=folder, log=folder / "install.log")

    folder = installed("grafana-components", HERE / "package-lock.json", install)
    for file in _FILES:
        shutil.copy(HERE / file, folder)
    ran([npm, "run", "-s", "bundle"], cwd=folder, log=folder / "bundle.log")
    return folder


def chromium() -> str:
    """Return the browser's program; skip without it."""
    found = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if found is None:
        pytest.skip("no chromium on this machine")
    return found


def render(  # noqa: PLR0913 - what a picture is made of
    dashboard: Json,
    answers: Mapping[int, Answers],
    span_ms: tuple[int, int],
    bundled: Path,
    picture: Path,
    *,
    width: int = 1366,
    mode: str = "light",
) -> Rendered:
    """Draw a dashboard's panels from the answers to their queries, by panel id and refId; keep a screenshot."""
    errors: list[str] = []
    given = [
        {"panel": one, "answers": _plain(answers.get(one["id"], {})), "exemplars": []}
        for one in dashboard["panels"]
        if one["type"] != "row"
    ]
    try:
        with _drawn(given, span_ms, bundled, errors, width=width, mode=mode) as page:
            found: dict[str, Json] = page.evaluate("window.rendered")
            page.screenshot(path=picture, full_page=True)
    except Error as error:
        return Rendered(texts={}, canvases={}, errors=(*errors, str(error)))
    broken = [f"panel {place}: {one['error']}" for place, one in found.items() if "error" in one]
    return Rendered(
        texts={int(place): one.get("text", "") for place, one in found.items() if place.isdigit()},
        canvases={int(place): one.get("canvases", 0) for place, one in found.items() if place.isdigit()},
        errors=(*errors, *broken),
    )


def followed(panel: Json, answers: Answers, exemplar: Exemplar, span_ms: tuple[int, int], bundled: Path) -> str:
    """Draw one panel, click on its exemplar's only link, and return the address that the browser then asks for."""
    errors: list[str] = []
    given = [{"panel": panel, "answers": _plain(answers), "exemplars": [asdict(exemplar)]}]
    with _drawn(given, span_ms, bundled, errors) as page:
        assert errors == []
        page.locator(".exemplar a").click()
        page.wait_for_url("**/explore**")
        return str(page.url)


@contextmanager
def _drawn(
    given: Sequence[Json],
    span_ms: tuple[int, int],
    bundled: Path,
    errors: list[str],
    *,
    width: int = 1366,
    mode: str = "light",
) -> Iterator[Page]:
    """Give the page with all drawn, under a made-up address of a Grafana; its errors are added to `errors`."""
    window = {"panels": given, "from": span_ms[0], "to": span_ms[1], "width": width - 16, "mode": mode}
    html = (bundled / "harness.html").read_text()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=["--no-sandbox", "--disable-gpu"])
        try:
            page = browser.new_page(viewport={"width": width, "height": 768})
            page.on("pageerror", lambda error: errors.append(str(error)))
            page.on("console", lambda said: errors.append(said.text) if said.type == "error" else None)
            page.route(f"{_GRAFANA}**", lambda route: route.fulfill(body=html, content_type="text/html"))
            page.route(f"{_ICONS}**", lambda route: route.fulfill(body=_ICON, headers=_FROM_ANYWHERE))
            page.goto(f"{_GRAFANA}d/drawn")
            page.add_style_tag(path=bundled / "node_modules" / "uplot" / "dist" / "uPlot.min.css")
            page.evaluate("path => { window.__grafana_public_path__ = path }", _ICONS)
            page.evaluate("given => { window.dashboard = given }", window)
            page.add_script_tag(path=bundled / "dist" / "harness.js")
            page.wait_for_selector("body[data-done]", timeout=_DONE_MS)
            yield page
        finally:
            browser.close()


def _plain(answers: Answers) -> Json:
    return {
        letter: [{"labels": dict(one.labels), "at": list(one.at), "values": list(one.values)} for one in series]
        for letter, series in answers.items()
    }
