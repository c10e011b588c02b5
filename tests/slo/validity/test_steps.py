"""A session that breaks off asks for nothing more, and what it never asked for was met by nobody."""

import dataclasses
from collections.abc import Mapping
from typing import Any

import pytest

from slo.findings import Finding, Severity
from slo.outcomes import Outcome
from slo.validity.checks import check_validity
from slo.validity.context import JudgedBy
from slo.validity.delivery import JourneyRequests
from slo.verdict.verdict import Case, judge

BUY = {"home": 1.0, "cart": 1.0, "checkout": 1.0}


def journey(sessions: int, made: Mapping[str, int], **broken_off: int) -> JourneyRequests:
    """Return sessions of which all but those broken off made each of their steps once."""
    completed = sessions - sum(broken_off.values())
    return JourneyRequests(
        sessions=sessions,
        completed=completed,
        requests=made,
        requests_of_completed=dict.fromkeys(made, completed),
        broken_off={reason.replace("__", ": "): times for reason, times in broken_off.items()},
    )


def found(case: Case, journeys: Mapping[str, JourneyRequests] | None, visits: Mapping[str, Any]) -> list[Finding]:
    records = dataclasses.replace(case.records, journeys=journeys)
    checks = check_validity(
        case.run, records, case.declared, judged_by=JudgedBy(objectives=case.objectives[:1], visits=visits)
    )
    return [finding for check in checks if check.name == "steps" for finding in check.findings]


def test_checkouts_that_broken_off_visits_never_asked_for_are_missing(passing: Case) -> None:
    """GATE §2.5: 600 of 1,800 sessions end at the cart; "met, 0 of 1,200" of 1,800 planned."""
    broken = journey(1800, {"home": 1800, "cart": 1800, "checkout": 1200}, cart__http_5xx=590, cut_off=10)
    (finding,) = found(passing, {"buy": broken}, {"buy": BUY})
    assert finding.severity is Severity.INCONCLUSIVE
    assert finding.message == (
        "checkout was asked for 1,200 of the 1,800 that the sessions which started imply, 33.3 % fewer;"
        " visits ended at cart: http_5xx (590), a request without a reply at the run's end (10)"
    )
    assert finding.change == (
        "mend what ends these visits before; if none was ended, count the plan's visits again: peakproof try"
    )
    case = dataclasses.replace(
        passing, records=dataclasses.replace(passing.records, journeys={"buy": broken}), visits={"buy": BUY}
    )
    verdict = judge(case)
    assert {one.outcome for one in verdict.objectives} == {"met"}
    assert verdict.outcome is Outcome.INCONCLUSIVE
    assert verdict.headline.startswith("INCONCLUSIVE  steps: checkout was asked for 1,200 of the 1,800")


@pytest.mark.parametrize(("made", "is_found"), [(900, False), (899, True)])
def test_a_tenth_may_be_missing_and_no_more(passing: Case, made: int, is_found: bool) -> None:  # noqa: FBT001 - a case
    lacking = {"cart__http_5xx": 1000 - made}
    broken = journey(1000, {"home": 1000, "cart": 1000, "checkout": made}, **lacking)
    assert bool(found(passing, {"buy": broken}, {"buy": BUY})) is is_found


def test_visits_that_ended_at_the_step_itself_had_asked_for_it(passing: Case) -> None:
    broken = journey(1000, {"checkout": 800}, checkout__http_5xx=300, cart__timeout=200)
    (finding,) = found(passing, {"buy": broken}, {"buy": BUY})
    assert finding.message.endswith("; visits ended at cart: timeout (200)")


def test_visits_that_all_came_to_their_end_without_a_step_lack_it_all_the_same(passing: Case) -> None:
    """A whole number is the same in every visit: a page without its button is no branch of the storefront's."""
    skipped = dataclasses.replace(journey(1000, {"home": 1000}), requests_of_completed={"home": 1000})
    (finding,) = found(passing, {"buy": skipped}, {"buy": BUY})
    assert finding.message == (
        "checkout was asked for 0 of the 1,000 that the sessions which started imply, 100 % fewer"
    )


def test_a_random_number_of_visits_is_what_those_that_came_to_their_end_made(passing: Case) -> None:
    """Ten tries counted 0.7 checkouts a visit, it is a half: that is no finding, and three broken visits of ten are."""
    halves = JourneyRequests(
        sessions=1000, completed=1000, requests={"checkout": 500}, requests_of_completed={"checkout": 500}
    )
    visits = {"look": {"checkout": 0.7}}
    assert found(passing, {"look": halves}, visits) == []
    broken = dataclasses.replace(
        halves,
        completed=700,
        requests={"checkout": 350},
        requests_of_completed={"checkout": 350},
        broken_off={"cart: http_5xx": 300},
    )
    (finding,) = found(passing, {"look": broken}, visits)
    assert finding.message.startswith("checkout was asked for 350 of the 500 that")
    few = JourneyRequests(sessions=20, completed=14, requests={"checkout": 7}, requests_of_completed={"checkout": 7})
    assert found(passing, {"look": few}, visits) == []


def test_other_journeys_hide_nothing(passing: Case) -> None:
    """Requests count where the plan counts on them, whatever else asks for the same step."""
    journeys = {"buy": journey(1000, {"checkout": 500}, cart__timeout=500), "extra": journey(500, {"checkout": 500})}
    (finding,) = found(passing, journeys, {"buy": BUY, "extra": {"home": 1.0}})
    assert finding.message.startswith("checkout was asked for 500 of the 1,000 that")


def test_what_cannot_be_planned_is_said_and_not_checked(passing: Case) -> None:
    notes = found(passing, {"buy": journey(1000, {})}, {"look": {"home": 1.0}})
    assert [(one.severity, one.message) for one in notes] == [
        (Severity.NOTE, "how often sessions should ask for checkout isn't planned: not checked that they did"),
        (Severity.NOTE, "the plan doesn't count the visits of buy: not checked what its sessions asked for"),
    ]


def test_the_step_that_lacks_most_is_told_and_the_others_named(passing: Case) -> None:
    made = {"home": 880, "checkout": 500, "search": 870, "product": 900}
    broken = journey(1000, made, home__timeout=120, cart__timeout=380)
    judged = JudgedBy(objectives=passing.objectives, visits={"buy": dict.fromkeys(made, 1)})
    records = dataclasses.replace(passing.records, journeys={"buy": broken})
    checks = check_validity(passing.run, records, passing.declared, judged_by=judged)
    ((finding,),) = (check.findings for check in checks if check.name == "steps" and check.findings)
    assert finding.message.startswith("checkout was asked for 500 of the 1,000 that")
    assert "; too few also of home, search" in finding.message


def test_not_to_know_what_sessions_asked_for_is_no_good_news(passing: Case) -> None:
    (finding,) = found(passing, None, {"buy": BUY})
    assert (finding.severity, finding.known) == (Severity.INCONCLUSIVE, False)
    assert finding.message == "what the sessions that started asked for is not known"


def test_a_miss_stands_where_requests_were_never_made(passing: Case) -> None:
    """The shop was missed by less load than planned: 300 of 700 checkouts failed, and 300 were never asked for."""
    broken = journey(1000, {"checkout": 700}, cart__http_5xx=300)
    records = dataclasses.replace(passing.records, journeys={"buy": broken})
    (whole,) = passing.evidence["checkout-availability"].counts
    bad = dataclasses.replace(whole, bad=(20,) * 20)
    evidence = dataclasses.replace(passing.evidence["checkout-availability"], counts=(bad,))
    case = dataclasses.replace(
        passing,
        records=records,
        visits={"buy": BUY},
        evidence={**passing.evidence, "checkout-availability": evidence},
    )
    verdict = judge(case)
    assert verdict.outcome is Outcome.FAIL
    assert verdict.headline.startswith("FAIL  checkout-availability: 40 % of 1,000 checkouts failed")
