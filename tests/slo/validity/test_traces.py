"""Declared traces without a span of the shop that joins the load's are a finding that says why there is none."""

from dataclasses import replace
from typing import Any

import pytest

from slo.findings import Severity
from slo.outcomes import Outcome
from slo.validity.checks import check_validity
from slo.validity.delivery import RecordedSpans
from slo.verdict.verdict import Case, judge
from tests.slo.passing import passing_audit, passing_case, passing_run, shipped_objectives

NONE_CAME = RecordedSpans(shoppers=800, shop=0, joined=False)
NOT_JOINED = RecordedSpans(shoppers=800, shop=1234, joined=False)
JOINED = RecordedSpans(shoppers=800, shop=1234, joined=True)
POINT = (
    "set OTEL_EXPORTER_OTLP_ENDPOINT of the shop's processes to the run's recorder; "
    "peakproof doctor --on ENVIRONMENT looks for a span"
)
SEND = "send OTLP over HTTP, OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf or http/json, to /v1/traces"
BRING = "set OTEL_EXPORTER_OTLP_HEADERS of the shop's processes: Authorization=Bearer and the run's token"
PROPAGATE = (
    "have the shop take traceparent from requests (OTEL_PROPAGATORS=tracecontext), and what stands before it pass it on"
)
REFUSED = "no span of the shop was taken: the recorder refused"
MEND = "mend what sends them: OTLP's ids, times and types"


def case(found: RecordedSpans | None, **recorder: Any) -> Case:
    run = passing_run()
    run["recorder"] |= recorder
    passes = passing_case(shipped_objectives(), run, passing_audit())
    return replace(passes, records=replace(passes.records, spans=found))


def found_in(one: Case) -> list[tuple[Severity, str, str, str]]:
    checked = check_validity(one.run, one.records, one.declared, one.limits, one.judged_by)
    return [
        (finding.severity, finding.subject, finding.message, finding.change)
        for check in checked
        for finding in check.findings
    ]


@pytest.mark.parametrize(
    ("spans", "recorder", "message", "change"),
    [
        (NONE_CAME, {}, "no span of the shop came, though traces are declared", POINT),
        (
            replace(JOINED, unread="spans-0.parquet: no Parquet"),
            {},
            "the spans can't be read: spans-0.parquet: no Parquet",
            "take the run as it was left, or run again",
        ),
        (
            NONE_CAME,
            {"refused": {"gRPC": 2, "content type text/plain": 3}},
            f"{REFUSED} 5 requests with spans: content type text/plain (3), gRPC (2)",
            SEND,
        ),
        (
            NONE_CAME,
            {"refused": {"no token of this run": 1}},
            f"{REFUSED} 1 request with spans: no token of this run (1)",
            BRING,
        ),
        (
            NOT_JOINED,
            {"refused": {"gRPC": 2}},
            "1,234 spans of the shop came, none of a trace that was asked for: traceparent isn't passed on",
            PROPAGATE,
        ),
        (NONE_CAME, {"dropped": 1, "rejected": {"bad_times": 1}}, "no span of the shop was valid: bad_times (1)", MEND),
        (
            None,
            {},
            "whether the shop's spans join the load's is not known",
            "run again; if it stays unknown, report it with logs/",
        ),
    ],
)
def test_without_a_joined_span_the_run_is_inconclusive_and_it_is_said_which_way_it_went(
    spans: RecordedSpans | None, recorder: dict[str, Any], message: str, change: str
) -> None:
    one = case(spans, **recorder)
    assert (Severity.INCONCLUSIVE, "traces", message, change) in found_in(one)
    assert judge(one).outcome is Outcome.INCONCLUSIVE


def test_without_declared_traces_nothing_is_asked_of_them() -> None:
    one = case(None, dropped=5, refused={"gRPC": 1})
    assert found_in(replace(one, declared=one.declared - {"traces"})) == []


def test_one_joined_span_is_enough_and_what_was_refused_beside_it_is_a_note() -> None:
    assert found_in(case(JOINED)) == []
    one = case(JOINED, refused={"POST /": 4})
    message = "the recorder refused 4 requests with spans: POST / (4) beside the spans that it took"
    assert found_in(one) == [(Severity.NOTE, "traces", message, "")]
    assert judge(one).outcome is Outcome.PASS


def test_a_plan_that_samples_nothing_asks_for_no_join() -> None:
    one = case(RecordedSpans(shoppers=0, shop=5, joined=False))
    message = "no request was sampled (the plan's trace_sampling), so that no span of the shop can join one"
    assert found_in(one) == [(Severity.NOTE, "traces", message, "")]


def test_a_miss_stands_though_no_trace_says_where_its_time_went() -> None:
    one = case(NONE_CAME)
    slow = {name: replace(evidence, quantile_s=9.0) for name, evidence in one.evidence.items()}
    bad = {
        name: replace(evidence, counts=tuple(replace(step, bad=step.events) for step in evidence.counts))
        for name, evidence in slow.items()
    }
    assert judge(replace(one, evidence=bad)).outcome is Outcome.FAIL


@pytest.mark.parametrize(("rejected", "severity"), [(90, Severity.NOTE), (91, Severity.INCONCLUSIVE)])
def test_a_few_invalid_spans_are_a_note_and_more_of_them_make_a_run_inconclusive(
    rejected: int, severity: Severity
) -> None:
    one = case(JOINED, spans=9000 - rejected, dropped=rejected, rejected={"bad_times": rejected})
    message = f"{rejected} of 9,000 spans were invalid and are lost: bad_times ({rejected})"
    ((found, *_),) = [row for row in found_in(one) if row[1:3] == ("spans", message)]
    assert found == severity


def test_what_the_recorder_dropped_beside_invalid_spans_is_still_told() -> None:
    one = case(JOINED, dropped=3, rejected={"bad_times": 1})
    assert [message for _, _, message, _ in found_in(one)] == [
        "the recorder dropped 2 spans",
        "1 of 9,003 spans were invalid and are lost: bad_times (1)",
    ]
