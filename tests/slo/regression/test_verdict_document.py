"""The written verdict over two releases."""

import json
from dataclasses import replace

import pytest

from slo.causes.causes import Cause
from slo.outcomes import Outcome
from slo.regression.verdict_document import ComparisonVerdict, verdict_of
from tests.slo.regression.verdicts import MEASURED, about, comparison, verdict


def test_the_first_line_names_the_outcome_both_releases_and_the_environment() -> None:
    assert verdict().first_line == "FAIL: after (1.1) (B) against before (1.0) (A) on staging"


def test_a_latency_that_is_infinite_and_one_that_is_unknown_are_null_with_their_reason() -> None:
    blocks = verdict().measures[0].blocks
    assert [(one.a, one.b, one.because) for one in blocks[1:3]] == [
        (0.11, None, "B: the request at the quantile failed"),
        (None, 0.12, "A: no sample"),
    ]


def test_it_is_read_as_it_was_written() -> None:
    written = json.dumps(verdict().model_dump(mode="json"), allow_nan=False)
    assert ComparisonVerdict.model_validate_json(written) == verdict()


@pytest.mark.parametrize("outcome", [Outcome.PASS, Outcome.FAIL])
def test_what_was_measured_under_a_load_that_was_not_fit_is_not_shown(outcome: Outcome) -> None:
    found = verdict_of(comparison(outcome), MEASURED, about(invalid_because=("a worker was lost",)))
    assert (found.outcome, found.because) == (
        "INCONCLUSIVE",
        "the load wasn't fit to compare by: a worker was lost",
    )


@pytest.mark.parametrize(("shown", "outcome"), [(Outcome.PASS, "INCONCLUSIVE"), (Outcome.FAIL, "FAIL")])
def test_a_job_that_was_stopped_never_passes_and_what_failed_in_it_stands(shown: Outcome, outcome: str) -> None:
    found = verdict_of(comparison(shown), MEASURED, about(unfinished_because="it was stopped"))
    assert found.outcome == outcome
    assert ("it was stopped" in found.because) == (shown is Outcome.PASS)


def test_a_fail_names_what_grew_and_another_outcome_does_not() -> None:
    cause = Cause(
        objective="checkout-fast",
        service="shop",
        span="SELECT stock",
        calls_per_trace_before=1,
        calls_per_trace_now=30,
        self_s_before=0.01,
        self_s_now=0.31,
        grew_s=0.3,
        grew_low_s=0.2,
        p_value=0.01,
        traces_before=40,
        traces_now=40,
        blocks_before=12,
        blocks_now=12,
        example_trace_ids=("7f6e",),
    )
    failed = verdict_of(comparison(Outcome.FAIL), MEASURED, replace(about(), causes=(cause,)))
    assert failed.because.endswith('; grew: shop "SELECT stock" +300 ms a checkout (1 → 30 calls)')
    assert [one.span for one in failed.causes] == ["SELECT stock"]
    assert "grew:" not in verdict_of(comparison(Outcome.PASS), MEASURED, replace(about(), causes=(cause,))).because


@pytest.mark.parametrize(("outcome", "told"), [(Outcome.INCONCLUSIVE, True), (Outcome.PASS, False)])
def test_what_was_wrong_outside_of_the_shop_is_said_where_nothing_is_shown(outcome: Outcome, *, told: bool) -> None:
    beside = "another process took 40 % of a core of the load generator"
    found = verdict_of(comparison(outcome), MEASURED, replace(about(), outside=(beside,)))
    assert found.outside == (beside,) * told


def test_a_ratio_has_no_least_change_in_seconds() -> None:
    assert [one.min_change_s for one in verdict().measures] == [0.005, 0.0, 0.0]


def test_what_a_document_does_not_say_counts_as_nothing() -> None:
    """One of another version may lack them: no event, no pair and no second is made up for it."""
    written = verdict().model_dump(mode="json")
    asked = ("name", "kind", "outcome", "fail_over", "pass_under")
    written["measures"] = [{name: written["measures"][0][name] for name in asked}]
    written["measures"][0]["blocks"] = [{"number": 1}]
    (measure,) = ComparisonVerdict.model_validate(written).measures
    (pair,) = measure.blocks
    assert (pair.events_a, pair.events_b, measure.pairs, measure.min_change_s) == (0, 0, 0, 0.0)


def test_as_many_pairs_were_played_as_any_measure_has() -> None:
    some = (replace(MEASURED[0], pairs=MEASURED[0].pairs[:3]), *MEASURED[1:])
    assert verdict_of(comparison(Outcome.PASS), some, about()).pairs_played == 4


def test_nothing_measured_is_no_pair_played() -> None:
    nothing = replace(comparison(Outcome.INCONCLUSIVE), results=())
    assert verdict_of(nothing, (), about()).pairs_played == 0
