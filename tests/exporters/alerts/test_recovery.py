"""The alerts on recovery: each fires by the objective's own arithmetic, and each has a runbook."""

from pathlib import Path
from typing import Any

import pytest

from exporters.alerts.recovery import LAG_RATIO, alerts, unknown_s
from exporters.names.catalogue import FAMILIES
from exporters.subjects.recovery.config import RecoveryConfig
from slo.documents import validate
from slo.rules.model import Alert
from slo.rules.scope import Scope
from slo.rules.signals import Ago, Level

RUNBOOKS = Path(__file__).parents[3] / "docs" / "runbooks"
SHOP: dict[str, Any] = {
    "rpo": "26h", "rto": "4h", "backups_every": "24h", "backups": {"nightly": {"pg_dump": {"folder": "dumps"}}}
}  # fmt: skip
ALL = {
    **SHOP, "replication": {"s1": {"standby": {"env": "S"}}}, "wal_archive": {"primary": {"env": "P"}},
}  # fmt: skip


def made(**systems: dict[str, Any]) -> dict[str, Alert]:
    config = validate({"systems": systems}, RecoveryConfig, "exporters.yaml")
    return {one.name: one for one in alerts(config, Scope(environment="production"))}


def worries(**systems: dict[str, Any]) -> list[str]:
    """Return the names of the alerts but those on the exporter itself."""
    return [name for name in made(**systems) if not name.endswith("Down")]


def test_there_is_an_alert_for_each_worry_and_none_for_what_no_system_has() -> None:
    always = ["BackupTooOld", "BackupOverdue", "BackupStateUnknown", "NewestBackupBad", "BackupShrunk",
              "RestoreDrillOverdue", "RestoreDrillFailed", "RestoreTooSlow"]  # fmt: skip
    assert worries(shop=SHOP) == always
    more = ["ReplicationLagging", "ReplicationStopped", "WalArchiveTooOld", "WalArchiveFailing"]
    assert worries(shop=ALL) == [*always, *more]


def test_only_what_may_cost_data_now_pages() -> None:
    assert [name for name in worries(shop=ALL) if made(shop=ALL)[name].severity == "page"] == [
        "BackupTooOld", "BackupStateUnknown", "WalArchiveTooOld"
    ]  # fmt: skip


def test_every_alert_is_of_its_environment_has_a_runbook_and_reads_names_that_are_exported() -> None:
    exported = {family.name for family in FAMILIES["recovery"]}
    for name in worries(shop=ALL):
        one = made(shop=ALL)[name]
        assert 'environment="production"' in one.expr
        used = {word.partition("{")[0] for word in one.expr.replace("(", " ").split() if word.startswith("recovery_")}
        assert used <= exported
        assert {signal.metric for case in one.cases for signal in case.signals} <= exported
        assert (RUNBOOKS / f"{one.runbook}.md").is_file()


def test_a_backup_is_overdue_halfway_between_its_interval_and_its_limit_and_too_old_past_that() -> None:
    ages = {
        name: next(
            one.faulty for one in made(shop=SHOP)[name].cases[0].signals if one.metric.endswith("timestamp_seconds")
        )
        for name in ("BackupOverdue", "BackupTooOld")
    }
    assert ages == {"BackupOverdue": Ago(seconds=25 * 3600 + 120), "BackupTooOld": Ago(seconds=26 * 3600 + 120)}


@pytest.mark.parametrize(("rpo", "every", "unknown"), [("26h", "24h", 3600), ("2h", "1h", 1800), ("10m", "5m", 150)])
def test_the_age_of_backups_may_be_unknown_for_a_quarter_of_the_tightest_limit(
    rpo: str, every: str, unknown: int
) -> None:
    systems = {"shop": SHOP, "warehouse": {**SHOP, "rpo": rpo, "backups_every": every}}
    assert unknown_s(validate({"systems": systems}, RecoveryConfig, "exporters.yaml")) == unknown


def test_a_standby_lags_too_far_at_half_of_the_rpo() -> None:
    signals = made(shop=ALL)["ReplicationLagging"].cases[0].signals
    assert [one.faulty for one in signals] == [Level(value=26 * 3600), Level(value=LAG_RATIO * 26 * 3600 + 1)]


def test_a_page_and_the_ticket_that_came_before_it_are_of_one_worry() -> None:
    labels = {name: dict(one.labels) for name, one in made(shop=ALL).items() if one.labels}
    assert labels == {
        "BackupTooOld": {"worry": "backup-age"},
        "BackupOverdue": {"worry": "backup-age"},
        "WalArchiveTooOld": {"worry": "wal-archive"},
        "WalArchiveFailing": {"worry": "wal-archive"},
    }


def test_a_second_replica_of_the_exporter_makes_no_objective_ambiguous() -> None:
    rpo = 'recovery_rpo_objective_seconds{environment="production"}'
    assert made(shop=ALL)["ReplicationLagging"].expr.endswith(f"group_left () 0.5 * max by (system) ({rpo})")
