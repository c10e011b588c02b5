"""The journal holds what became of each thing, over starts and kills, and is read as it was written."""

from pathlib import Path

import pytest

from loadtests.cleanup.journal import Journal, key_of
from loadtests.results.created import Created
from slo.documents import BadInput

ORDER, ACCOUNT = Created(kind="order", id="o1", key="k1", session=4), Created(kind="account", session=4)


def written(path: Path) -> Journal:
    with Journal(path) as journal:
        journal.began(1, "0.1.0")
        journal.item(ORDER, "failed", "no answer", 2)
        journal.item(ORDER, "removed", "", 3)
        journal.item(ACCOUNT, "removed", "", 4)
        journal.item(ACCOUNT, "gone", "", 5)
    return journal


def test_the_last_word_on_each_thing_counts(tmp_path: Path) -> None:
    path = tmp_path / "cleanup.jsonl"
    written(path)
    journal = Journal(path)
    assert journal.outcomes == {key_of(ORDER): "removed", key_of(ACCOUNT): "gone"}
    assert (journal.has_removed, journal.finished_at) == (True, None)
    with journal:
        journal.ended(6, 0, 0)
    assert Journal(path).finished_at == 6


def test_that_something_else_was_removed_says_nothing_of_orders(tmp_path: Path) -> None:
    with Journal(tmp_path / "cleanup.jsonl") as journal:
        journal.item(ACCOUNT, "removed", "", 1)
        assert (journal.has_removed, journal.has_removed_orders) == (True, False)
        journal.item(ORDER, "removed", "", 2)
    assert journal.has_removed_orders


def test_half_a_row_of_a_kill_is_no_row_and_the_next_stands_alone(tmp_path: Path) -> None:
    path = tmp_path / "cleanup.jsonl"
    written(path)
    with path.open("a") as file:
        file.write('{"event":"it')
    before = Journal(path)
    assert len(before.rows) == 5
    with before as journal:
        journal.ended(7, 1, 0)
    assert [row.event for row in Journal(path).rows] == ["began", *["item"] * 4, "ended"]


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("[]", "Input should be an object"),
        ('{"event":"removed","at":1}', "event: Input should be 'began', 'item' or 'ended'"),
        ('{"event":"item","at":1,"outcome":"vanished"}', "outcome: Input should be 'removed', 'gone' or 'failed'"),
        ("not json", "Invalid JSON: expected ident at line 1 column 2"),
    ],
)
def test_another_row_is_refused_with_its_line(line: str, why: str, tmp_path: Path) -> None:
    path = tmp_path / "cleanup.jsonl"
    path.write_text(f'{{"event":"began","at":1}}\n{line}\n')
    with pytest.raises(BadInput) as refused:
        Journal(path)
    assert str(refused.value) == f"{path}: line 2: not a row of a cleanup: {why}"


def test_a_run_without_a_cleanup_has_an_empty_one(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "cleanup.jsonl")
    assert (journal.rows, journal.has_removed, journal.finished_at) == ([], False, None)
    assert not (tmp_path / "cleanup.jsonl").exists()
