"""A running Prometheus is asked each query of a board once, with the time shown and what is chosen."""

import re
from concurrent.futures import ThreadPoolExecutor

import pytest

from dashboards.charts.lines import TimeRange
from dashboards.grafana.board import Annotation
from dashboards.grafana.panels import Look, Panel, Query
from scripts.live_boards.running import Answered, ask, literal
from scripts.local_stack.prometheus import MOST_SERIES
from slo.outcomes import EnvironmentLacks
from tests.dashboards.snapshot.made import board_of
from tests.scripts.live_boards.fake import FakePrometheus

SECOND = 1_000_000_000
SPAN = TimeRange(start_ns=0, end_ns=3600 * SECOND)
RATE = 'rate(up{environment=~"$environment"}[$__rate_interval])'
BOARD = board_of(
    Panel(title="A", description="D.", unit="s", queries=[Query(expr=RATE, legend="a"), Query(expr="b", legend="b")]),
    Panel(title="B", description="D.", unit="s", look=Look.BARS, queries=[Query(expr="b", legend="")] * 2),
    annotations=[Annotation(name="Moved", expr="moved", text="moved", colour="#fff")],
)


def asked(fake: FakePrometheus, **chosen: str) -> Answered:
    with ThreadPoolExecutor(2) as executor:
        return ask(fake.prometheus, BOARD, SPAN, chosen, executor)


def test_each_query_is_asked_once_in_its_kind_over_the_time_shown() -> None:
    fake = FakePrometheus(labels={})
    found = asked(fake)
    assert sorted(fake.asked) == [
        ("instant", "b", 3600 * SECOND, 3600 * SECOND, 0),
        ("range", "b", 0, 3600 * SECOND, 15),
        ("range", "moved * 1000", 0, 3600 * SECOND, 15),
        ("range", 'rate(up{environment=~".*"}[60s])', 0, 3600 * SECOND, 15),
    ]
    assert found.answer({"expr": "b", "instant": True}).series[0].points == [(3600 * SECOND, 0.0)]


def test_what_is_chosen_is_asked_for_and_nothing_else() -> None:
    fake = FakePrometheus(labels={})
    asked(fake, environment='a.b"} or up{x="')
    queries = [query for _, query, *_ in fake.asked if query.startswith("rate")]
    assert queries == ['rate(up{environment=~"a\\\\.b\\"\\\\} or up\\\\{x=\\""}[60s])']


@pytest.mark.parametrize("value", ["/orders/{id}", "a|b", "1.5", 'say "no"', "c:\\d", "plain"])
def test_a_chosen_value_matches_itself_alone(value: str) -> None:
    pattern = literal(value).replace('\\"', '"').replace("\\\\", "\\")
    assert re.fullmatch(pattern, value)
    assert not re.fullmatch(pattern, value + "x")


def test_a_query_that_is_refused_has_its_problem_and_the_others_their_series() -> None:
    found = asked(FakePrometheus(labels={}, refused="rate"))
    assert found.answer({"expr": RATE, "instant": False}).problem == "Prometheus refuses it: parse error"
    assert found.answer({"expr": "b", "instant": False}).series


def test_of_too_many_series_the_highest_are_kept_and_the_others_counted() -> None:
    one = asked(FakePrometheus(labels={}, many=MOST_SERIES + 3)).answer({"expr": "b", "instant": False})
    assert (len(one.series), one.left_out) == (MOST_SERIES, 3)
    assert min(series.last or 0 for series in one.series) == 3


def test_a_prometheus_that_is_not_there_is_asked_nothing() -> None:
    fake = FakePrometheus(labels={}, ready=False)
    with pytest.raises(EnvironmentLacks, match=r"^Prometheus at http://127.0.0.1:1 doesn't answer$"):
        asked(fake)
    assert fake.asked == []


def test_an_answer_that_is_no_prometheus_s_is_a_problem() -> None:
    found = asked(FakePrometheus(labels={}, strange=True))
    assert found.answer({"expr": "b", "instant": True}).problem == "what answers there is no Prometheus"


def test_a_few_series_stay_in_prometheus_order() -> None:
    one = asked(FakePrometheus(labels={}, many=3)).answer({"expr": "b", "instant": False})
    assert [series.last for series in one.series] == [0, 1, 2]
