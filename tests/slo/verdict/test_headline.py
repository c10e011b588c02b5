"""The reason in one line: a miss comes first in a valid run, in one that is not a broken promise, and what grew."""

import dataclasses
from typing import Any

import pytest

from slo.design_effect import StepCounts
from slo.objectives.indicators import Evidence
from slo.outcomes import Outcome
from slo.validity.run_document import parse_run
from slo.verdict.audit_document import parse_audit
from slo.verdict.verdict import Case, judge, with_causes
from tests.slo.verdict.test_verdict import CAUSE


def counted(bad: int, **more: Any) -> Evidence:
    """Return evidence of 400 requests, so many of them bad."""
    spread = tuple(bad * (block + 1) // 20 - bad * block // 20 for block in range(20))
    return Evidence(counts=(StepCounts(step="checkout", events=(20,) * 20, bad=spread),), **more)


@pytest.fixture
def failing(passing: Case, audit_json: dict[str, Any]) -> Case:
    """Return a case with a missed objective, one that isn't settled, and a broken promise."""
    audit_json["checks"][-1].update(outcome="broken", broken=3, detail="3 SKUs have less than no stock")
    evidence = {**passing.evidence, "checkout-latency": counted(80), "browse-latency": counted(12)}
    return dataclasses.replace(passing, evidence=evidence, audit=parse_audit(audit_json))


def test_a_miss_comes_before_a_broken_promise_which_is_counted(failing: Case) -> None:
    assert judge(failing).headline == (
        "FAIL  checkout-latency: 20 % of 400 checkouts took over 500 ms, allowed 5 %; and 1 more"
    )


def test_of_a_run_that_is_not_valid_the_broken_promise_is_the_fact(failing: Case) -> None:
    busy = parse_run({**failing.run.to_json(), "generator_cpu": {"w0": 0.99, "w1": 0.5}})
    verdict = judge(dataclasses.replace(failing, run=busy))
    assert (verdict.outcome, [one.subject for one in verdict.invalid_because]) == (Outcome.FAIL, ["generator CPU"])
    assert verdict.headline == "FAIL  stock-not-negative: 3 SKUs have less than no stock; and 1 more"


def test_what_grew_is_said_of_the_missed_objective_s_own_steps(passing: Case) -> None:
    """Of three steps each call is a request, of the checkout a checkout."""
    case = dataclasses.replace(passing, evidence={**passing.evidence, "browse-latency": counted(80)})
    causes = (dataclasses.replace(CAUSE, span="of another"), dataclasses.replace(CAUSE, objective="browse-latency"))
    assert with_causes(judge(case), causes).headline == (
        "FAIL  browse-latency: 20 % of 400 requests took over 300 ms, allowed 5 %;"
        ' grew: shop "SELECT stock" +310 ms a request (1 → 31 calls)'
    )


def test_a_claim_needs_its_own_checks_and_no_other(passing: Case, audit_json: dict[str, Any]) -> None:
    """Nobody was to buy: of the payments only that none came twice could be checked, on three of the day before."""
    for check in audit_json["checks"]:
        check["checked"] = 3 if check["name"] == "paid-once" else 0
    run = {**passing.run.to_json(), "canaries": None, "orders": {"attempted": 0, "accepted": 0, "unknown": 0}}
    case = dataclasses.replace(
        passing,
        run=parse_run(run),
        audit=parse_audit(audit_json),
        declared=frozenset({"payments", "release", "traces"}),
    )
    assert judge(case).headline == "PASS  3 objectives met, no order paid twice (orders, stock not audited)"


@pytest.mark.parametrize(("name", "told"), [("checkout-latency", " (7 of them failed)"), ("checkout-availability", "")])
def test_how_many_of_the_slow_ones_failed_is_said_where_being_slow_is_bad(passing: Case, name: str, told: str) -> None:
    verdict = judge(dataclasses.replace(passing, evidence={**passing.evidence, name: counted(80, failed=7)}))
    (missed,) = verdict.missed
    assert missed.because.startswith(f"80 of 400 were bad{told}; the true ratio is at least ")
