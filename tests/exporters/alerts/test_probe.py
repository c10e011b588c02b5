"""The alerts on probes: what they select, when they fire by arithmetic, and that each has a runbook."""

from pathlib import Path
from typing import Any

import pytest

from exporters.alerts.probe import alerts
from exporters.subjects.probe.config import ProbeConfig
from slo.burn_rates import DAY_S
from slo.rules.model import Alert
from slo.rules.scope import Scope
from slo.rules.signals import Ago, Level

RUNBOOKS = Path(__file__).parents[3] / "docs" / "runbooks"
FULL: dict[str, Any] = {
    "modules": {"browse": {"journey": "window-shop", "limits_s": {"home": 0.5}}},
    "probes": [
        {"target": "staging", "module": "browse"},
        {"target": "production", "module": "browse", "every_s": 300},
    ],
}


def made(**changed: Any) -> dict[str, Alert]:
    config = ProbeConfig.model_validate({**FULL, **changed})
    return {one.name: one for one in alerts(config, Scope(environment="lab"))}


def test_without_limits_and_timed_probes_there_is_less_to_alert_on() -> None:
    assert list(made()) == [
        *("ProbeFailing", "ProbeSlow", "ProbeNotRun", "CertificateExpires", "CertificateExpiresNow"),
        *("ProbeExporterDown", "ProbeSourceDown"),
    ]
    least = made(modules={"browse": {"journey": "window-shop"}}, probes=[])
    assert list(least) == ["ProbeFailing", "ProbeNotRun", "CertificateExpires", "CertificateExpiresNow"]
    assert "absent" not in least["ProbeNotRun"].expr


def test_two_of_the_last_three_page() -> None:
    one = made()["ProbeFailing"]
    assert (one.expr, one.for_s, one.severity) == ('probe_recent_failures{environment="lab"} >= 2', 0, "page")


def test_a_slow_step_is_slow_for_three_probes_of_the_longest_interval() -> None:
    one = made()["ProbeSlow"]
    assert one.expr == ('probe_step_duration_seconds{environment="lab"} > probe_step_limit_seconds{environment="lab"}')
    assert (one.for_s, one.severity, one.cases[0].fires_after_s) == (600, "ticket", 600)


def test_a_probe_that_is_not_played_is_missed_but_for_a_load_test() -> None:
    one = made()["ProbeNotRun"]
    absent = "\n  or\n  ".join(
        f'absent(probe_timestamp_seconds{{environment="lab",target="{target}",module="browse"}})'
        for target in ("staging", "production")
    )
    stale = 'time() - probe_timestamp_seconds{environment="lab"} > 2 * probe_interval_seconds{environment="lab"}'
    run = 'probe_skipped{environment="lab",reason="run"} == 1'
    assert one.expr == f"(\n  {stale}\n  or\n  {absent}\n)\nunless on (target, module)\n{run}"
    assert (one.for_s, one.severity) == (300, "ticket")
    assert [(case.name, case.fires_after_s) for case in one.cases] == [("probe-not-run", 300), ("probe-absent", 300)]
    assert {one.name: one.fires for one in one.boundaries} == {
        "probe-not-run-not-yet": False,
        "probe-not-run-in-a-run": False,
        "probe-not-run-after-a-run": True,
        "probe-not-run-during-another-s-run": True,
        "probe-not-run-for-another-reason": True,
        "probe-absent-production-browse": True,
    }


@pytest.mark.parametrize(
    ("name", "severity", "days"), [("CertificateExpires", "ticket", 21), ("CertificateExpiresNow", "page", 3)]
)
def test_a_certificate_s_limit_is_a_share_of_its_lifetime_and_no_more_than_so_many_days(
    name: str, severity: str, days: int
) -> None:
    one = made()[name]
    assert one.severity == severity
    left = {}
    for case in one.cases:
        ends, begins = case.signals
        assert isinstance(ends.faulty, Ago)
        assert isinstance(begins.faulty, Ago)
        left[round((begins.faulty.seconds - ends.faulty.seconds) / DAY_S)] = (-ends.faulty.seconds + 3600) / DAY_S
    assert left == {90: days, 45: days / 2, 365: days}


def test_every_case_is_healthy_first_and_tells_its_alert_apart() -> None:
    for one in made().values():
        for case in one.cases:
            assert case.labels or one.name == "ProbeExporterDown"
            assert case.fault_s > case.fires_after_s
            changed = [signal for signal in case.signals if signal.healthy != signal.faulty]
            assert changed
            assert all(isinstance(signal.healthy, Level | Ago) for signal in case.signals)


def test_every_alert_has_a_reason_and_a_runbook() -> None:
    for one in made().values():
        assert one.reason
        if one.runbook != "exporter-source-down":
            assert (RUNBOOKS / f"{one.runbook}.md").is_file()


def test_the_page_of_a_certificate_and_its_ticket_are_of_one_worry() -> None:
    labels = {name: dict(one.labels) for name, one in made().items() if one.labels}
    worry = {"worry": "certificate"}
    assert labels == {"CertificateExpires": worry, "CertificateExpiresNow": worry}
