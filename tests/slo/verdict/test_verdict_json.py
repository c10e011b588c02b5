"""verdict.json holds the whole verdict, and is read back only when it is one."""

import dataclasses
import json
from typing import Any

import pytest

from slo.documents import BadInput
from slo.objectives.indicators import Evidence
from slo.validity.run_document import parse_run
from slo.verdict.verdict import Case, judge
from slo.verdict.verdict_json import from_json, to_json


def _written(case: Case) -> dict[str, Any]:
    told: dict[str, Any] = json.loads(json.dumps(to_json(judge(case)), allow_nan=False))
    return told


def test_a_verdict_survives_the_way_there_and_back(passing: Case) -> None:
    gone = {**passing.evidence, "browse-latency": Evidence(no_data="gone")}
    for case in (
        passing,
        dataclasses.replace(passing, evidence=gone, audit=None),
        dataclasses.replace(passing, run=parse_run({})),
    ):
        verdict = judge(case)
        assert from_json(_written(case)) == verdict


def test_the_object_has_the_keys_of_the_contract(passing: Case) -> None:
    told = _written(passing)
    assert [told[key] for key in ("format", "outcome", "exit_code", "decided_at")] == [
        "peakproof/verdict/v1",
        "PASS",
        0,
        2,
    ]
    assert told["judged"] == {
        "starts_at": 100_000_000_000,
        "ends_at": 200_000_000_000,
        "left_out": {"warm-up": 4000},
    }
    assert set(told["objectives"][0]) >= {
        *("name", "display_name", "source", "indicator", "steps", "threshold_s", "target", "outcome", "events", "bad"),
        *("ratio_good", "design_effect", "design_effect_from", "effective_events", "effective_bad", "bad_ratio_low"),
        *("bad_ratio_high", "alpha_fail", "alpha_pass", "budget_burn", "budget_spend_note", "observed_quantile_s"),
        *("observed_service_quantile_s", "needs", "because"),
    }
    assert {told["objectives"][n]["outcome"] for n in range(3)} == {"met"}


def test_the_exit_code_follows_the_outcome(passing: Case) -> None:
    assert _written(dataclasses.replace(passing, audit=None))["exit_code"] == 75


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"format": "x"}, "verdict.json: format: expected 'peakproof/verdict/v1', found 'x'"),
        ({"outcome": "GOOD"}, "verdict.json: not a verdict: 'GOOD' is not a valid Outcome"),
        ({"objectives": [{}]}, "verdict.json: tuple[ObjectiveResult, ...] 0.name: Field required"),
    ],
)
def test_what_is_not_a_verdict_is_refused(passing: Case, change: dict[str, Any], message: str) -> None:
    with pytest.raises(BadInput) as refused:
        from_json({**_written(passing), **change})
    assert str(refused.value) == message


def test_a_missing_part_is_refused_by_name(passing: Case) -> None:
    told = _written(passing)
    del told["judged"]
    with pytest.raises(BadInput) as refused:
        from_json(told)
    assert str(refused.value) == "verdict.json: judged: required and missing"
