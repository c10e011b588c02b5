"""A query that Prometheus would refuse is refused, whatever the parser makes of it."""

import pytest

from slo.objectives.promql_tree import parsed


@pytest.mark.parametrize(
    ("query", "number"),
    [
        ("up[1e30]", "1e30"),
        ("up offset 1e30", "1e30"),
        ("up offset -1e30", "1e30"),
        ("up offset NaN", "NaN"),
        ("up[5m:1e300]", "1e300"),
        ("up offset-1e14", "1e14"),
        ("up[18446744073709551616]", "18446744073709551616"),
    ],
)
def test_a_duration_out_of_range_is_named(query: str, number: str) -> None:
    with pytest.raises(ValueError, match=rf"^a duration of {number} is out of range$"):
        parsed(query)


@pytest.mark.parametrize(
    "query",
    [
        "(" * 20_000 + "1" + ")" * 20_000,
        "1 or " * 20_000 + "1",
        "-(" * 9_000 + "1" + ")" * 9_000,
        "# isn't\n" + "1+" * 20_000 + "1 # isn't",
    ],
)
def test_a_query_that_would_end_the_process_is_too_deep(query: str) -> None:
    with pytest.raises(RecursionError):
        parsed(query)


def test_what_stands_in_a_string_or_a_comment_is_no_operator() -> None:
    assert parsed('up{path=~"' + "(a-b)" * 3_000 + '"} # offset 1e99 ' + "-" * 3_000) is not None
