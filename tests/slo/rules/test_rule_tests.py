"""Courses of series in promtool's notation, and cases as checks at the evaluations around their moments."""

import pytest
import yaml

from slo.rules.model import Alert, Group
from slo.rules.rule_tests import rule_tests
from slo.rules.scenarios import Scenario, Series, Stretch, of_cases
from slo.rules.scope import Scope
from slo.rules.signals import Absent, Ago, Case, Course, Level, Rate, Signal

SCOPE = Scope(environment="staging")


@pytest.mark.parametrize(
    ("courses", "expected"),
    [
        ([Level(value=1), Level(value=0), Level(value=1)], "1+0x3 0+0x3 1+0x3"),
        ([Rate(per_s=2), Rate(per_s=0), Rate(per_s=1)], "0+30x3 120+0x3 120+15x3"),
        ([Level(value=1), Absent(), Absent()], "1+0x3 stale _x3 _x4"),
        ([Absent(), Level(value=5)], "_x4 5+0x3"),
        ([Ago(seconds=100), Ago(seconds=7)], "-100+15x3 53+15x3"),
    ],
)
def test_a_course_is_written_as_promtool_reads_it(courses: list[Course], expected: str) -> None:
    stretches = tuple(Stretch(course=course, seconds=60) for course in courses)
    scenario = Scenario(name="n", series=(Series(metric="m", labels=(("a", 'x"y'),), stretches=stretches),), checks=())
    (test,) = yaml.safe_load(rule_tests([scenario], ["r.yml"], 30, 15))["tests"]
    assert test["input_series"] == [{"series": 'm{a="x\\"y"}', "values": expected}]


def test_an_alert_must_be_silent_one_evaluation_before_and_fire_two_after() -> None:
    signal = Signal(metric="m", healthy=Level(value=0), faulty=Level(value=1))
    case = Case(name="c", signals=(signal,), fires_after_s=310, clears_after_s=100, fault_s=600)
    alert = Alert(
        name="Worry",
        expr="m == 1",
        for_s=300,
        severity="ticket",
        summary="s",
        description="d",
        reason="r",
        runbook="b",
        cases=(case,),
        exporter="orders",
    )
    (scenario,) = of_cases(Group(name="g", rules=(alert,)), SCOPE, 60)
    assert [(check.at_s, check.value) for check in scenario.checks] == [(840, None), (1020, 1), (1140, 1), (1380, None)]
    assert {check.expr for check in scenario.checks} == {
        'count(ALERTS{alertstate="firing",alertname="Worry",severity="ticket",environment="staging",exporter="orders"})'
    }
    assert scenario.series[0].labels == (("environment", "staging"),)


def test_series_are_played_with_the_labels_that_the_matcher_asks_for() -> None:
    scope = Scope(environment="production", matcher='namespace="shop",cluster="a"')
    assert scope.example_labels == (("namespace", "shop"), ("cluster", "a"))
    with pytest.raises(ValueError, match='expected label="value" alone, found namespace=~"shop"'):
        _ = Scope(environment="production", matcher='namespace=~"shop"').example_labels
