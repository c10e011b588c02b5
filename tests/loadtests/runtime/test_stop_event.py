"""A bell is heard by everyone who listens, whatever else is due in that moment."""

import time

import gevent
from gevent.event import Event

from loadtests.runtime.stop_event import StopEvent

BEAT_S = 0.01


def listen_on(event: Event) -> None:
    while not event.wait(timeout=BEAT_S):
        pass


def test_it_is_heard_by_all_though_each_looks_away_in_the_very_moment() -> None:
    bell = StopEvent()

    def ring() -> None:
        gevent.sleep(BEAT_S)
        bell.ring()

    ringing = gevent.spawn(ring)
    listening = [gevent.spawn(listen_on, bell.listen()) for _ in range(3)]
    gevent.sleep(0)
    time.sleep(5 * BEAT_S)  # holds the hub up: the ring and every timeout are due in its next turn
    assert set(gevent.joinall([ringing, *listening], timeout=10)) == {ringing, *listening}


def test_who_comes_after_it_rang_hears_it_too() -> None:
    bell = StopEvent()
    early = bell.listen()
    assert not early.is_set()
    bell.ring()
    assert early.is_set()
    assert bell.listen().is_set()
