"""What rules there are for an objective, and what is left out by name."""

import re
from dataclasses import replace

from slo.objectives.indicators import Availability
from slo.objectives.objective import Objective
from slo.objectives.sources import Sessions
from slo.rules.build import LeftOut, Pace, build
from slo.rules.model import Alert, Recording
from slo.rules.scope import Scope
from tests.slo.rules.conftest import Make

SCOPE = Scope(environment="staging")
LEVEL_METRIC_OPERATIONS = re.compile(r"objective:[a-z_]+:[a-z0-9_]+")


def rules_of(*objectives: Objective) -> list[Recording | Alert]:
    return [rule for group in build(objectives, SCOPE).groups for rule in group.rules]


def test_every_rule_carries_the_environment_and_the_objective(objective: Make) -> None:
    for rule in rules_of(objective()):
        assert rule.labels["environment"] == "staging"
        assert rule.labels["objective"] == "checkout"
        assert rule.labels["service"] == "shop"


def test_every_selector_of_the_shops_series_is_of_the_environment(objective: Make) -> None:
    for rule in rules_of(objective()):
        selectors = re.findall(r"(?:http_requests_total|\bup)\{[^}]*\}", rule.expr)
        assert [one for one in selectors if '{environment="staging",' not in one] == []


def test_recordings_are_named_level_metric_operations_and_once(objective: Make) -> None:
    names = [rule.record for rule in rules_of(objective()) if isinstance(rule, Recording)]
    assert [name for name in names if not LEVEL_METRIC_OPERATIONS.fullmatch(name)] == []
    assert len(set(names)) == len(names) == 30


def test_each_pair_of_windows_is_an_alert_of_its_own(objective: Make) -> None:
    alerts = [rule for rule in rules_of(objective()) if isinstance(rule, Alert) and rule.name == "ErrorBudgetBurn"]
    assert [(one.severity, one.labels["long_window"], one.labels["short_window"]) for one in alerts] == [
        ("page", "1h", "5m"),
        ("page", "6h", "30m"),
        ("ticket", "1d", "2h"),
        ("ticket", "3d", "6h"),
    ]


def test_an_error_ratio_survives_series_that_were_never_born_and_no_traffic(objective: Make) -> None:
    (ratio,) = (
        rule for rule in rules_of(objective()) if getattr(rule, "record", "") == "objective:errors:ratio_rate1h"
    )
    own = 'environment="staging",job="shop",route="/checkout"'
    assert ratio.expr == (
        "1 - (\n"
        f'  sum(rate(http_requests_total{{{own},code!~"5..",code!=""}}[1h]))\n'
        "  or\n"
        f'  0 * sum(rate(http_requests_total{{{own},code!=""}}[1h]))\n'
        ") / (\n"
        f"  sum(rate(http_requests_total{{{own}}}[1h])) > 0\n"
        ")"
    )


def test_a_bucket_that_is_not_exposed_is_not_a_bucket_without_events(objective: Make) -> None:
    timed = objective('h_seconds_bucket{job="shop",le="0.5"}', 'h_seconds_count{job="shop"}')
    good = next(rule for rule in rules_of(timed) if getattr(rule, "record", "") == "objective:good_events:rate5m")
    bucket = 'h_seconds_bucket{environment="staging",job="shop",le="0.5"}'
    assert good.expr == f"sum(rate({bucket}[5m]))"


def test_a_bucket_of_errors_alone_holds_no_good_event(objective: Make) -> None:
    timed = objective('h_seconds_bucket{job="shop",code!~"5..",le="0.5"}', 'h_seconds_count{job="shop"}')
    good = next(rule for rule in rules_of(timed) if getattr(rule, "record", "") == "objective:good_events:rate5m")
    assert good.expr.endswith(
        '\nor\n0 * sum(rate(h_seconds_bucket{environment="staging",job="shop",le="0.5",code!=""}[5m]))'
    )


def test_good_events_of_another_counter_are_none_when_it_was_never_born(objective: Make) -> None:
    apart = objective("answers_ok_total", "answers_total")
    good = next(rule for rule in rules_of(apart) if getattr(rule, "record", "") == "objective:good_events:rate5m")
    assert good.expr.endswith('0 * sum(rate(answers_total{environment="staging"}[5m]))')


def test_sessions_are_in_no_series_to_make_a_rule_of(of_records: Objective) -> None:
    bought = replace(of_records, indicator=Availability(source=Sessions(journeys=("buy",))))
    (left_out,) = build([bought], SCOPE).left_out
    assert left_out.reason == "it is read from the sessions of a load test, which Prometheus doesn't have"


def test_what_there_is_no_rule_for_is_named(objective: Make, of_records: Objective) -> None:
    named = objective('a_total{environment="x",code="1"}', 'a_total{environment="x"}')
    anything = objective('a_total{job="shop"}', 'a_total{job="shop"}')
    built = build([of_records, named, anything, objective("ok_total", "all_total", target=0.9)], SCOPE)
    assert built.left_out == (
        LeftOut(
            objective="waits",
            what="the objective",
            reason="it is read from the records of a load test, which Prometheus doesn't have",
        ),
        LeftOut(
            objective="checkout",
            what="the objective",
            reason="its selector already has a matcher for environment, which the rules set",
        ),
        LeftOut(
            objective="checkout",
            what="the objective",
            reason="good selects all that total does: no event could be bad",
        ),
        LeftOut(
            objective="checkout",
            what="the alert over 1h",
            reason="it can never fire: its error ratio would have to exceed 1.34",
        ),
        LeftOut(
            objective="checkout",
            what="ObjectiveScrapeDown",
            reason="its total names no job, so its targets aren't known",
        ),
    )


def test_where_prometheus_watches_one_environment_alone_nothing_is_selected_by_it(objective: Make) -> None:
    built = build([objective()], Scope(environment="production", matcher=""))
    exprs = [rule.expr for group in built.groups for rule in group.rules if "http_requests" in rule.expr]
    assert [expr for expr in exprs if re.search(r"http_requests_total\{[^}]*environment", expr)] == []
    assert all(rule.labels["environment"] == "production" for group in built.groups for rule in group.rules)


def test_windows_grow_with_the_scrape_interval(objective: Make) -> None:
    built = build([objective()], SCOPE, pace=Pace(scrape_interval_s=120))
    records = {rule.record for group in built.groups for rule in group.rules if isinstance(rule, Recording)}
    assert "objective:errors:ratio_rate8m" in records
    assert "objective:errors:ratio_rate5m" not in records


def test_the_reason_says_where_the_factor_comes_from(objective: Make) -> None:
    burning = [rule for rule in rules_of(objective()) if isinstance(rule, Alert) and rule.name == "ErrorBudgetBurn"]
    assert burning[0].reason == (
        "Factor 13.44 = 2% × period / 1h; the last 5m so that it clears soon after the errors; at least 75 events in"
        " 1h, of which 10 bad would reach it. No for: the windows already say how long errors last."
    )
    assert "Factor 1 = 1, the floor: below it nothing is spent too fast;" in burning[-1].reason


def test_where_errors_have_a_label_of_their_own_good_events_lack_it(objective: Make) -> None:
    marked = objective('orders_total{job="shop",error=""}', 'orders_total{job="shop"}')
    good = next(rule for rule in rules_of(marked) if getattr(rule, "record", "") == "objective:good_events:rate5m")
    own = 'environment="staging",job="shop"'
    assert good.expr == (f'sum(rate(orders_total{{{own},error=""}}[5m]))\nor\n0 * sum(rate(orders_total{{{own}}}[5m]))')


def test_events_that_are_counted_are_measured_also_where_no_target_is_known(objective: Make) -> None:
    down = next(rule for rule in rules_of(objective()) if getattr(rule, "name", "") == "ObjectiveScrapeDown")
    assert down.expr.endswith(
        'unless on ()\ncount(http_requests_total{environment="staging",job="shop",route="/checkout"})'
    )
