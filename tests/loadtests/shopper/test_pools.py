"""Which rows a worker gives out: never one to two sessions at once, over all workers."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadtests.demand.splitmix import SplitMix64
from loadtests.shopper.pools import Pool

SECOND = 1_000_000_000


def random() -> SplitMix64:
    return SplitMix64(7)


@given(
    rows=st.integers(1, 12),
    workers=st.integers(1, 4),
    choices=st.lists(st.tuples(st.integers(0, 3), st.booleans(), st.booleans()), max_size=80),
)
def test_no_row_is_in_two_sessions_at_once_over_all_workers(
    rows: int, workers: int, choices: list[tuple[int, bool, bool]]
) -> None:
    pools = [Pool(rows, "exclusive", index, workers) for index in range(workers)]
    out: list[tuple[Pool, int]] = []
    locked: set[int] = set()
    for now, (place, takes, locks) in enumerate(choices):
        pool = pools[place % workers]
        if takes:
            row = pool.take(now, random())
            mine = sum(owner is pool for owner, _ in out)
            if row is None:
                assert mine == len(pool) - len(locked - {held for _, held in out} & set(pool._numbers))
            else:
                assert row in range(rows)
                assert row not in locked
                out.append((pool, row))
        elif out:
            pool, row = out.pop(place % len(out))
            if locks:
                pool.lock(row)
                locked.add(row)
            pool.give_back(row, now)
        assert max(Counter(row for _, row in out).values(), default=0) <= 1


@pytest.mark.parametrize("workers", [1, 3, 7])
def test_the_workers_together_own_every_row_once(workers: int) -> None:
    pools = [Pool(20, "exclusive", index, workers) for index in range(workers)]
    taken = [row for pool in pools for _ in range(len(pool)) if (row := pool.take(0, random())) is not None]
    assert sorted(taken) == list(range(20))
    assert [pool.take(0, random()) for pool in pools] == [None] * workers


def test_the_row_that_is_unused_the_longest_is_the_next() -> None:
    pool = Pool(2, "exclusive")
    assert [pool.take(0, random()), pool.take(0, random())] == [0, 1]
    pool.give_back(1, 1)
    pool.give_back(0, 2)
    assert [pool.take(3, random()), pool.take(3, random())] == [1, 0]


def test_giving_a_row_back_twice_gives_it_out_once() -> None:
    pool = Pool(1, "exclusive")
    assert pool.take(0, random()) == 0
    pool.give_back(0, 1)
    pool.give_back(0, 2)
    assert [pool.take(3, random()), pool.take(3, random())] == [0, None]


def test_a_row_that_is_used_once_is_never_given_out_again() -> None:
    pool = Pool(2, "once")
    assert [pool.take(0, random()), pool.take(0, random())] == [0, 1]
    pool.give_back(0, 1)
    assert [pool.take(second * SECOND, random()) for second in (10, 20, 30)] == [None] * 3
    assert (pool.given, pool.lacked, pool.short_peak) == (2, 3, 3)


def test_a_shared_file_is_every_workers_own_and_is_drawn_from_evenly() -> None:
    pool, draws = Pool(4, "shared", 2, 3), random()
    drawn = Counter(pool.take(0, draws) for _ in range(4000))
    assert sorted(row for row in drawn if row is not None) == [0, 1, 2, 3]
    assert min(drawn.values()) > 900
    assert (pool.given, pool.lacked) == (4000, 0)


def test_a_locked_row_is_given_out_no_more() -> None:
    shared, exclusive = Pool(3, "shared"), Pool(2, "exclusive")
    shared.lock(1)
    draws = random()
    assert {shared.take(0, draws) for _ in range(100)} == {0, 2}
    shared.lock(0)
    shared.lock(2)
    assert shared.take(0, draws) is None
    row = exclusive.take(0, draws)
    assert row == 0
    exclusive.lock(row)
    exclusive.lock(row)
    exclusive.give_back(row, 1)
    assert [exclusive.take(1, draws), exclusive.take(1, draws), exclusive.locked] == [1, None, 1]


def test_what_was_missing_is_counted_as_if_it_had_been_kept_as_long_as_the_others() -> None:
    pool = Pool(1, "exclusive")
    pool.take(0, random())
    pool.give_back(0, 10 * SECOND)
    assert pool.take(20 * SECOND, random()) == 0
    for second in (21, 24, 27, 38, 39):  # each would last 10 s: three at once, and later two
        assert pool.take(second * SECOND, random()) is None
    assert (pool.lacked, pool.short_peak, pool.in_use_peak) == (5, 3, 1)


def test_before_any_came_back_they_are_kept_for_as_long_as_they_have_been() -> None:
    pool = Pool(1, "exclusive")
    pool.take(0, random())
    for second in (8, 12, 17):  # until 16, 24, 34
        assert pool.take(second * SECOND, random()) is None
    assert pool.short_peak == 2
