"""A server's counters are held against what the load sent: of what they didn't count nothing is known."""

import dataclasses

import pytest

from slo.design_effect import StepCounts
from slo.findings import Severity
from slo.objectives.indicators import Evidence
from slo.objectives.objective import Objective
from slo.outcomes import Outcome
from slo.validity.delivery import StepRequests
from slo.verdict.verdict import Case, Verdict, judge

NAME = "checkout-server-availability"


def judged(
    case: Case,
    objective: Objective,
    *,
    counted: int,
    bad: int = 0,
    sent: StepRequests | None = None,
    cached: frozenset[str] = frozenset(),
) -> Verdict:
    counts = StepCounts(step="", events=(counted // 20,) * 20, bad=(bad // 20,) * 20)
    steps = {**(case.records.steps or {}), "checkout": sent or StepRequests(requests=2000)}
    return judge(
        dataclasses.replace(
            case,
            objectives=(objective,),
            evidence={objective.name: Evidence(counts=(counts,))},
            records=dataclasses.replace(case.records, steps=steps),
            cached_steps=cached,
        )
    )


def test_a_server_that_counted_over_5_of_100_fewer_shows_nothing_met(
    passing: Case, shipped: dict[str, Objective]
) -> None:
    assert judged(passing, shipped[NAME], counted=1900).outcome is Outcome.PASS
    verdict = judged(passing, shipped[NAME], counted=1880)
    (result,) = verdict.objectives
    assert (verdict.outcome, result.outcome) == (Outcome.INCONCLUSIVE, "undecided")
    assert result.because.startswith(
        "0 of 1,880 were bad; the shop's counters hold 1,880 of the 2,000 requests that reached it; the true ratio may"
    )
    assert result.needs == (
        "a counter that counts every request of its steps, or the cache that answers the others, declared:"
        " cache: {steps: […]} in targets.yaml"
    )


def test_what_never_reached_the_shop_is_not_missed_in_its_counters(
    passing: Case, shipped: dict[str, Objective]
) -> None:
    """100 of 2,000: as few as may be blocked are more than may be uncounted, where the budget is large."""
    lenient = dataclasses.replace(shipped[NAME], target=0.8)
    sent = StepRequests(requests=2000, blocked=60, at_proxy=60)
    assert judged(passing, lenient, counted=1880, sent=sent).outcome is Outcome.PASS


def test_a_declared_cache_may_answer_in_the_shop_s_place(passing: Case, shipped: dict[str, Objective]) -> None:
    verdict = judged(passing, shipped[NAME], counted=1000, cached=frozenset({"checkout"}))
    assert verdict.outcome is Outcome.PASS
    browse = shipped["browse-server-latency"]
    assert judged(passing, browse, counted=1000).objectives[0].outcome == "undecided"
    assert judged(passing, browse, counted=1000, cached=frozenset({"home", "search"})).outcome is Outcome.PASS
    assert judged(passing, browse, counted=1000, cached=frozenset({"home"})).objectives[0].outcome == "undecided"


@pytest.mark.parametrize(("counted", "is_noted"), [(2100, False), (2120, True)])
def test_a_server_that_counted_more_had_other_traffic_which_is_noted(
    passing: Case,
    shipped: dict[str, Objective],
    counted: int,
    is_noted: bool,  # noqa: FBT001 - a case
) -> None:
    verdict = judged(passing, shipped[NAME], counted=counted)
    message = (
        "the shop's counters hold 2,120 requests, the load sent 2,000: the rest is other traffic, or was sent before"
        " the judged time, and is judged with it"
    )
    assert verdict.outcome is Outcome.PASS
    assert [(one.severity, one.message) for one in verdict.findings] == [(Severity.NOTE, message)] * is_noted


def test_a_miss_holds_where_it_would_if_all_that_was_not_counted_were_good(
    passing: Case, shipped: dict[str, Objective]
) -> None:
    assert judged(passing, shipped[NAME], counted=1000, bad=200).outcome is Outcome.FAIL
    few = judged(passing, shipped[NAME], counted=100, bad=20)
    assert few.objectives[0].outcome == "undecided"
    assert judged(passing, shipped[NAME], counted=100, bad=20, cached=frozenset({"checkout"})).outcome is Outcome.FAIL


def test_objectives_read_from_records_are_held_against_nothing(passing: Case) -> None:
    steps = {step: StepRequests(requests=9000) for step in passing.records.steps or ()}
    records = dataclasses.replace(passing.records, steps=steps)
    assert judge(dataclasses.replace(passing, records=records)).outcome is Outcome.PASS
