"""A hub that is held up is seen, for as long as the plan goes on."""

import time

import gevent

from loadtests.runtime.clock import Clock
from loadtests.runtime.periodic_timer import PeriodicTimer
from loadtests.worker.hub_lag import HubLag

FOREVER = 1 << 62
BEAT_S = 0.05


def watched(ends_at: int, hold_s: float) -> dict[str, float | None]:
    """Return what is told when the hub is held up for `hold_s`, from its start on."""
    clock = Clock.start().now
    stalls, beats = HubLag(clock, ends_at, BEAT_S), list[int]()

    def beat() -> None:
        stalls.beat()
        beats.append(clock())

    pulse = PeriodicTimer(BEAT_S, beat)
    stalls.begin()
    pulse.start()
    began = clock()
    while clock() - began < hold_s * 1e9:
        time.sleep(0.001)  # not gevent's: nobody else runs
    with gevent.Timeout(30):
        while len(beats) < 3:
            gevent.sleep(BEAT_S)
    pulse.stop()
    return stalls.to_json()


def test_a_hub_that_is_held_up_is_told_by_how_much() -> None:
    told = watched(FOREVER, 0.3)
    assert told["max"] is not None
    assert told["max"] >= 0.2


def test_before_the_first_beat_nothing_is_known() -> None:
    stalls = HubLag(Clock.start().now, FOREVER, BEAT_S)
    stalls.begin()
    assert stalls.to_json() == {"p99": None, "max": None}


def test_a_beat_in_time_is_no_stall_and_the_next_counts_from_it() -> None:
    now = [1_000_000_000]
    stalls = HubLag(lambda: now[0], FOREVER, BEAT_S)
    stalls.begin()
    for step_ms in (50, 50, 49, 70, 50):
        now[0] += step_ms * 1_000_000
        stalls.beat()
    assert stalls.to_json() == {"p99": 0.020095, "max": 0.020095}  # the end of its bucket


def test_what_comes_after_the_end_is_not_counted() -> None:
    """Everyone is cut off at once, when nothing is measured any more."""
    now = Clock.start().now()
    told = watched(now + 80_000_000, 0.5)
    assert told["max"] is not None
    assert told["max"] < 0.1


def test_a_beat_that_was_due_after_the_end_is_none() -> None:
    now = [1_000_000_000]
    stalls = HubLag(lambda: now[0], now[0] + 40_000_000, BEAT_S)
    stalls.begin()
    now[0] += 50_000_000
    stalls.beat()
    assert stalls.to_json() == {"p99": None, "max": None}
