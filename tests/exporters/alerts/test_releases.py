"""The alerts on releases: few, and each proved before it speaks."""

from pathlib import Path
from typing import Any

import pytest

from exporters.alerts.releases import alerts
from exporters.names.catalogue import FAMILIES
from exporters.subjects.releases.config import ReleasesConfig
from slo.documents import validate
from slo.rules.model import Alert
from slo.rules.scope import Scope
from slo.rules.signals import Level
from slo.statistics import lower_bad_ratio

RUNBOOKS = Path(__file__).parents[3] / "docs" / "runbooks"
CONFIG: dict[str, Any] = {
    "deployments": "events", "events": {"file": "events.jsonl"}, "gates": {}, "change_failure_objective": 0.15
}  # fmt: skip


def made(**changes: object) -> dict[str, Alert]:
    config = validate({**CONFIG, **changes}, ReleasesConfig, "exporters.yaml")
    return {one.name: one for one in alerts(config, Scope(environment="production"))}


def worries(**changes: object) -> list[str]:
    """Return the names of the alerts but those on the exporter itself."""
    return [name for name in made(**changes) if not name.endswith("Down")]


def test_there_is_an_alert_for_each_worry_and_none_where_nothing_is_known_of_it() -> None:
    assert worries() == ["ReleasedWithoutGate", "GatesUndecided", "ChangeFailureRateHigh"]
    assert worries(gates=None) == ["ChangeFailureRateHigh"]
    assert worries(change_failure_objective=None) == ["ReleasedWithoutGate", "GatesUndecided"]


def test_none_pages_for_a_failure_in_service_does_by_the_objectives() -> None:
    assert {made()[name].severity for name in worries()} == {"ticket"}


def test_every_alert_is_of_its_environment_has_a_runbook_and_reads_names_that_are_exported() -> None:
    exported = {family.name for family in FAMILIES["releases"]}
    for name in worries():
        one = made()[name]
        assert 'environment="production"' in one.expr
        assert {signal.metric for case in one.cases for signal in case.signals} <= exported
        assert (RUNBOOKS / f"{one.runbook}.md").is_file()


@pytest.mark.parametrize("objective", [0.001, 0.05, 0.15, 0.5, 0.9])
def test_a_change_failure_rate_is_too_high_one_failure_after_the_most_that_can_be_chance(objective: float) -> None:
    low = made(change_failure_objective=objective)["ChangeFailureRateHigh"].cases[0].signals[0]
    assert isinstance(low.healthy, Level)
    assert isinstance(low.faulty, Level)
    assert low.healthy.value <= objective < low.faulty.value


def test_two_failures_of_three_don_t_prove_a_rate_above_fifteen_percent_and_four_of_nine_do() -> None:
    assert lower_bad_ratio(2, 3) <= 0.15 < lower_bad_ratio(4, 9)


def test_a_second_replica_of_the_exporter_makes_the_objective_not_ambiguous() -> None:
    objective = 'releases_change_failure_objective_ratio{environment="production"}'
    assert made()["ChangeFailureRateHigh"].expr.endswith(f"> on () group_left () max({objective})")
