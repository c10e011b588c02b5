"""Rows of several queries become one where they agree in all that they share, as Grafana merges them."""

import pytest

from dashboards.grafana.upgrade import Json
from dashboards.snapshot.tables import Row, merged, table
from tests.dashboards.snapshot.made import series


def test_rows_that_agree_in_what_they_share_are_one() -> None:
    first: list[Row] = [{"Time": 1.0, "job": "a", "Value #A": 1.0}, {"Time": 1.0, "job": "b", "Value #A": 2.0}]
    second: list[Row] = [{"Time": 1.0, "job": "b", "Value #B": 3.0}]
    assert merged([first, second]) == [
        {"Time": 1.0, "job": "a", "Value #A": 1.0},
        {"Time": 1.0, "job": "b", "Value #A": 2.0, "Value #B": 3.0},
    ]


def test_a_row_with_fewer_labels_joins_every_row_that_it_agrees_with() -> None:
    pods: list[Row] = [{"job": "a", "pod": "x", "Value #A": 1.0}, {"job": "a", "pod": "y", "Value #A": 2.0}]
    jobs: list[Row] = [{"job": "a", "Value #B": 9.0}]
    assert [row["Value #B"] for row in merged([pods, jobs])] == [9.0, 9.0]


def test_rows_that_differ_in_a_label_stay_apart() -> None:
    rows = merged([[{"job": "a", "Value #A": 1.0}], [{"job": "b", "Value #B": 1.0}]])
    assert rows == [{"job": "a", "Value #A": 1.0}, {"job": "b", "Value #B": 1.0}]


def test_nothing_is_no_row() -> None:
    assert merged([[], []]) == []


def given(**options: object) -> Json:
    return {
        "title": "T",
        "targets": [{"refId": "A"}],
        "options": {"sortBy": [{"displayName": "Job", "desc": False}]},
        "transformations": [
            {"id": "organize", "options": {"renameByName": {"job": "Job"}, "excludeByName": {"Time": True}, **options}}
        ],
    }


def test_a_single_query_has_its_value_under_its_plain_name() -> None:
    made = table(given(), {"A": [series(1, job="b"), series(2, job="a")]})
    assert [(one.source, one.heading) for one in made.columns] == [("job", "Job"), ("Value", "Value")]
    assert [row["Value"] for row in made.rows] == [2.0, 1.0]


def test_a_row_without_the_value_that_sorts_is_the_last() -> None:
    made = table(given(), {"A": [series(1), series(2, job="a")]})
    assert [row["Value"] for row in made.rows] == [2.0, 1.0]


def test_a_transformation_that_is_not_understood_is_refused() -> None:
    panel = given() | {"transformations": [{"id": "joinByField", "options": {}}]}
    with pytest.raises(ValueError, match=r"^panel 'T': transformation 'joinByField' is not understood$"):
        table(panel, {"A": []})
