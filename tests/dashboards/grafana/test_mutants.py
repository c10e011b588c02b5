"""Mistakes that authors of dashboards make are found: written before the checks, all but the three that are named."""

from functools import cache

from dashboards.grafana.checks import check_all
from dashboards.grafana.upgrade import Json
from tests.dashboards.grafana.mutants.sample import detail, overview
from tests.dashboards.grafana.mutants.score import MUTANTS, Scored, scored

# Each is a sensible board of another author: only who knows what was meant can tell.
_MEANT_OTHERWISE = {
    "quotient the wrong way round",
    "comparison that was meant as 0 or 1",
    "a link to the board itself",
}


def found(board: Json, other: Json) -> list[tuple[str, str, str]]:
    findings = check_all({"sample-overview": board, "sample-detail": other})
    return [(one.rule, one.where, one.message) for one in findings if one.board == "sample-overview"]


@cache
def results() -> tuple[Scored, ...]:
    return tuple(scored(found))


def test_the_boards_that_mutants_are_made_of_keep_every_rule() -> None:
    assert check_all({"sample-overview": overview(), "sample-detail": detail()}) == []


def test_every_mutant_changes_the_board_and_has_a_name_of_its_own() -> None:
    assert len({mutant.name for mutant in MUTANTS}) == len(MUTANTS) >= 48
    for mutant in MUTANTS:
        board = overview()
        mutant.change(board)
        assert board != overview(), mutant.name


def test_at_least_95_percent_of_the_mutants_are_found_where_they_are() -> None:
    survived = [one.mutant.name for one in results() if not one.findings]
    assert set(survived) == _MEANT_OTHERWISE
    assert 1 - len(survived) / len(MUTANTS) >= 0.95
