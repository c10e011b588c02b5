"""OpenSLO documents are read strictly, or refused with file, document, place, value and what is allowed."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from slo.documents import BadInput
from slo.objectives.indicators import Availability, Latency
from slo.objectives.objective import Objective
from slo.objectives.reading import read_objectives
from slo.objectives.sources import Counters, Records

RECORDS = {"type": "peakproof-records", "spec": {"steps": ["checkout"]}}
GOOD: dict[str, Any] = {
    "apiVersion": "openslo/v1",
    "kind": "SLO",
    "metadata": {"name": "checkout", "displayName": "Checkout"},
    "spec": {
        "description": "It answers.",
        "service": "shop",
        "timeWindow": [{"duration": "28d", "isRolling": True}],
        "budgetingMethod": "Occurrences",
        "objectives": [{"target": 0.99}],
        "indicator": {
            "metadata": {"name": "answers"},
            "spec": {
                "ratioMetric": {"counter": True, "good": {"metricSource": RECORDS}, "total": {"metricSource": RECORDS}}
            },
        },
    },
}


def _copy() -> dict[str, Any]:
    """No part of it shared, which YAML would write as an alias."""
    document: dict[str, Any] = json.loads(json.dumps(GOOD))
    return document


def _write(path: Path, *documents: object) -> Path:
    path.write_text(yaml.safe_dump_all(documents))
    return path


def _ratio(document: dict[str, Any]) -> dict[str, Any]:
    ratio: dict[str, Any] = document["spec"]["indicator"]["spec"]["ratioMetric"]
    return ratio


def _queries(document: dict[str, Any], good: str, total: str) -> None:
    for side, query in (("good", good), ("total", total)):
        _ratio(document)[side]["metricSource"] = {"type": "prometheus", "spec": {"query": query}}


def _told(refused: pytest.ExceptionInfo[BadInput]) -> str:
    """Return a refusal without its lines, which tests of their own look at."""
    return re.sub(r", line \d+", "", str(refused.value))


def test_a_document_becomes_an_objective(tmp_path: Path) -> None:
    (objective,) = read_objectives([_write(tmp_path / "slo.yaml", GOOD)])
    assert objective == Objective(
        name="checkout",
        display_name="Checkout",
        description="It answers.",
        service="shop",
        indicator=Availability(source=Records(steps=("checkout",))),
        target=0.99,
        window="28d",
    )
    assert objective.budget == 0.01
    assert objective.steps == ("checkout",)


def test_within_s_on_the_good_side_makes_it_a_latency(tmp_path: Path) -> None:
    document = _copy()
    _ratio(document)["good"]["metricSource"] = {
        "type": "peakproof-records",
        "spec": {"steps": ["checkout"], "clock": "sent", "within_s": 0.4},
    }
    _ratio(document)["total"]["metricSource"] = {
        "type": "peakproof-records",
        "spec": {"steps": ["checkout"], "clock": "sent"},
    }
    (objective,) = read_objectives([_write(tmp_path / "slo.yaml", document)])
    assert objective.indicator == Latency(source=Records(steps=("checkout",), clock="sent"), threshold_s=0.4)


def test_a_total_by_the_bucket_of_all_is_the_count(tmp_path: Path) -> None:
    document = _copy()
    _queries(document, 'x_seconds_bucket{job="shop",le="0.25"}', 'x_seconds_bucket{job="shop",le="+Inf"}')
    (objective,) = read_objectives([_write(tmp_path / "slo.yaml", document)])
    assert objective.indicator.selectors() == (
        'x_seconds_bucket{job="shop",le="0.25"}',
        'x_seconds_count{job="shop"}',
    )


def test_a_bucket_on_the_good_side_makes_it_a_latency(tmp_path: Path) -> None:
    document = _copy()
    _queries(document, 'x_seconds_bucket{le="0.25"}', "x_seconds_count")
    (objective,) = read_objectives([_write(tmp_path / "slo.yaml", document)])
    assert objective.indicator.threshold_s == 0.25
    assert objective.indicator.selectors() == ('x_seconds_bucket{le="0.25"}', "x_seconds_count")


def test_target_percent_is_a_ratio(tmp_path: Path) -> None:
    document = _copy()
    document["spec"]["objectives"] = [{"targetPercent": 99.9}]
    (objective,) = read_objectives([_write(tmp_path / "slo.yaml", document)])
    assert (objective.target, objective.budget) == (0.999, 0.001)


def test_the_shipped_objectives_hold_what_is_documented(shipped: dict[str, Objective]) -> None:
    told = {
        name: (one.indicator.source.kind, one.indicator.kind, one.steps, one.target, one.indicator.threshold_s)
        for name, one in shipped.items()
    }
    browse = ("home", "search", "product")
    assert told == {
        "checkout-availability": ("records", "availability", ("checkout",), 0.99, None),
        "checkout-latency": ("records", "latency", ("checkout",), 0.95, 0.5),
        "browse-availability": ("records", "availability", browse, 0.999, None),
        "browse-latency": ("records", "latency", browse, 0.95, 0.3),
        "checkout-server-availability": ("prometheus", "availability", ("checkout",), 0.99, None),
        "checkout-server-latency": ("prometheus", "latency", ("checkout",), 0.95, 0.5),
        "browse-server-availability": ("prometheus", "availability", browse, 0.99, None),
        "browse-server-latency": ("prometheus", "latency", browse, 0.95, 0.25),
    }
    assert {one.window for one in shipped.values()} == {"28d"}
    assert all(one.description and one.display_name != one.name for one in shipped.values())
    assert isinstance(shipped["browse-server-latency"].indicator.source, Counters)


Edit = Callable[[dict[str, Any]], object]
BAD: list[tuple[Edit, str]] = [
    (
        lambda d: d.update(kind="Alert"),
        (
            "kind: expected one of AlertCondition, AlertNotificationTarget, AlertPolicy, DataSource, SLI, SLO, "
            "Service, found 'Alert'"
        ),
    ),
    (lambda d: d.update(apiVersion="openslo/v2"), "apiVersion: expected openslo/v1, found 'openslo/v2'"),
    (lambda d: d.update(extra=1), "extra: unknown key"),
    (lambda d: d.pop("metadata"), "metadata: required and missing"),
    (
        lambda d: d["metadata"].update(name="Check Out"),
        (
            "metadata.name: expected a DNS label: at most 63 of a-z, 0-9 and -, a letter or digit at both ends, "
            "found 'Check Out'"
        ),
    ),
    (lambda d: d["spec"].update(budget_method="x"), "spec.budget_method: unknown key"),
    (
        lambda d: d["spec"].update(budgetingMethod="Slices"),
        ("spec.budgetingMethod: Input should be 'Occurrences', 'Timeslices' or 'RatioTimeslices', found 'Slices'"),
    ),
    (
        lambda d: d["spec"].update(timeWindow=[]),
        "spec.timeWindow: List should have at least 1 item after validation, not 0, found []",
    ),
    (
        lambda d: d["spec"]["timeWindow"].append({"duration": "7d", "isRolling": True}),
        (
            "spec.timeWindow: List should have at most 1 item after validation, not 2, "
            "found [{'duration': '28d', 'isRolling': True}, {'duration': '7d', 'isRolling': True}]"
        ),
    ),
    (
        lambda d: d["spec"]["timeWindow"][0].update(duration="28 days"),
        "spec.timeWindow[0].duration: expected a whole number and one of m h d w M Q Y, such as 28d, found '28 days'",
    ),
    (
        lambda d: d["spec"]["timeWindow"][0].update(isRolling=False),
        ("spec.timeWindow[0]: expected isRolling: true, or a calendar, found {'duration': '28d', 'isRolling': False}"),
    ),
    (
        lambda d: d["spec"].update(objectives=[{"target": 0.9, "targetPercent": 90}]),
        (
            "spec.objectives[0]: expected exactly one of target and targetPercent, "
            "found {'target': 0.9, 'targetPercent': 90}"
        ),
    ),
    (
        lambda d: d["spec"].update(objectives=[{}]),
        "spec.objectives[0]: expected exactly one of target and targetPercent, found {}",
    ),
    (
        lambda d: d["spec"].update(objectives=[{"target": 99}]),
        "spec.objectives[0].target: expected a ratio below 1, such as 0.999; targetPercent takes 99.9, found 99",
    ),
    (
        lambda d: d["spec"].update(objectives=[{"target": 0.9999999999999}]),
        (
            "spec.objectives[0].target: expected a target from 0.0000001 % to 99.9999999 %: "
            "at 0 all may be bad, at 100 % nothing, found 0.9999999999999"
        ),
    ),
    (
        lambda d: d["spec"].update(objectives=[{"targetPercent": 1e-9}]),
        (
            "spec.objectives[0].targetPercent: expected a target from 0.0000001 % to 99.9999999 %: "
            "at 0 all may be bad, at 100 % nothing, found 1e-09"
        ),
    ),
    (
        lambda d: d["spec"].update(objectives=[{"target": True}]),
        "spec.objectives[0].target: Input should be a valid number, found True",
    ),
    (
        lambda d: d["spec"].update(objectives=[{"target": 0.9, "op": "lte", "value": 1}]),
        "spec.indicator.spec.ratioMetric: value belongs to thresholdMetric; a ratioMetric has a target alone",
    ),
    (
        lambda d: d["spec"]["indicator"].update(spec={"thresholdMetric": {}}),
        "spec.indicator.spec.thresholdMetric.metricSource: required and missing",
    ),
    (
        lambda d: _ratio(d)["good"]["metricSource"].update(type="datadog"),
        (
            "spec.indicator.spec.ratioMetric.good: metricSource.type is 'datadog': read are peakproof-records, "
            "peakproof-sessions, prometheus, "
            "found {'metricSource': {'spec': {'steps': ['checkout']}, 'type': 'datadog'}}"
        ),
    ),
    (
        lambda d: _ratio(d)["good"]["metricSource"]["spec"].update(steps=[]),
        (
            "spec.indicator.spec.ratioMetric"
            ".good.metricSource.peakproof-records.spec.steps: List should have at least 1 "
            "item after validation, not 0, found []"
        ),
    ),
    (
        lambda d: _ratio(d)["good"]["metricSource"]["spec"].update(within_s=0),
        (
            "spec.indicator.spec.ratioMetric"
            ".good.metricSource.peakproof-records.spec.within_s: Input should be greater "
            "than 0, found 0"
        ),
    ),
    (
        lambda d: _queries(d, "rate(x_total[5m])", "x_total"),
        "spec.indicator.spec.ratioMetric: bare and rate can't be compared: use the same function on both sides",
    ),
    (
        lambda d: _queries(d, "x_total[5m]", "x_total"),
        (
            "spec.indicator.spec.ratioMetric.good.metricSource.prometheus.spec.query: expected numbers, not a range of "
            "samples: put rate() around it, found 'x_total[5m]'"
        ),
    ),
    (
        lambda d: _queries(d, "up", "x_total"),
        ("spec.indicator.spec.ratioMetric: up is named as a gauge is, and counts no events"),
    ),
    (
        lambda d: _queries(d, "x_total{job=shop}", "x_total"),
        (
            "spec.indicator.spec.ratioMetric.good.metricSource.prometheus.spec.query: no PromQL: unexpected identifier "
            "'shop' in label matching, expected string, found 'x_total{job=shop}'"
        ),
    ),
    (
        lambda d: _queries(d, 'x_total{a="1" b="2"}', "x_total"),
        (
            "spec.indicator.spec.ratioMetric.good.metricSource.prometheus.spec.query: no PromQL: invalid promql query, "
            'found \'x_total{a="1" b="2"}\''
        ),
    ),
    (
        lambda d: _queries(d, "x_bucket", "x_count"),
        (
            "spec.indicator.spec.ratioMetric"
            ': a good _bucket needs le="…" with its bound in seconds, and only a _bucket '
            "may have it"
        ),
    ),
    (
        lambda d: _queries(d, 'x_bucket{le="fast"}', "x_count"),
        "spec.indicator.spec.ratioMetric: le: expected a bucket's bound in seconds, above 0, found 'fast'",
    ),
    (
        lambda d: _queries(d, 'x_bucket{le="1"}', "x_bucket"),
        "spec.indicator.spec.ratioMetric: the total of a histogram is its _count",
    ),
]


@pytest.mark.parametrize(("edit", "message"), BAD, ids=[message[:60] for _, message in BAD])
def test_what_is_wrong_is_refused_with_its_place(tmp_path: Path, edit: Edit, message: str) -> None:
    document = _copy()
    edit(document)
    path = _write(tmp_path / "slo.yaml", document)
    with pytest.raises(BadInput) as refused:
        read_objectives([path])
    assert _told(refused) == f"{path}: document 1: {message}"


STARTS: list[tuple[Edit, str]] = [
    (lambda d: d["spec"].update(indicatorRef="x"), "spec: expected one of indicator and indicatorRef, not both"),
    (
        lambda d: _ratio(d).pop("total"),
        "spec.indicator.spec.ratioMetric: expected total beside good or bad, or raw alone",
    ),
    (
        lambda d: d["spec"].update(budgetingMethod="Timeslices"),
        "spec: budgetingMethod Timeslices needs timeSliceWindow at each objective",
    ),
    (
        lambda d: d["spec"].update(alertPolicies=["x"]),
        "spec.alertPolicies[0]: expected alertPolicyRef: with a name, or the object itself, found 'x'",
    ),
    (
        lambda d: _ratio(d).update(bad=_ratio(d)["good"]),
        "spec.indicator.spec.ratioMetric: expected exactly one of good and bad beside total",
    ),
    (lambda d: _ratio(d).update(counter=False), "spec.indicator.spec.ratioMetric: expected counter: true"),
    (
        lambda d: _ratio(d)["good"].update(metricSource={"type": "prometheus", "spec": {"query": "x_total"}}),
        "spec.indicator.spec.ratioMetric: good and total must have the same type, not prometheus and peakproof-records",
    ),
    (
        lambda d: _ratio(d)["good"].update(metricSource={"type": "peakproof-records", "spec": {"steps": ["home"]}}),
        "spec.indicator.spec.ratioMetric: good and total must name the same steps and clock",
    ),
    (
        lambda d: _ratio(d)["total"]["metricSource"]["spec"].update(within_s=1.0),
        "spec.indicator.spec.ratioMetric: within_s belongs to good alone",
    ),
]


@pytest.mark.parametrize(("edit", "message"), STARTS, ids=[message[:60] for _, message in STARTS])
def test_what_does_not_fit_together_is_refused(tmp_path: Path, edit: Edit, message: str) -> None:
    """The value found, a whole branch, follows and is cut; only the start is compared."""
    document = _copy()
    edit(document)
    path = _write(tmp_path / "slo.yaml", document)
    with pytest.raises(BadInput) as refused:
        read_objectives([path])
    assert _told(refused).startswith(f"{path}: document 1: {message}")


def test_a_name_that_occurs_in_two_files_is_refused(tmp_path: Path) -> None:
    one, two = _write(tmp_path / "a.yaml", GOOD), _write(tmp_path / "b.yaml", GOOD)
    with pytest.raises(BadInput) as refused:
        read_objectives([one, two])
    assert str(refused.value) == f"{two}: document 1, line 5: metadata.name: 'checkout' is already in {one}: document 1"


def test_no_file_is_refused_and_never_a_pass() -> None:
    with pytest.raises(BadInput) as refused:
        read_objectives([])
    assert str(refused.value) == "no file given: no SLO found; expected at least one document with kind: SLO"


def test_a_file_without_a_document_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "empty.yaml"
    path.write_text("---\n---\n")
    with pytest.raises(BadInput) as refused:
        read_objectives([path])
    assert str(refused.value) == f"{path}: no SLO found; expected at least one document with kind: SLO"


def test_every_bad_document_of_a_file_is_told_at_once(tmp_path: Path) -> None:
    path = _write(tmp_path / "slo.yaml", {**GOOD, "a": 1}, GOOD, {**GOOD, "b": 1})
    with pytest.raises(BadInput) as refused:
        read_objectives([path])
    assert str(refused.value) == (
        f"{path}: document 1, line 1: a: unknown key\n{path}: document 3, line 61: b: unknown key"
    )


def test_a_document_that_is_not_a_mapping_is_refused(tmp_path: Path) -> None:
    path = _write(tmp_path / "slo.yaml", "a")
    with pytest.raises(BadInput) as refused:
        read_objectives([path])
    assert str(refused.value) == f"{path}: document 1: expected a mapping at the top, found str"


def test_broken_yaml_is_refused_with_line_and_column(tmp_path: Path) -> None:
    path = tmp_path / "slo.yaml"
    path.write_text("a: [1\nb: 2\n")
    with pytest.raises(BadInput) as refused:
        read_objectives([path])
    assert str(refused.value) == f"{path}: not YAML at line 2, column 2: did not find expected ',' or ']'"


def test_an_object_tag_builds_nothing(tmp_path: Path) -> None:
    path = tmp_path / "slo.yaml"
    path.write_text("!!python/object/apply:os.system ['true']\n")
    with pytest.raises(BadInput) as refused:
        read_objectives([path])
    tag = "tag:yaml.org,2002:python/object/apply:os.system"
    assert str(refused.value) == (
        f"{path}: not YAML at line 1, column 1: could not determine a constructor for the tag {tag!r}"
    )
