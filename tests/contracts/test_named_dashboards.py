"""A runbook sends whoever was paged to a dashboard and a panel that there are."""

import re
from pathlib import Path

import pytest

from dashboards.grafana.boards.table import BOARDS
from dashboards.grafana.links import uid
from exporters.alerts.table import DASHBOARDS, groups
from exporters.config import read_config
from slo.rules.scope import Scope

EXAMPLE = Path(__file__).parents[2] / "examples" / "exporters" / "exporters.yaml"
RUNBOOKS = sorted((Path(__file__).parents[2] / "docs" / "runbooks").glob("*.md"))
PANELS = {board.title: {panel.title for row in board.rows for panel in row.panels} for board in BOARDS.values()}
_NAMED = re.compile(r'^Dashboard: "([^"]+)"(?:, \*([^*]+)\*)?', re.MULTILINE)


@pytest.mark.parametrize("path", RUNBOOKS, ids=lambda path: path.stem)
def test_a_dashboard_and_a_panel_that_a_runbook_names_are_there(path: Path) -> None:
    named = _NAMED.findall(path.read_text(encoding="utf-8"))
    assert [board for board, _ in named if board not in PANELS] == []
    assert [(board, panel) for board, panel in named if panel and panel not in PANELS[board]] == []


def test_the_dashboard_of_every_alert_of_an_exporter_is_there() -> None:
    uids = {uid(name) for name in BOARDS}
    alerts = [alert for group in groups(read_config(EXAMPLE), Scope(environment="shop")) for alert in group.alerts]
    assert {alert.exporter for alert in alerts} == set(DASHBOARDS)
    assert [alert.name for alert in alerts if alert.dashboard not in uids] == []
    health = {alert.dashboard for alert in alerts if alert.name.endswith(("SourceDown", "ExporterDown"))}
    assert health == {uid("exporters")}


def test_most_runbooks_name_one() -> None:
    naming = {path.stem for path in RUNBOOKS if _NAMED.search(path.read_text(encoding="utf-8"))}
    assert len(naming) >= 18
    assert {"backup-too-old", "error-budget-burn", "exporter-source-down", "released-without-gate"} <= naming
