"""What was changed of a plan is on disk, a whole line a change, before anybody acts on it."""

import resource
from pathlib import Path

import pytest

from loadtests.demand.revision import Revision
from loadtests.results.revisions import append_revision, read_revisions
from loadtests.results.run_directory import RunDirectory
from slo.documents import BadInput

PAUSE = Revision(number=1, at_s=12.5, factor=0.0, why="paused by the key p")
MORE = Revision(number=2, at_s=20.0, factor=1.1, why="by hand in the web UI")


@pytest.fixture
def directory(tmp_path: Path) -> RunDirectory:
    return RunDirectory(path=tmp_path)


def test_a_run_that_was_not_changed_has_none(directory: RunDirectory) -> None:
    assert read_revisions(directory) == ()


def test_what_was_appended_is_read(directory: RunDirectory) -> None:
    append_revision(directory, PAUSE)
    assert read_revisions(directory) == (PAUSE,)
    append_revision(directory, MORE)
    assert read_revisions(directory) == (PAUSE, MORE)
    assert directory.revisions.read_text().splitlines()[0] == (
        '{"number":1,"at_s":12.5,"factor":0.0,"why":"paused by the key p"}'
    )


def test_a_line_that_was_cut_off_was_never_told(directory: RunDirectory) -> None:
    append_revision(directory, PAUSE)
    with directory.revisions.open("a") as file:
        file.write('{"number":2,"at_s":')
    assert read_revisions(directory) == (PAUSE,)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{\n", ", line 1: not JSON: "),
        ('{"number":1,"at_s":1.0,"factor":1.0}\n', ", line 1: why: required and missing"),
        ('{"number":1,"at_s":1.0,"factor":-1.0,"why":"x"}\n', ", line 1: factor: Input should be greater than"),
        ('{"number":2,"at_s":1.0,"factor":1.0,"why":"x"}\n', ": revisions must be numbered from 1 without a gap, "),
    ],
)
def test_what_is_no_list_of_changes_is_refused(directory: RunDirectory, text: str, message: str) -> None:
    directory.revisions.write_text(text)
    with pytest.raises(BadInput) as refused:
        read_revisions(directory)
    assert str(refused.value).startswith(f"{directory.revisions}{message}")


def test_a_change_of_which_the_disk_takes_only_a_part_is_told_and_was_never_sent(directory: RunDirectory) -> None:
    append_revision(directory, PAUSE)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (directory.revisions.stat().st_size + 10, hard))
    try:
        with pytest.raises(OSError, match=r"revisions\.jsonl: only a part of a line could be written$"):
            append_revision(directory, MORE)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert read_revisions(directory) == (PAUSE,)


def test_a_change_that_can_not_be_written_is_told(directory: RunDirectory) -> None:
    directory.revisions.mkdir()
    with pytest.raises(OSError, match="Is a directory"):
        append_revision(directory, PAUSE)
