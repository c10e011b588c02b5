"""Self times on the critical path sum to the root's duration, and follow the child that finished last."""

from hypothesis import given
from hypothesis import strategies as st

from slo.causes.critical_path import Span, root_of, self_times

NO_CLIENT: frozenset[int] = frozenset()


def test_one_after_the_other_each_has_its_own_time() -> None:
    root = Span("r", "", 0, 0, 100)
    assert self_times(root, [root, Span("a", "r", 1, 10, 30), Span("b", "r", 2, 50, 90)]) == {0: 40, 1: 20, 2: 40}


def test_of_two_at_once_only_the_last_to_finish_counts() -> None:
    root = Span("r", "", 0, 0, 100)
    assert self_times(root, [root, Span("a", "r", 1, 10, 60), Span("b", "r", 2, 20, 90)]) == {0: 30, 2: 70}


def test_a_grandchild_takes_its_time_from_its_parent() -> None:
    root = Span("r", "", 0, 0, 100)
    assert self_times(root, [Span("b", "a", 2, 20, 40), Span("a", "r", 1, 10, 60), root]) == {0: 50, 1: 30, 2: 20}


def test_a_child_that_overflows_its_parent_is_clamped() -> None:
    root = Span("r", "", 0, 0, 100)
    spans = [root, Span("a", "r", 1, 60, 140), Span("b", "r", 2, -20, 10), Span("c", "r", 3, 150, 160)]
    assert self_times(root, spans) == {0: 50, 1: 40, 2: 10}


def test_the_clients_span_is_the_root_and_else_the_earliest_without_a_parent_here() -> None:
    server, client = Span("s", "c", 1, 5, 90), Span("c", "", 7, 10, 100)
    assert root_of([server, client], frozenset({7})) == client
    assert root_of([server, Span("x", "elsewhere", 1, 6, 7)], frozenset({7})) == server
    assert root_of([], NO_CLIENT) is None
    assert root_of([Span("a", "b", 0, 0, 1), Span("b", "a", 0, 0, 1)], NO_CLIENT) is None


def test_spans_with_one_id_or_their_own_parent_end() -> None:
    root = Span("r", "", 0, 0, 100)
    spans = [root, *(Span("a", "a", 1, 0, 50) for _ in range(50)), *(Span("r", "r", 2, 0, 50) for _ in range(50))]
    assert self_times(root, spans) == {0: 100}


def test_a_chain_of_ten_thousand_spans_needs_no_recursion() -> None:
    spans = [Span(str(n), str(n - 1) if n else "", 0, 0, 20_000 - n) for n in range(10_000)]
    assert self_times(spans[0], spans) == {0: 20_000}


@given(st.lists(st.tuples(st.integers(0, 12), st.integers(-50, 150), st.integers(-50, 150)), max_size=13))
def test_self_times_always_sum_to_the_roots_duration(drawn: list[tuple[int, int, int]]) -> None:
    """Whatever a sender says: overlaps, ends before starts, parents that come later or never."""
    root = Span("0", "", 0, 0, 100)
    spans = [root, *(Span(str(n), str(parent), n, *times) for n, (parent, *times) in enumerate(drawn, start=1))]
    times = self_times(root, spans)
    assert sum(times.values()) == 100
    assert min(times.values()) >= 0
