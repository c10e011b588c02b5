"""Every metric that is exported is on a dashboard, or stands in UNUSED with the reason."""

from dashboards.grafana.build import build
from dashboards.grafana.checks import Finding
from dashboards.grafana.checks.shown import UNUSED, asked, unshown
from dashboards.grafana.known_metrics import EXPORTED
from tests.dashboards.grafana.mutants.sample import overview


def test_every_exported_metric_is_on_a_dashboard_or_listed_with_a_reason() -> None:
    assert unshown(build().values()) == []


def test_a_metric_that_no_dashboard_asks_for_is_a_finding() -> None:
    boards = [board for name, board in build().items() if name not in ("recovery", "incident", "exporters")]
    lost = "recovery_good_backups"
    message = "is exported and on no dashboard; show it, or say why not in UNUSED"
    assert Finding(rule="unused", where=lost, message=message) in unshown(boards)


def test_a_listed_metric_that_is_shown_all_the_same_is_a_finding() -> None:
    board = overview()
    listed = "orders_counted_since_timestamp_seconds"
    board["panels"][1]["targets"][0]["expr"] = f"time() - max({listed})"
    message = "stands in UNUSED and is shown, or isn't exported"
    assert Finding(rule="unused", where=listed, message=message) in unshown([*build().values(), board])


def test_annotations_count_as_asking() -> None:
    assert "releases_last_deployment_timestamp_seconds" in asked([overview()])


def test_every_reason_is_a_sentence() -> None:
    assert all(len(reason.split()) >= 4 for reason in UNUSED.values())
    assert UNUSED.keys() <= EXPORTED
