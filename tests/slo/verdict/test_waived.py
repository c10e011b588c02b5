"""What is waived decides nothing, and makes nothing good: where nothing else was judged, nothing is shown."""

import dataclasses

import numpy as np
import pytest

from slo.design_effect import StepCounts
from slo.objectives.indicators import Evidence
from slo.outcomes import Outcome
from slo.policy.criteria import RequestsCriterion
from slo.policy.criterion_results import evaluate_criteria
from slo.policy.policy import Policy
from slo.policy.windows import Seconds
from slo.validity.run_document import parse_run
from slo.verdict.verdict import Case, judge
from slo.verdict.verdict_document import verdict_document

SECOND = 1_000_000_000
NOTED = {"journey": "buy", "place": "mine.py:4", "error": "KeyError", "unreadable": True, "count": 3}


def waived(case: Case, expires: str = "1970-02-01") -> Case:
    """Return the case with its checkouts slow, and that waived."""
    slow = Evidence(counts=(StepCounts(step="checkout", events=(50,) * 20, bad=(12,) * 20),))
    waiver = {"objective": "checkout-latency", "owner": "shop team", "reason": "SHOP-412", "expires": expires}
    policy = Policy.model_validate({"format": "peakproof/policy/v1", "waivers": [waiver]})
    return dataclasses.replace(case, evidence={**case.evidence, "checkout-latency": slow}, policy=policy)


def test_a_waiver_of_the_only_objective_leaves_nothing_that_a_pass_could_rest_on(passing: Case) -> None:
    alone = dataclasses.replace(passing, objectives=passing.objectives[1:2])
    verdict = judge(waived(alone))
    assert verdict.outcome is Outcome.INCONCLUSIVE
    assert verdict.headline == (
        "INCONCLUSIVE  objectives: no objective was judged but what is waived;"
        " judge at least one: plan show lists what a plan can prove"
    )
    assert judge(waived(passing)).outcome is Outcome.PASS
    others = dict.fromkeys(("checkout-availability", "browse-latency"), "too few")
    assert judge(dataclasses.replace(waived(passing), not_judged=others)).outcome is Outcome.INCONCLUSIVE


@pytest.mark.parametrize(("ended_s", "outcome"), [(86_399, Outcome.PASS), (86_400, Outcome.FAIL)])
def test_a_waiver_ends_with_its_day_in_utc(passing: Case, ended_s: int, outcome: Outcome) -> None:
    run = parse_run({**passing.run.to_json(), "ended_at": ended_s * SECOND})
    assert judge(dataclasses.replace(waived(passing, "1970-01-01"), run=run)).outcome is outcome


@pytest.mark.parametrize(
    ("changes", "told"), [({"generator_cpu": {"w0": 0.99}}, "unknown"), ({"storefront_failures": [NOTED]}, "held")]
)
def test_a_criterion_of_what_came_too_seldom_is_not_known_where_some_may_be_lost(
    passing: Case, changes: dict[str, object], told: str
) -> None:
    """A run that isn't valid may have lost what it didn't count; what is only noted of one takes nothing away."""
    criterion = RequestsCriterion(name="as-planned", kind="requests", under_plan_ratio=0.5, window_s=10)
    seconds = {"as-planned": Seconds(part=np.full(100, 50.0), whole=np.full(100, 50.0))}
    found = evaluate_criteria([criterion], seconds, passing.run.judged_window, lambda *_: [])
    run = parse_run({**passing.run.to_json(), **changes})
    verdict = judge(dataclasses.replace(passing, criteria=found, run=run))
    (written,) = verdict_document(verdict).criteria or ()
    assert (verdict.criteria[0].outcome, written.outcome, written.name) == (told, told, "as-planned")
