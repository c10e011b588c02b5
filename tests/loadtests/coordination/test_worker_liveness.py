"""A run waits for workers that may come back, and for none that can't."""

import pytest

from loadtests.coordination.worker_liveness import ALONE_S, WorkerLiveness
from tests.loadtests.fakes import SECOND

END = 100 * SECOND


def attendance() -> WorkerLiveness:
    return WorkerLiveness(("w0", "w1"), 0, END)


def test_it_is_over_when_each_worker_is_done() -> None:
    seen = attendance()
    seen.see(10 * SECOND, {"w0", "w1"}, ())
    assert not seen.is_over
    seen.finished("w0", "completed")
    assert (seen.is_over, seen.is_complete) == (False, False)
    seen.finished("w1", "completed")
    assert (seen.is_over, seen.is_complete) == (True, True)


def test_it_is_over_though_the_one_that_is_done_is_still_there_and_the_other_left() -> None:
    """Counting heads would take the one for the other, and wait for ever."""
    seen = attendance()
    seen.finished("w0", "completed")
    seen.see(50 * SECOND, {"w0", "w1"}, ())
    seen.see(52 * SECOND, {"w0"}, ())
    assert not seen.is_over
    seen.see(52 * SECOND + 1, {"w0"}, ())
    assert (seen.is_over, seen.is_complete) == (True, False)


def test_a_silent_worker_is_waited_for_until_it_surely_plays_no_more() -> None:
    seen = attendance()
    seen.finished("w0", "completed")
    seen.see(10 * SECOND, {"w0", "w1"}, ())
    for second in range(11, 10 + ALONE_S + 6):
        seen.see(second * SECOND, {"w0"}, {"w1"})
        assert not seen.is_over
    seen.see((10 + ALONE_S + 6) * SECOND, {"w0"}, {"w1"})
    assert seen.is_over


def test_a_worker_that_came_back_is_as_present_as_before() -> None:
    seen = attendance()
    seen.finished("w0", "completed")
    for second in range(10, 48):
        is_heard = second in {10, 28}
        seen.see(second * SECOND, {"w0", "w1"} if is_heard else {"w0"}, () if is_heard else {"w1"})
        assert not seen.is_over
    seen.finished("w1", "completed")
    assert (seen.is_over, seen.is_complete) == (True, True)


def test_a_master_that_was_paused_itself_takes_nobody_for_dead() -> None:
    seen = attendance()
    seen.see(10 * SECOND, {"w0", "w1"}, ())
    seen.see(50 * SECOND, {"w0", "w1"}, ())
    assert not seen.is_over


@pytest.mark.parametrize(("silent", "given_up_s"), [(True, 5), (False, 60)])
def test_after_the_plans_end_a_worker_is_not_waited_for_long(silent: bool, given_up_s: int) -> None:  # noqa: FBT001
    """Silent ones least: whatever they had to do is over."""
    seen = attendance()
    seen.finished("w0", "completed")
    seen.see(END - 2 * SECOND, {"w0", "w1"}, ())
    there, away = ({"w0"}, {"w1"}) if silent else ({"w0", "w1"}, set())
    seen.see(END + given_up_s * SECOND, there, away)
    assert not seen.is_over
    seen.see(END + given_up_s * SECOND + 1, there, away)
    assert seen.is_over


def test_nobody_who_has_no_part_in_the_run_counts() -> None:
    seen = attendance()
    seen.finished("w0", "completed")
    seen.finished("w1", "stopped")
    seen.see(10 * SECOND, {"w0", "w1", "w2"}, {"w3"})
    assert (seen.is_over, seen.is_complete) == (True, False)
