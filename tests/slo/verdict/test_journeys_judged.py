"""An objective about journeys is judged as any other, and what is in doubt of its sessions keeps it from being met."""

import dataclasses
from typing import cast

import pytest

from loadtests.results.recorded_run import RecordedRun
from scripts.running.causes import causes_of
from slo.design_effect import StepCounts
from slo.objectives.indicators import Availability, Evidence, Window
from slo.objectives.sources import Sessions
from slo.outcomes import Outcome
from slo.verdict.verdict import Case, Verdict, judge


def judged(case: Case, bad: int, unreached: int = 0, events: int = 1000) -> Verdict:
    """Judge so many sessions by an objective that allows 5 % bad ones."""
    source = Sessions(journeys=("buy",))
    bought = dataclasses.replace(case.objectives[1], name="purchases", indicator=Availability(source=source))
    counts = StepCounts(step="buy", events=(events / 20,) * 20, bad=(bad // 20,) * 20)
    evidence = Evidence(counts=(counts,), left_out=unreached, unreached=unreached)
    return judge(dataclasses.replace(case, objectives=(bought,), evidence={"purchases": evidence}))


def test_sessions_are_met_missed_or_undecided_as_requests_are(passing: Case) -> None:
    assert judged(passing, 0).outcome is Outcome.PASS
    missed = judged(passing, 200)
    assert missed.outcome is Outcome.FAIL
    assert missed.headline == "FAIL  purchases: 20 % of 1,000 sessions failed, allowed 5 %"
    undecided = judged(passing, 40).objectives[0]
    assert (undecided.outcome, undecided.journeys, undecided.source) == ("undecided", ("buy",), "sessions")
    assert " sessions at this ratio would show it met with a chance of 90 %" in str(undecided.needs)


def test_no_session_at_all_is_no_data_and_says_how_many_are_needed(passing: Case) -> None:
    verdict = judged(passing, 0)
    bought = dataclasses.replace(passing.objectives[1], indicator=Availability(source=Sessions(journeys=("buy",))))
    none = judge(dataclasses.replace(passing, objectives=(bought,), evidence={}))
    assert (verdict.outcome, none.outcome) == (Outcome.PASS, Outcome.INCONCLUSIVE)
    assert none.objectives[0].needs == "59 sessions at least"


@pytest.mark.parametrize(("unreached", "outcome"), [(25, Outcome.PASS), (26, Outcome.INCONCLUSIVE)])
def test_sessions_that_a_firewall_or_a_refusal_ended_may_be_half_of_the_budget(
    passing: Case, unreached: int, outcome: Outcome
) -> None:
    verdict = judged(passing, 0, unreached)
    assert verdict.outcome is outcome
    message = (
        "26 of its 1,026 sessions ended with the run, at a firewall, at a proxy or by a refusal of the shop's"
        " that is none of stock, at most 2.5 % may, half of its budget"
    )
    assert [finding.message for finding in verdict.findings] == [message] * (outcome is Outcome.INCONCLUSIVE)


def test_just_half_of_the_budget_is_no_more_than_half_of_it(passing: Case) -> None:
    assert judged(passing, 0, unreached=25, events=975).outcome is Outcome.PASS


def test_no_cause_is_looked_for_behind_sessions(passing: Case) -> None:
    """No trace is of a whole session; what a run recorded isn't even read."""
    unread = cast("RecordedRun", None)
    assert causes_of(unread, judged(passing, 200), Window(starts_at=0, ends_at=1)) == ((), ())
