"""A PASS says what it doesn't show; what isn't known to have been played counts as not played."""

import dataclasses
from typing import Any

import pytest

from slo.formatting import seconds
from slo.validity.run_document import parse_run
from slo.verdict.verdict import Case, judge

ALWAYS = "more load than was played, another size or other data than staging's"


def limits(case: Case, **run: Any) -> tuple[str, ...]:
    """Return what a PASS doesn't show, with keys of its run.json changed, but for what holds for each."""
    verdict = judge(dataclasses.replace(case, run=parse_run({**case.run.to_json(), **run})))
    assert verdict.outcome.value == "PASS"
    assert verdict.not_shown[0] == ALWAYS
    assert verdict.not_shown[1].startswith("error bursts of over ")
    return verdict.not_shown[2:]


def test_a_pass_names_the_objective_that_the_shortest_error_burst_would_undo_and_what_the_plan_assumes(
    passing: Case,
) -> None:
    verdict = judge(dataclasses.replace(passing, assumed_error_burst_s=0.2))
    shortest = min(
        (one for one in verdict.objectives if one.survives_error_burst_s is not None),
        key=lambda one: one.survives_error_burst_s or 0.0,
    )
    assert verdict.not_shown[1] == (
        f"error bursts of over {seconds(shortest.survives_error_burst_s or 0.0)} ({shortest.name}), 200 ms assumed"
    )


def test_a_pass_of_all_that_there_is_shows_no_more_than_the_load_that_was_played(passing: Case) -> None:
    assert limits(passing) == ()


@pytest.mark.parametrize(
    ("run", "told"),
    [
        ({"not_played": ["flash-drop", "return"]}, "journeys not played: flash-drop, return"),
        ({"not_played": None}, "journeys that weren't played: not known which"),
        ({"assets": {"fetched": "off"}}, "pages' images, scripts and styles: not fetched"),
        ({"assets": None}, "pages' images, scripts and styles: not fetched"),
    ],
)
def test_what_was_not_played_is_named(run: dict[str, Any], told: str, passing: Case) -> None:
    assert limits(passing, **run) == (told,)


def test_a_step_is_named_whose_objectives_were_not_judged_and_so_are_these(passing: Case) -> None:
    case = dataclasses.replace(
        passing, steps=frozenset({"checkout", "home", "pay"}), not_judged={"browse-latency": "too few"}
    )
    assert limits(case) == ("steps without a judged objective: home, pay", "objectives not judged: browse-latency")


def test_promises_that_no_source_is_declared_for_are_named(passing: Case) -> None:
    orders = dataclasses.replace(passing, declared=frozenset({"orders", "payments", "release"}))
    assert limits(orders) == ("promises not audited: stock-moved-by-what-was-sold, stock-not-negative",)
    assert limits(dataclasses.replace(passing, declared=frozenset({"release"}))) == ("promises not audited: all",)


def test_only_a_pass_says_what_it_doesn_t_show(passing: Case) -> None:
    assert judge(dataclasses.replace(passing, audit=None)).not_shown == ()
