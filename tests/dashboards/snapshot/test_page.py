"""The page of a run's boards opens anywhere: one file, no script, no address, and what is missing is on it."""

import re
import shutil
from pathlib import Path

import pytest

from dashboards.charts.lines import TimeRange
from dashboards.grafana.board import Annotation
from dashboards.grafana.build import build
from dashboards.grafana.panels import Panel
from dashboards.grafana.queries import panels
from dashboards.snapshot.boards import board_view
from dashboards.snapshot.page import CSP, Head, render_page, render_snapshot
from slo.documents import BadInput
from tests.dashboards.made import Made
from tests.dashboards.page import Read, read_page
from tests.dashboards.snapshot.made import SECOND, START, Given, answer, board_of, query, series

CANARY = "</style><script>alert(1)</script>"


@pytest.fixture(scope="module")
def page(failed: Made, tmp_path_factory: pytest.TempPathFactory) -> Read:
    file = tmp_path_factory.mktemp("page") / "dashboards.html"
    file.write_text(render_snapshot(failed.path), encoding="utf-8")
    return read_page(file)


def of(page: Read, tag: str, name: str) -> list[str]:
    return [one.attributes[name] for one in page.elements if one.tag == tag and name in one.attributes]


def test_the_page_needs_no_script_and_no_network(page: Read) -> None:
    assert not page.tags & {"script", "img", "link", "iframe", "object", "form"}
    assert CSP in of(page, "meta", "content")
    assert [href for href in of(page, "a", "href") if not href.startswith("#")] == []
    assert not re.search(r"url\(|@import", page.styles)


def test_every_board_and_every_panel_of_it_is_on_the_page(page: Read) -> None:
    assert [one.attributes["id"] for one in page.elements if one.tag == "section"] == list(build())
    wanted = [panel for board in build().values() for panel in panels(board)]
    assert len([one for one in page.elements if one.tag == "article"]) == len(wanted)
    assert [panel["title"] for panel in wanted if panel["title"] not in page.text] == []


def test_every_panel_stands_in_the_place_that_it_has_in_grafana(page: Read) -> None:
    places = [one.attributes["style"] for one in page.elements if one.tag == "article"]
    for panel in panels(build()["peak-run"]):
        at = panel["gridPos"]
        assert f"grid-area:{at['y'] + 1}/{at['x'] + 1}/span {at['h']}/span {at['w']};--h:{at['h']}" in places


def test_every_link_leads_to_a_board_of_the_page(page: Read) -> None:
    hrefs = [href.removeprefix("#") for href in of(page, "a", "href")]
    assert set(hrefs) == set(build())
    assert len(hrefs) > 3 * len(build())


def test_the_page_says_that_it_is_no_grafana_and_which_run_and_time_it_shows(page: Read, failed: Made) -> None:
    assert "A preview by Peakproof, not Grafana" in page.text
    assert f"Run {failed.path.name}, verdict FAIL" in page.text
    assert re.search(r"2026-11-27 12:00:00 UTC to 12:02:11 \(2 min 11 s\)", page.text)


def test_the_phases_of_the_run_are_named_and_the_judged_ones_marked(page: Read) -> None:
    assert re.findall(r"(\S+) \d\d:\d\d:\d\d–\d\d:\d\d:\d\d \(judged\)", page.text)[:2] == ["ramp", "plateau"]
    assert "drain 12:02:03–12:02:11" in page.text
    assert "12:02:11 (judged)" not in page.text
    assert "linear-gradient(90deg" in page.styles


def test_without_answers_every_panel_says_so(failed: Made, tmp_path: Path) -> None:
    run = Path(shutil.copytree(failed.path, tmp_path / "run"))
    shutil.rmtree(run / "metrics")
    (tmp_path / "page.html").write_text(render_snapshot(run), encoding="utf-8")
    read = read_page(tmp_path / "page.html")
    assert "metrics/dashboards.parquet: is not there: no panel has data" in read.text
    assert read.text.count("not asked in this run") == len([one for one in read.elements if one.tag == "article"])


def test_answers_that_can_not_be_read_are_a_line_on_the_page(failed: Made, tmp_path: Path) -> None:
    run = Path(shutil.copytree(failed.path, tmp_path / "run"))
    (run / "metrics" / "dashboards.parquet").write_bytes(b"PAR1")
    assert "metrics/dashboards.parquet: can&#39;t be read: " in render_snapshot(run)


def test_what_is_no_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="not a run directory"):
        render_snapshot(tmp_path / "none")


def test_labels_are_text_wherever_they_stand() -> None:
    given = Panel(title="T", description="D.", unit="s", queries=[query("up", "{{job}}")])
    board = board_of(given, annotations=[Annotation(name="A", expr="moved", text="{{job}}", colour="#fff")])
    answers = {"up": answer(series(1, job=CANARY)), "moved * 1000": answer(series(START / 1e6 + 60_000, job=CANARY))}
    span = TimeRange(start_ns=START, end_ns=START + 600 * SECOND)
    view = board_view(board, Given(answers=answers), lambda _board, _labels: None)
    made = render_page(Head(title=CANARY, source=CANARY, span=span, tabs=[], about=[CANARY]), [view])
    assert "<script" not in made
    assert made.count("&lt;/style&gt;&lt;script&gt;") >= 5


def test_moments_that_a_board_marks_stand_on_its_charts_once() -> None:
    moment = START / 1e6 + 150_000
    board = board_of(
        Panel(title="T", description="D.", unit="s", queries=[query("up")]),
        annotations=[Annotation(name="R", expr="moved", text="deployed {{to}}", colour="#fff")],
    )
    marked = answer(series(moment, moment, moment + 900, to="shop"), series(moment - 900_000, to="long ago"))
    view = board_view(board, Given(answers={"up": answer(), "moved * 1000": marked}), lambda _board, _labels: None)
    assert [(mark.clock, mark.text, mark.at_percent) for mark in view.marks] == [("12:02:30", "deployed shop", 25.0)]
