"""A folder of dumps as backups: which are good, when each is from, and what a read costs."""

import os
import shutil
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from exporters.serving.source import Unreadable
from exporters.subjects.recovery.config import PgDumpFolder
from exporters.subjects.recovery.dump_check import Checked, GoesOn, check
from exporters.subjects.recovery.dump_folder import MAX_DUMPS, DumpFolder
from exporters.subjects.recovery.values import Backup, State
from slo.documents import validate
from tests.exporters.subjects.reading import DAY, HOUR, NOW_S, context_at, within
from tests.exporters.subjects.recovery.test_dump_check import DUMPS
from tests.waiting import wait_for

Check = Callable[[Path, GoesOn], Checked]
MADE_S = 1_795_977_472.0
"""When custom.dump was made by its head, which is in UTC: 2026-11-29 18:37 and some seconds."""


def folder_of(folder: Path, reading: Check = check, **config: object) -> DumpFolder:
    read = validate({"folder": ".", **config}, PgDumpFolder, "exporters.yaml")
    return DumpFolder(read, folder, context_at(folder).now, reading)


def put(folder: Path, name: str, ago_s: float, content: bytes | None = None) -> Path:
    path = folder / name
    path.write_bytes((DUMPS / "plain.sql").read_bytes() if content is None else content)
    os.utime(path, (NOW_S - ago_s, NOW_S - ago_s))
    return path


def backups(folder: Path, **config: object) -> dict[str, Backup]:
    return {one.name: one for one in folder_of(folder, check, **config).read(within()).backups}


def states(folder: Path, **config: object) -> dict[str, State]:
    return {name: one.state for name, one in backups(folder, **config).items()}


def test_a_dump_is_good_only_when_it_is_whole(tmp_path: Path) -> None:
    plain = (DUMPS / "plain.sql").read_bytes()
    put(tmp_path, "whole.sql", DAY)
    put(tmp_path, "half.sql", HOUR, plain[: len(plain) // 2])
    put(tmp_path, "empty.sql", HOUR, b"")
    assert states(tmp_path) == {"whole.sql": State.GOOD, "half.sql": State.BAD, "empty.sql": State.BAD}
    assert backups(tmp_path)["half.sql"].why == "doesn't end with what pg_dump writes when it is done"


def test_a_dump_that_is_still_written_to_is_in_progress_until_that_stops(tmp_path: Path) -> None:
    put(tmp_path, "fresh.sql", 5, b"--\n")
    put(tmp_path, "pausing.sql", 600, b"--\n")
    put(tmp_path, "given-up.sql", 1000, b"--\n")
    assert states(tmp_path) == {
        "fresh.sql": State.IN_PROGRESS, "pausing.sql": State.IN_PROGRESS, "given-up.sql": State.BAD
    }  # fmt: skip
    assert states(tmp_path, in_progress_for="5m")["pausing.sql"] is State.BAD


def test_a_dump_dated_in_the_future_is_not_good_however_whole_it_is(tmp_path: Path) -> None:
    put(tmp_path, "ahead.sql", -HOUR)
    assert states(tmp_path) == {"ahead.sql": State.AHEAD}
    assert backups(tmp_path)["ahead.sql"].why == "its time lies 3600 s ahead"


def test_a_dump_is_from_when_it_began_however_late_its_file_was_written_or_copied(tmp_path: Path) -> None:
    made = folder_of(tmp_path)
    put(tmp_path, "copied.dump", HOUR, (DUMPS / "custom.dump").read_bytes())
    at_s = made.read(within()).backups[0].at_s
    assert at_s // 3600 == MADE_S // 3600
    assert at_s < NOW_S - HOUR


def test_the_zone_in_which_pg_dump_ran_is_that_of_the_head(tmp_path: Path) -> None:
    put(tmp_path, "one.dump", HOUR, (DUMPS / "custom.dump").read_bytes())
    in_utc = backups(tmp_path)["one.dump"].at_s
    assert backups(tmp_path, zone="Europe/Amsterdam")["one.dump"].at_s == in_utc - HOUR


def test_a_zone_that_is_wrong_makes_no_dump_younger_than_its_file(tmp_path: Path) -> None:
    written = put(tmp_path, "one.dump", NOW_S - MADE_S - 120, (DUMPS / "custom.dump").read_bytes())
    assert backups(tmp_path, zone="America/New_York")["one.dump"].at_s == written.stat().st_mtime


def test_a_head_without_a_time_is_not_good(tmp_path: Path) -> None:
    content = bytearray((DUMPS / "custom.dump").read_bytes())
    month = 11 + 5 + 4 * 5 + 1  # after the fixed part and the compression: second, minute, hour, day, then the month
    assert content[month] == 10
    content[month] = 77
    put(tmp_path, "one.dump", HOUR, bytes(content))
    assert (backups(tmp_path)["one.dump"].state, backups(tmp_path)["one.dump"].why) == (
        State.BAD, "its head names no time",
    )  # fmt: skip


def test_links_hidden_files_pipes_and_what_the_pattern_leaves_out_are_no_dumps(tmp_path: Path) -> None:
    whole = put(tmp_path, "whole.sql", DAY)
    os.mkfifo(tmp_path / "pipe.sql")
    (tmp_path / "latest.sql").symlink_to(whole)
    put(tmp_path, ".whole.sql.part", DAY)
    put(tmp_path, "whole.sql.sha256", DAY, b"abc")
    assert list(backups(tmp_path, pattern="*.sql")) == ["whole.sql"]


def test_a_folder_that_pg_dump_wrote_is_one_dump_of_the_size_of_its_files(tmp_path: Path) -> None:
    shutil.copytree(DUMPS / "folder", tmp_path / "nightly")
    for one in (*(tmp_path / "nightly").iterdir(), tmp_path / "nightly"):
        os.utime(one, (NOW_S - HOUR, NOW_S - HOUR))
    found = backups(tmp_path)["nightly"]
    assert found.state is State.GOOD
    assert found.size_bytes == sum(one.stat().st_size for one in (DUMPS / "folder").iterdir())


def test_a_dump_that_was_read_to_its_end_is_not_read_again(tmp_path: Path) -> None:
    put(tmp_path, "one.sql", DAY)
    reads: list[str] = []

    def counted(path: Path, goes_on: GoesOn) -> Checked:
        reads.append(path.name)
        return check(path, goes_on)

    folder = folder_of(tmp_path, counted)
    for _ in range(3):
        folder.read(within())
    assert reads == ["one.sql"]
    put(tmp_path, "one.sql", HOUR, b"overwritten")
    assert [one.state for one in folder.read(within()).backups] == [State.BAD]
    assert reads == ["one.sql", "one.sql"]


def held_up(name: str, may_end: threading.Event) -> Check:
    """Return a check that takes its time with the dump `name`."""

    def slow(path: Path, goes_on: GoesOn) -> Checked:
        if path.name == name:
            may_end.wait(30)
        return check(path, goes_on)

    return slow


def test_dumps_too_large_for_one_scrape_are_read_on_and_never_good_before_their_end(tmp_path: Path) -> None:
    may_end = threading.Event()
    put(tmp_path, "large.sql", DAY)
    folder = folder_of(tmp_path, held_up("large.sql", may_end))
    with pytest.raises(Unreadable) as error:
        folder.read(within(0.7))
    assert str(error.value) == f"{tmp_path}: 1 of 1 dumps are still being read"
    may_end.set()
    wait_for(lambda: folder.read(within(0.7)).good, "the end of the check")


def test_a_newer_dump_that_is_still_read_leaves_the_older_good_one(tmp_path: Path) -> None:
    may_end = threading.Event()
    put(tmp_path, "older.sql", DAY)
    folder = folder_of(tmp_path, held_up("newer.sql", may_end))
    folder.read(within())
    put(tmp_path, "newer.sql", HOUR)
    catalogue = folder.read(within(0.7))
    may_end.set()
    assert {one.name: one.state for one in catalogue.backups} == {"newer.sql": State.UNCHECKED, "older.sql": State.GOOD}
    assert (catalogue.newest_is_good, catalogue.good[-1].name) == (None, "older.sql")


def test_a_folder_that_is_gone_or_too_full_is_unreadable(tmp_path: Path) -> None:
    with pytest.raises(Unreadable) as error:
        folder_of(tmp_path / "gone").read(within())
    assert str(error.value) == f"{tmp_path}/gone: can't be listed: No such file or directory"
    for number in range(MAX_DUMPS + 1):
        (tmp_path / f"{number}.sql").touch()
    with pytest.raises(Unreadable) as error:
        folder_of(tmp_path).read(within())
    assert str(error.value) == f"{tmp_path}: 1001 dumps, more than the 1000 allowed"


def test_an_empty_folder_has_no_backups(tmp_path: Path) -> None:
    assert folder_of(tmp_path).read(within()).backups == ()
