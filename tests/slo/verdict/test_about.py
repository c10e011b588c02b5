"""A verdict's first line says which release was judged, on what, and how far that is from production."""

import math
from typing import Any

import pytest

from slo.validity.run_document import parse_run
from slo.verdict.about import about

PRODUCTION = {"replicas": 6, "orders": 1_200_000, "database": "postgresql 15", "cdn": True}


def line(fingerprint: object, production: object = None, **run: Any) -> str:
    """Return the first line of a run on staging, without the release."""
    environment = {"name": "staging", "fingerprint": fingerprint, "production_fingerprint": production}
    told = about(parse_run({"environment": environment, "release": {"before": "7"}, **run})).line
    return told.removeprefix("release 7 on ")


@pytest.mark.parametrize("fingerprint", [None, {}])
def test_what_is_not_known_or_declared_is_said(fingerprint: object) -> None:
    assert line(fingerprint, PRODUCTION) == "staging (fingerprint not declared)"
    assert line({"replicas": 2}, release=None) == "release unknown on staging (replicas 2)"
    assert about(parse_run({})).line == "release unknown on an unknown environment (fingerprint not declared)"


def test_where_releases_were_changed_on_purpose_it_is_the_plateau_s() -> None:
    phases = [{"kind": "reference", "release": "7"}, {"kind": "plateau", "release": "8"}]
    assert line({}, phases=phases).startswith("release 8 on staging")


def test_numbers_are_held_against_production_s_as_a_count_or_a_share() -> None:
    own = {"replicas": 2, "orders": 120_000, "database": "sqlite", "cdn": True}
    assert line(own, PRODUCTION) == (
        "staging (2 of 6 replicas, a tenth of production's orders, database sqlite instead of postgresql 15, cdn yes)"
    )


@pytest.mark.parametrize(
    ("here", "there", "told"),
    [
        (8, 6, "8 instead of 6 orders"),
        (3, 1, "3 instead of 1 orders"),
        (50, 100, "50 of 100 orders"),
        (50, 101, "about half of production's orders"),
        (10_015, 20_000, "about half of production's orders"),
        (475, 1000, "47.5 % of production's orders"),
        (200, 1000, "a fifth of production's orders"),
        (50, 1000, "a twentieth of production's orders"),
        (20, 1000, "a fiftieth of production's orders"),
        (10, 1000, "a hundredth of production's orders"),
        (1, 1000, "a thousandth of production's orders"),
        (10**17 + 1, 10**17, "100 % of production's orders"),
        (0, 6, "0 of 6 orders"),
        (500, 1000, "half of production's orders"),
        (333, 1000, "a third of production's orders"),
        (330, 1000, "about a third of production's orders"),
        (123, 1000, "12.3 % of production's orders"),
        (1, 1_000_000, "0.0001 % of production's orders"),
        (2000, 1000, "twice production's orders"),
        (3500, 1000, "3.5 times production's orders"),
        (1_000_300, 1_000_000, "100.03 % of production's orders"),
        (0.5, 2.0, "a quarter of production's orders"),
        (0, 1000, "none of production's orders"),
        (5, 0, "orders 5 instead of 0"),
        (-5, 5, "orders -5 instead of 5"),
    ],
)
def test_a_share_is_said_in_words_where_there_is_one(here: float, there: float, told: str) -> None:
    assert line({"orders": here}, {"orders": there}) == f"staging ({told})"


def test_what_only_production_has_is_unknown_and_never_the_same() -> None:
    assert line({"cache": "cold"}, {"cdn": True}) == "staging (cache cold, cdn unknown instead of yes)"
    assert line({"cache": "cold"}, {"cache": "cold"}) == "staging (cache cold, as production's)"


def test_as_many_facts_as_there_is_room_for_are_all_said_and_a_long_name_is_cut() -> None:
    assert line({f"fact_{n}": n for n in range(8)}).endswith(", fact 6 6, fact 7 7)")
    named = about(parse_run({"environment": {"name": "e" * 80}, "release": {"before": "r" * 80}})).line
    assert named == f"release {'r' * 59}… on {'e' * 59}… (fingerprint not declared)"


def test_many_facts_are_cut_and_a_value_that_is_none_is_shown_as_it_is_written() -> None:
    assert line({f"fact_{n}": n for n in range(10)}).endswith(", fact 7 7, and 2 more)")
    assert line({"a\x1b[31m": ["b", {"c": "d" * 100}]}) == f"staging (a[31m ['b', {{'c': '{'d' * 26}…)"


def test_a_number_that_is_none_is_shown_as_it_is_written() -> None:
    """JSON as Python reads it may hold NaN and, as 1e400, infinity."""
    assert line({"orders": math.nan}, {"orders": 1.0}) == "staging (orders nan instead of 1)"
    assert line({"orders": 1.0}, {"orders": math.inf}) == "staging (orders 1 instead of inf)"
