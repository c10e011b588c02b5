"""A sleeper wakes when it is due, not before, in order, and one that is killed wakes nobody else."""

import gevent
import pytest

from loadtests.runtime.alarms import Alarms
from loadtests.runtime.clock import Clock

MS = 1_000_000


@pytest.fixture
def clock() -> Clock:
    return Clock.start()


@pytest.fixture
def alarms(clock: Clock) -> Alarms:
    return Alarms(clock)


def test_nobody_wakes_before_its_time_and_the_time_is_told(alarms: Alarms, clock: Clock) -> None:
    due_at = clock.now() + 20 * MS
    told = alarms.sleep_until(due_at)
    assert due_at <= told <= clock.now()


def test_what_is_due_already_is_not_slept_for(alarms: Alarms, clock: Clock) -> None:
    before = clock.now()
    others: list[str] = []
    gevent.spawn(others.append, "ran")
    assert alarms.sleep_until(before) >= before
    assert others == []


def test_sleepers_wake_in_the_order_of_their_times_whatever_order_they_came_in(alarms: Alarms, clock: Clock) -> None:
    start, woken = clock.now() + 5 * MS, list[int]()

    def sleep(turn: int) -> None:
        alarms.sleep_until(start + turn * MS)
        woken.append(turn)

    gevent.joinall([gevent.spawn(sleep, turn) for turn in (7, 2, 9, 0, 4, 1)], timeout=30, raise_error=True)
    assert woken == [0, 1, 2, 4, 7, 9]


def test_those_who_are_due_together_all_wake_and_others_run_in_between(alarms: Alarms, clock: Clock) -> None:
    due_at, order = clock.now() + 250 * MS, list[str]()

    def sleep() -> None:
        alarms.sleep_until(due_at)
        if not order:
            gevent.get_hub().loop.run_callback(order.append, "another")
        order.append("sleeper")

    gevent.joinall([gevent.spawn(sleep) for _ in range(300)], timeout=30, raise_error=True)
    assert (order.count("sleeper"), order.count("another")) == (300, 1)
    assert order.index("another") < 299


def test_a_sleeper_may_sleep_again_and_again(alarms: Alarms, clock: Clock) -> None:
    def sleep(step: int) -> int:
        due_at = clock.now()
        for _ in range(20):
            due_at += step * MS // 10
            assert alarms.sleep_until(due_at) >= due_at
        return step

    greenlets = [gevent.spawn(sleep, step) for step in range(1, 30)]
    gevent.joinall(greenlets, timeout=30, raise_error=True)
    assert [greenlet.value for greenlet in greenlets] == list(range(1, 30))


def test_one_that_is_killed_is_never_woken_and_keeps_nobody_from_waking(alarms: Alarms, clock: Clock) -> None:
    due_at, woken = clock.now() + 20 * MS, list[int]()

    def sleep(turn: int) -> None:
        alarms.sleep_until(due_at + turn)
        woken.append(turn)

    greenlets = [gevent.spawn(sleep, turn) for turn in range(4)]
    gevent.sleep(0)
    gevent.killall([greenlets[0], greenlets[2]])
    gevent.joinall(greenlets, timeout=30)
    assert woken == [1, 3]


def test_after_all_were_killed_who_sleeps_next_is_woken_all_the_same(alarms: Alarms, clock: Clock) -> None:
    due_at = clock.now() + 20 * MS
    killed = [gevent.spawn(alarms.sleep_until, due_at + turn) for turn in range(3)]
    gevent.sleep(0)
    gevent.killall(killed)
    gevent.sleep(max(0, due_at - clock.now()) / 1e9 + 0.02)  # it rings for nobody
    with gevent.Timeout(30):
        assert alarms.sleep_until(clock.now() + MS) > due_at


def test_one_that_fails_keeps_nobody_from_waking(alarms: Alarms, clock: Clock) -> None:
    due_at, woken = clock.now() + 10 * MS, list[int]()

    def sleep(turn: int) -> None:
        alarms.sleep_until(due_at + turn)
        if turn == 0:
            raise LookupError("a defect")
        woken.append(turn)

    gevent.joinall([gevent.spawn(sleep, turn) for turn in range(3)], timeout=30)
    assert woken == [1, 2]


def test_one_that_another_switches_to_by_mistake_sleeps_on(alarms: Alarms, clock: Clock) -> None:
    due_at = clock.now() + 50 * MS
    greenlet = gevent.spawn(alarms.sleep_until, due_at)
    gevent.sleep(0)
    gevent.get_hub().loop.run_callback(greenlet.switch)
    greenlet.join(30)
    assert greenlet.value >= due_at
