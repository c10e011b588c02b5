"""Which traces a comparison's causes are sought in."""

from pathlib import Path

from loadtests.comparison.traces import traces_of
from tests.loadtests.comparison.test_observations import Row, World, job, request


def traced(trace: str, session: int, at_s: float, step: str = "home") -> Row:
    return (*request(session, at_s, step=step)[:-1], trace)


def test_a_trace_is_of_the_block_in_which_its_request_counts(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.write(
        traced("skipped", 1, 2.0),
        traced("first", 2, 6.0),
        traced("second", 2, 16.0),
        traced("in a part of ten seconds", 2, 26.0),  # 25 s are judged, two blocks of ten
        traced("of A in B's block", 2, 40.0),
        traced("of B", 3, 41.0),
        traced("of another step", 3, 42.0, "cart"),
        traced("", 3, 43.0),
    )
    a, b = traces_of(job("a", "b"), tmp_path, ("home",))
    assert (set(a), set(b)) == ({"first", "second"}, {"of B"})
    assert a["first"] != a["second"]


def test_a_block_that_does_not_count_has_no_traces(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.write(traced("of A", 1, 6.0), traced("of B", 2, 41.0))
    assert traces_of(job("a", "b", invalid={0: "the other release was up in it"}), tmp_path, ("home",))[0] == {}
