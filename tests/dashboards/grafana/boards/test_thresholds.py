"""What boards draw as limits is what is alerted on, and every subject and objective is there."""

import pytest

from dashboards.grafana.boards import burn_panels, exporters, probe_panels, recovery, releases
from dashboards.grafana.style import WARN, Step
from exporters.alerts import probe as probe_alerts
from exporters.alerts import recovery as recovery_alerts
from exporters.alerts import releases as releases_alerts
from exporters.config import names
from exporters.names.catalogue import FAMILIES
from exporters.names.family import Health
from slo.burn_rates import WINDOWS, Pair, Window, pairs
from slo.rules.promql import duration
from tests.dashboards.grafana.boards.asked import asked_of

BUDGET = 0.01


def test_the_ratios_that_are_alerted_on_are_the_alerts_own() -> None:
    assert recovery.SHRUNK_RATIO == recovery_alerts.SHRUNK_RATIO
    assert recovery.LAG_RATIO == recovery_alerts.LAG_RATIO
    assert releases.UNDECIDED_IN_A_ROW == releases_alerts.UNDECIDED_IN_A_ROW
    assert probe_panels.FAILURES == probe_alerts.FAILURES
    assert (probe_panels.TICKET_DAYS, probe_panels.PAGE_DAYS) == (probe_alerts.TICKET_DAYS, probe_alerts.PAGE_DAYS)


def test_a_probe_that_was_skipped_is_not_shown_as_good() -> None:
    (probes,) = probe_panels.PROBE_ROWS[0].panels
    words = probes.columns[3].mappings
    limits = probes.columns[3].thresholds
    assert words[2] == "skipped"
    assert limits is not None
    assert limits.steps[-1] == Step(value=2, colour=WARN)


@pytest.mark.parametrize("window", WINDOWS)
def test_each_pair_of_windows_has_a_panel_whose_limit_is_its_alerts_factor(window: Window) -> None:
    found = [one for one in pairs(burn_panels.USUAL_PERIOD_S, BUDGET, 15) if isinstance(one, Pair)]
    pair = next(one for one in found if one.long_s == window.long_s)
    windows = f"burn over {duration(window.long_s)} and {duration(window.short_s)}"
    drawn = [one for row in burn_panels.BURN_ROWS for one in row.panels if one.title.endswith(windows)]
    (only,) = drawn
    assert only.title.startswith(window.severity.capitalize())
    assert only.thresholds.drawn
    assert only.thresholds.steps[-1].value == pytest.approx(pair.factor)


def test_a_burn_that_is_coloured_bad_is_one_that_pages() -> None:
    limits = [step.value for step in burn_panels.BURNING.steps]
    assert limits == [None, 1, pytest.approx(13.44)]


def test_every_exporter_that_can_be_configured_is_shown_with_its_health() -> None:
    assert set(exporters.SUBJECTS) == {*names(), "stock"}
    asked = asked_of("exporters")
    for subject in exporters.SUBJECTS:
        for family in Health(subject=subject).families:
            assert any(f"{family.name}{{" in query for query in asked), family.name


@pytest.mark.parametrize(
    ("board", "subject"), [("recovery", "recovery"), ("releases", "releases"), ("exporters", "exporter")]
)
def test_every_metric_of_the_subject_is_on_its_board(board: str, subject: str) -> None:
    asked = " ".join(asked_of(board))
    assert [family.name for family in FAMILIES[subject] if f"{family.name}{{" not in asked] == []
