"""A path is shared when each side sees what the other wrote there; everything else is uploaded."""

import shutil
from pathlib import Path

import pytest

from loadtests.coordination import shared_path
from loadtests.results.run_directory import RunDirectory


@pytest.fixture
def here(tmp_path: Path) -> RunDirectory:
    directory = RunDirectory(path=tmp_path / "master")
    directory.path.mkdir()
    return directory


def test_one_directory_is_shared_and_no_sign_is_left_in_it(here: RunDirectory) -> None:
    word = shared_path.show(here)
    assert shared_path.is_shared(here, "w", word, shared_path.look(here, "w"))
    assert [path.name for path in here.path.iterdir()] == ["shared-path-probe"]


def test_by_another_path_it_is_the_same_directory(here: RunDirectory, tmp_path: Path) -> None:
    (tmp_path / "mounted").symlink_to(here.path)
    word = shared_path.show(here)
    assert shared_path.is_shared(here, "w", word, shared_path.look(RunDirectory(path=tmp_path / "mounted"), "w"))


def test_a_directory_without_the_masters_word_is_another(here: RunDirectory, tmp_path: Path) -> None:
    there = RunDirectory(path=tmp_path / "there")
    there.path.mkdir()
    word = shared_path.show(here)
    assert shared_path.look(there, "w") == ""
    assert not shared_path.is_shared(here, "w", word, "")
    assert list(there.path.iterdir()) == []


def test_a_copy_of_the_directory_can_be_read_and_is_another(here: RunDirectory, tmp_path: Path) -> None:
    word = shared_path.show(here)
    there = RunDirectory(path=shutil.copytree(here.path, tmp_path / "there"))
    told = shared_path.look(there, "w")
    assert told == word
    assert not shared_path.is_shared(here, "w", word, told)


def test_a_directory_that_can_only_be_read_is_not_shared(here: RunDirectory) -> None:
    word = shared_path.show(here)
    assert not shared_path.is_shared(here, "w", word, word)  # as who knows the word and could leave no sign


def test_another_workers_sign_is_not_ones_own(here: RunDirectory) -> None:
    word = shared_path.show(here)
    told = shared_path.look(here, "one")
    assert not shared_path.is_shared(here, "another", word, told)


def test_a_sign_that_says_something_else_is_none(here: RunDirectory) -> None:
    word = shared_path.show(here)
    told = shared_path.look(here, "w")
    (sign,) = here.path.glob("shared-path-probe-*")
    sign.write_text("0" * 32)
    assert not shared_path.is_shared(here, "w", word, told)


@pytest.mark.parametrize("told", [None, "", 5, b"", "0" * 32])
def test_a_wrong_word_is_no_proof(here: RunDirectory, told: object) -> None:
    word = shared_path.show(here)
    shared_path.look(here, "w")
    assert not shared_path.is_shared(here, "w", word, told)


def test_each_run_has_a_word_of_its_own(here: RunDirectory) -> None:
    assert shared_path.show(here) != shared_path.show(here)
