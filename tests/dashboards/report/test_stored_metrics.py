"""What the report shows of Prometheus' answers is on the board that they are stored for."""

from dashboards.grafana.build import build
from dashboards.grafana.queries import panels
from dashboards.report.stored_metrics import SHOWN


def test_every_panel_that_the_report_shows_is_on_the_board() -> None:
    titles = [panel["title"] for panel in panels(build()["peak-run"])]
    assert [title for title in SHOWN if titles.count(title) != 1] == []
