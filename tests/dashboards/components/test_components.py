"""Every board is drawn by Grafana's own components without an error, and shows what its panels say."""

import json
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
import yaml

from dashboards.grafana.build import build
from dashboards.grafana.queries import panels
from tests.dashboards.components.answers import made_up
from tests.dashboards.components.rendering import Exemplar, Json, bundle, followed, render

SPAN_MS = (1_790_000_000_000, 1_790_000_900_000)
BOARDS = build()
ROOT = Path(__file__).parents[3]
SOURCES = ROOT / "docker" / "grafana" / "provisioning" / "datasources" / "peakproof.yaml"
TRACE = "0af7651916cd43dd8448eb211c80319c"
PICTURES = ROOT / "build" / "dashboard-pictures"


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
    assert wrong(name, bundled) == {}


@pytest.mark.heavy
@pytest.mark.timeout(300)
def test_a_panel_without_data_says_what_that_means_and_one_of_an_unknown_kind_is_an_error(bundled: Path) -> None:
    board = BOARDS["peak-run"]
    first = panels(board)
    empty, strange = next(first), {**next(first), "type": "pie"}
    told = {**empty, "fieldConfig": {**empty["fieldConfig"], "defaults": {"noValue": "nothing is wrong"}}}
    made = {"panels": [told, strange]}
    answers = {strange["id"]: made_up(strange, SPAN_MS)}
    drawn = render(made, answers, SPAN_MS, bundled, pictures() / "broken.png")
    assert drawn.texts[told["id"]] == "nothing is wrong"
    assert any("no component for a panel of type pie" in error for error in drawn.errors)


@pytest.mark.heavy
@pytest.mark.timeout(300)
def test_incident_is_drawn_on_a_phone_in_the_dark(bundled: Path) -> None:
    assert wrong("incident", bundled, suffix="-phone", width=390, mode="dark") == {}


@pytest.mark.heavy
@pytest.mark.timeout(300)
def test_an_exemplar_s_link_leads_to_its_trace(bundled: Path) -> None:
    """The link is what Grafana's packages make of the stack's data source; the click is Chromium's."""
    (panel,) = (one for one in panels(BOARDS["peak-run"]) if one["title"] == "Response time p95 by step")
    labels = {"trace_id": TRACE, "le": "0.25"}
    exemplar = Exemplar(labels=labels, value=0.2, at=SPAN_MS[0] + 300_000, destinations=destinations())
    address = followed(panel, made_up(panel, SPAN_MS), exemplar, SPAN_MS, bundled)
    opened = json.loads(parse_qs(urlsplit(address).query)["left"][0])
    assert urlsplit(address).path == "/explore"
    assert (opened["datasource"], [one["query"] for one in opened["queries"]]) == ("tempo", [TRACE])


def wrong(name: str, bundled: Path, *, suffix: str = "", width: int = 1366, mode: str = "light") -> dict[str, str]:
    """Draw a board of made-up answers without an error; return what is wrong by the panel's title."""
    board = BOARDS[name]
    answers = {panel["id"]: made_up(panel, SPAN_MS) for panel in panels(board)}
    drawn = render(board, answers, SPAN_MS, bundled, pictures() / f"{name}{suffix}.png", width=width, mode=mode)
    assert drawn.errors == ()
    found = {panel["title"]: what_is_wrong(panel, drawn.texts, drawn.canvases) for panel in panels(board)}
    return {title: message for title, message in found.items() if message}


def destinations() -> list[Json]:
    """Return where the stack's Prometheus leads from an exemplar."""
    provisioned = yaml.safe_load(SOURCES.read_text())["datasources"]
    (prometheus,) = (one for one in provisioned if one["type"] == "prometheus")
    found: list[Json] = prometheus["jsonData"]["exemplarTraceIdDestinations"]
    return found


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
