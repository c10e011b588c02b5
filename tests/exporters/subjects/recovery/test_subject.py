"""The subject as it is scraped: every figure, and each source failing alone."""

import json
import os
import threading
from pathlib import Path
from typing import Any

import pytest

from exporters.names.catalogue import FAMILIES
from exporters.serving.scrape import Scraped, Scraper
from exporters.serving.source import Unreadable
from exporters.subjects.recovery import families as of
from exporters.subjects.recovery.config import RecoveryConfig
from exporters.subjects.recovery.dump_check import Checked, GoesOn
from exporters.subjects.recovery.subject import sources_of, subject
from exporters.subjects.recovery.values import Backup, BackupCatalogue, Standby, Standbys, State, Value, WalArchived
from slo.documents import validate
from tests.exporters.subjects.reading import DAY, HOUR, NOW_S, context_at, exposed, lint, within
from tests.exporters.subjects.recovery.test_drill_records import RECORD
from tests.exporters.subjects.recovery.test_dump_check import DUMPS
from tests.waiting import wait_for

CONFIG: dict[str, Any] = {
    "systems": {
        "shop": {
            "rpo": "26h", "rto": "4h", "backups_every": "24h",
            "backups": {
                "nightly": {"pg_dump": {"folder": "dumps"}}, "offsite": {"restic": {"file": "snapshots.json"}}
            },
            "drills": {"file": "drills.jsonl"},
        }
    }
}  # fmt: skip
OBJECTIVES = {
    "recovery_rpo_objective_seconds{shop}": 26 * HOUR,
    "recovery_rto_objective_seconds{shop}": 4 * HOUR,
    "recovery_backup_interval_objective_seconds{shop}": DAY,
    "recovery_backup_age_objective_seconds{shop}": 26 * HOUR,
    "recovery_restore_drill_interval_objective_seconds{shop}": 92 * DAY,
}
LAST_GOOD, GOOD = "recovery_last_good_backup_timestamp_seconds{shop}", "recovery_good_backups{shop}"


@pytest.fixture
def world(tmp_path: Path) -> Path:
    (tmp_path / "dumps").mkdir()
    plain = (DUMPS / "plain.sql").read_bytes()
    for days in range(1, 6):
        dump = tmp_path / "dumps" / f"{days}.sql"
        dump.write_bytes(plain)
        os.utime(dump, (NOW_S - days * DAY, NOW_S - days * DAY))
    (tmp_path / "snapshots.json").write_text(json.dumps([{"id": "a", "time": "2026-11-28T00:00:00Z"}]))
    os.utime(tmp_path / "snapshots.json", (NOW_S - HOUR, NOW_S - HOUR))
    (tmp_path / "drills.jsonl").write_text(json.dumps({**RECORD, "system": "shop"}) + "\n")
    return tmp_path


def scraped(folder: Path, config: dict[str, Any] = CONFIG, now_s: float = NOW_S) -> Scraped:
    made = subject(validate(config, RecoveryConfig, "exporters.yaml"), context_at(folder, now_s))
    return Scraper(made).begin(within())()


def test_a_configuration_that_is_read_again_keeps_what_is_known_of_the_dumps(world: Path) -> None:
    context = context_at(world)
    before = subject(validate(CONFIG, RecoveryConfig, "exporters.yaml"), context)
    assert Scraper(before).begin(within())().up["shop/backups/nightly"]
    (folder,) = context.kept["recovery"].values()
    folder._read_dump = None  # nothing can be read any more
    after = subject(validate(CONFIG, RecoveryConfig, "exporters.yaml"), context)
    before.close()
    found = exposed(Scraper(after).begin(within())().families)
    assert found["recovery_catalogue_last_good_backup_timestamp_seconds{shop,nightly}"] == NOW_S - DAY


def test_a_folder_that_is_configured_no_more_is_not_read_on(world: Path) -> None:
    context, read = context_at(world), validate(CONFIG, RecoveryConfig, "exporters.yaml")
    before = subject(read, context)
    may_end, goes_on = threading.Event(), []

    def slow(_path: Path, asked: GoesOn) -> Checked:
        may_end.wait(30)
        goes_on.append(asked())
        return Checked()

    (folder,) = context.kept["recovery"].values()
    folder._read_dump = slow
    with pytest.raises(Unreadable, match="dumps are still being read"):
        before.sources["shop/backups/nightly"](within(0.6))
    del context.kept["recovery"]
    before.close()
    may_end.set()
    wait_for(lambda: folder._thread is None, "the end of the check")
    assert goes_on == [False]


def test_every_figure_of_a_system_that_is_well(world: Path) -> None:
    size = (DUMPS / "plain.sql").stat().st_size
    read = scraped(world)
    assert set(read.up.values()) == {True}
    states = {
        f"recovery_backups{{shop,{catalogue},{state.value}}}": float(count if state is State.GOOD else 0)
        for catalogue, count in (("nightly", 5), ("offsite", 1))
        for state in State
    }
    assert exposed(read.families) == {
        **OBJECTIVES,
        LAST_GOOD: NOW_S - DAY,
        GOOD: 6.0,
        "recovery_restore_drills{shop}": 1.0,
        "recovery_restore_drill_timestamp_seconds{shop}": 1_795_858_870.0,
        "recovery_restore_drill_proved_timestamp_seconds{shop}": 1_795_858_870.0,
        "recovery_restore_drill_restored{shop}": 1.0,
        "recovery_restore_drill_duration_seconds{shop}": 2470.0,
        "recovery_restore_drill_compared_rows{shop}": 182_340.0,
        "recovery_restore_drill_differing_rows{shop}": 0.0,
        **states,
        "recovery_catalogue_last_good_backup_timestamp_seconds{shop,nightly}": NOW_S - DAY,
        "recovery_catalogue_last_good_backup_timestamp_seconds{shop,offsite}": 1_795_824_000.0,
        "recovery_newest_backup_good{shop,nightly}": 1.0,
        "recovery_newest_backup_good{shop,offsite}": 1.0,
        "recovery_backup_size_bytes{shop,nightly}": size,
        "recovery_backup_usual_size_bytes{shop,nightly}": size,
        "recovery_catalogue_listed_timestamp_seconds{shop,offsite}": NOW_S - HOUR,
    }


def test_promtool_finds_nothing_to_say(world: Path) -> None:
    assert lint(scraped(world).families) == ""


def test_every_family_is_listed_under_its_name_with_its_labels(world: Path) -> None:
    listed = {family.name: set(family.labels) for family in FAMILIES["recovery"]}
    shown = {sample.name: set(sample.labels) for family in scraped(world).families for sample in family.samples}
    assert shown.items() <= listed.items()


@pytest.mark.parametrize("broken", ["nightly", "offsite"])
def test_with_a_catalogue_unread_the_last_good_backup_is_unknown_and_the_rest_is_there(
    broken: str, world: Path
) -> None:
    if broken == "nightly":
        (world / "dumps").rename(world / "elsewhere")
    else:
        (world / "snapshots.json").write_text('[{"id": "a"')
    read = scraped(world)
    assert read.up == {
        "shop/backups/nightly": broken != "nightly", "shop/backups/offsite": broken != "offsite", "shop/drills": True
    }  # fmt: skip
    shown = exposed(read.families)
    assert {LAST_GOOD, GOOD} & set(shown) == set()
    assert OBJECTIVES.items() <= shown.items()
    other = "offsite" if broken == "nightly" else "nightly"
    about = {name.partition(",")[2].partition("}")[0].partition(",")[0] for name in shown if "," in name}
    assert about == {other}
    assert shown["recovery_restore_drills{shop}"] == 1.0


def test_drills_that_can_t_be_read_are_neither_none_nor_well(world: Path) -> None:
    (world / "drills.jsonl").write_text("not a record\n")
    read = scraped(world)
    assert read.up["shop/drills"] is False
    assert [name for name in exposed(read.families) if name.startswith("recovery_restore_drill")] == [
        "recovery_restore_drill_interval_objective_seconds{shop}"
    ]


def test_where_no_drills_are_recorded_there_were_none(world: Path) -> None:
    system = {name: value for name, value in CONFIG["systems"]["shop"].items() if name != "drills"}
    shown = exposed(scraped(world, {"systems": {"shop": system}}).families)
    assert shown["recovery_restore_drills{shop}"] == 0.0
    assert "recovery_restore_drill_proved_timestamp_seconds{shop}" not in shown


def test_when_nothing_is_good_there_is_no_last_good_backup_and_none_are_counted(world: Path) -> None:
    for dump in (world / "dumps").iterdir():
        dump.write_bytes(b"")
        os.utime(dump, (NOW_S - DAY, NOW_S - DAY))
    (world / "snapshots.json").write_text("[]")
    shown = exposed(scraped(world).families)
    assert (LAST_GOOD in shown, shown[GOOD]) == (False, 0.0)
    assert shown["recovery_newest_backup_good{shop,nightly}"] == 0.0
    assert "recovery_newest_backup_good{shop,offsite}" not in shown


def read_of(values: dict[str, Value]) -> dict[str, float]:
    config = {
        "systems": {
            "shop": {
                **CONFIG["systems"]["shop"],
                "replication": {"all": {"primary": {"env": "P"}, "standbys": ["s1", "s2"]}},
                "wal_archive": {"primary": {"env": "P"}},
            }
        }
    }
    system = validate(config, RecoveryConfig, "exporters.yaml").systems["shop"]
    return exposed(of.families([of.system_read("shop", system, sources_of("shop", system), values)]))


def test_standbys_and_archive_are_exposed_where_they_are_known() -> None:
    standbys = Standbys(
        standbys=(Standby(name="s1", streaming=True, lag_s=0.0), Standby(name="s2", streaming=False, lag_s=None))
    )
    shown = read_of({"shop/replication/all": standbys, "shop/wal-archive": WalArchived(at_s=None, failing=True)})
    assert {name: value for name, value in shown.items() if name not in OBJECTIVES} == {
        "recovery_wal_archive_failing{shop}": 1.0,
        "recovery_replication_streaming{shop,s1}": 1.0,
        "recovery_replication_streaming{shop,s2}": 0.0,
        "recovery_replication_lag_seconds{shop,s1}": 0.0,
    }


def test_the_usual_size_is_the_median_of_the_seven_before_the_newest_and_none_of_two() -> None:
    def sized(*sizes: int) -> BackupCatalogue:
        return BackupCatalogue(
            backups=tuple(
                Backup(name=str(at), at_s=float(at), state=State.GOOD, size_bytes=size) for at, size in enumerate(sizes)
            )
        )

    name = "recovery_backup_usual_size_bytes{shop,nightly}"
    assert name not in read_of({"shop/backups/nightly": sized(10, 10, 1)})
    assert read_of({"shop/backups/nightly": sized(10, 30, 20, 1)})[name] == 20
    assert read_of({"shop/backups/nightly": sized(900, 900, 900, 1, 2, 3, 4, 5, 6, 7, 1)})[name] == 4


def test_a_newest_backup_in_progress_leaves_the_one_before_it_to_be_judged() -> None:
    def catalogue(*states: State) -> BackupCatalogue:
        return BackupCatalogue(
            backups=tuple(Backup(name=str(at), at_s=float(at), state=one) for at, one in enumerate(states))
        )

    assert catalogue(State.GOOD, State.IN_PROGRESS).newest_is_good is True
    assert catalogue(State.GOOD, State.BAD, State.IN_PROGRESS).newest_is_good is False
    assert catalogue(State.GOOD, State.AHEAD).newest_is_good is False
    assert catalogue(State.BAD, State.UNCHECKED).newest_is_good is None
    assert catalogue().newest_is_good is None
