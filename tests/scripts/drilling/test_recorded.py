"""A recorded past is written for what an alert reads, each rule after those that it reads itself."""

import pytest

from scripts.drilling.configuration import evaluated_each_s, rules_of
from scripts.drilling.plan import plan
from scripts.drilling.recorded import Rule, past_of, rules_in
from tests.scripts.drilling.cases import RECORDED, groups


def rule(name: str, expr: str, *, is_alert: bool = False) -> Rule:
    return Rule(name=name, expr=expr, labels={}, interval_s=30, is_alert=is_alert)


GOOD = rule("a:good:rate5m", "sum(rate(good_total[5m]))")
ALL = rule("a:all:rate5m", "sum(rate(all_total[5m])) and on () a:good:rate5m")
RATIO = rule("a:ratio:1d", "sum_over_time(a:good:rate5m{x='1'}[1d]) / sum_over_time(a:all:rate5m[1d])")
YESTERDAY = rule("a:count:1h", "increase(all_total[1h])")
OTHER = rule("a:good:rate5m_more", "vector(1)")
ALERT = rule("Bad", 'a:ratio:1d{x="1"} > 2 and a:count:1h offset 1d > 3', is_alert=True)
RULES = [ALERT, RATIO, ALL, GOOD, OTHER, YESTERDAY]


def test_what_is_read_comes_before_what_reads_it_and_nothing_else_is_there() -> None:
    found = [(past.rule.name, past.level) for past in past_of([ALERT], RULES)]
    assert sorted(found) == [("a:all:rate5m", 2), ("a:count:1h", 1), ("a:good:rate5m", 1), ("a:ratio:1d", 3)]
    assert [level for _, level in found] == sorted(level for _, level in found)


def test_a_long_past_is_written_only_for_what_is_read_from_further_back() -> None:
    ranged = {past.rule.name for past in past_of([ALERT], RULES) if past.is_ranged}
    assert ranged == {"a:good:rate5m", "a:all:rate5m", "a:count:1h"}


def test_rules_that_read_each_other_end() -> None:
    one, other = rule("a:one:x", "a:two:x"), rule("a:two:x", "a:one:x")
    assert len(past_of([rule("Bad", "a:one:x > 1", is_alert=True)], [one, other])) == 2


@pytest.mark.parametrize(
    ("interval", "expected"), [(None, 30), ("30s", 30), ("5m", 30), ("10s", 10), ("1m30s", 30), ("15000ms", 15)]
)
def test_a_slow_group_is_evaluated_each_half_minute(interval: str | None, expected: int) -> None:
    assert evaluated_each_s(interval) == expected


def test_a_scene_gets_its_alerts_group_and_those_that_record_for_it_in_its_environment() -> None:
    found = {scene.alert.name: scene for scene in plan(groups)}
    share = rules_of(found["TooManyBad"], groups)
    assert [(one.name, one.is_alert) for one in rules_in(share.document)] == [(RECORDED, False), ("TooManyBad", True)]
    assert share.labels["environment"] == found["TooManyBad"].environment
    assert all(share.labels["environment"] in one.expr for one in rules_in(share.document))
    down = rules_of(found["ShopDown"], groups)
    assert [one.name for one in rules_in(down.document)] == ["ShopDown", "TestsSourceDown"]
