"""restic's and pgBackRest's own lists: what they say is taken, what contradicts itself isn't."""

import copy
import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from exporters.serving.source import Unreadable
from exporters.subjects.recovery import pgbackrest, restic
from exporters.subjects.recovery.config import Pgbackrest, Restic
from exporters.subjects.recovery.listing import Listing, listing
from exporters.subjects.recovery.values import BackupCatalogue, State
from slo.documents import validate
from tests.exporters.subjects.reading import DAY, HOUR, NOW_S, context_at, within

# As restic 0.17 prints it (075_scripting): the time has nanoseconds and a zone, older versions have no summary.
SNAPSHOTS: list[Any] = [
    {
        "time": "2026-11-29T02:00:00.776043662+01:00", "tree": "fd", "paths": ["/srv/dumps"], "hostname": "db1",
        "username": "root", "tags": ["shop"], "id": "6cb5640a02836ac7", "short_id": "6cb5640a",
        "summary": {"total_bytes_processed": 5000, "total_files_processed": 1},
    },
    {"time": "2026-11-28T02:00:00Z", "tree": "fe", "paths": ["/etc"], "hostname": "db2", "id": "aa", "short_id": "aa"},
]  # fmt: skip
RESTIC = shutil.which("restic") or ""
FULL, INCR = "20261129-010000F", "20261129-010000F_20261129-130000I"
# As pgBackRest 2.45 prints it for a stanza with a full and an incremental backup in one repository.
STANZA: dict[str, Any] = {
    "archive": [{"database": {"id": 1, "repo-key": 1}, "id": "15-1", "max": "000000010000000000000009"}],
    "backup": [
        {
            "archive": {"start": "000000010000000000000003", "stop": "000000010000000000000003"},
            "backrest": {"format": 5, "version": "2.45"}, "database": {"id": 1, "repo-key": 1}, "error": False,
            "info": {"delta": 31, "repository": {"delta": 3, "size": 3}, "size": 31_000_000}, "label": FULL,
            "prior": None, "reference": None, "timestamp": {"start": int(NOW_S - DAY - 60), "stop": int(NOW_S - DAY)},
            "type": "full",
        },
        {
            "archive": {"start": "000000010000000000000008", "stop": "000000010000000000000009"},
            "backrest": {"format": 5, "version": "2.45"}, "database": {"id": 1, "repo-key": 1}, "error": False,
            "info": {"delta": 1, "repository": {"delta": 1, "size": 4}, "size": 32_000_000}, "label": INCR,
            "prior": FULL, "reference": [FULL], "timestamp": {"start": int(NOW_S - HOUR), "stop": int(NOW_S - HOUR)},
            "type": "incr",
        },
    ],
    "cipher": "none", "db": [{"id": 1, "repo-key": 1, "system-id": 7, "version": "15"}], "name": "shop",
    "repo": [{"cipher": "none", "key": 1, "status": {"code": 0, "message": "ok"}}],
    "status": {"code": 0, "lock": {"backup": {"held": False}}, "message": "ok"},
}  # fmt: skip


def of_restic(data: object, **filters: str) -> BackupCatalogue:
    config = validate({"file": "x", **filters}, Restic, "exporters.yaml")
    return restic.catalogue_of(Listing(shown="snapshots.json", data=data), config, NOW_S)


def of_stanza(data: object, stanza: str = "shop") -> BackupCatalogue:
    config = validate({"file": "x", "stanza": stanza}, Pgbackrest, "exporters.yaml")
    return pgbackrest.catalogue_of(Listing(shown="info.json", data=data), config, NOW_S)


def changed(change: str) -> list[Any]:
    """Return the stanza with one thing changed, by a statement about `s`."""
    s = copy.deepcopy(STANZA)
    exec(change, {"s": s, "NOW": int(NOW_S)})  # noqa: S102 - the tests' own statements
    return [s]


def test_a_snapshot_of_restic_is_a_good_backup_from_when_it_began() -> None:
    found = of_restic(SNAPSHOTS).good
    assert [(one.name, one.at_s, one.size_bytes) for one in found] == [
        ("aa", 1_795_831_200.0, None),
        ("6cb5640a", 1_795_914_000.776043, 5000),
    ]


@pytest.mark.parametrize(
    ("filters", "left"),
    [
        ({"host": "db1"}, ["6cb5640a"]),
        ({"tag": "shop"}, ["6cb5640a"]),
        ({"path": "/etc"}, ["aa"]),
        ({"host": "db3"}, []),
    ],
)
def test_snapshots_of_others_are_left_out(filters: dict[str, str], left: list[str]) -> None:
    assert [one.name for one in of_restic(SNAPSHOTS, **filters).backups] == left


def test_a_snapshot_from_the_future_is_not_good() -> None:
    ahead = [{**SNAPSHOTS[0], "time": "2027-01-01T00:00:00Z"}]
    assert [(one.state, one.why) for one in of_restic(ahead).backups] == [
        (State.AHEAD, f"its time lies {round(1_798_761_600 - NOW_S)} s ahead")
    ]


def test_a_repository_without_snapshots_has_no_backups() -> None:
    assert (of_restic([]).backups, of_restic(None).backups) == ((), ())


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ({"message": "locked"}, "snapshots.json: expected a list of at most 100000 snapshots"),
        ([{"id": "a"}], "snapshots.json: snapshot 0.time: Field required"),
        (
            [{"id": "a", "time": "2026-11-28T02:00:00"}],
            "snapshots.json: snapshot 0.time: Input should have timezone info",
        ),
        ([SNAPSHOTS[1], SNAPSHOTS[1]], "snapshots.json: lists a snapshot twice"),
    ],
)
def test_what_restic_doesnt_print_is_unreadable(data: object, message: str) -> None:
    with pytest.raises(Unreadable) as error:
        of_restic(data)
    assert str(error.value) == message


def test_a_backup_of_pgbackrest_is_good_from_its_stop() -> None:
    found = of_stanza([STANZA])
    assert [(one.name, one.at_s, one.size_bytes, one.state) for one in found.backups] == [
        (FULL, NOW_S - DAY, 31_000_000, State.GOOD),
        (INCR, NOW_S - HOUR, 32_000_000, State.GOOD),
    ]


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ("s['backup'][1]['error'] = True", "pages failed their checksums"),
        ("s['backup'][1]['prior'] = '20261128-010000F'", "20261128-010000F, on which it rests, isn't listed"),
        (
            "s['backup'].append(s['backup'][0] | {'label': 'x', 'prior': 'y'}); s['backup'][1]['prior'] = 'x'",
            "y, on which it rests, isn't listed",
        ),
        ("s['backup'][0]['error'] = True", f"pages of {FULL}, on which it rests, failed their checksums"),
        ("s['backup'][1]['prior'] = s['backup'][1]['label']", f"{INCR}, on which it rests, isn't listed"),
        ("s['archive'][0]['max'] = '000000010000000000000008'", "the WAL that it needs isn't in the archive"),
        ("s['archive'][0]['max'] = None", "the WAL that it needs isn't in the archive"),
        ("s['archive'] = []", "the WAL that it needs isn't in the archive"),
        ("s['repo'][0]['status'] = {'code': 99, 'message': 'x'}; s['status']['code'] = 4", "repository 1 isn't ok"),
        ("s['backup'][1]['timestamp']['stop'] = NOW + 3600", "its time lies 3600 s ahead"),
    ],
)
def test_a_backup_of_pgbackrest_that_something_speaks_against_is_not_good(change: str, why: str) -> None:
    newest = of_stanza(changed(change)).backups[1]
    assert (newest.state is State.GOOD, newest.why) == (False, why)


def test_a_later_timeline_has_the_wal_of_an_earlier_one_behind_it() -> None:
    assert len(of_stanza(changed("s['archive'][0]['max'] = '000000020000000000000002'")).good) == 2


def test_a_stanza_without_valid_backups_is_readable_and_has_none() -> None:
    empty = changed("s['backup'] = []; s['status'] = {'code': 2, 'message': 'no valid backups'}")
    assert of_stanza(empty).backups == ()


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (
            changed("s['status'] = {'code': 1, 'message': 'missing stanza path'}"),
            "info.json: stanza shop has status 1, missing stanza path",
        ),
        ([], "info.json: has 0 stanzas named shop, expected one"),
        ([STANZA, STANZA], "info.json: has 2 stanzas named shop, expected one"),
        (changed("s['backup'][1]['label'] = s['backup'][0]['label']"), "info.json: lists a backup twice"),
        (
            changed("s['backup'][0]['timestamp']['stop'] = -1"),
            "info.json: stanza 0.backup.0.timestamp.stop: Input should be greater than or equal to 0",
        ),
        (
            changed("s['backup'][0]['timestamp']['stop'] = 1.5"),
            "info.json: stanza 0.backup.0.timestamp.stop: Input should be a valid integer",
        ),
        ({"error": 1}, "info.json: stanza : Input should be a valid list"),
    ],
)
def test_what_pgbackrest_doesnt_vouch_for_is_unreadable(data: object, message: str) -> None:
    with pytest.raises(Unreadable) as error:
        of_stanza(data)
    assert str(error.value) == message


def read_file(folder: Path, content: bytes) -> Listing:
    (folder / "snapshots.json").write_bytes(content)
    config = validate({"file": "snapshots.json"}, Restic, "exporters.yaml")
    return listing(config, context_at(folder), "shop/backups/offsite")(within())


def test_a_list_that_a_job_is_still_writing_is_unreadable(tmp_path: Path) -> None:
    whole = json.dumps(SNAPSHOTS).encode()
    assert read_file(tmp_path, whole).data == SNAPSHOTS
    with pytest.raises(Unreadable, match=r"snapshots\.json: not JSON: "):
        read_file(tmp_path, whole[: len(whole) // 2])


def test_a_list_that_isnt_there_is_unreadable(tmp_path: Path) -> None:
    config = validate({"file": "gone.json"}, Restic, "exporters.yaml")
    with pytest.raises(Unreadable) as error:
        listing(config, context_at(tmp_path), "shop/backups/offsite")(within())
    assert str(error.value) == f"{tmp_path}/gone.json: can't be read: No such file or directory"


def test_a_command_is_given_its_secrets_and_run_at_most_once_a_minute(tmp_path: Path) -> None:
    config = validate(
        {
            "command": ["sh", "-c", 'echo x >> runs.log; printf \'["%s"]\' "$PASSWORD"'],
            "environment": {"PASSWORD": {"env": "P"}},
        },
        Restic,
        "exporters.yaml",
    )  # fmt: skip
    read = listing(config, context_at(tmp_path, P="hunter2-hunter2", PATH="/usr/bin:/bin"), "shop/backups/offsite")
    assert [read(within()).data, read(within()).data] == [["hunter2-hunter2"]] * 2
    assert (tmp_path / "runs.log").read_text() == "x\n"


@pytest.mark.heavy
@pytest.mark.skipif(not RESTIC, reason="restic isn't on PATH")
def test_a_real_repository_of_restic_is_read_by_its_own_command(tmp_path: Path) -> None:
    env = {"RESTIC_PASSWORD": "hunter2-hunter2", "HOME": str(tmp_path), "PATH": "/usr/bin:/bin"}
    (tmp_path / "data").write_text("orders")
    for arguments in (("init",), ("backup", "data", "--host", "db1"), ("backup", "data", "--host", "db2")):
        subprocess.run([RESTIC, "-q", "-r", "repo", *arguments], env=env, cwd=tmp_path, check=True, timeout=60)
    config = validate(
        {
            "command": ["restic", "-r", "repo", "--no-cache", "snapshots", "--json", "--no-lock"],
            "environment": {"RESTIC_PASSWORD": {"env": "R"}},
            "host": "db2",
        },
        Restic,
        "exporters.yaml",
    )
    context = context_at(tmp_path, R="hunter2-hunter2", PATH="/usr/bin:/bin", HOME=str(tmp_path))
    found = listing(config, context, "shop/backups/offsite")(within(30))
    assert [one.state for one in restic.catalogue_of(found, config, 2_000_000_000).backups] == [State.GOOD]
    wrong = context_at(tmp_path, R="another-password", PATH="/usr/bin:/bin", HOME=str(tmp_path))
    with pytest.raises(Unreadable, match=r"^restic: ended with 1: "):
        listing(config, wrong, "shop/backups/offsite")(within(30))
