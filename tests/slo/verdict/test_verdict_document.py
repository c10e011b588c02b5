"""verdict.json holds the whole verdict, and its readers parse what the writer wrote."""

import dataclasses
import json
from typing import Any

import pytest
from pydantic import BaseModel

from slo.causes.causes import Cause
from slo.documents import BadInput, validate
from slo.findings import Finding
from slo.objectives.indicators import Evidence, Window
from slo.validity.run_document import parse_run
from slo.verdict.checkpoints import Checkpoint
from slo.verdict.objective_results import ObjectiveResult
from slo.verdict.verdict import Case, judge, with_causes
from slo.verdict.verdict_document import (
    CauseEntry,
    CheckEntry,
    FindingEntry,
    JudgedTime,
    ObjectiveEntry,
    VerdictDocument,
    verdict_document,
)
from tests.slo.verdict.test_verdict import CAUSE


def _written(case: Case) -> dict[str, Any]:
    written: dict[str, Any] = json.loads(json.dumps(verdict_document(judge(case)).model_dump(mode="json")))
    return written


def test_a_verdict_is_read_as_it_was_written(passing: Case) -> None:
    gone = {**passing.evidence, "browse-latency": Evidence(no_data="gone")}
    for case in (
        passing,
        dataclasses.replace(passing, evidence=gone, audit=None),
        dataclasses.replace(passing, run=parse_run({})),
    ):
        document = validate(_written(case), VerdictDocument, "verdict.json")
        assert document == verdict_document(judge(case))


def test_every_figure_of_the_verdict_is_written(passing: Case) -> None:
    verdict = judge(dataclasses.replace(passing, audit=None))
    written = _written(dataclasses.replace(passing, audit=None))
    for one, entry in zip(verdict.objectives, written["objectives"], strict=True):
        assert entry == {**dataclasses.asdict(one), "steps": list(one.steps), "journeys": list(one.journeys)}
    for finding, entry in zip(verdict.findings, written["findings"], strict=True):
        assert entry == {**dataclasses.asdict(finding), "severity": finding.severity.value}
    assert written["checks"] == [dataclasses.asdict(one) for one in verdict.checks]


def test_causes_are_written_as_they_are(passing: Case) -> None:
    verdict = with_causes(judge(passing), (CAUSE,))
    assert json.loads(verdict_document(verdict).model_dump_json())["causes"] == [
        {**dataclasses.asdict(CAUSE), "example_trace_ids": ["a" * 32]}
    ]


@pytest.mark.parametrize(("known_s", "told_s"), [(0.6, 0.6), (None, 0.5)])
def test_where_a_quantile_is_not_known_the_least_that_it_can_be_stands_for_it(
    known_s: float | None, told_s: float
) -> None:
    entry = ObjectiveEntry(name="a", outcome="missed", observed_quantile_s=known_s, observed_quantile_at_least_s=0.5)
    assert entry.quantile_or_least_s == told_s


def test_a_judged_time_that_ends_where_it_begins_is_no_window() -> None:
    assert JudgedTime(starts_at=5, ends_at=5).window is None


def test_the_schema_shows_the_exit_code_of_each_outcome() -> None:
    """0 for a PASS, k6's 99 for a FAIL, and sysexits' 75 for neither."""
    assert VerdictDocument.model_json_schema()["properties"]["exit_code"]["examples"] == [0, 99, 75]


@pytest.mark.parametrize(
    ("value", "entry"),
    [(ObjectiveResult, ObjectiveEntry), (Finding, FindingEntry), (Checkpoint, CheckEntry), (Cause, CauseEntry)],
)
def test_what_is_written_of_a_part_has_each_of_its_fields(value: Any, entry: type[BaseModel]) -> None:
    assert {field.name for field in dataclasses.fields(value)} == set(entry.model_fields)


def test_the_judged_time_is_a_window_where_there_was_one(passing: Case) -> None:
    judged = verdict_document(judge(passing)).judged
    assert judged is not None
    assert judged.window == Window(starts_at=100_000_000_000, ends_at=200_000_000_000)
    nothing = verdict_document(judge(dataclasses.replace(passing, run=parse_run({})))).judged
    assert nothing is not None
    assert nothing.window is None


def test_the_object_has_the_keys_of_the_contract(passing: Case) -> None:
    written = _written(passing)
    assert [written[key] for key in ("format", "outcome", "exit_code", "decided_at")] == [
        "peakproof/verdict/v1",
        "PASS",
        0,
        2,
    ]
    assert written["judged"] == {
        "starts_at": 100_000_000_000,
        "ends_at": 200_000_000_000,
        "left_out": {"warm-up": 4000},
    }
    assert {written["objectives"][n]["outcome"] for n in range(3)} == {"met"}


def test_the_exit_code_follows_the_outcome(passing: Case) -> None:
    assert _written(dataclasses.replace(passing, audit=None))["exit_code"] == 75


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"outcome": None}, "verdict.json: outcome: Input should be a valid string, found None"),
        ({"objectives": [{"name": "x"}]}, "verdict.json: objectives[0].outcome: required and missing"),
        (
            {"decided_at": -1},
            "verdict.json: decided_at: Input should be greater than or equal to 0, found -1",
        ),
    ],
)
def test_what_is_not_a_verdict_is_refused(passing: Case, change: dict[str, Any], message: str) -> None:
    with pytest.raises(BadInput) as refused:
        validate({**_written(passing), **change}, VerdictDocument, "verdict.json")
    assert str(refused.value) == message


def test_a_part_may_be_missing_and_a_key_may_be_new(passing: Case) -> None:
    written = {**_written(passing), "news": 1}
    del written["judged"], written["objectives"], written["run"]
    document = validate(written, VerdictDocument, "verdict.json")
    assert (document.outcome, document.judged, document.objectives) == ("PASS", None, None)


@pytest.mark.parametrize("key", ["outcome", "exit_code"])
def test_a_verdict_without_its_outcome_is_refused_by_name(passing: Case, key: str) -> None:
    written = _written(passing)
    del written[key]
    with pytest.raises(BadInput) as refused:
        validate(written, VerdictDocument, "verdict.json")
    assert str(refused.value) == f"verdict.json: {key}: required and missing"
