"""A pulse beats until it is stopped, whatever a beat does."""

import time

import gevent

from loadtests.runtime.periodic_timer import PeriodicTimer

PERIOD_S = 0.005


def beats_of(pulse: PeriodicTimer, beats: list[float], count: int) -> None:
    pulse.start()
    with gevent.Timeout(30):
        while len(beats) < count:
            gevent.sleep(PERIOD_S)


def test_it_beats_no_faster_than_its_period_and_not_before_one_is_over() -> None:
    beats: list[float] = []
    pulse = PeriodicTimer(PERIOD_S, lambda: beats.append(time.monotonic()))
    began = time.monotonic()
    beats_of(pulse, beats, 10)
    pulse.stop()
    assert beats[9] - began >= 9 * PERIOD_S


def test_after_its_stop_nothing_beats_and_a_second_stop_is_no_matter() -> None:
    beats: list[float] = []
    pulse = PeriodicTimer(PERIOD_S, lambda: beats.append(time.monotonic()))
    beats_of(pulse, beats, 2)
    pulse.stop()
    pulse.stop()
    count = len(beats)
    gevent.sleep(10 * PERIOD_S)
    assert len(beats) == count


def test_a_beat_that_fails_ends_nothing() -> None:
    beats: list[float] = []

    def beat() -> None:
        beats.append(time.monotonic())
        if len(beats) == 1:
            raise LookupError("a defect")

    pulse = PeriodicTimer(PERIOD_S, beat)
    beats_of(pulse, beats, 3)
    pulse.stop()
    assert len(beats) >= 3
