"""The part `recovery` of exporters.yaml: what can't be kept is refused before anything is watched."""

from typing import Any

import pytest

from exporters.subjects.recovery.config import RecoveryConfig
from exporters.subjects.recovery.subject import source_names
from slo.documents import BadInput, validate

SYSTEM: dict[str, Any] = {
    "rpo": "26h", "rto": "4h", "backups_every": "24h", "backups": {"nightly": {"pg_dump": {"folder": "dumps"}}}
}  # fmt: skip


def config_of(**changes: object) -> RecoveryConfig:
    return validate({"systems": {"shop": {**SYSTEM, **changes}}}, RecoveryConfig, "exporters.yaml")


def test_the_defaults_are_what_the_documentation_says() -> None:
    system = config_of().systems["shop"]
    dumps = system.backups["nightly"].pg_dump
    assert dumps is not None
    assert (system.backup_age_s, system.drills_every) == (26 * 3600, 92 * 86_400)
    assert (dumps.pattern, dumps.zone, dumps.in_progress_for) == ("*", "UTC", 900)


def test_every_source_has_a_name_of_its_own() -> None:
    config = config_of(
        drills={"file": "drills.jsonl"},
        replication={"s1": {"standby": {"env": "S"}}},
        wal_archive={"primary": {"env": "P"}},
    )
    assert source_names(config) == ("shop/backups/nightly", "shop/drills", "shop/wal-archive", "shop/replication/s1")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"backups_every": "26h"},
            "systems.shop: a backup every 26h can't be kept within 26h: the last one is older than that before the",
        ),
        (
            {"backups_within": "8d"},
            "systems.shop: backups_within is 8d, longer than the RPO of 26h: without a wal_archive, all since the",
        ),
        ({"backups": {}}, "systems.shop.backups: Dictionary should have at least 1 item after validation, not 0"),
        ({"backups": {"a": {}}}, "systems.shop.backups.a: needs one of pg_dump, restic and pgbackrest"),
        ({"backups": {"a": {"restic": {}}}}, "systems.shop.backups.a.restic: needs one of file and command"),
        (
            {"backups": {"a": {"pg_dump": {"folder": "x", "zone": "Mars/Olympus"}}}},
            "systems.shop.backups.a.pg_dump.zone: expected a time zone such as UTC or Europe/Amsterdam",
        ),
        (
            {"replication": {"s": {}}},
            "systems.shop.replication.s: needs one of standby and primary: the URL of a PostgreSQL",
        ),
        (
            {"replication": {"s": {"primary": {"env": "P"}}}},
            "systems.shop.replication.s: standbys are the application names to expect at a primary",
        ),
        ({"rpo": "never"}, "systems.shop.rpo: expected a duration such as 90s, 15m, 24h, 30d or 1h30m"),
    ],
)
def test_what_can_t_be_kept_or_read_is_refused(changes: dict[str, object], message: str) -> None:
    with pytest.raises(BadInput) as error:
        config_of(**changes)
    assert str(error.value).startswith(f"exporters.yaml: {message}")


def test_a_wal_archive_lets_backups_be_rarer_than_the_rpo() -> None:
    system = config_of(
        rpo="15m", backups_every="7d", backups_within="8d", wal_archive={"primary": {"env": "P"}}
    ).systems["shop"]
    assert system.backup_age_s == 8 * 86_400
