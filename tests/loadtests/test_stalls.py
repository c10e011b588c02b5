"""A hub that is held up is seen, for as long as the plan goes on."""

import time

import gevent
from gevent.event import Event

from loadtests.clock import Clock
from loadtests.stalls import Stalls

FOREVER = 1 << 62


def watched(ends_at: int, hold_s: float, *, over_after_s: float = 0.0) -> dict[str, float | None]:
    """Return what is told when the hub is held up for `hold_s`, from its first look on."""
    clock, over = Clock.start().now, Event()
    stalls = Stalls(clock, ends_at)
    watching = gevent.spawn(stalls.watch, over)
    gevent.sleep(0)
    began = clock()
    while clock() - began < hold_s * 1e9:
        time.sleep(0.001)  # not gevent's: nobody else runs
    gevent.sleep(over_after_s)
    over.set()
    watching.join()
    return stalls.to_json()


def test_a_hub_that_is_held_up_is_told_by_how_much() -> None:
    told = watched(FOREVER, 0.3, over_after_s=0.2)
    assert told["max"] is not None
    assert told["max"] >= 0.2


def test_before_the_first_look_nothing_is_known() -> None:
    over = Event()
    over.set()
    stalls = Stalls(Clock.start().now, FOREVER)
    stalls.watch(over)
    assert stalls.to_json() == {"p99": None, "max": None}


def test_what_comes_after_the_end_is_not_counted() -> None:
    """Everyone is cut off at once, when nothing is measured any more."""
    now = Clock.start().now()
    told = watched(now + 80_000_000, 0.5, over_after_s=0.2)
    assert told["max"] is not None
    assert told["max"] < 0.1
