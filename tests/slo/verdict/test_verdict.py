"""A PASS is earned, a FAIL is a fact, and everything else says what would settle it."""

import copy
import dataclasses
import math
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from slo.causes.causes import Cause
from slo.design_effect import StepCounts
from slo.documents import BadInput
from slo.findings import Finding, Severity
from slo.objectives.indicators import Evidence
from slo.outcomes import Outcome
from slo.validity.run_document import parse_run
from slo.verdict.audit_document import parse_audit
from slo.verdict.promises import NEEDS
from slo.verdict.verdict import Case, judge, with_causes, with_notes


def _evidence(events: int, bad: int, **more: Any) -> Evidence:
    """Spread evenly over 20 blocks."""
    spread = [tuple(total * (b + 1) // 20 - total * b // 20 for b in range(20)) for total in (events, bad)]
    return Evidence(counts=(StepCounts(step="checkout", events=spread[0], bad=spread[1]),), **more)


def _with(case: Case, name: str, evidence: Evidence) -> Case:
    return dataclasses.replace(case, evidence={**case.evidence, name: evidence})


def _run(case: Case, **changes: Any) -> Case:
    return dataclasses.replace(case, run=parse_run({**case.run.to_json(), **changes}))


SLOW = _evidence(412, 51, quantile_s=0.612, service_quantile_s=0.6)
CAUSE = Cause(
    objective="checkout-latency",
    service="shop",
    span="SELECT stock",
    calls_per_trace_before=1.0,
    calls_per_trace_now=31.0,
    self_s_before=0.01,
    self_s_now=0.32,
    grew_s=0.31,
    grew_low_s=0.3,
    p_value=0.002,
    traces_before=200,
    traces_now=412,
    blocks_before=4,
    blocks_now=8,
    example_trace_ids=("a" * 32,),
)


def test_a_pass_is_earned_by_every_objective_every_promise_and_a_valid_run(passing: Case) -> None:
    verdict = judge(passing)
    assert verdict.outcome is Outcome.PASS
    assert verdict.headline == "PASS  3 objectives met, no order lost, oversold or paid twice"
    assert verdict.findings == ()
    assert {point.status for point in verdict.checks} == {"good"}


def test_a_pass_names_what_was_not_judged_and_why(passing: Case) -> None:
    because = "needs 5,990 requests, had 3,120"
    verdict = judge(dataclasses.replace(passing, not_judged={"browse-latency": because}))
    assert verdict.headline == (
        "PASS  2 objectives met, 1 not judged (browse-latency: needs 5,990 requests, had 3,120), "
        "no order lost, oversold or paid twice"
    )


def test_a_missed_objective_fails_with_its_figures(passing: Case) -> None:
    verdict = judge(_with(passing, "checkout-latency", SLOW))
    assert verdict.outcome is Outcome.FAIL
    assert verdict.headline == (
        "FAIL  checkout-latency: 12.4 % of 412 checkouts took over 500 ms, allowed 5 % (p95 612 ms, limit 500 ms)"
    )


@pytest.mark.parametrize(
    ("at_least_s", "told"), [(0.612, " (p95 at least 612 ms, limit 500 ms)"), (None, "")], ids=["cut off", "failed"]
)
def test_a_quantile_that_is_not_known_is_told_as_far_as_it_is(
    passing: Case, at_least_s: float | None, told: str
) -> None:
    verdict = judge(_with(passing, "checkout-latency", _evidence(412, 51, quantile_at_least_s=at_least_s)))
    assert verdict.headline == f"FAIL  checkout-latency: 12.4 % of 412 checkouts took over 500 ms, allowed 5 %{told}"


def test_the_headline_tells_what_grew(passing: Case) -> None:
    verdict = with_causes(judge(_with(passing, "checkout-latency", SLOW)), (CAUSE,))
    assert verdict.headline == (
        "FAIL  checkout-latency: 12.4 % of 412 checkouts took over 500 ms, allowed 5 % (p95 612 ms, limit 500 ms); "
        'grew: shop "SELECT stock" +310 ms a checkout (1 → 31 calls)'
    )


def test_a_note_is_added_and_changes_nothing_else(passing: Case) -> None:
    note = Finding(kind="cause", severity=Severity.NOTE, subject="cart", message="wrong_reply 3 times")
    verdict = judge(passing)
    assert with_notes(verdict, (note,)) == dataclasses.replace(verdict, findings=(note,))
    with pytest.raises(ValueError, match="only notes may be added to a verdict"):
        with_notes(verdict, (note, dataclasses.replace(note, severity=Severity.INCONCLUSIVE)))


def test_lines_of_the_storefront_that_could_not_read_a_reply_are_noted_and_change_nothing(passing: Case) -> None:
    raised = {"journey": "buy", "place": "mine.py:4", "error": "KeyError", "unreadable": True, "count": 3}
    mistaken = {**raised, "unreadable": False}
    verdict = judge(_run(passing, storefront_failures=[raised, mistaken]))
    (note,) = verdict.findings
    assert (verdict.outcome, note.severity, note.subject) == (Outcome.PASS, Severity.NOTE, "storefront")
    assert note.message == (
        "mine.py:4 raised KeyError 3 times in buy, and its step counts as wrong_reply: look whether the shop was wrong"
    )


def test_an_objective_declared_not_judged_still_fails_when_it_is_shown_missed(passing: Case) -> None:
    case = dataclasses.replace(_with(passing, "checkout-latency", SLOW), not_judged={"checkout-latency": "too few"})
    verdict = judge(case)
    assert verdict.outcome is Outcome.FAIL
    assert [one.outcome for one in verdict.objectives] == ["met", "missed", "met"]
    assert verdict.objectives[1].because.startswith("51 of 412 were bad; the true ratio is at least ")


def test_the_largest_miss_comes_first_and_records_before_counters(passing: Case, shipped: dict[str, Any]) -> None:
    names = ("checkout-server-latency", "browse-latency", "checkout-latency")
    case = dataclasses.replace(
        passing,
        objectives=tuple(shipped[name] for name in names),
        evidence={
            "checkout-server-latency": _evidence(400, 390),
            "browse-latency": _evidence(400, 80),
            "checkout-latency": _evidence(400, 120),
        },
    )
    verdict = judge(case)
    assert [one.name for one in verdict.missed] == ["checkout-latency", "browse-latency", "checkout-server-latency"]
    assert verdict.headline.endswith("; and 2 more")


def test_what_is_neither_shown_met_nor_missed_is_inconclusive_and_says_what_would_settle_it(passing: Case) -> None:
    verdict = judge(_with(passing, "checkout-latency", _evidence(400, 12)))
    result = verdict.objectives[1]
    assert (verdict.outcome, result.outcome) == (Outcome.INCONCLUSIVE, "undecided")
    assert result.because == "12 of 400 were bad; the true ratio may lie between 1.3 % and 5.2 %, allowed 5 %"
    assert result.needs == (
        "1,228 requests at this ratio would show it met with a chance of 90 %, had 400: a judged window of 5.1 minutes"
        " at this rate"
    )
    assert verdict.headline == (
        "INCONCLUSIVE  checkout-latency: undecided: 12 of 400 were bad; the true ratio may lie between 1.3 % and 5.2 %,"
        " allowed 5 %; 1,228 requests at this ratio would show it met with a chance of 90 %, had 400: a judged window "
        "of 5.1 minutes at this rate"
    )


def test_an_undecided_objective_over_its_budget_says_what_would_show_it_missed(passing: Case) -> None:
    result = judge(_with(passing, "checkout-latency", _evidence(400, 28))).objectives[1]
    assert result.outcome == "undecided"
    assert result.needs is not None
    assert "would show it missed with a chance of 90 %, had 400" in result.needs


def test_no_data_is_inconclusive(passing: Case) -> None:
    verdict = judge(_with(passing, "checkout-latency", Evidence(no_data="the scrape was down")))
    assert verdict.outcome is Outcome.INCONCLUSIVE
    assert verdict.headline == ("INCONCLUSIVE  checkout-latency: no data: the scrape was down; 59 requests at least")


def test_an_objective_without_evidence_is_no_data(passing: Case) -> None:
    verdict = judge(dataclasses.replace(passing, evidence={}))
    assert verdict.outcome is Outcome.INCONCLUSIVE
    assert {one.outcome for one in verdict.objectives} == {"no_data"}


def test_a_run_in_which_nothing_was_judged_is_inconclusive(passing: Case) -> None:
    case = dataclasses.replace(passing, not_judged={one.name: "too few" for one in passing.objectives})
    verdict = judge(case)
    assert verdict.outcome is Outcome.INCONCLUSIVE
    assert verdict.headline == (
        "INCONCLUSIVE  objectives: no objective was judged; judge at least one: plan show lists what a plan can prove"
    )


def test_no_objective_at_all_is_inconclusive(passing: Case) -> None:
    assert judge(dataclasses.replace(passing, objectives=())).outcome is Outcome.INCONCLUSIVE


def test_an_invalid_run_is_inconclusive_even_if_an_objective_is_missed(passing: Case) -> None:
    case = _run(_with(passing, "checkout-latency", SLOW), generator_cpu={"w0": 0.99, "w1": 0.5})
    verdict = judge(case)
    assert verdict.outcome is Outcome.INCONCLUSIVE
    assert verdict.headline == "INCONCLUSIVE  generator CPU: w0 used 99 % of a core, at most 90 %; add workers"


def test_a_broken_promise_fails_even_an_invalid_run(passing: Case, audit_json: dict[str, Any]) -> None:
    audit_json["checks"][-1].update(outcome="broken", broken=3, detail="3 SKUs have less than no stock")
    verdict = judge(_run(dataclasses.replace(passing, audit=parse_audit(audit_json)), ended="failed"))
    assert verdict.outcome is Outcome.FAIL
    assert verdict.headline == "FAIL  stock-not-negative: 3 SKUs have less than no stock"


STEPS = "see report.html#replies and peakproof try; give the steps that fail an objective"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"account": {"completed": 0, "failed": 995}}, "sessions: 995 sessions failed, and none did what it came for"),
        ({"orders": {"accepted": 0, "unknown": 20}}, "orders: 20 orders failed, and none was accepted"),
    ],
)
def test_where_all_sessions_or_all_orders_failed_no_objective_that_is_met_makes_a_pass(
    changes: dict[str, dict[str, int]], message: str, passing: Case
) -> None:
    """Objectives of a shop of one's own may be about the first steps alone."""
    no_audit = dataclasses.replace(passing, declared=frozenset(), audit=None)
    facts = no_audit.run.to_json()
    case = _run(no_audit, **{name: {**facts[name], **changed} for name, changed in changes.items()})
    verdict = judge(case)
    subject = message.partition(":")[0]
    (found,) = (finding for finding in verdict.findings if finding.subject == subject)
    assert (verdict.outcome, f"{subject}: {found.message}", found.change) == (Outcome.INCONCLUSIVE, message, STEPS)
    assert (
        judge(_with(case, "checkout-latency", SLOW)).outcome is judge(_with(no_audit, "checkout-latency", SLOW)).outcome
    )


def test_a_journey_that_always_fails_beside_others_that_do_well_is_no_pass(passing: Case) -> None:
    records = dataclasses.replace(passing.records, failed_journeys={"buy": 12})
    verdict = judge(dataclasses.replace(passing, records=records))
    (found,) = (finding for finding in verdict.findings if finding.subject == "buy")
    assert (verdict.outcome, found.message, found.change) == (
        Outcome.INCONCLUSIVE,
        "12 sessions of buy failed, and none did what it came for",
        STEPS,
    )


def test_whether_each_journey_came_through_is_not_known_without_its_records(passing: Case) -> None:
    records = dataclasses.replace(passing.records, failed_journeys=None)
    verdict = judge(dataclasses.replace(passing, records=records))
    (found,) = verdict.findings
    assert (verdict.outcome, found.subject, found.known) == (Outcome.INCONCLUSIVE, "journeys", False)


@pytest.mark.parametrize(
    "changes",
    [
        {"account": {"completed": 1, "failed": 40}},
        {"orders": {"accepted": 0, "unknown": 0, "refused": 20}},
        {"orders": {"accepted": 1, "unknown": 20}},
    ],
)
def test_one_that_came_through_or_a_refusal_is_no_sign_of_that(
    changes: dict[str, dict[str, int]], passing: Case
) -> None:
    facts = passing.run.to_json()
    case = _run(passing, **{name: {**facts[name], **changed} for name, changed in changes.items()})
    assert {"sessions", "orders"}.isdisjoint(finding.subject for finding in judge(case).findings)


def _aborted(case: Case, planned: float = 800.0, **changes: Any) -> Case:
    case = dataclasses.replace(case, planned_events=dict.fromkeys(case.evidence, planned))
    return _run(case, ended="aborted", ended_because="checkout-latency will be missed whatever comes", **changes)


def test_an_aborted_run_fails_where_all_that_did_not_come_could_not_mend_it(passing: Case) -> None:
    """GATE §2.1: it is stopped where it looks worst, so what it has seen is judged of the planned total."""
    slow = _with(passing, "checkout-latency", _evidence(412, 120))
    verdict = judge(_aborted(slow))
    assert verdict.outcome is Outcome.FAIL
    assert "were all others of the 800 planned good" in verdict.objectives[1].because
    assert verdict.objectives[1].planned_events == 800.0
    assert verdict.objectives[1].bad_ratio_low == pytest.approx(0.119, abs=0.001)
    told = next(one for one in verdict.findings if one.subject == "ended")
    assert (told.severity, told.message) == (
        Severity.NOTE,
        "the run was aborted: checkout-latency will be missed whatever comes",
    )


@pytest.mark.parametrize("planned", [3000.0, math.nan], ids=["much to come", "nobody knows"])
def test_an_aborted_run_whose_rest_could_mend_it_is_inconclusive(passing: Case, planned: float) -> None:
    slow = _with(passing, "checkout-latency", _evidence(412, 120))
    verdict = judge(_aborted(slow, planned))
    assert (verdict.outcome, verdict.objectives[1].outcome) == (Outcome.INCONCLUSIVE, "undecided")
    alone = dataclasses.replace(slow, objectives=(slow.objectives[1],))
    assert judge(_aborted(alone, planned)).objectives[0].outcome == "undecided"
    if math.isnan(planned):
        assert verdict.objectives[1].bad_ratio_low == 0.0
        assert "the true ratio may lie between 0 % and " in verdict.objectives[1].because


def test_what_never_came_to_be_known_of_an_aborted_run_saves_it_from_nothing(passing: Case) -> None:
    slow = _with(passing, "checkout-latency", _evidence(412, 120))
    unknown: dict[str, Any] = {"account": None, "generator_cpu": None, "scheduling_lag_s": None}
    assert judge(_aborted(slow, **unknown)).outcome is Outcome.FAIL
    assert judge(_run(slow, **unknown)).outcome is Outcome.INCONCLUSIVE


def test_what_is_known_to_have_been_wrong_with_an_aborted_run_makes_it_inconclusive(passing: Case) -> None:
    slow = _with(passing, "checkout-latency", _evidence(412, 120))
    lag = {"p50": 0.2, "p99": 0.9, "max": 2.0}
    assert judge(_aborted(slow, scheduling_lag_s=lag)).outcome is Outcome.INCONCLUSIVE


def _drift(early: int, late: int) -> Evidence:
    """So many bad requests of 50 in each of the first 13 blocks, and in each of the last 7."""
    bad = (early,) * 13 + (late,) * 7
    return Evidence(counts=(StepCounts(step="checkout", events=(50,) * 20, bad=bad),))


def test_a_last_third_over_its_budget_is_no_pass_though_the_whole_is_met(passing: Case) -> None:
    """GATE §1.2: half of the budget over the window, and half as much again as is allowed in its last third."""
    verdict = judge(_with(passing, "checkout-latency", _drift(0, 5)))
    result = verdict.objectives[1]
    assert result.outcome == "undecided"
    assert result.last_third_bad_ratio == pytest.approx(0.1)
    assert verdict.outcome is Outcome.INCONCLUSIVE
    assert "the last third of the judged window alone is over its budget: 10 % bad, allowed 5 %; it gets worse" in [
        one.message for one in verdict.findings
    ]
    noise = Evidence(counts=(StepCounts(step="checkout", events=(50,) * 20, bad=(*(0,) * 13, 4, 3, 4, 3, 4, 3, 4)),))
    assert judge(_with(passing, "checkout-latency", noise)).objectives[1].last_third_bad_ratio is None  # one in twenty
    steady = judge(_with(passing, "checkout-latency", _drift(1, 1)))
    assert (steady.outcome, steady.objectives[1].last_third_bad_ratio) == (Outcome.PASS, None)


def test_a_shop_that_is_bad_in_the_last_third_alone_is_shown_missed_by_the_whole(passing: Case) -> None:
    """GATE §1.2: about the window's mean, deterministic change was taken for clustering, and nothing failed."""
    assert judge(_with(passing, "checkout-latency", _drift(0, 12))).objectives[1].outcome == "missed"


def test_a_pass_tells_for_which_error_bursts_it_holds(passing: Case) -> None:
    result = judge(passing).objectives[1]
    assert result.because == (
        "0 of 1,000 were bad; the true ratio is at most 0.6 %, allowed 5 %, unless errors come in bursts of over 1.61 s"
    )
    assert result.survives_error_burst_s == pytest.approx(1.61, abs=0.01)
    assert result.design_effect_from == "assumed error bursts of 100 ms"


def test_shoppers_who_fail_whole_are_no_evidence_of_as_many_requests(passing: Case) -> None:
    """GATE §1.4: of sessions known to be clusters, neither a PASS nor a FAIL comes of what would do otherwise."""
    for bad, alone in ((20, "met"), (90, "missed")):
        by_themselves = judge(_with(passing, "checkout-latency", _evidence(1000, bad, session_scatter=1.0)))
        in_sessions = judge(_with(passing, "checkout-latency", _evidence(1000, bad, session_scatter=12.0)))
        assert by_themselves.objectives[1].outcome == alone
        assert in_sessions.objectives[1].outcome == "undecided"


def test_an_aborted_run_without_a_miss_is_inconclusive(passing: Case) -> None:
    verdict = judge(_run(passing, ended="aborted", ended_because="a breach is certain"))
    assert verdict.outcome is Outcome.INCONCLUSIVE
    assert verdict.headline == "INCONCLUSIVE  ended: the run was aborted: a breach is certain; run it to its end"


def test_a_missing_audit_is_inconclusive_and_a_missed_objective_is_a_fact_beside_it(passing: Case) -> None:
    case = dataclasses.replace(passing, audit=None)
    assert judge(case).headline == "INCONCLUSIVE  audit: the run was not audited; peakproof audit RUN"
    assert judge(_with(case, "checkout-latency", SLOW)).outcome is Outcome.FAIL


def test_an_environment_without_sources_passes_without_an_audit_and_says_so(passing: Case) -> None:
    verdict = judge(dataclasses.replace(passing, audit=None, declared=frozenset({"release"})))
    assert verdict.headline == "PASS  3 objectives met, orders not audited"
    assert [(one.severity, one.message) for one in verdict.findings] == [
        (Severity.NOTE, "not audited: the environment declares no orders, payments, stock")
    ]


def test_a_pass_claims_no_more_than_was_audited(passing: Case) -> None:
    verdict = judge(dataclasses.replace(passing, declared=frozenset({"orders", "release"})))
    assert verdict.headline == "PASS  3 objectives met, no order lost (payments, stock not audited)"


def test_a_name_not_judged_that_no_objective_has_is_noted(passing: Case) -> None:
    verdict = judge(dataclasses.replace(passing, not_judged={"brows-latency": "too few"}))
    assert verdict.outcome is Outcome.PASS
    (finding,) = verdict.findings
    assert finding.message == "the plan declares it not judged, but there is no such objective"


def test_the_budget_burn_is_the_bad_ratio_over_the_budget(passing: Case) -> None:
    result = judge(_with(passing, "checkout-latency", SLOW)).objectives[1]
    assert result.budget_burn == pytest.approx(51 / 412 / 0.05)


def test_a_miss_is_tested_at_alpha_over_the_number_of_objectives_and_a_pass_at_alpha(passing: Case) -> None:
    verdict = judge(passing)
    assert [(round(one.alpha_fail, 4), one.alpha_pass) for one in verdict.objectives] == [(0.0167, 0.05)] * 3


def _paths(value: object, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """Every place in a JSON value."""
    items: list[tuple[str | int, object]] = []
    if isinstance(value, dict):
        items = list(value.items())
    elif isinstance(value, list):
        items = list(enumerate(value))
    for key, inner in items:
        yield (*path, key)
        yield from _paths(inner, (*path, key))


def _without(value: Any, path: tuple[str | int, ...], *, null: bool) -> Any:
    value = copy.deepcopy(value)
    place = value
    for key in path[:-1]:
        place = place[key]
    if null:
        place[path[-1]] = None
    else:
        del place[path[-1]]
    return value


NO_EVIDENCE = {
    # Words, extra detail, and empty groups: their absence takes no evidence away.
    *(
        "format",
        "run",
        "ended_because",
        "phases",
        "p50",
        "max",
        "errors",
        "refused",
        "unknown",
        "attempted",
        "arrivals",
    ),
    *(
        "spans",
        "checked_at",
        "detail",
        "examples",
        "expected",
        "open_sessions",
        "accepted",
        "orders",
        "ended_at",
        "pings",
    ),
}


_SAID = {
    "phases",
    "orders",
    "live",
    "environment",
    "not_played",
    "assets",
    "canaries",
}  # in the first line, or what isn't shown


def _is_evidence(path: tuple[str | int, ...]) -> bool:
    return path[-1] not in NO_EVIDENCE and path[0] not in _SAID and "expected" not in path


def _read(passing: Case, where: str, document: dict[str, Any]) -> Case | None:
    """Return the case with another document, None when that can't be read."""
    try:
        if where == "run":
            return dataclasses.replace(passing, run=parse_run(document))
        return dataclasses.replace(passing, audit=parse_audit(document))
    except BadInput:
        return None


def _judged(case: Case) -> Outcome:
    try:
        return judge(case).outcome
    except BadInput:
        return Outcome.INCONCLUSIVE


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=150)
@given(data=st.data(), null=st.booleans())
def test_taking_any_evidence_away_never_passes(
    passing: Case,
    audit_json: dict[str, Any],
    data: st.DataObject,
    null: bool,  # noqa: FBT001 - drawn
) -> None:
    """Removing or nulling any part of what a PASS rests on, in run.json, audit.json, the records or the evidence."""
    where = data.draw(st.sampled_from(["run", "audit", "records", "evidence"]))
    if where in {"run", "audit"}:
        whole = passing.run.to_json() if where == "run" else audit_json
        path = data.draw(st.sampled_from([path for path in _paths(whole) if _is_evidence(path)]))
        case = _read(passing, where, _without(whole, path, null=null))
        if case is None:
            return
        if path[0] == "workers" and len(path) == 2 and not null:
            return  # one worker fewer is another run, and its CPU is still there
    elif where == "records":
        name = data.draw(st.sampled_from([field.name for field in dataclasses.fields(passing.records)]))
        case = dataclasses.replace(passing, records=dataclasses.replace(passing.records, **{name: None}))
    else:
        name = data.draw(st.sampled_from([one.name for one in passing.objectives]))
        gone = Evidence() if null else Evidence(no_data="gone")
        case = _with(passing, name, gone)
    assert _judged(case) is not Outcome.PASS


@pytest.mark.parametrize("name", [*NEEDS])
def test_taking_any_promises_check_away_never_passes(passing: Case, audit_json: dict[str, Any], name: str) -> None:
    audit_json["checks"] = [check for check in audit_json["checks"] if check["name"] != name]
    assert judge(dataclasses.replace(passing, audit=parse_audit(audit_json))).outcome is Outcome.INCONCLUSIVE


@pytest.mark.parametrize(
    "name", ["ended", "account", "judged", "requests", "generator_cpu", "workers", "hook_failures"]
)
def test_an_empty_part_of_the_run_never_passes(passing: Case, name: str) -> None:
    run = {key: value for key, value in passing.run.to_json().items() if key != name}
    assert judge(dataclasses.replace(passing, run=parse_run(run))).outcome is Outcome.INCONCLUSIVE


def test_an_empty_run_and_an_empty_audit_never_pass(passing: Case) -> None:
    assert judge(dataclasses.replace(passing, run=parse_run({}))).outcome is Outcome.INCONCLUSIVE
    assert judge(dataclasses.replace(passing, audit=parse_audit({}))).outcome is Outcome.INCONCLUSIVE
