"""Every board is drawn by Grafana's own components without an error, and shows what its panels say."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from dashboards.grafana.build import build
from dashboards.grafana.queries import panels
from tests.dashboards.components.answers import made_up
from tests.dashboards.components.rendering import Json, bundle, render

SPAN_MS = (1_790_000_000_000, 1_790_000_900_000)
BOARDS = build()
PICTURES = Path(__file__).parents[3] / "build" / "dashboard-pictures"


@pytest.fixture(scope="module")
def bundled() -> Path:
    return bundle()


def pictures() -> Path:
    PICTURES.mkdir(parents=True, exist_ok=True)
    return PICTURES


@pytest.mark.heavy
@pytest.mark.timeout(300)
@pytest.mark.parametrize("name", BOARDS)
def test_grafana_s_components_draw_every_panel_of_a_board_without_an_error(name: str, bundled: Path) -> None:
    board = BOARDS[name]
    answers = {panel["id"]: made_up(panel, SPAN_MS) for panel in panels(board)}
    drawn = render(board, answers, SPAN_MS, bundled, pictures() / f"{name}.png", 1366)
    assert drawn.errors == ()
    assert {panel["title"]: what_is_wrong(panel, drawn.texts, drawn.canvases) for panel in panels(board)} == {
        panel["title"]: "" for panel in panels(board)
    }


@pytest.mark.heavy
@pytest.mark.timeout(300)
def test_a_panel_without_data_says_what_that_means_and_one_of_an_unknown_kind_is_an_error(bundled: Path) -> None:
    board = BOARDS["peak-run"]
    first = panels(board)
    empty, strange = next(first), {**next(first), "type": "pie"}
    told = {**empty, "fieldConfig": {**empty["fieldConfig"], "defaults": {"noValue": "nothing is wrong"}}}
    made = {"panels": [told, strange]}
    answers = {strange["id"]: made_up(strange, SPAN_MS)}
    drawn = render(made, answers, SPAN_MS, bundled, pictures() / "broken.png", 1366)
    assert drawn.texts[told["id"]] == "nothing is wrong"
    assert any("no component for a panel of type pie" in error for error in drawn.errors)


def what_is_wrong(panel: Json, texts: Mapping[int, str], canvases: Mapping[int, int]) -> str:
    """Return what a panel should have shown and didn't; empty where it is right."""
    text = texts.get(panel["id"], "")
    if panel["type"] == "timeseries":
        legends = [target["legendFormat"] for target in panel["targets"] if "{{" not in target["legendFormat"]]
        absent = [legend for legend in legends if legend not in text]
        return f"{'' if canvases.get(panel['id']) else 'nothing is drawn; '}{'; '.join(absent)}"
    if panel["type"] == "table":
        headings = [one["options"]["renameByName"] for one in panel["transformations"] if one["id"] == "organize"]
        return "; ".join(name for names in headings for name in names.values() if name not in text)
    return "" if any(letter.isdigit() for letter in text) else f"no number: {text!r}"
