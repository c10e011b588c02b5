"""Each shape of the specification's and of two implementations' documents, as the smallest file of it.

Sources: the specification (https://openslo.com/specification, corrected in September 2026) and its examples
(github.com/OpenSLO/OpenSLO: examples/, pkg/openslo/v1/examples/), test/inputs/v1 of github.com/OpenSLO/oslo, and
examples/openslo-*.yml of github.com/slok/sloth. Every file here is written anew.
"""

from pathlib import Path

import pytest

from slo.documents import BadInput
from slo.objectives.indicators import Availability, Latency, Threshold
from slo.objectives.objective import Objective
from slo.objectives.reading import read_objectives
from slo.objectives.slices import Slices
from slo.objectives.sources import Counters, CounterSums, Queries, Readings

WINDOW = "timeWindow: [{duration: 28d, isRolling: true}]"
RATIO = """ratioMetric:
        counter: true
        good: {metricSource: {type: Prometheus, spec: {query: 'a_total{code="200"}'}}}
        total: {metricSource: {type: Prometheus, spec: {query: a_total}}}"""
SLI = f"""apiVersion: openslo/v1
kind: SLI
metadata: {{name: answers}}
spec:
      {RATIO}
"""


def slo(
    *,
    metric: str = RATIO,
    window: str = WINDOW,
    method: str = "Occurrences",
    objectives: str = "[{target: 0.99}]",
    more: str = "",
    service: str = "shop",
) -> str:
    """Return an SLO whose indicator is inside of it."""
    return f"""apiVersion: openslo/v1
kind: SLO
metadata: {{name: answered}}
spec:
  service: {service}
  {window}
  budgetingMethod: {method}
  objectives: {objectives}
  indicator:
    metadata: {{name: answers}}
    spec:
      {metric}
  {more}
"""


REFERRING = f"""apiVersion: openslo/v1
kind: SLO
metadata: {{name: answered}}
spec:
  service: shop
  {WINDOW}
  budgetingMethod: Occurrences
  objectives: [{{target: 0.99}}]
  indicatorRef: answers
"""
CONDITION = """apiVersion: openslo/v1
kind: AlertCondition
metadata: {name: burns}
spec: {severity: page, condition: {kind: burnrate, op: gt, threshold: 2, lookbackWindow: 1h, alertAfter: 5m}}
"""
TARGET = """apiVersion: openslo/v1
kind: AlertNotificationTarget
metadata: {name: on-call}
spec: {target: email}
"""
POLICY = """apiVersion: openslo/v1
kind: AlertPolicy
metadata: {name: tell}
spec:
  alertWhenBreaching: true
  conditions: [{conditionRef: burns}]
  notificationTargets: [{targetRef: on-call}]
"""
INLINE_POLICY = """alertPolicies:
  - kind: AlertPolicy
    metadata: {name: tell}
    spec:
      alertWhenNoData: true
      conditions:
        - kind: AlertCondition
          metadata: {name: burns}
          spec: {severity: page, condition: {threshold: 2, lookbackWindow: 1h}}
      notificationTargets:
        - kind: AlertNotificationTarget
          metadata: {name: chat}
          spec: {target: slack}
"""
SERVICE = "apiVersion: openslo/v1\nkind: Service\nmetadata: {name: shop}\nspec: {description: All that is sold.}\n"
DATA_SOURCE = (
    "apiVersion: openslo/v1\nkind: DataSource\nmetadata: {name: metrics}\n"
    "spec: {type: Prometheus, connectionDetails: {url: 'http://prometheus:9090'}}\n"
)
CALENDAR = "timeWindow: [{duration: 1M, calendar: {startTime: 2026-01-21 12:30:00, timeZone: America/New_York}}]"
BY_SOURCE = RATIO.replace("type: Prometheus", "metricSourceRef: metrics")


def threshold(query: str) -> str:
    """Return a threshold metric of one query."""
    return f"thresholdMetric: {{metricSource: {{type: prometheus, spec: {{query: '{query}'}}}}}}"


def ratio(**queries: str) -> str:
    """Return a ratio metric of queries by side."""
    sides = (
        f"{name}: {{metricSource: {{type: prometheus, spec: {{query: '{query}'}}}}}}" for name, query in queries.items()
    )
    return "ratioMetric: {" + ", ".join(sides) + "}"


def read(tmp_path: Path, *documents: str) -> tuple[Objective, ...]:
    """Read documents as one file."""
    path = tmp_path / "slo.yaml"
    path.write_text("---\n".join(documents))
    return read_objectives([path])


def refused(tmp_path: Path, *documents: str) -> str:
    """Return why a file is refused, without its path."""
    with pytest.raises(BadInput) as error:
        read(tmp_path, *documents)
    return str(error.value).replace(f"{tmp_path}/slo.yaml: ", "")


def test_an_indicator_of_its_own_document_is_followed(tmp_path: Path) -> None:
    """oslo: slo-indicatorref-rolling-no-alerts.yaml; specification, SLO."""
    (one,) = read(tmp_path, REFERRING, SLI)
    assert one.indicator.selectors() == ('a_total{code="200"}', "a_total")


def test_a_reference_into_another_file_is_followed(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(REFERRING)
    (tmp_path / "b.yaml").write_text(SLI)
    assert len(read_objectives([tmp_path / "a.yaml", tmp_path / "b.yaml"])) == 1


def test_a_list_of_documents_is_read(tmp_path: Path) -> None:
    """OpenSLO, pkg/openslo/v1/examples/slos.yaml: a list at the top."""
    listed = ["- " + one.rstrip().replace("\n", "\n  ") + "\n" for one in (SLI, REFERRING)]
    assert len(read(tmp_path, "".join(listed))) == 1


def test_a_calendar_window_is_told_as_one(tmp_path: Path) -> None:
    """oslo: slo-no-indicatorref-calendar-no-alerts.yaml; specification, SLO."""
    (one,) = read(tmp_path, slo(window=CALENDAR))
    assert (one.window, one.calendar) == ("1M", True)
    assert one.calendar_from is not None
    assert one.calendar_from.isoformat() == "2026-01-21T12:30:00-05:00"


def test_a_window_may_be_left_out(tmp_path: Path) -> None:
    """specification, Notes (SLO): timeWindow is optional."""
    (one,) = read(tmp_path, slo(window=""))
    assert (one.window, one.calendar) == ("28d", False)


def test_several_objectives_of_a_ratio_are_objectives_each(tmp_path: Path) -> None:
    """specification, Objectives: target and targetPercent."""
    given = "[{displayName: Foo Errors, target: 0.98}, {displayName: Bar, targetPercent: 99.99}]"
    assert [(one.name, one.target) for one in read(tmp_path, slo(objectives=given))] == [
        ("answered-foo-errors", 0.98),
        ("answered-bar", 0.9999),
    ]


def test_bad_events_that_a_label_tells_are_read_as_good_ones(tmp_path: Path) -> None:
    """specification, Ratio Metric: bad and total."""
    (one,) = read(tmp_path, slo(metric=ratio(bad='a_total{code="500"}', total="a_total")))
    assert one.indicator.selectors() == ('a_total{code!="500"}', "a_total")
    assert isinstance(one.indicator.source, Counters)


def test_bad_events_of_another_counter_are_sums(tmp_path: Path) -> None:
    metric = ratio(bad="sum(rate(b_total[5m])) or vector(0)", total="sum(rate(a_total[5m]))")
    (one,) = read(tmp_path, slo(metric=metric))
    assert isinstance(one.indicator.source, CounterSums)
    assert one.indicator.source.part_is == "bad"


RAW = "ratioMetric: {{rawType: {kind}, raw: {{metricSource: {{type: prometheus, spec: {{query: '{query}'}}}}}}}}"
SHARE = 'sum(rate(a_total{code="500"}[5m])) / sum(rate(a_total[5m]))'


def test_a_raw_ratio_of_counters_is_read_from_them(tmp_path: Path) -> None:
    """specification, SLI: raw and rawType."""
    (failing,) = read(tmp_path, slo(metric=RAW.format(kind="failure", query=SHARE)))
    (good,) = read(tmp_path, slo(metric=RAW.format(kind="success", query=f"1 - {SHARE}")))
    assert failing.indicator == good.indicator
    assert good.indicator.selectors() == ('a_total{code!="500"}', "a_total")


def test_a_raw_ratio_of_anything_else_is_evaluated(tmp_path: Path) -> None:
    (one,) = read(tmp_path, slo(metric=RAW.format(kind="success", query="avg_over_time(ok[1m])")))
    assert one.indicator.source == Queries(part="avg_over_time(ok[1m])", part_is="good", total=None)
    assert one.read_by == "evaluated by Prometheus"


def test_a_threshold_is_held_against_each_value(tmp_path: Path) -> None:
    """oslo: sli-threshold-cloudwatch.yaml; specification, thresholdMetric."""
    query = "histogram_quantile(0.95, sum by (le) (rate(a_seconds_bucket[1m])))"
    (one,) = read(tmp_path, slo(metric=threshold(query), objectives="[{op: lte, value: 0.5, target: 0.99}]"))
    assert one.indicator == Threshold(source=Readings(query=query, op="lte", value=0.5))


@pytest.mark.parametrize("op", ["", "op: gt, "])
def test_slices_have_a_target_each(tmp_path: Path, op: str) -> None:
    """OpenSLO: examples/budgeting-method/timeslices-slo.yaml, treat-low-traffic-as-equally-important/."""
    given = f"[{{{op}target: 0.995, timeSliceTarget: 0.95, timeSliceWindow: 1m}}]"
    (one,) = read(tmp_path, slo(method="Timeslices", objectives=given))
    assert one.slices == Slices(method="Timeslices", length_s=60, target=0.95)


def test_ratios_of_slices_have_no_target_and_a_number_is_minutes(tmp_path: Path) -> None:
    """OpenSLO: examples/budgeting-method/ratio-timeslices.yaml; specification, Notes (Objectives)."""
    (one,) = read(tmp_path, slo(method="RatioTimeslices", objectives="[{target: 0.99, timeSliceWindow: 5}]"))
    assert one.slices == Slices(method="RatioTimeslices", length_s=300)


def test_alerts_are_checked_and_their_targets_passed_on_by_name(tmp_path: Path) -> None:
    """oslo: slo-no-indicatorref-rolling-alerts.yaml, alert-policy.yaml; specification, AlertPolicy."""
    policies = "alertPolicies: [{alertPolicyRef: tell}]"
    (one,) = read(tmp_path, slo(more=policies), POLICY, CONDITION, TARGET)
    assert one.notifies == ("on-call",)
    (inline,) = read(tmp_path, slo(more=INLINE_POLICY.replace("\n", "\n  ")))
    assert inline.notifies == ("chat",)


def test_the_type_of_a_metric_comes_from_its_data_source(tmp_path: Path) -> None:
    """specification, SLI: type may be omitted where metricSourceRef is given."""
    (one,) = read(tmp_path, slo(metric=BY_SOURCE), DATA_SOURCE, SERVICE)
    assert isinstance(one.indicator.source, Counters)


def test_a_composite_is_each_of_its_objectives(tmp_path: Path) -> None:
    """oslo: slo-composite-indicatorRef-rolling-no-alerts.yaml; specification, Notes (Composite SLO)."""
    given = (
        "[{displayName: a, target: 0.99, indicatorRef: answers}, {displayName: b, target: 0.9, indicatorRef: answers}]"
    )
    document = REFERRING.replace("[{target: 0.99}]", given).replace("  indicatorRef: answers\n", "", 1)
    assert [one.name for one in read(tmp_path, document, SLI)] == ["answered-a", "answered-b"]


def test_a_histograms_bucket_over_a_range_is_a_latency(tmp_path: Path) -> None:
    """sloth: examples/openslo-kubernetes-apiserver.yml, its queries under v1."""
    good, total = 'sum(rate(a_seconds_bucket{le="0.4"}[{{.window}}]))', "sum(rate(a_seconds_count[{{.window}}]))"
    (one,) = read(tmp_path, slo(metric=ratio(good=good, total=total)))
    assert isinstance(one.indicator, Latency)
    assert one.indicator.threshold_s == 0.4


def test_numbers_that_go_up_and_down_are_evaluated(tmp_path: Path) -> None:
    metric = ratio(good="sum(up)", total="count(up)").replace("ratioMetric: {", "ratioMetric: {counter: false, ")
    (one,) = read(tmp_path, slo(metric=metric))
    assert one.indicator == Availability(source=Queries(part="sum(up)", part_is="good", total="count(up)"))


POLICY_OF_TWO = POLICY.replace("[{conditionRef: burns}]", "[{conditionRef: burns}, {conditionRef: burns}]")
SECRET = DATA_SOURCE.replace("url: 'http://prometheus:9090'", "accessKeyID: K, secretAccessKey: hunter2")
REFUSED = {
    # specification, SLO: one of indicator and indicatorRef; a reference names what there is.
    "a reference to nothing": ([REFERRING], "document 1, line 9: spec.indicatorRef: no SLI 'answers' is in the files"),
    "a service that isn't there": (
        [slo(service="other"), SERVICE],
        "document 1, line 5: spec.service: no Service 'other' is in the files that are read together",
    ),
    "a data source that isn't there": (
        [slo(metric=BY_SOURCE)],
        "metricSourceRef: no DataSource 'metrics' is in the files that are read together",
    ),
    "a secret": ([slo(), SECRET], "document 2, line 21: spec.connectionDetails: holds accessKeyID, and files of obj"),
    # oslo: slo-indicatorref-calendar-alerts.yaml has names alone; specification, Notes (SLO): alertPolicyRef.
    "a policy as a name alone": (
        [slo(more="alertPolicies: [tell]")],
        "spec.alertPolicies[0]: expected alertPolicyRef: with a name, or the object itself, found 'tell'",
    ),
    "a policy of nothing": ([slo(more="alertPolicies: [{alertPolicyRef: x}]")], "no AlertPolicy 'x' is in the files"),
    "a condition of nothing": ([slo(), POLICY, TARGET], "spec.conditions[0].conditionRef: no AlertCondition 'burns'"),
    "a target of nothing": ([slo(), POLICY, CONDITION], "no AlertNotificationTarget 'on-call' is in the files"),
    # oslo: alert-policy-many-cond.yaml, -no-cond, -no-notification; specification, AlertPolicy: max of one condition.
    "two conditions": ([slo(), POLICY_OF_TWO, CONDITION, TARGET], "spec.conditions: List should have at most 1 item"),
    "no condition": ([slo(), POLICY.replace("[{conditionRef: burns}]", "[]")], "List should have at least 1 item"),
    "no notification": ([slo(), POLICY.replace("[{targetRef: on-call}]", "[]")], "List should have at least 1 item"),
    # oslo: alert-condition-no-sev.yaml, -no-condition, -invalid-name; specification, AlertCondition.
    "no severity": ([slo(), CONDITION.replace("severity: page, ", "")], "spec.severity: required and missing"),
    "no condition inside": (
        [slo(), CONDITION.split("spec:", maxsplit=1)[0] + "spec: {severity: page}\n"],
        "spec.condition: required and missing",
    ),
    "no description but a name of two words": ([slo(), TARGET.replace("on-call", "On Call")], "expected a DNS label"),
    # oslo: service-long-description.yaml; specification, Service: up to 1050 characters.
    "a long description": (
        [slo(), SERVICE.replace("All that is sold.", "x" * 1051)],
        "spec.description: String should have at most 1050 characters",
    ),
    # oslo: data-source-cloudwatch.yaml and Datadog's SLOs; the specification leaves types to implementations.
    "a type that isn't read": ([slo(metric=RATIO.replace("Prometheus", "Datadog"))], "metricSource.type is 'Datadog'"),
    # oslo: slo-composite-no-indicatorRef-rolling-no-alerts.yaml; specification, Notes (Composite SLO), Weight.
    "a weight": ([slo(objectives="[{target: 0.9, compositeWeight: 2}]")], "compositeWeight multiplies the burn rate"),
    # sloth: examples/openslo-getting-started.yml is of v1alpha.
    "another version": ([slo().replace("openslo/v1", "openslo/v1alpha")], "line 1: apiVersion: expected openslo/v1, f"),
    "both metrics": ([slo(metric=RATIO + "\n      " + threshold("up"))], "exactly one of ratioMetric and thresholdMet"),
    "a calendar that rolls": (
        [slo(window=CALENDAR.replace("calendar", "isRolling: true, calendar"))],
        "spec.timeWindow[0]: isRolling: true and calendar exclude each other",
    ),
    "a zone of nowhere": ([slo(window=CALENDAR.replace("New_York", "Nowhere"))], "expected a name of the IANA time zo"),
    "no op": (
        [slo(metric=threshold("a"), objectives="[{value: 1, target: 0.9}]")],
        "spec.indicator.spec.thresholdMetric: a thresholdMetric needs op and value at its objective",
    ),
    "a counter under a limit": (
        [slo(metric=threshold("a_total"), objectives="[{op: lt, value: 1, target: 0.9}]")],
        "a_total only grows, so no limit holds for it: use its rate(), or a ratioMetric",
    ),
    "the same query twice": ([slo(metric=ratio(good="a_total", total="a_total"))], "good and total are the same query"),
    "the same counter twice": (
        [slo(metric=ratio(good="sum(rate(a_total[5m]))", total="sum(rate(a_total[1m]))"))],
        "good and total are the same counters",
    ),
    "a gauge as a counter": (
        [slo(metric=ratio(good="rate(memory_bytes[5m])", total="rate(a_total[5m])"))],
        "memory_bytes is named as a gauge is, and counts no events",
    ),
    "a gauge's function of a counter": (
        [slo(metric=RATIO.replace("query: a_total", "query: 'avg_over_time(x[5m])'"))],
        "counter: true says that it only grows, and avg_over_time() is of gauges",
    ),
    "a percentage": ([slo(metric=RAW.format(kind="success", query="a / b * 100"))], "the query answers a percentage"),
    "a rate over an increase": (
        [slo(metric=ratio(good="sum(rate(b_total[5m]))", total="sum(increase(a_total[5m]))"))],
        "increase and rate can't be compared: use the same function on both sides",
    ),
    "a target of 1": ([slo(objectives="[{target: 1.0}]")], "expected a target from 0.0000001 % to 99.9999999 %"),
    "a target of 0": ([slo(objectives="[{target: 0.0}]")], "at 0 all may be bad, at 100 % nothing, found 0.0"),
    "a target in per cent": ([slo(objectives="[{target: 99.9}]")], "expected a ratio below 1, such as 0.999; targetP"),
    "a range longer than a slice": (
        [
            slo(
                metric=RAW.format(kind="success", query="avg_over_time(ok[5m])"),
                method="RatioTimeslices",
                objectives="[{target: 0.9, timeSliceWindow: 1m}]",
            )
        ],
        "its query reads 300 s, and its slices are 60 s long",
    ),
    "an unknown key": ([slo(more="budget: 1")], "document 1, line 16: spec.budget: unknown key"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_can_t_be_meant_is_refused_with_its_reason(tmp_path: Path, case: str) -> None:
    documents, why = REFUSED[case]
    assert why in refused(tmp_path, *documents)


def test_a_secret_is_never_shown(tmp_path: Path) -> None:
    assert "hunter2" not in refused(tmp_path, slo(), SECRET)


def test_an_unknown_key_of_any_kind_is_refused_with_its_line(tmp_path: Path) -> None:
    for document in (SERVICE, DATA_SOURCE, SLI, CONDITION, TARGET, POLICY):
        assert "document 1, line 1: extra: unknown key" in refused(tmp_path, "extra: 1\n" + document, slo())
