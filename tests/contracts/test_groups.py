"""Tests that play load run one at a time, whatever else runs beside them."""

import pytest

from tests.groups import GROUPS, TESTS, GroupScheduling, group_of


def test_every_path_of_a_group_is_there() -> None:
    assert [path for paths in GROUPS.values() for path in paths if not (TESTS / path).exists()] == []


@pytest.mark.parametrize(
    ("path", "group"),
    [
        ("end_to_end/test_demo.py", "load"),
        ("end_to_end/test_through_a_proxy.py", "shop"),
        ("end_to_end/test_wire.py", "late"),
        ("dashboards/walk/test_walk.py", "walk"),
        ("loadtests/test_locustfile.py", "locust"),
        ("staging/test_front.py", "staging"),
        ("slo/test_statistics.py", "slo/test_statistics.py"),
    ],
)
def test_a_module_belongs_to_the_longest_path_that_holds_it(path: str, group: str) -> None:
    assert (TESTS / path).exists()
    assert group_of(path) == group
    assert GroupScheduling._split_scope(object.__new__(GroupScheduling), f"tests/{path}::test_it[a::b]") == group
