"""A policy is read strictly; a waiver names who, why and until when; advisory changes the exit code alone."""

import dataclasses
from datetime import date
from pathlib import Path

import numpy as np
import pytest

from slo.documents import BadInput
from slo.findings import Finding, Severity
from slo.objectives.indicators import Evidence
from slo.outcomes import ExitCode, Outcome
from slo.policy.budget_document import BudgetDocument, BudgetEntry
from slo.policy.criteria import ErrorsCriterion
from slo.policy.criterion_results import evaluate_criteria
from slo.policy.policy import Policy, check_today, read_policy
from slo.policy.waivers import NEVER_WAIVED, Waiver, apply
from slo.policy.windows import Seconds
from slo.rendering.junit import render_junit
from slo.rendering.markdown import render_markdown
from slo.rendering.terminal import render_terminal
from slo.verdict.audit_document import parse_audit
from slo.verdict.own_data import OWN_DATA
from slo.verdict.promises import NEEDS
from slo.verdict.verdict import Case, judge
from slo.verdict.verdict_document import verdict_document

EXAMPLES = Path(__file__).parents[3] / "examples" / "policies"
HEAD = "format: peakproof/policy/v1\n"
ENDED = date(1970, 1, 1)  # the run of the tests ends a thousand seconds after the epoch
WAIVER = {"objective": "checkout-latency", "owner": "shop team", "reason": "SHOP-412"}


def _policy(**parts: object) -> Policy:
    return Policy.model_validate({"format": "peakproof/policy/v1", **parts})


def _missed(case: Case, policy: Policy | None) -> Case:
    slow = case.evidence["checkout-latency"]
    counts = tuple(dataclasses.replace(step, bad=tuple(n // 4 for n in step.events)) for step in slow.counts)
    evidence = {**case.evidence, "checkout-latency": Evidence(counts=counts)}
    return dataclasses.replace(case, evidence=evidence, policy=policy)


def test_the_example_is_valid_and_holds_the_waivers_of_its_file() -> None:
    policy = read_policy(EXAMPLES / "policy.yaml")
    assert [one.name for one in policy.criteria] == ["checkout-slow-spell", "error-spell", "orders-as-planned"]
    assert [one.waives for one in policy.waivers] == ["objective browse-latency"]
    assert policy.criteria[0].says == "p95 of checkout over 800 ms in any 30 s"
    assert policy.criteria[1].says == "errors over 2 % in any 10 s"


def test_the_copy_in_a_run_directory_is_the_same_policy(tmp_path: Path) -> None:
    policy = read_policy(EXAMPLES / "policy.yaml")
    (tmp_path / "policy.yaml").write_text(policy.to_yaml())
    assert read_policy(tmp_path / "policy.yaml") == policy


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("mode: lenient\n", "mode: Input should be 'enforce' or 'advisory', found 'lenient'"),
        ("criterias: []\n", "criterias: unknown key"),
        ("criteria: [{name: a, kind: speed}]\n", "criteria[0]: Input tag 'speed'"),
        ("criteria: [{name: a, kind: errors, over_ratio: 2, window_s: 10}]\n", "over_ratio: Input should be"),
        ("criteria: [{name: a, kind: errors, over_ratio: 0.02, window_s: 1}]\n", "window_s: Input should be"),
        (
            (
                "criteria: [{name: a, kind: errors, over_ratio: 0.02, window_s: 10},"
                " {name: a, kind: errors, over_ratio: 0.02, window_s: 10}]\n"
            ),
            "two criteria are named a",
        ),
        ("waivers: [{objective: a, owner: b, reason: c}]\n", "waivers[0].expires: required and missing"),
        ("waivers: [{objective: a, owner: ' ', reason: c, expires: 2026-12-24}]\n", "owner: expected words"),
        ("waivers: [{objective: a, owner: b, reason: c, expires: soon}]\n", "expected a date such as 2026-12-24"),
        (
            "waivers: [{objective: a, finding: f, owner: b, reason: c, expires: 2026-12-24}]\n",
            "expected exactly one of objective, criterion and finding",
        ),
        (
            "waivers: [{finding: paid-once, owner: b, reason: c, expires: 2026-12-24}]\n",
            "paid-once is a promise to a customer",
        ),
        ("waivers_file: nowhere.yaml\n", "nowhere.yaml: can't be read"),
        ("budget: {prometheus: 'http://user:secret@host'}\n", "without a password in it"),
        ("budget: {care_below: 0.1, freeze_below: 0.2}\n", "freeze_below must not be above care_below"),
    ],
)
def test_what_is_no_policy_is_refused_with_its_place(text: str, said: str, tmp_path: Path) -> None:
    path = tmp_path / "policy.yaml"
    path.write_text(HEAD + text)
    with pytest.raises(BadInput) as refused:
        read_policy(path)
    assert said in str(refused.value)


def test_no_promise_to_a_customer_can_be_waived(passing: Case) -> None:
    assert frozenset({*NEEDS, OWN_DATA}) == NEVER_WAIVED
    finding = Finding(kind="audit", severity=Severity.FAIL, subject="paid-once", message="paid twice")
    waiver = Waiver.model_validate({**WAIVER, "expires": "1970-02-01"})
    assert apply((waiver,), (finding,), ENDED).findings == (finding,)
    checks = [{"name": "paid-once", "outcome": "broken", "checked": 9, "broken": 1}]
    broken = parse_audit({"format": "peakproof/audit/v2", "checks": checks}, "audit.json")
    policy = _policy(waivers=[{**WAIVER, "expires": "1970-02-01"}])
    assert judge(dataclasses.replace(_missed(passing, policy), audit=broken)).outcome is Outcome.FAIL


def test_a_waived_miss_lets_the_rest_decide_and_every_output_says_so(passing: Case) -> None:
    assert judge(_missed(passing, None)).outcome is Outcome.FAIL
    verdict = judge(_missed(passing, _policy(waivers=[{**WAIVER, "expires": "1970-02-01"}])))
    assert (verdict.outcome, verdict.exit_code) == (Outcome.PASS, ExitCode.OK)
    assert "1 failure waived" in verdict.headline
    said = "waived objective checkout-latency (shop team, until 1970-02-01: SHOP-412)"
    assert said in render_terminal(verdict)
    assert said in render_junit(verdict)
    assert "shop team, until 1970&#45;02&#45;01" in render_markdown(verdict) or "shop team, until 1970-02-01" in (
        render_markdown(verdict)
    )
    policy = verdict_document(verdict).policy
    assert policy is not None
    assert policy.lines[0].startswith(said)
    assert "<failure" not in render_junit(verdict)


@pytest.mark.parametrize(("expires", "status"), [("1969-12-31", "expired"), ("1971-06-01", "refused")])
def test_a_waiver_that_has_expired_or_is_for_over_a_year_waives_nothing(
    passing: Case, expires: str, status: str
) -> None:
    verdict = judge(_missed(passing, _policy(waivers=[{**WAIVER, "expires": expires}])))
    assert verdict.outcome is Outcome.FAIL
    assert verdict.waivers[0].status == status
    assert "waives nothing" in render_terminal(verdict)


def test_a_waiver_holds_on_the_day_it_expires(passing: Case) -> None:
    verdict = judge(_missed(passing, _policy(waivers=[{**WAIVER, "expires": ENDED.isoformat()}])))
    assert verdict.outcome is Outcome.PASS


def test_a_waiver_waives_no_missing_evidence(passing: Case) -> None:
    policy = _policy(waivers=[{**WAIVER, "expires": "1970-02-01"}])
    evidence = {**passing.evidence, "checkout-latency": Evidence(no_data="nothing")}
    assert judge(dataclasses.replace(passing, evidence=evidence, policy=policy)).outcome is Outcome.INCONCLUSIVE


def test_a_run_that_was_aborted_for_a_waived_miss_shows_nothing_of_the_rest(passing: Case) -> None:
    policy = _policy(waivers=[{**WAIVER, "expires": "1970-02-01"}])
    case = _missed(passing, policy)
    run = case.run.model_copy(update={"ended": "aborted"})
    aborted = dataclasses.replace(case, run=run, planned_events={one.name: 500.0 for one in case.objectives})
    verdict = judge(aborted)
    assert judge(dataclasses.replace(aborted, policy=None)).outcome is Outcome.FAIL
    assert verdict.outcome is Outcome.INCONCLUSIVE
    told = [one.severity for one in verdict.findings if one.message.startswith("the run was aborted: ")]
    assert told == [Severity.INCONCLUSIVE]


def test_the_gate_refuses_a_waiver_of_over_a_year_before_any_load_and_names_one_that_expired() -> None:
    policy = _policy(waivers=[{**WAIVER, "expires": "2027-12-24"}])
    with pytest.raises(BadInput, match="more than a year ahead"):
        check_today(policy, Path("policy.yaml"), date(2026, 11, 30))
    assert check_today(policy, Path("policy.yaml"), date(2028, 1, 1)) == [
        "the waiver of objective checkout-latency by shop team expired on 2027-12-24: it waives nothing"
    ]


@pytest.mark.parametrize("outcome", [Outcome.PASS, Outcome.FAIL, Outcome.INCONCLUSIVE])
def test_advisory_mode_changes_the_exit_code_alone_and_every_output_says_so(passing: Case, outcome: Outcome) -> None:
    case = passing if outcome is not Outcome.FAIL else _missed(passing, None)
    if outcome is Outcome.INCONCLUSIVE:
        case = dataclasses.replace(case, audit=None)
    verdict = judge(dataclasses.replace(case, policy=_policy(mode="advisory")))
    assert (verdict.outcome, verdict.exit_code) == (outcome, ExitCode.OK)
    assert judge(case).exit_code is outcome.exit_code
    said = "advisory: the exit code is 0, whatever the verdict"
    for text in (render_terminal(verdict), render_junit(verdict), render_markdown(verdict).replace("&#58;", ":")):
        assert said in text
    document = verdict_document(verdict)
    assert (document.exit_code, document.outcome) == (0, outcome.value)
    assert document.policy is not None
    assert said in document.policy.lines[0]


def _spell(case: Case, *, enforce: bool, waived: bool = False) -> Case:
    criterion = ErrorsCriterion(name="spell", kind="errors", over_ratio=0.02, window_s=10, enforce=enforce)
    bad, events = np.zeros(100), np.full(100, 50.0)
    bad[40:44] = 25
    found = evaluate_criteria(
        [criterion], {"spell": Seconds(part=bad, whole=events)}, case.run.judged_window, lambda *_: []
    )
    waiver = {"criterion": "spell", "owner": "shop team", "reason": "SHOP-9", "expires": "1970-02-01"}
    return dataclasses.replace(case, criteria=found, policy=_policy(waivers=[waiver] if waived else []))


def test_a_breached_criterion_fails_a_run_only_when_it_is_enforced_and_not_waived(passing: Case) -> None:
    assert judge(_spell(passing, enforce=False)).outcome is Outcome.PASS
    assert judge(_spell(passing, enforce=True)).outcome is Outcome.FAIL
    assert judge(_spell(passing, enforce=True, waived=True)).outcome is Outcome.PASS
    for enforce in (True, False):
        verdict = judge(_spell(passing, enforce=enforce))
        for text in (render_terminal(verdict), render_junit(verdict), render_markdown(verdict)):
            assert "breached" in text
            assert "chance" in text
        assert ("<failure" in render_junit(verdict)) is enforce


def test_a_freeze_fails_what_is_not_known_is_inconclusive_and_care_is_a_note(passing: Case) -> None:
    wanted = _policy(budget={"prometheus": "http://127.0.0.1:9"})
    for decision, outcome in (
        ("freeze", Outcome.FAIL),
        ("no data", Outcome.INCONCLUSIVE),
        ("care", Outcome.PASS),
        ("ship", Outcome.PASS),
        (None, Outcome.INCONCLUSIVE),
    ):
        entry = BudgetEntry(objective="checkout", decision=decision or "", because="told")
        budget = None if decision is None else BudgetDocument(decision=decision, objectives=(entry,))
        assert judge(dataclasses.replace(passing, policy=wanted, budget=budget)).outcome is outcome, decision
