"""Mistakes made at random in the shipped boards are found, too, not only in the boards that the checks grew up with."""

import pytest

from dashboards.grafana.build import build
from tests.dashboards.grafana.mutants.on_boards import MISTAKES, Tried, tried


def found_ratio(results: list[Tried]) -> float:
    assert {one.mistake for one in results} == set(MISTAKES)
    return sum(one.found for one in results) / len(results)


def test_nine_of_ten_mistakes_are_found_at_one_place_each() -> None:
    """A new panel moves the places, so that this few of them may hold one that can't be found."""
    assert found_ratio(list(tried(build(), most=1))) >= 0.9


@pytest.mark.heavy
def test_at_least_95_percent_of_mistakes_at_many_places_are_found() -> None:
    assert found_ratio(list(tried(build(), most=20))) >= 0.95
