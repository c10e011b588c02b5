"""What a run kept answers the panel that asked it, and nothing that wasn't asked is taken for an answer."""

import math
from typing import Any

import pytest

from dashboards.charts.lines import TimeRange
from dashboards.grafana.upgrade import Json
from dashboards.snapshot.answers import NOT_ASKED, Answer, kept_answers

SECOND = 1_000_000_000
OTHERWISE = TimeRange(start_ns=1, end_ns=2)
LINES: Json = {"expr": "up[$__rate_interval]", "instant": False}
TABLE: Json = {**LINES, "instant": True}


def row(**given: Any) -> Json:
    whole = {"query": "up[4s]", "expr": LINES["expr"], "kind": "range", "labels": '{"job":"a"}', "left_out": 0}
    asked = {"asked_from": 100 * SECOND, "asked_to": 400 * SECOND, "error": None}
    return {**whole, **asked, "at": [400 * SECOND], "value": [1.0], **given}


def test_a_row_answers_the_query_that_it_was_asked_for_in_its_kind() -> None:
    source = kept_answers([row(value=[1.0]), row(kind="instant", value=[2.0])], OTHERWISE)
    assert [source.answer(one).series[0].last for one in (LINES, TABLE)] == [1.0, 2.0]
    assert source.answer({"expr": "down", "instant": False}) == Answer(problem=NOT_ASKED)


def test_a_run_of_before_answers_by_the_query_as_it_was_sent() -> None:
    source = kept_answers([row(expr=None)], OTHERWISE)
    assert source.answer(LINES).series[0].labels == {"job": "a"}


def test_a_run_of_before_answers_a_figure_at_the_end_with_what_was_there_near_it() -> None:
    late, early = [340 * SECOND, 390 * SECOND], [300 * SECOND, 310 * SECOND]
    source = kept_answers(
        [row(expr=None, at=late, value=[3.0, 4.0]), row(expr=None, at=early, value=[5.0, 6.0])], OTHERWISE
    )
    assert [list(one.points) for one in source.answer(TABLE).series] == [[(400 * SECOND, 4.0)]]


def test_an_answer_without_a_series_is_an_answer() -> None:
    found = kept_answers([row(at=[], value=[])], OTHERWISE).answer(LINES)
    assert (list(found.series), found.problem) == ([], "")


def test_a_query_that_failed_has_its_error_and_no_series() -> None:
    source = kept_answers([row(at=[], value=[], error="not asked: the time was over")], OTHERWISE)
    assert source.answer(LINES) == Answer(problem="not asked: the time was over")


def test_series_that_were_not_kept_are_counted() -> None:
    assert kept_answers([row(left_out=9), row(left_out=9)], OTHERWISE).answer(LINES).left_out == 9


def test_the_time_shown_is_the_one_that_was_asked_for() -> None:
    assert kept_answers([row()], OTHERWISE).span == TimeRange(start_ns=100 * SECOND, end_ns=400 * SECOND)
    assert kept_answers([], OTHERWISE).span == OTHERWISE


@pytest.mark.parametrize("labels", ["{", "[]", None, "[" * 100_000])
def test_labels_that_can_not_be_read_are_none(labels: str | None) -> None:
    assert kept_answers([row(labels=labels)], OTHERWISE).answer(LINES).series[0].labels == {}


def test_a_value_that_is_missing_is_no_number() -> None:
    found = kept_answers([row(at=[1, 2], value=[5.0, None])], OTHERWISE).answer(LINES).series[0]
    assert math.isnan(found.points[1][1])
    assert found.last == 5.0
