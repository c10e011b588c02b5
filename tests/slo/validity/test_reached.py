"""What never reached the shop, or has no end, may be half of an objective's budget: had it been bad, it'd be missed."""

import dataclasses
from typing import Any

import pytest

from slo.findings import Finding, Severity
from slo.outcomes import Outcome
from slo.validity.checks import check_validity
from slo.validity.context import JudgedBy
from slo.validity.delivery import StepRequests
from slo.validity.run_document import parse_run
from slo.verdict.verdict import Case, judge

FIREWALL = "let the generator's address through the firewall or rate limit"
NAMES = ("checkout-availability", "browse-latency")


def steps(**changed: Any) -> dict[str, StepRequests]:
    """Return a thousand requests of each step, some with other counts."""
    return {step: StepRequests(requests=1000, **changed.get(step, {})) for step in ("home", "checkout", "cart")}


def found(
    case: Case, subject: str, steps: dict[str, StepRequests] | None, names: tuple[str, ...] = NAMES, **run: Any
) -> list[tuple[Severity, str]]:
    return [(one.severity, one.message) for one in findings(case, subject, steps, names, **run)]


def findings(
    case: Case, subject: str, steps: dict[str, StepRequests] | None, names: tuple[str, ...] = NAMES, **run: Any
) -> tuple[Finding, ...]:
    records = dataclasses.replace(case.records, steps=steps)
    judged = tuple(one for one in case.objectives if one.name in names)
    document = parse_run({**case.run.to_json(), **run})
    checked = check_validity(document, records, case.declared, judged_by=JudgedBy(objectives=judged))
    return {one.name: one.findings for one in checked}.get(subject, ())


def test_what_a_firewall_took_may_be_half_of_an_objective_s_budget_of_its_own_requests(passing: Case) -> None:
    """6 of the run's 3,000 are few, and 0.6 % of the checkouts is more than half of 1 %."""
    few = found(passing, "blocked", steps(checkout={"blocked": 5}))
    assert few == [(Severity.NOTE, "5 of 3,000 requests were blocked and are left out")]
    (many,) = findings(passing, "blocked", steps(checkout={"blocked": 6}))
    assert (many.severity, many.change) == (Severity.INCONCLUSIVE, FIREWALL)
    assert many.message == (
        "6 of 1,000 requests of checkout-availability never reached the shop (6 blocked), at most 0.5 % may,"
        " half of the budget of checkout-availability"
    )


def test_what_a_firewall_and_a_proxy_took_counts_together_and_is_told_once(passing: Case) -> None:
    both = steps(checkout={"blocked": 2, "at_proxy": 4})
    message = (
        "6 of 1,000 requests of checkout-availability never reached the shop (2 blocked and 4 failed at the proxy), at"
        " most 0.5 % may, half of the budget of checkout-availability"
    )
    assert found(passing, "proxy", both) == [(Severity.INCONCLUSIVE, message)]
    assert found(passing, "blocked", both) == [(Severity.NOTE, "2 of 3,000 requests were blocked and are left out")]


def test_the_objective_that_is_furthest_over_is_named_and_the_others_counted(passing: Case) -> None:
    everywhere = steps(checkout={"blocked": 30}, home={"blocked": 30})
    ((_, message),) = found(passing, "blocked", everywhere)
    assert message.startswith("30 of 1,000 requests of checkout-availability never")
    assert message.endswith("; and too many of 1 more objective")


def test_steps_that_no_judged_objective_is_about_may_lack_a_hundredth(passing: Case) -> None:
    assert found(passing, "blocked", steps(cart={"blocked": 10}))[0][0] is Severity.NOTE
    message = (
        "11 of 1,000 requests of steps that no objective is about never reached the shop (11 blocked), at most 1 % may"
    )
    assert found(passing, "blocked", steps(cart={"blocked": 11})) == [(Severity.INCONCLUSIVE, message)]


def test_an_objective_that_the_plan_gives_up_on_bounds_nothing(passing: Case) -> None:
    steps_of = steps(checkout={"blocked": 6})
    records = dataclasses.replace(passing.records, steps=steps_of, journeys={})
    given_up = dict.fromkeys(("checkout-availability",), "too few")
    judged = judge(dataclasses.replace(passing, records=records))
    assert judged.outcome is Outcome.INCONCLUSIVE
    assert judged.headline.startswith("INCONCLUSIVE  blocked: 6 of 1,000 requests of checkout-availability")
    assert judge(dataclasses.replace(passing, records=records, not_judged=given_up)).outcome is Outcome.PASS


def test_a_firewall_that_takes_too_much_makes_a_miss_inconclusive_too(passing: Case) -> None:
    """It may have slowed or changed other replies as well: a miss isn't the shop's beyond doubt."""
    records = dataclasses.replace(passing.records, steps=steps(checkout={"blocked": 6}), journeys={})
    (whole,) = passing.evidence["checkout-availability"].counts
    bad = dataclasses.replace(
        passing.evidence["checkout-availability"], counts=(dataclasses.replace(whole, bad=(20,) * 20),)
    )
    case = dataclasses.replace(passing, evidence={**passing.evidence, "checkout-availability": bad})
    assert judge(case).outcome is Outcome.FAIL
    assert judge(dataclasses.replace(case, records=records)).outcome is Outcome.INCONCLUSIVE


@pytest.mark.parametrize("subject", ["blocked", "proxy", "cut off"])
def test_not_to_know_what_reached_the_shop_is_no_good_news(passing: Case, subject: str) -> None:
    (finding,) = findings(passing, subject, None)
    assert (finding.severity, finding.known) == (Severity.INCONCLUSIVE, False)


def test_more_than_a_hundredth_of_an_objective_s_requests_without_a_reply_at_the_end_is_a_shop_that_hangs(
    passing: Case,
) -> None:
    """Those that had waited for 10 s are bad events, and one in a hundred of them is too many all the same."""
    assert found(passing, "cut off", steps(checkout={"cut_off": 10, "hung": 10})) == []
    many = steps(checkout={"cut_off": 11, "hung": 11})
    assert found(passing, "cut off", many) == [
        (
            Severity.INCONCLUSIVE,
            "11 of 1,000 requests of checkout-availability had no reply when the run ended, at most 1 % may",
        )
    ]
    assert found(passing, "cut off", many, ended="aborted") == []
    few = {"checkout": StepRequests(requests=50, cut_off=1, hung=1)}
    assert found(passing, "cut off", few) == []


def test_requests_without_an_end_that_count_for_nothing_may_be_half_of_the_budget(passing: Case) -> None:
    assert found(passing, "cut off", steps(checkout={"cut_off": 5})) == []
    message = (
        "6 of 1,000 requests of checkout-availability were under way when the run ended and are left out, at most"
        " 0.5 % may, half of the budget of checkout-availability"
    )
    assert found(passing, "cut off", steps(checkout={"cut_off": 6})) == [(Severity.INCONCLUSIVE, message)]
