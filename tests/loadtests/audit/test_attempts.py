"""Values are found among others, whichever of both sides is the smaller one."""

import pyarrow as pa
import pytest

from loadtests.audit.attempts import places


@pytest.mark.parametrize("others", [0, 100])
def test_a_place_is_the_first_one_and_none_for_what_is_not_there(others: int) -> None:
    among = pa.array(["a", "b", "b", None, *map(str, range(others))])
    assert places(pa.array(["b", None, "z", "a", "b"]), among).tolist() == [1, -1, -1, 0, 1]


def test_nothing_is_found_among_nothing() -> None:
    assert places(pa.array(["a"]), pa.array([], pa.string())).tolist() == [-1]
    assert places(pa.array([], pa.string()), pa.array(["a"])).tolist() == []
