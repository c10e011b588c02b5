"""Whose turn it is."""

import pytest
from pydantic import ValidationError

from loadtests.comparison.turns import Turns

TURNS = Turns.of(("old", "new"), 10.0, 5.0, ("b", "a", "a", "b"))


@pytest.mark.parametrize(
    ("at_s", "session", "variant"),
    [
        (0.0, 4, "a"),
        (0.0, 5, "b"),
        (9.999, 4, "a"),
        (10.0, 4, "b"),
        (14.999, 4, "b"),
        (15.0, 5, "a"),
        (24.9, 5, "a"),
        (25.0, 4, "b"),
        (99.0, 4, "b"),
    ],
)
def test_a_session_belongs_to_the_release_in_whose_block_it_arrives(at_s: float, session: int, variant: str) -> None:
    assert TURNS.variant_of(at_s, session) == variant


@pytest.mark.parametrize("wrong", [{"order": ""}, {"order": "abc"}, {"block_s": 0.0}, {"first_at_s": -1.0}])
def test_turns_without_blocks_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        Turns.model_validate({**TURNS.model_dump(), **wrong})
