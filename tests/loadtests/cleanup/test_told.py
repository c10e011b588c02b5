"""What a cleanup removed and left is said in one sentence, whatever became of it."""

from pathlib import Path

import pytest

from loadtests.cleanup.journal import Journal
from loadtests.cleanup.told import cleaned_up
from loadtests.results.created import Created
from slo.documents import BadInput
from tests.loadtests.cleanup.test_journal import written

AT = 1_796_000_000_000_000_000
BEGAN = "the shop was cleaned up at 1970-01-01 00:00 UTC; removed: 1 account, 1 order"


def test_a_run_that_was_not_cleaned_up_says_nothing(tmp_path: Path) -> None:
    assert cleaned_up(tmp_path / "cleanup.jsonl") is None


@pytest.mark.parametrize(
    ("left", "unproven", "said"),
    [
        (0, 0, "by the shop's records nothing is left"),
        (1, 0, "1 thing of the run is left"),
        (2, 1, "2 things of the run are left, and 1 thing can't be shown to be gone"),
        (0, 2, "nothing is known to be left, and 2 things can't be shown to be gone"),
    ],
)
def test_what_was_removed_counts_once_and_what_is_left_is_said(
    left: int, unproven: int, said: str, tmp_path: Path
) -> None:
    path = tmp_path / "cleanup.jsonl"
    with written(path) as journal:
        journal.ended(6, left, unproven)
    assert cleaned_up(path) == f"{BEGAN}; {said}"


def test_one_that_was_ended_in_the_middle_says_so(tmp_path: Path) -> None:
    written(tmp_path / "cleanup.jsonl")
    said = "it didn't come to its end, and what is left isn't known: go on with peakproof cleanup"
    assert cleaned_up(tmp_path / "cleanup.jsonl") == f"{BEGAN}; {said}"


def test_what_failed_and_what_was_gone_are_told_apart(tmp_path: Path) -> None:
    with Journal(tmp_path / "cleanup.jsonl") as journal:
        journal.item(Created(kind="order", id="o1", key="", session=1), "gone", "", AT)
        journal.item(Created(kind="order", id="o2", key="", session=2), "failed", "HTTP 500", AT)
        journal.ended(AT, 1, 0)
    assert cleaned_up(tmp_path / "cleanup.jsonl") == (
        "the shop was cleaned up at 2026-11-30 00:53 UTC; gone already: 1 order; failed to remove: 1 order;"
        " 1 thing of the run is left"
    )


def test_with_nothing_to_remove_that_is_said(tmp_path: Path) -> None:
    with Journal(tmp_path / "cleanup.jsonl") as journal:
        journal.ended(AT, 0, 0)
    assert "there was nothing to remove; by the shop's records nothing is left" in str(cleaned_up(journal._path))


def test_another_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "cleanup.jsonl").write_text("{}\n")
    with pytest.raises(BadInput, match="not a row of a cleanup"):
        cleaned_up(tmp_path / "cleanup.jsonl")
