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
    ['up{a="[1e30]"}', "label_replace(up, 'a', 'offset 1e30', 'b', '`')", "up[300y] offset 1e3", "vector(1e30)"],
)
def test_what_is_in_range_or_no_duration_is_read(query: str) -> None:
    assert parsed(query) is not None


def test_a_panic_of_the_parser_is_a_refusal(monkeypatch: pytest.MonkeyPatch) -> None:
    class PanicException(BaseException):
        pass

    def panics(_query: str) -> None:
        raise PanicException("at the disco")

    monkeypatch.setattr("slo.objectives.promql_tree.ast.parse", panics)
    with pytest.raises(ValueError, match=r"^the parser fails on it: at the disco$"):
        parsed("up")


@pytest.mark.parametrize(("before", "between", "after"), [("s", " - s", ""), ("", "(", "s)"), ("x", " or x", "")])
def test_a_tree_in_which_whoever_follows_it_would_recurse_too_deep_is_too_deep(
    before: str, between: str, after: str
) -> None:
    def query(times: int) -> str:
        return before + between * times + after + ")" * (times - 1 if after else 0)

    assert parsed(query(140)) is not None
    with pytest.raises(RecursionError):
        parsed(query(151))
